//! Every refusal in every protocol's words.

use super::*;
use postern_model::Timestamp;

fn places() -> Places {
    Places { web: "https://demo.test/".into(), support: "https://demo.test/help".into(), zone: TimeZone::UTC }
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).expect("a time")
}

/// Every refusal, each reason with it, with POP3's and SMTP's codes.
fn table() -> Vec<(Refusal, &'static str, &'static str)> {
    let (protocol, until) = (Protocol::Pop3, Some(at("2026-03-02T10:00:00Z")));
    let time = Duration::from_secs(90);
    let mut table = vec![
        (Refusal::BadCredentials { bare_name: false }, "AUTH", "535 5.7.8"),
        (Refusal::BadCredentials { bare_name: true }, "AUTH", "535 5.7.8"),
        (Refusal::TooManyFailures { retry_after: time }, "SYS/TEMP", "454 4.7.0"),
        (Refusal::AccessPending { protocol, opens_at: Timestamp::NEVER }, "SYS/TEMP", "454 4.7.0"),
        (Refusal::Suspended, "SYS/PERM", "525 5.7.13"),
        (Refusal::PlaintextRefused, "SYS/PERM", "525 5.7.13"),
        (Refusal::TooManySessions { limit: 20 }, "SYS/TEMP", "421 4.7.0"),
        (Refusal::ClientPasswordNeeded, "AUTH", "535 5.7.8"),
        (Refusal::InUse, "IN-USE", "451 4.3.0"),
        (Refusal::TooSoon { interval: time, retry_after: time }, "LOGIN-DELAY", "454 4.7.0"),
        (Refusal::SendLimit { limit: 5, window: time, retry_after: time }, "", "451 4.7.0"),
        (Refusal::TooManyRecipients { limit: 100 }, "", "452 4.5.3"),
        (Refusal::SenderNotOwned, "", "553 5.7.1"),
        (Refusal::AuthorNotOwned, "", "550 5.7.1"),
        (Refusal::NoSuchMailbox, "", "550 5.1.1"),
        (Refusal::InactiveMailbox, "", "550 5.2.1"),
        (Refusal::NoRoute, "", "550 5.7.1"),
        (Refusal::MailboxFull { ever: false }, "", "452 4.2.2"),
        (Refusal::MailboxFull { ever: true }, "", "552 5.2.2"),
        (Refusal::QueueFull, "", "452 4.3.1"),
        (Refusal::Unwanted { why: Unwanted::Greylisted, permanent: false, text: None }, "", "451 4.7.1"),
        (
            Refusal::Unwanted { why: Unwanted::Filter, permanent: true, text: Some("x".repeat(600)) },
            "",
            "550 5.7.1",
        ),
        (Refusal::StoreFull, "SYS/TEMP", "452 4.3.1"),
        (Refusal::Unavailable, "SYS/TEMP", "451 4.3.0"),
        (Refusal::Stopping, "SYS/TEMP", "421 4.3.2"),
    ];
    table.extend(folders().into_iter().map(|(refusal, _)| (refusal, "", "452 4.3.1")));
    // What an operator may say: nothing, something that would break the line, and far too much.
    for text in [None, Some("a\r\n250 b".to_owned()), Some("\u{101}".repeat(2000))] {
        for reason in Reason::ALL.into_iter().map(Some).chain([None]) {
            let text = text.clone();
            let off = Refusal::AccessOff { protocol, reason, text: text.clone() };
            let blocked = Refusal::AccessBlocked { protocol, reason, text: text.clone() };
            table.extend([(off, "SYS/PERM", "525 5.7.13"), (blocked, "SYS/PERM", "525 5.7.13")]);
            if let Some(reason) = reason {
                table.push((Refusal::SendingLocked { reason, text, until }, "", "550 5.7.1"));
            }
        }
    }
    table
}

