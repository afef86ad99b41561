//! Octets of some charset as text.

use std::borrow::Cow;

use encoding_rs::{Encoding, REPLACEMENT, mem};

/// Decodes octets of `charset` (a MIME name, RFC 2046 §4.1.2; behind `*` a language, RFC 2231 §5). What it does not
/// allow becomes U+FFFD. Without a charset, with us-ascii, and with one that isn't known, they are UTF-8 where that fits,
/// else Latin-1, so that each octet is at least something.
pub(super) fn decode<'a>(charset: Option<&[u8]>, octets: &'a [u8]) -> Cow<'a, str> {
    match charset.and_then(encoding) {
        Some(encoding) => encoding.decode_with_bom_removal(octets).0,
        None => match std::str::from_utf8(octets) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => mem::decode_latin1(octets),
        },
    }
}

fn encoding(charset: &[u8]) -> Option<&'static Encoding> {
    let name = charset.split(|octet| *octet == b'*').next().unwrap_or_default();
    if name.eq_ignore_ascii_case(b"us-ascii") {
        return None;
    }
    // The replacement encoding knows names only to show nothing of the text.
    Encoding::for_label(name).filter(|encoding| *encoding != REPLACEMENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn charsets_known_and_unknown() {
        for (charset, octets, wanted) in [
            (Some("utf-8"), &b"\xC4\x81\xff"[..], "ā\u{fffd}"),
            (Some("UTF8*lv"), b"\xEF\xBB\xBF\xC4\x81", "ā"),
            (Some("iso-8859-13"), b"\xE2", "ā"),
            (Some("koi8-r"), b"\xC1", "а"),
            (Some("shift_jis"), b"\x82\xa0", "あ"),
            (Some("iso-2022-jp"), b"\x1b$B$\"\x1b(B", "あ"),
            (Some("utf-16le"), b"a\0", "a"),
            (Some("us-ascii"), b"\xC4\x81", "ā"),
            (Some("x-unknown"), b"\xE9", "é"),
            (Some("iso-2022-kr"), b"a", "a"),
            (None, b"\xE9", "é"),
            (None, b"\xC3\xA9", "é"),
        ] {
            assert_eq!(decode(charset.map(str::as_bytes), octets), wanted, "{charset:?}");
        }
    }
}
