//! The letters as users read them (`golden`), what a letter is whatever it tells (`letters`), the pieces of sentences
//! (`phrases`), and an operator's templates (`templates`).

mod golden;
mod letters;
mod others;
mod phrases;
mod templates;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::tz::TimeZone;
use postern_actors::notice::{Composer, Told};
use postern_model::record::{Actor, NoticeKind, OwedNotice};
use postern_model::{LetterId, Protocol, Timestamp};
use postern_policy::access;

use super::{Facts, Notices};

const LANGUAGES: [&str; 3] = ["en", "lv", "ru"];

fn time(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).expect("a time in a test")
}

fn facts() -> Facts {
    Facts {
        hostname: "mail.demo.test".to_owned(),
        web: "https://mail.demo.test/".to_owned(),
        support: "https://mail.demo.test/help".to_owned(),
        zone: TimeZone::get("Europe/Riga").expect("a zone of the database"),
        access: access::Figures::default(),
        inactive_refuses_mail: false,
    }
}

fn notices() -> Notices {
    Notices::load(None, facts()).expect("the built-in templates are sound")
}

/// A notice about POP3 by a deadline, at 12:00 in Riga.
fn owed(notice: NoticeKind) -> OwedNotice {
    OwedNotice {
        at: time("2026-03-01T10:00:00Z"),
        notice,
        protocols: vec![Protocol::Pop3],
        by: Actor::Timer,
        reason: None,
        text: None,
        then: None,
        from: None,
    }
}

fn told<'a>(notice: &'a OwedNotice, address: &'a str, language: &'a str) -> Told<'a> {
    Told { address, language, letter: LetterId(0x2a), now: time("2026-03-01T10:00:05Z"), notice }
}

/// The letter to alice@demo.test.
fn letter(notices: &Notices, notice: &OwedNotice, language: &str) -> String {
    text_of(notices.compose(&told(notice, "alice@demo.test", language)))
}

fn text_of(letter: Vec<u8>) -> String {
    String::from_utf8(letter).expect("a letter is ASCII")
}

/// A letter's fields, each with its folds, and its body as it stands there.
fn split(letter: &str) -> (Vec<(String, String)>, String) {
    let (header, body) = letter.split_once("\r\n\r\n").expect("a header and a body");
    let header = header.replace("\r\n ", " ");
    let field = |line: &str| {
        let (name, value) = line.split_once(": ").expect("a field has a name and a value");
        (name.to_owned(), value.to_owned())
    };
    (header.split("\r\n").map(field).collect(), body.to_owned())
}

fn field(letter: &str, name: &str) -> String {
    let (fields, _) = split(letter);
    let mut found = fields.into_iter().filter(|(field, _)| field == name).map(|(_, value)| value);
    let value = found.next().expect("the field is there");
    assert_eq!(found.next(), None, "{name} is there twice");
    value
}

/// The text as a mail program shows it.
fn body(letter: &str) -> String {
    let encoded = split(letter).1;
    let bytes = match field(letter, "Content-Transfer-Encoding").as_str() {
        "base64" => STANDARD.decode(encoded.replace("\r\n", "")).expect("base64"),
        "quoted-printable" => unquoted(&encoded),
        other => panic!("the encoding {other}"),
    };
    String::from_utf8(bytes).expect("UTF-8").replace("\r\n", "\n")
}

fn unquoted(encoded: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let joined = encoded.replace("=\r\n", "");
    let mut rest = joined.as_str();
    while let Some((plain, behind)) = rest.split_once('=') {
        bytes.extend_from_slice(plain.as_bytes());
        bytes.push(u8::from_str_radix(&behind[..2], 16).expect("two digits"));
        rest = &behind[2..];
    }
    bytes.extend_from_slice(rest.as_bytes());
    bytes
}

/// A field's value with its encoded words read (RFC 2047).
fn decoded(value: &str) -> String {
    let mut text = String::new();
    let mut bytes = Vec::new();
    let mut rest = value;
    while let Some((before, behind)) = rest.split_once("=?utf-8?B?") {
        let between_words = !bytes.is_empty() && before == " ";
        if !between_words {
            text.push_str(&String::from_utf8(std::mem::take(&mut bytes)).expect("UTF-8"));
            text.push_str(before);
        }
        let (word, after) = behind.split_once("?=").expect("the word's end");
        bytes.extend(STANDARD.decode(word).expect("base64"));
        rest = after;
    }
    text.push_str(&String::from_utf8(bytes).expect("UTF-8"));
    text + rest
}
