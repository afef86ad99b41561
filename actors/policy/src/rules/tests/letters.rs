use postern_model::record::{ForwardState, ForwardTo, Replies, Rules, Vacation};
use postern_model::{EmailAddress, MailFrom, Timestamp};

use super::super::{Effects, Header, Letter, Silence, blocks, effects, note, vacation};
use crate::dated::at;

fn address(text: &str) -> EmailAddress {
    EmailAddress::parse(text).expect(text)
}

fn from(text: &str) -> MailFrom {
    if text.is_empty() { MailFrom::Null } else { MailFrom::Address(address(text)) }
}

fn away() -> Vacation {
    Vacation { on: true, text: "I am away.".into(), ..Vacation::default() }
}

/// What alice@demo.test's vacation reply, who is sales@demo.test too, says to a letter.
fn says(rule: &Vacation, mail_from: &str, header: &str, now: Timestamp) -> String {
    let (mail_from, header, own) =
        (from(mail_from), Header::of(header.as_bytes()), address("alice@demo.test"));
    let letter = Letter { mail_from: &mail_from, header: &header, junk: false, own: &own };
    let is_own = |one: &EmailAddress| {
        one.key().is_some_and(|key| ["alice@demo.test", "sales@demo.test"].contains(&&key[..]))
    };
    match vacation(rule, &letter, &is_own, now) {
        Ok(to) => format!("answers {to}"),
        Err(Silence::Automatic(why)) => format!("silent: {why}"),
        Err(why) => format!("silent: {why:?}"),
    }
}

#[test]
fn rfc_3834_who_is_answered() {
    let to = "To: Alice <ALICE@demo.test>\r\n";
    for (mail_from, header, expected) in [
        ("bob@b.test", to, "answers bob@b.test"),
        ("bob@b.test", "Cc: x@x.test, sales@demo.test\r\n", "answers bob@b.test"),
        ("bob@b.test", "To: x@x.test\r\nResent-To: alice@demo.test\r\n", "answers bob@b.test"),
        ("bob@b.test", "To: friends:alice@demo.test;\r\n", "answers bob@b.test"),
        ("bob@b.test", "To: x@x.test\r\n", "silent: NotNamed"),
        ("bob@b.test", "", "silent: NotNamed"),
        ("", to, "silent: Null"),
        ("sales@demo.test", to, "silent: Own"),
        ("owner-list@b.test", to, "silent: Machine"),
        ("list-request@b.test", to, "silent: Machine"),
        ("LIST-bounces@b.test", to, "silent: Machine"),
        ("MAILER-DAEMON@b.test", to, "silent: Machine"),
        ("noreply@b.test", to, "silent: Machine"),
        ("bob@b.test", "To: alice@demo.test\r\nFrom: no-reply@b.test\r\n", "silent: Machine"),
    ] {
        assert_eq!(
            says(&away(), mail_from, header, at("2026-03-01 10:00:00")),
            expected,
            "{mail_from} {header}"
        );
    }
}

#[test]
fn rfc_3834_what_is_not_answered() {
    for (field, expected) in [
        ("Auto-Submitted: no", "answers bob@b.test"),
        ("Auto-Submitted: No (a person)", "answers bob@b.test"),
        ("Auto-Submitted: auto-replied", "silent: auto-submitted"),
        ("auto-submitted: (x) auto-generated; y=z", "silent: auto-submitted"),
        ("Auto-Submitted:", "silent: auto-submitted"),
        ("Precedence: bulk", "silent: precedence"),
        ("Precedence: LIST", "silent: precedence"),
        ("Precedence: junk", "silent: precedence"),
        ("Precedence: first-class", "answers bob@b.test"),
        ("List-Id: <x.b.test>", "silent: list"),
        ("List-Unsubscribe: <mailto:x@b.test>", "silent: list"),
        ("X-Loop: x", "silent: list"),
        ("X-Auto-Response-Suppress: OOF, AutoReply", "silent: suppressed"),
        ("X-Auto-Response-Suppress: None", "answers bob@b.test"),
        ("Content-Type: multipart/report; report-type=delivery-status", "silent: report"),
        ("Content-Type: text/plain", "answers bob@b.test"),
        ("Importance: high", "answers bob@b.test"),
    ] {
        let header = format!("{field}\r\nTo: alice@demo.test\r\n\r\n");
        assert_eq!(says(&away(), "bob@b.test", &header, at("2026-03-01 10:00:00")), expected, "{field}");
    }
}

#[test]
fn a_vacation_has_a_beginning_and_an_end() {
    let dates = |from: &str, until: &str| Vacation { from: Some(at(from)), until: Some(at(until)), ..away() };
    let week = dates("2026-03-01 00:00:00", "2026-03-08 00:00:00");
    for (now, expected) in [
        ("2026-02-28 23:59:59", "silent: Off"),
        ("2026-03-01 00:00:00", "answers bob@b.test"),
        ("2026-03-07 23:59:59", "answers bob@b.test"),
        ("2026-03-08 00:00:00", "silent: Off"),
    ] {
        assert_eq!(says(&week, "bob@b.test", "To: alice@demo.test\r\n", at(now)), expected, "{now}");
    }
    for off in [Vacation { on: false, ..away() }, Vacation { text: String::new(), ..away() }] {
        assert_eq!(
            says(&off, "bob@b.test", "To: alice@demo.test\r\n", at("2026-03-01 00:00:00")),
            "silent: Off"
        );
    }
    let elsewhere = Vacation { addresses: vec!["Alice@old.test".into()], ..away() };
    let now = at("2026-03-01 00:00:00");
    assert_eq!(says(&elsewhere, "bob@b.test", "To: alice@OLD.test\r\n", now), "answers bob@b.test");
}

