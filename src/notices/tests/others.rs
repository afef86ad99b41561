//! Letters to others that a user has this server write: what they are, whatever they answer (RFC 3834, SPEC D6).

use mail_parser::MessageParser;
use postern_actors::notice::Composer;
use postern_actors::rules::{ForwardRequest, VacationReply};
use postern_model::mime::Octets;
use postern_model::{EmailAddress, LetterId};

use super::{LANGUAGES, body, decoded, field, notices, split, text_of, time};

fn address(text: &str) -> EmailAddress {
    EmailAddress::parse(text).expect(text)
}

/// A reply of alice@demo.test's to bob@b.test.
fn reply(
    subject: Option<&str>,
    answered_subject: &[u8],
    answered: Option<&[u8]>,
    references: &[&[u8]],
) -> String {
    let references: Vec<Octets> = references.iter().map(|id| Octets::from(*id)).collect();
    text_of(notices().vacation(&VacationReply {
        letter: LetterId(0x2a),
        now: time("2026-03-01T10:00:05Z"),
        from: &address("alice@demo.test"),
        to: &address("bob@b.test"),
        subject,
        text: "I am away until Monday.\r\nAtā!\n",
        answered_subject,
        answered,
        references: &references,
    }))
}

#[test]
fn rfc_3834_3_1_a_reply_says_what_it_is_and_what_it_answers() {
    let letter = reply(None, b"Lunch =?utf-8?Q?r=C4=ABt?=", Some(b"3@b.test"), &[b"1@b.test", b"2@b.test"]);
    for (name, expected) in [
        ("From", "alice@demo.test"),
        ("To", "bob@b.test"),
        ("Date", "Sun, 1 Mar 2026 10:00:05 +0000"),
        ("Message-ID", "<vacation-2a@mail.demo.test>"),
        ("In-Reply-To", "<3@b.test>"),
        ("References", "<1@b.test> <2@b.test> <3@b.test>"),
        ("Auto-Submitted", "auto-replied (vacation)"),
    ] {
        assert_eq!(field(&letter, name), expected);
    }
    assert_eq!(decoded(&field(&letter, "Subject")), "Auto: Lunch rīt");
    assert_eq!(body(&letter), "I am away until Monday.\nAtā!\n");
    assert!(!letter.contains("Precedence") && !letter.contains("Return-Path"));
}

#[test]
fn a_subject_of_the_users_own_takes_the_place() {
    let letter = reply(Some("Prom"), b"x", None, &[]);
    assert_eq!(field(&letter, "Subject"), "Prom");
    assert!(!letter.contains("In-Reply-To") && !letter.contains("References"));
}

#[test]
fn what_a_stranger_wrote_stays_in_its_field() {
    let long = vec![b'x'; 5_000];
    for (subject, id) in [
        (&b"a\r\nBcc: eve@evil.test\r\n\r\nb"[..], &b"a\r\nBcc: eve@evil.test"[..]),
        (b"\xff\xfe\x00\x1b[2J", b"\xff\xfe"),
        (&long, &long),
        (b"", b""),
    ] {
        let letter = reply(None, subject, Some(id), &[id, b"good@b.test"]);
        assert!(letter.split("\r\n").all(|line| line.len() <= 998 && line.is_ascii()), "{letter}");
        let (fields, _) = split(&letter);
        assert!(fields.iter().all(|(name, _)| name != "Bcc"), "{letter}");
        let parsed = MessageParser::default().parse(letter.as_bytes()).expect("a letter");
        assert!(parsed.subject().is_some_and(|subject| subject.starts_with("Auto:")));
        assert_eq!(parsed.text_bodies().count(), 1);
    }
}

#[test]
fn d6_whoever_is_asked_reads_who_asks_and_gets_the_word() {
    for language in LANGUAGES {
        let letter = text_of(notices().forward_request(&ForwardRequest {
            letter: LetterId(0x2a),
            now: time("2026-03-01T10:00:05Z"),
            from: &address("alice@demo.test"),
            language,
            to: &address("bob@b.test"),
            token: "abcde-fghjk-mnpqr-stuvw",
        }));
        let parsed = MessageParser::default().parse(letter.as_bytes()).expect("a letter");
        let text = parsed.body_text(0).expect("a text");
        for said in
            ["alice@demo.test", "bob@b.test", "\nabcde-fghjk-mnpqr-stuvw\r\n", "https://mail.demo.test/"]
        {
            assert!(text.contains(said), "{language}: {said}: {text}");
        }
        assert_eq!(field(&letter, "From"), "<postmaster@demo.test>");
        assert_eq!(field(&letter, "Auto-Submitted"), "auto-generated");
        assert_eq!(field(&letter, "Content-Language"), language);
    }
}
