//! The base subject, by which letters are sorted and threaded (RFC 5256 §2.1).

use base64::Engine;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::{alphabet, engine::DecodePaddingMode};

/// A subject without what replies and forwards add to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BaseSubject {
    /// What is left; may be empty. Compared by i;unicode-casemap.
    pub text: String,
    /// `Re:`, `Fwd:`, `(fwd)` or `[fwd: …]` was taken away.
    pub is_reply_or_forward: bool,
}

/// Takes `Re:`, `Fwd:`, `[list]`, `(fwd)` from the value of a Subject field (RFC 5256 §2.1). Encoded words are
/// decoded; of charsets other than UTF-8 each octet stands for the character of its number, which is not always
/// legible but keeps equal subjects equal.
pub fn base_subject(value: &[u8]) -> BaseSubject {
    let decoded = decode_words(value);
    let text = decoded.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut base = &text[..];
    let mut is_reply_or_forward = false;
    loop {
        while let Some(rest) = strip_end(base, "(fwd)") {
            is_reply_or_forward = true;
            base = rest.trim_end();
        }
        while let Some(rest) = strip_reply(base) {
            is_reply_or_forward = true;
            base = rest;
        }
        // No reply stands behind these blobs, or it would be gone with them.
        while let Some(rest) = strip_blob(base).filter(|rest| !rest.is_empty()) {
            base = rest;
        }
        let Some(inner) = strip_start(base, "[fwd:").and_then(|rest| rest.strip_suffix(']')) else { break };
        is_reply_or_forward = true;
        base = inner.trim();
    }
    BaseSubject { text: base.to_owned(), is_reply_or_forward }
}

/// subj-leader: `*subj-blob ("re" / "fw" / "fwd") *WSP [subj-blob] ":"`
fn strip_reply(text: &str) -> Option<&str> {
    let mut rest = text;
    while let Some(behind) = strip_blob(rest) {
        rest = behind;
    }
    let rest = ["fwd", "re", "fw"].iter().find_map(|word| strip_start(rest, word))?.trim_start();
    let rest = strip_blob(rest).unwrap_or(rest);
    Some(rest.strip_prefix(':')?.trim_start())
}

/// subj-blob: `"[" *BLOBCHAR "]" *WSP`
fn strip_blob(text: &str) -> Option<&str> {
    let inside = text.strip_prefix('[')?;
    let end = inside.find(['[', ']'])?;
    Some(inside[end..].strip_prefix(']')?.trim_start())
}

fn strip_start<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(word.len())?;
    start.eq_ignore_ascii_case(word).then_some(rest)
}

fn strip_end<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let (rest, end) = text.split_at_checked(text.len().checked_sub(word.len())?)?;
    end.eq_ignore_ascii_case(word).then_some(rest)
}

/// The text with its encoded words decoded; white space between two of them is dropped (RFC 2047 §6.2).
fn decode_words(value: &[u8]) -> String {
    let mut text = String::new();
    let mut rest = value;
    let mut behind_word = false;
    while !rest.is_empty() {
        let start = memchr::memmem::find(rest, b"=?").unwrap_or(rest.len());
        let (plain, word) = rest.split_at(start);
        let decoded = encoded_word(word);
        if !(behind_word && decoded.is_some() && plain.trim_ascii().is_empty()) {
            text.push_str(&String::from_utf8_lossy(plain));
        }
        behind_word = decoded.is_some();
        let (word_text, length) =
            decoded.unwrap_or_else(|| ("=?".repeat(word.len().min(1)), word.len().min(2)));
        text.push_str(&word_text);
        rest = &word[length..];
    }
    text
}

/// The encoded word at the beginning of `text` and its length (RFC 2047 §2, RFC 2231 §5).
fn encoded_word(text: &[u8]) -> Option<(String, usize)> {
    let mut pieces = text.strip_prefix(b"=?")?.splitn(4, |octet| *octet == b'?');
    let (charset, encoding, encoded) = (pieces.next()?, pieces.next()?, pieces.next()?);
    let length = 2 + charset.len() + 1 + encoding.len() + 1 + encoded.len() + 2;
    if !pieces.next()?.starts_with(b"=") || encoded.iter().any(u8::is_ascii_whitespace) {
        return None;
    }
    let octets = match encoding {
        b"B" | b"b" => PATIENT_BASE64.decode(encoded).ok()?,
        b"Q" | b"q" => decode_q(encoded),
        _ => return None,
    };
    let is_utf8 = charset.len() >= 5 && charset[..5].eq_ignore_ascii_case(b"utf-8");
    let decoded = if is_utf8 {
        String::from_utf8_lossy(&octets).into_owned()
    } else {
        octets.iter().map(|octet| char::from(*octet)).collect()
    };
    Some((decoded, length))
}

const PATIENT_BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// RFC 2047 §4.2; what is no code stands for itself.
fn decode_q(encoded: &[u8]) -> Vec<u8> {
    let mut octets = Vec::with_capacity(encoded.len());
    let mut rest = encoded;
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        let code = tail.get(..2).filter(|_| *first == b'=').and_then(|hex| std::str::from_utf8(hex).ok());
        match (first, code.and_then(|hex| u8::from_str_radix(hex, 16).ok())) {
            (_, Some(octet)) => {
                octets.push(octet);
                rest = &tail[2..];
            }
            (b'_', None) => octets.push(b' '),
            (octet, None) => octets.push(*octet),
        }
    }
    octets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_replies_and_forwards_add_is_taken_away() {
        for (subject, wanted, reply) in [
            ("", "", false),
            ("Hello", "Hello", false),
            ("Re: Hello", "Hello", true),
            ("RE:re: fw:FWD : Hello", "Hello", true),
            ("[list] Re: [list] Hello", "Hello", true),
            ("Re[2]: Hello", "Hello", true),
            ("Re: Hello (fwd) (FWD) ", "Hello", true),
            ("[Fwd: Re: Hello (fwd)]", "Hello", true),
            ("[list] Hello  \t world", "Hello world", false),
            ("[only a blob]", "[only a blob]", false),
            ("Re: [only a blob]", "[only a blob]", true),
            ("Re:", "", true),
            ("[a] [b] Re: [c] [d] Fwd: [e] x", "x", true),
            ("Regards: x", "Regards: x", false),
            ("Hello [fwd: x]", "Hello [fwd: x]", false),
            ("[[a]] x", "[[a]] x", false),
            ("=?utf-8?B?UmU6IEhlbGxv?=", "Hello", true),
            ("Re: =?UTF-8?q?J=C4=81?= =?utf-8*lv?Q?nis_x?=", "Jānis x", true),
            ("=?iso-8859-1?q?R=E9?= of =?x?", "Ré of =?x?", false),
            ("=?utf-8?x?a?= =?utf-8?q?a b?=", "=?utf-8?x?a?= =?utf-8?q?a b?=", false),
            ("=?utf-8?q?=4", "=?utf-8?q?=4", false),
            ("=?utf-8?q?=4x=?=", "=4x=", false),
        ] {
            let found = base_subject(subject.as_bytes());
            assert_eq!((&found.text[..], found.is_reply_or_forward), (wanted, reply), "{subject}");
        }
    }
}