#[test]
fn a_correspondent_has_one_reply_in_so_many_days() {
    let mut replies = Replies::default();
    for (now, who, expected) in [
        ("2026-03-01 10:00:00", 1, true),
        ("2026-03-01 10:00:01", 1, false),
        ("2026-03-01 10:00:01", 2, true),
        ("2026-03-08 09:59:59", 1, false),
        ("2026-03-08 10:00:00", 1, true),
        ("2026-03-14 10:00:00", 1, false),
        ("2026-03-15 10:00:00", 1, true),
        // The clock was put back: better one reply too few.
        ("2026-03-01 10:00:00", 1, false),
    ] {
        let noted = note(&replies, who, 7, at(now));
        assert_eq!(noted.is_some(), expected, "{now} {who}");
        replies = noted.unwrap_or(replies);
    }
    for who in 0..2 * Replies::MOST as u64 {
        replies = note(&replies, 1_000_000 + who, 7, at("2026-03-20 10:00:00")).expect("a new one");
        assert!(replies.sent.len() <= Replies::MOST);
    }
}

fn to(address: &str, state: ForwardState) -> ForwardTo {
    ForwardTo { address: address.into(), state, failed: Vec::new() }
}

fn confirmed(address: &str) -> ForwardTo {
    to(address, ForwardState::Confirmed { at: Timestamp(0) })
}

fn does(rules: &Rules, mail_from: &str, header: &str, junk: bool) -> Effects {
    let (mail_from, header, own) =
        (from(mail_from), Header::of(header.as_bytes()), address("alice@demo.test"));
    effects(rules, &Letter { mail_from: &mail_from, header: &header, junk, own: &own })
}

#[test]
fn d6_only_confirmed_addresses_get_letters_and_junk_never_goes_on() {
    let (pending, stopped) = (
        to("p@x.test", ForwardState::Pending { token: [0; 32], since: Timestamp(0) }),
        to("s@x.test", ForwardState::Stopped { at: Timestamp(0) }),
    );
    let stays = Effects { junk: false, keep: true, forward: vec![] };
    let without = Rules { keep: false, ..Rules::default() };
    let waits = Rules { forwards: vec![pending.clone(), stopped.clone()], ..without.clone() };
    assert_eq!(does(&waits, "bob@b.test", "", false), stays, "nobody gets it, so it is kept");
    let goes = Rules { forwards: vec![pending, confirmed("c@x.test"), stopped], ..without };
    let went = Effects { junk: false, keep: false, forward: vec![address("c@x.test")] };
    assert_eq!(does(&goes, "bob@b.test", "", false), went);
    assert_eq!(does(&goes, "", "", false), went);
    assert_eq!(
        does(&Rules { keep: true, ..goes.clone() }, "", "", false),
        Effects { keep: true, ..went.clone() }
    );
    assert_eq!(does(&goes, "bob@b.test", "", true), stays);
    let blocking = Rules { blocked: vec!["@b.test".into()], ..goes.clone() };
    assert_eq!(does(&blocking, "bob@b.test", "", false), Effects { junk: true, ..stays.clone() });
    assert_eq!(
        does(&blocking, "x@x.test", "From: Bob <bob@B.test>\r\n", false),
        Effects { junk: true, ..stays.clone() }
    );
    // Loops: it was here before, or has come a long way.
    assert_eq!(
        does(&goes, "bob@b.test", "Delivered-To: bob@b.test\r\nDelivered-To: Alice@demo.test\r\n", false),
        stays
    );
    assert_eq!(does(&goes, "bob@b.test", &"Received: x\r\n".repeat(49), false), went);
    assert_eq!(does(&goes, "bob@b.test", &"Received: x\r\n".repeat(50), false), stays);
}

#[test]
fn d6_an_address_a_domain_and_all_below_it_can_be_blocked() {
    let blocked = ["@spam.test", "bob@b.test", "postmaster@demo.test"].map(str::to_owned).to_vec();
    let rules = Rules { blocked, ..Rules::default() };
    for (from, expected) in [
        ("bob@b.test", true),
        ("BOB@B.test", true),
        ("bobby@b.test", false),
        ("bob@x.b.test", false),
        ("anybody@spam.test", true),
        ("anybody@mail.spam.test", true),
        ("anybody@notspam.test", false),
        ("postmaster@demo.test", false),
        ("postmaster@spam.test", true),
    ] {
        assert_eq!(blocks(&rules, &address(from), &address("alice@demo.test")), expected, "{from}");
    }
}

#[test]
fn a_header_of_any_size_is_read_within_bounds() {
    let many: String =
        (0..10_000).map(|n| format!("To: a{n}@x.test\r\nDelivered-To: b{n}@x.test\r\n")).collect();
    let header = Header::of(many.as_bytes());
    assert_eq!((header.addressed.len(), header.passed.len()), (100, 100));
}
