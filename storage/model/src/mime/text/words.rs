//! Encoded words in header fields (RFC 2047), decoded with patience.

use base64::Engine;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::{alphabet, engine::DecodePaddingMode};

use super::super::header::unfold;
use super::charset::decode;

/// The value of a field in one line, its encoded words decoded wherever they stand, quoted strings too, as mail programs
/// write them. White space between two of them is dropped (RFC 2047 §6.2), and neighbours of one charset are decoded
/// together, since some programs cut a character in two. What is no encoded word stands for itself; octets above 127
/// are UTF-8 where that fits, else Latin-1.
pub fn decoded_field(value: &[u8]) -> String {
    decode_words(&unfold(value))
}

fn decode_words(value: &[u8]) -> String {
    let mut text = String::new();
    let mut pending: Option<Word<'_>> = None;
    let mut rest = value;
    while !rest.is_empty() {
        let start = memchr::memmem::find(rest, b"=?").unwrap_or(rest.len());
        let (plain, tail) = rest.split_at(start);
        let word = Word::parse(tail);
        let length = word.as_ref().map_or(tail.len().min(2), |(_, length)| *length);
        rest = &tail[length..];
        match (&mut pending, word) {
            (Some(before), Some((word, _))) if plain.trim_ascii().is_empty() => {
                if before.charset.eq_ignore_ascii_case(word.charset) && !before.octets.contains(&ESCAPE) {
                    before.octets.extend(word.octets);
                } else {
                    text.push_str(&before.decoded());
                    pending = Some(word);
                }
            }
            (_, word) => {
                text.extend(pending.take().map(|before| before.decoded()));
                let literal = if word.is_none() { &tail[..length] } else { b"" };
                text.push_str(&decode(None, plain));
                text.push_str(&decode(None, literal));
                pending = word.map(|(word, _)| word);
            }
        }
    }
    text.extend(pending.map(|before| before.decoded()));
    text
}

/// Begins a change of state (ISO-2022-JP, RFC 1468). Such words are whole, and may not be joined: two changes in a row
/// are an error.
const ESCAPE: u8 = 0x1b;

struct Word<'a> {
    charset: &'a [u8],
    octets: Vec<u8>,
}

impl<'a> Word<'a> {
    /// The encoded word at the beginning of `text` and its length (RFC 2047 §2).
    fn parse(text: &'a [u8]) -> Option<(Word<'a>, usize)> {
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
        Some((Word { charset, octets }, length))
    }

    fn decoded(&self) -> String {
        decode(Some(self.charset), &self.octets).into_owned()
    }
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
    fn words_are_decoded_where_they_are_words() {
        for (value, wanted) in [
            (" plain \r\n\tfolded ", "plain \tfolded"),
            ("=?UTF-8?q?J=C4=81?= =?utf-8*lv?Q?nis_x?=", "Jānis x"),
            ("=?utf-8?Q?=C4?=\r\n =?UTF-8?B?gQ==?= end", "ā end"),
            ("=?iso-8859-1?q?R=E9?= =?utf-8?q?=C3=A9?=", "Réé"),
            ("=?koi8-r?B?8NLJ18XU?=", "Привет"),
            ("=?iso-2022-jp?B?GyRCRnwbKEI=?= =?iso-2022-jp?B?GyRCS1wbKEI=?=", "日本"),
            ("=?x-unknown?q?=E9?=", "é"),
            ("\"=?utf-8?q?a=2C_b?=\" <a@x.test>", "\"a, b\" <a@x.test>"),
            ("a=?utf-8?q?b?=c", "abc"),
            ("=?utf-8?x?a?= =?utf-8?q?a b?=", "=?utf-8?x?a?= =?utf-8?q?a b?="),
            ("=?utf-8?q?b?= =?utf-8?q?=4", "b =?utf-8?q?=4"),
            ("=?utf-8?q?=4x=?=", "=4x="),
            ("=?utf-8?B?!!!?= =?", "=?utf-8?B?!!!?= =?"),
            ("raw ā", "raw ā"),
        ] {
            assert_eq!(decoded_field(value.as_bytes()), wanted, "{value}");
        }
        assert_eq!(decoded_field(b"raw \xE9"), "raw é");
        assert_eq!(decoded_field(b"a\0b"), "ab");
    }
}
