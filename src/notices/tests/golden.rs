//! Every notice, for every reason, in every language, against `golden/`. `GOLDEN=write` writes these files anew; then
//! somebody who knows the language reads the difference.

use std::path::{Path, PathBuf};

use postern_model::Protocol;
use postern_model::record::{Actor, NoticeKind, OwedNotice, Reason};

use super::{LANGUAGES, body, decoded, field, letter, notices, owed, time};

fn matches(file: &str, text: &str) {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/notices/golden").join(file);
    if std::env::var_os("GOLDEN").is_some_and(|what| what == "write") {
        std::fs::write(&path, text).expect("the golden file can be written");
    }
    let golden = std::fs::read_to_string(&path).expect("the golden file is there");
    for (written, expected) in text.split("====").zip(golden.split("====")) {
        assert_eq!(written, expected, "{file}");
    }
    assert_eq!(text.len(), golden.len(), "{file} has other letters");
}

fn closed(by: Actor, reason: Reason) -> OwedNotice {
    let protocols = match reason {
        Reason::Idle | Reason::TooManyConnections | Reason::Inactive => vec![Protocol::Pop3],
        _ => Protocol::ALL.to_vec(),
    };
    OwedNotice { by, reason: Some(reason), protocols, ..owed(NoticeKind::AccessClosed) }
}

fn locked(by: Actor, reason: Reason, until: Option<&str>) -> OwedNotice {
    let protocols = vec![Protocol::Smtp];
    OwedNotice {
        by,
        reason: Some(reason),
        then: until.map(time),
        protocols,
        ..owed(NoticeKind::SendingLocked)
    }
}

/// What users can be told, each under a name of its own.
fn cases() -> Vec<(&'static str, OwedNotice)> {
    let soon = Some(time("2026-03-01T10:15:00Z"));
    let next_week = Some(time("2026-03-29T01:00:00Z"));
    let from = Some("192.0.2.7".parse().expect("an address"));
    let both = vec![Protocol::Pop3, Protocol::Smtp];
    let said = Some("Call us before you switch it on: 6700 0000.".to_owned());
    let operator = Actor::Operator;
    let requested = OwedNotice {
        by: Actor::User,
        protocols: both.clone(),
        then: soon,
        from,
        ..owed(NoticeKind::AccessRequested)
    };
    let blocked = OwedNotice {
        by: operator,
        reason: Some(Reason::Operator),
        protocols: both,
        ..owed(NoticeKind::AccessBlocked)
    };
    let warning = OwedNotice { then: next_week, ..owed(NoticeKind::IdleWarning) };
    let unlocked = OwedNotice { protocols: vec![Protocol::Smtp], ..owed(NoticeKind::SendingUnlocked) };
    let plaintext = OwedNotice { by: Actor::User, from, ..owed(NoticeKind::PlaintextPassword) };
    let forwarding = OwedNotice {
        by: Actor::User,
        text: Some("alice@elsewhere.test".to_owned()),
        protocols: vec![],
        ..owed(NoticeKind::ForwardingOn)
    };
    vec![
        ("access-requested by the user", requested.clone()),
        ("access-requested without an address", OwedNotice { from: None, ..requested.clone() }),
        ("access-requested by an operator", OwedNotice { by: operator, from: None, ..requested }),
        ("access-closed: idle", closed(Actor::Timer, Reason::Idle)),
        ("access-closed: inactive", closed(operator, Reason::Inactive)),
        ("access-closed: too many connections", closed(Actor::Abuse, Reason::TooManyConnections)),
        ("access-closed: theft", closed(Actor::Abuse, Reason::Theft)),
        ("access-closed: pushing", closed(Actor::Abuse, Reason::Pushing)),
        ("access-closed: terms", closed(operator, Reason::Terms)),
        ("access-closed: operator", OwedNotice { text: said.clone(), ..closed(operator, Reason::Operator) }),
        ("access-closed: no reason", OwedNotice { reason: None, ..closed(Actor::Timer, Reason::Idle) }),
        ("access-blocked", OwedNotice { text: said, ..blocked.clone() }),
        ("access-blocked: terms", OwedNotice { reason: Some(Reason::Terms), ..blocked }),
        ("access-unblocked", OwedNotice { by: operator, ..owed(NoticeKind::AccessUnblocked) }),
        ("idle-warning", warning.clone()),
        (
            "inactive-warning",
            OwedNotice { notice: NoticeKind::InactiveWarning, protocols: vec![], ..warning },
        ),
        ("inactive", OwedNotice { reason: Some(Reason::Inactive), ..owed(NoticeKind::Inactive) }),
        (
            "inactive by an operator",
            OwedNotice { by: operator, protocols: vec![], ..owed(NoticeKind::Inactive) },
        ),
        ("sending-locked: pushing", locked(Actor::Abuse, Reason::Pushing, Some("2026-03-02T10:00:00Z"))),
        ("sending-locked: theft", locked(Actor::Abuse, Reason::Theft, Some("2026-03-02T10:00:00Z"))),
        ("sending-locked: terms", locked(operator, Reason::Terms, None)),
        ("sending-locked: operator", locked(operator, Reason::Operator, None)),
        ("sending-unlocked", unlocked.clone()),
        ("sending-unlocked by an operator", OwedNotice { by: operator, ..unlocked }),
        ("plaintext-password", plaintext.clone()),
        ("plaintext-password without an address", OwedNotice { from: None, ..plaintext }),
        ("storage-low", owed(NoticeKind::StorageLow)),
        ("storage-out", owed(NoticeKind::StorageOut)),
        ("forwarding-on by the user", forwarding.clone()),
        ("forwarding-on by an operator", OwedNotice { by: operator, ..forwarding.clone() }),
        ("forwarding-stopped", OwedNotice { notice: NoticeKind::ForwardingStopped, ..forwarding }),
    ]
}

#[test]
fn n2_every_notice_reads_as_it_was_read_over() {
    let (notices, cases) = (notices(), cases());
    for kind in NoticeKind::ALL {
        assert!(cases.iter().any(|(_, owed)| owed.notice == kind), "{kind:?} is told nowhere here");
    }
    for language in LANGUAGES {
        let mut text = String::new();
        for (name, owed) in &cases {
            let letter = letter(&notices, owed, language);
            let shown = |name| format!("{name}: {}\n", decoded(&field(&letter, name)));
            text.push_str(&format!("==== {name}\n{}{}\n", shown("From"), shown("Subject")));
            text.push_str(&body(&letter));
            text.push('\n');
        }
        matches(&format!("{language}.txt"), &text);
    }
}

#[test]
fn a_letter_is_these_bytes() {
    for language in LANGUAGES {
        let (_, requested) = cases().swap_remove(0);
        matches(&format!("{language}.eml"), &letter(&notices(), &requested, language));
    }
}
