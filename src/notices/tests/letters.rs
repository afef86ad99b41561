//! What a letter is, whatever it tells (RFC 5322, 2045, 2047, 3834).

use postern_actors::notice::Composer;
use postern_model::LetterId;
use postern_model::record::{Actor, NoticeKind, OwedNotice, Reason};

use super::{LANGUAGES, body, decoded, field, letter, notices, owed, split, text_of, told};
use crate::notices::encoding;

fn blocked(text: &str) -> OwedNotice {
    OwedNotice {
        by: Actor::Operator,
        reason: Some(Reason::Operator),
        text: Some(text.to_owned()),
        ..owed(NoticeKind::AccessBlocked)
    }
}

fn is_well_formed(letter: &str) {
    assert!(letter.ends_with("\r\n"));
    for line in letter.strip_suffix("\r\n").unwrap_or(letter).split("\r\n") {
        assert!(line.len() <= 76, "{} octets: {line}", line.len());
        assert!(line.bytes().all(|b| matches!(b, b' '..=b'~')), "{line:?}");
        assert!(!line.ends_with(' '), "{line:?}");
    }
}

#[test]
fn lines_are_short_and_plain_in_every_language() {
    for language in LANGUAGES {
        for kind in NoticeKind::ALL {
            is_well_formed(&letter(&notices(), &owed(kind), language));
        }
    }
}

#[test]
fn n1_it_comes_from_the_postmaster_and_is_answered_by_nobody() {
    let letter = letter(&notices(), &owed(NoticeKind::AccessClosed), "en");
    assert!(letter.starts_with("Return-Path: <>\r\n"));
    assert_eq!(field(&letter, "From"), "\"Mail service of demo.test\" <postmaster@demo.test>");
    assert_eq!(field(&letter, "To"), "alice@demo.test");
    assert_eq!(field(&letter, "Date"), "Sun, 1 Mar 2026 10:00:05 +0000");
    assert_eq!(field(&letter, "Auto-Submitted"), "auto-generated");
    assert_eq!(field(&letter, "Content-Type"), "text/plain; charset=utf-8");
    assert_eq!(field(&letter, "Message-ID"), "<notice-2a@mail.demo.test>");
}

#[test]
fn n1_letters_of_one_kind_to_one_account_are_one_thread() {
    let notices = notices();
    let root = |kind, address, letter: u64| {
        let owed = owed(kind);
        let told = postern_actors::notice::Told { letter: LetterId(letter), ..told(&owed, address, "en") };
        let letter = text_of(notices.compose(&told));
        assert_eq!(field(&letter, "In-Reply-To"), field(&letter, "References"));
        field(&letter, "References")
    };
    let first = root(NoticeKind::AccessClosed, "alice@demo.test", 1);
    assert_eq!(first, root(NoticeKind::AccessClosed, "alice@demo.test", 2));
    assert_ne!(first, root(NoticeKind::AccessBlocked, "alice@demo.test", 3));
    assert_ne!(first, root(NoticeKind::AccessClosed, "bob@demo.test", 4));
    assert!(!first.contains("alice"), "{first}");
}

#[test]
fn a_language_that_is_not_here_is_english() {
    let letter = letter(&notices(), &owed(NoticeKind::Inactive), "de");
    assert_eq!(field(&letter, "Content-Language"), "en");
    assert_eq!(field(&letter, "Subject"), "Your mailbox has become inactive");
}

#[test]
fn free_text_stays_free_text() {
    let text = "one\r\nBcc: eve@evil.test\r\n\r\n{ $web } { page }\u{202e}two\0=?utf-8?B?eA==?=";
    let letter = letter(&notices(), &blocked(text), "en");
    is_well_formed(&letter);
    let (fields, _) = split(&letter);
    assert_eq!(fields.len(), 13);
    let shown = "Explanation: “one Bcc: eve@evil.test { $web } { page } two =?utf-8?B?eA==?=”";
    assert!(body(&letter).contains(shown), "{}", body(&letter));
}

#[test]
fn free_text_is_cut() {
    let letter = letter(&notices(), &blocked(&"ā".repeat(10_000)), "lv");
    assert!(body(&letter).contains(&format!("«{}…»", "ā".repeat(500))));
    assert!(!body(&letter).contains(&"ā".repeat(501)));
    let empty = super::letter(&notices(), &blocked(" \r\n "), "en");
    assert!(!body(&empty).contains("Explanation"));
}

#[test]
fn an_address_beyond_ascii_is_shown_and_breaks_nothing() {
    let owed = owed(NoticeKind::AccessClosed);
    let letter = text_of(notices().compose(&told(&owed, "jānis@xn--pasts-3va.test", "lv")));
    is_well_formed(&letter);
    assert_eq!(decoded(&field(&letter, "To")), "jānis@xn--pasts-3va.test:;");
    assert!(field(&letter, "From").ends_with("<postmaster@xn--pasts-3va.test>"));
    assert!(body(&letter).contains("pastkastei jānis@xn--pasts-3va.test"));
}

#[test]
fn an_odd_address_breaks_nothing() {
    let owed = owed(NoticeKind::AccessClosed);
    for address in ["\"a b\"@demo.test", "nobody", "a\r\nBcc: eve@evil.test", "", "x@", "x@[192.0.2.1]"] {
        let letter = text_of(notices().compose(&told(&owed, address, "ru")));
        is_well_formed(&letter);
        assert_eq!(split(&letter).0.len(), 13, "{address:?}");
    }
}

#[test]
fn text_is_encoded_as_rfc_2045_has_it() {
    let (name, text) = encoding::body("a=b ā \nlast\n");
    assert_eq!((name, text.as_str()), ("quoted-printable", "a=3Db =C4=81=20\r\nlast\r\n"));
    let (_, text) = encoding::body(&"x".repeat(77));
    assert_eq!(text, format!("{}=\r\nxx\r\n", "x".repeat(75)));
    let (_, text) = encoding::body(&"x".repeat(76));
    assert_eq!(text, format!("{}\r\n", "x".repeat(76)));
    let (name, text) = encoding::body("да\n");
    assert_eq!((name, text.as_str()), ("base64", "0LTQsA0K\r\n"));
}

#[test]
fn subjects_are_encoded_as_rfc_2047_has_it() {
    assert_eq!(encoding::unstructured("plain", "Subject: "), "plain");
    assert_eq!(encoding::unstructured("да", "Subject: "), "=?utf-8?B?0LTQsA==?=");
    assert_eq!(
        encoding::unstructured("=?utf-8?B?eA==?=", "Subject: "),
        "=?utf-8?B?PT91dGYtOD9CP2VBPT0/PQ==?="
    );
    let long = "ж".repeat(100);
    let encoded = encoding::unstructured(&long, "Subject: ");
    assert!(encoded.split("\r\n ").all(|word| word.len() <= 75 - "Subject: ".len()));
    assert_eq!(decoded(&encoded.replace("\r\n", "")), long);
    assert_eq!(encoding::phrase("a \"b\" \\"), "\"a \\\"b\\\" \\\\\"");
}
