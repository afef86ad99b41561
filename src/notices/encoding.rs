//! Text in lines of printable ASCII: quoted-printable and base64 (RFC 2045 §6.7, §6.8), encoded words (RFC 2047).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The longest line, without its end (RFC 2045 §6.7 rule 5, RFC 2047 §2).
const LINE: usize = 76;
/// Octets in an encoded word, so that `Subject: ` and the word fit into a line.
const WORD: usize = 39;

/// A text's content transfer encoding, and the text in it: lines are ended by CRLF. Mostly ASCII stays readable.
pub(super) fn body(text: &str) -> (&'static str, String) {
    let foreign = text.bytes().filter(|byte| !byte.is_ascii()).count();
    if foreign > text.len() / 4 {
        ("base64", base64(&text.replace('\n', "\r\n")))
    } else {
        ("quoted-printable", quoted_printable(text))
    }
}

fn base64(text: &str) -> String {
    let encoded = STANDARD.encode(text);
    let mut lines = String::with_capacity(encoded.len() + encoded.len() / 32);
    let mut rest = encoded.as_str();
    while !rest.is_empty() {
        let (line, behind) = rest.split_at(rest.len().min(LINE));
        lines.push_str(line);
        lines.push_str("\r\n");
        rest = behind;
    }
    lines
}

fn quoted_printable(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len() * 2);
    for line in text.lines() {
        let mut length = 0;
        for (at, byte) in line.bytes().enumerate() {
            let is_last = at + 1 == line.len();
            let plain = matches!(byte, b'!'..=b'<' | b'>'..=b'~') || (byte == b' ' && !is_last);
            let width = if plain { 1 } else { 3 };
            // The line's last octet may take the place that a soft line break would need.
            if length + width > LINE - usize::from(!is_last) {
                encoded.push_str("=\r\n");
                length = 0;
            }
            length += width;
            if plain {
                encoded.push(char::from(byte));
            } else {
                encoded.push_str(&format!("={byte:02X}"));
            }
        }
        encoded.push_str("\r\n");
    }
    encoded
}

/// A text in a header field: as it is, or in encoded words on lines of their own. `before` is what stands before it on
/// its line. The text is one line.
pub(crate) fn unstructured(text: &str, before: &str) -> String {
    let plain = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    // What looks like an encoded word would be read as one.
    if plain && before.len() + text.len() <= LINE && !text.contains("=?") {
        return text.to_owned();
    }
    words(text)
}

/// A display name (RFC 5322 §3.4): a quoted string or encoded words.
pub(super) fn phrase(text: &str) -> String {
    let plain = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    if plain && text.len() <= LINE / 2 && !text.contains("=?") {
        return format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    }
    words(text)
}

fn words(text: &str) -> String {
    let mut words = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (word, behind) = rest.split_at(rest.floor_char_boundary(WORD.min(rest.len())));
        words.push(format!("=?utf-8?B?{}?=", STANDARD.encode(word)));
        rest = behind;
    }
    words.join("\r\n ")
}