/// Refusals that only IMAP knows, with its codes.
fn folders() -> Vec<(Refusal, &'static str)> {
    vec![
        (Refusal::NoSuchFolder, "NONEXISTENT"),
        (Refusal::FolderExists, "ALREADYEXISTS"),
        (Refusal::BadFolderName(postern_model::imap::BadName::Control), "CANNOT"),
        (Refusal::FolderInItself, "CANNOT"),
        (Refusal::InboxStays, "CANNOT"),
        (Refusal::HasChildren, "HASCHILDREN"),
        (Refusal::TooManyFolders { limit: 7 }, "LIMIT"),
        (Refusal::UseTaken, "USEATTR"),
        (Refusal::OverQuota { limit: 1 << 30 }, "OVERQUOTA"),
        (Refusal::FolderFull, "LIMIT"),
        (Refusal::TooManyAnnotations { limit: 7 }, "METADATA TOOMANY"),
        (Refusal::AnnotationTooLong { limit: 7 }, "METADATA MAXSIZE 7"),
    ]
}

/// SPEC A4: IMAP's codes for who may not log in.
#[test]
fn imap_has_a_code_for_each() {
    let (protocol, opens_at) = (Protocol::Imap, Timestamp::NEVER);
    let (reason, text) = (None, None);
    let mut table = folders();
    table.extend([
        (Refusal::BadCredentials { bare_name: false }, "AUTHENTICATIONFAILED"),
        (Refusal::AccessOff { protocol, reason, text: text.clone() }, "NOPERM"),
        (Refusal::AccessBlocked { protocol, reason, text }, "CONTACTADMIN"),
        (Refusal::AccessPending { protocol, opens_at }, "UNAVAILABLE"),
        (Refusal::PlaintextRefused, "PRIVACYREQUIRED"),
    ]);
    for (refusal, code) in table {
        let (found, text) = imap(&refusal, &places());
        assert_eq!(found.as_deref(), Some(code), "{refusal:?}");
        assert!(!text.is_empty() && !text.contains(['\r', '\n']), "{text}");
    }
}

/// A new kind of refusal does not compile here until it has its place in [`table`].
fn kind(refusal: &Refusal) -> usize {
    use Refusal as R;
    match refusal {
        R::BadCredentials { .. } => 0,
        R::TooManyFailures { .. } => 1,
        R::AccessOff { .. } => 2,
        R::AccessPending { .. } => 3,
        R::AccessBlocked { .. } => 4,
        R::Suspended => 5,
        R::PlaintextRefused => 6,
        R::TooManySessions { .. } => 7,
        R::ClientPasswordNeeded => 8,
        R::InUse => 9,
        R::TooSoon { .. } => 10,
        R::SendingLocked { .. } => 11,
        R::SendLimit { .. } => 12,
        R::TooManyRecipients { .. } => 13,
        R::SenderNotOwned => 14,
        R::AuthorNotOwned => 15,
        R::NoSuchMailbox => 16,
        R::InactiveMailbox => 17,
        R::NoRoute => 18,
        R::StoreFull => 19,
        R::Unavailable => 20,
        R::Stopping => 21,
        R::NoSuchFolder => 22,
        R::FolderExists => 23,
        R::BadFolderName(_) => 24,
        R::FolderInItself => 25,
        R::InboxStays => 26,
        R::HasChildren => 27,
        R::TooManyFolders { .. } => 28,
        R::UseTaken => 29,
        R::OverQuota { .. } => 30,
        R::FolderFull => 31,
        R::TooManyAnnotations { .. } => 32,
        R::AnnotationTooLong { .. } => 33,
        R::MailboxFull { .. } => 34,
        R::QueueFull => 35,
        R::Unwanted { .. } => 36,
    }
}
const KINDS: usize = 37;

#[test]
fn every_refusal_is_one_line_with_its_code() {
    let url = format!("https://{}", "a".repeat(192));
    let places = Places { web: url.clone(), support: url, zone: TimeZone::UTC };
    let table = table();
    for (refusal, pop3_code, smtp_code) in &table {
        let line = pop3(refusal, &places);
        let start = if pop3_code.is_empty() { "-ERR ".to_owned() } else { format!("-ERR [{pop3_code}] ") };
        assert!(line.starts_with(&start), "{line}");
        assert_eq!(pop3_code.is_empty(), !line.starts_with("-ERR ["), "{line}");
        let reply = smtp(refusal, &places);
        let codes = format!("{} {}", reply.code.value(), reply.enhanced.of(reply.code.severity()));
        assert_eq!(codes, *smtp_code, "{refusal:?}");
        for line in [line, format!("{codes} {}", reply.text)] {
            assert!(!line.contains(['\r', '\n']), "{line}");
            assert!(line.len() + 2 <= 512, "{} octets: {line}", line.len());
        }
    }
    for wanted in 0..KINDS {
        assert!(table.iter().any(|(refusal, ..)| kind(refusal) == wanted), "kind {wanted} has no row");
    }
}

fn said(refusal: &Refusal) -> String {
    text(refusal, &places())
}

#[test]
fn a_line_says_what_why_until_when_and_what_to_do() {
    let off = |reason| Refusal::AccessOff { protocol: Protocol::Pop3, reason, text: None };
    assert_eq!(
        said(&off(None)),
        "POP3 access for mail programs is switched off. Switch it on at https://demo.test/"
    );
    assert_eq!(
        said(&off(Some(Reason::Theft))),
        "POP3 access for mail programs is switched off, because somebody else seems to have your password \
         (suspected theft). Change your password at https://demo.test/ and then switch it on again there"
    );
    let opens_at = at("2026-03-01T10:15:00.5Z");
    assert_eq!(
        said(&Refusal::AccessPending { protocol: Protocol::Smtp, opens_at }),
        "SMTP access for mail programs opens at 2026-03-01 10:15:01 UTC. Try again then. If you did not \
         switch it on, cancel it at https://demo.test/"
    );
    let text = Some("see our terms, 4.2".to_owned());
    assert_eq!(
        said(&Refusal::SendingLocked { reason: Reason::Terms, text, until: None }),
        "Sending is locked for this account, because of a violation of the terms of use (see our terms, \
         4.2). Ask for help at https://demo.test/help"
    );
    let until = Some(at("2026-03-01T10:15:00Z"));
    assert_eq!(
        said(&Refusal::SendingLocked { reason: Reason::Pushing, text: None, until }),
        "Sending is locked for this account until 2026-03-01 10:15:00 UTC, because letters were pushed \
         against the sending limits again and again. Wait until then. See https://demo.test/"
    );
}

#[test]
fn limits_are_named_with_the_seconds_left() {
    let limit = |limit, window, left| Refusal::SendLimit {
        limit,
        window: Duration::from_secs(window),
        retry_after: Duration::from_millis(left),
    };
    assert_eq!(
        said(&limit(5, 60, 36_001)),
        "At most 5 letters may be sent in any 60 seconds. The next may go in 37 seconds."
    );
    assert_eq!(
        said(&limit(15, 3600, 2_345_000)),
        "At most 15 letters may be sent in any 60 minutes. The next may go in 2345 seconds (40 minutes)."
    );
    assert!(said(&limit(1, 86_400, 1)).starts_with("At most 1 letter may be sent in any 24 hours."));
    let interval = Duration::from_secs(300);
    let soon = Refusal::TooSoon { interval, retry_after: Duration::from_secs(119) };
    assert!(said(&soon).starts_with("Mail may be checked once in 5 minutes. Check again in 119 seconds"));
}

#[test]
fn times_are_shown_in_the_operators_zone() {
    let zone = TimeZone::fixed(jiff::tz::offset(2));
    let places = Places { zone, ..places() };
    let pending = Refusal::AccessPending { protocol: Protocol::Pop3, opens_at: at("2026-03-01T10:15:00Z") };
    assert!(text(&pending, &places).contains("opens at 2026-03-01 12:15:00 +02."));
}

#[test]
fn seconds_are_rounded_up_so_that_nobody_comes_too_early() {
    assert_eq!(span(Duration::from_millis(1500)), "2 seconds");
    assert_eq!(span(Duration::from_secs(121)), "3 minutes");
    assert_eq!(span(Duration::ZERO), "1 second");
}
