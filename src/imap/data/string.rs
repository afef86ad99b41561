//! Strings as the grammar writes them (RFC 9051 §4.3): quoted where that can be, else as literals.

use std::io::Write as _;

/// `string`: quoted, or a literal where octets above 127 or line breaks are in it. With `utf8`, which is UTF8=ACCEPT or
/// IMAP4rev2, valid UTF-8 may be quoted (RFC 6855 §3). NUL can stand in neither (RFC 9051 §9, `CHAR8`) and is left out.
pub(in crate::imap) fn string(out: &mut Vec<u8>, octets: &[u8], utf8: bool) {
    let has = |unwanted: &[u8]| octets.iter().any(|octet| unwanted.contains(octet));
    if has(b"\0") {
        let without: Vec<u8> = octets.iter().copied().filter(|octet| *octet != 0).collect();
        return string(out, &without, utf8);
    }
    let is_text = octets.is_ascii() || (utf8 && std::str::from_utf8(octets).is_ok());
    if is_text && !has(b"\r\n") {
        quoted(out, octets);
    } else {
        literal(out, octets);
    }
}

/// `nstring`: NIL for what is not there.
pub(in crate::imap) fn nstring(out: &mut Vec<u8>, octets: Option<&[u8]>, utf8: bool) {
    match octets {
        Some(octets) => string(out, octets, utf8),
        None => out.extend_from_slice(b"NIL"),
    }
}

/// A number with a space before it.
pub(super) fn number(out: &mut Vec<u8>, number: u64) {
    // Writing to a Vec can't fail.
    let _ = write!(out, " {number}");
}

fn quoted(out: &mut Vec<u8>, octets: &[u8]) {
    out.push(b'"');
    for octet in octets {
        if matches!(octet, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(*octet);
    }
    out.push(b'"');
}

fn literal(out: &mut Vec<u8>, octets: &[u8]) {
    let _ = write!(out, "{{{}}}\r\n", octets.len());
    out.extend_from_slice(octets);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_quoted_where_they_can_be() {
        for (octets, utf8, wanted) in [
            (&b""[..], false, &b"\"\""[..]),
            (b"a b", false, b"\"a b\""),
            (b"a\"b\\c", false, b"\"a\\\"b\\\\c\""),
            (b"a\r\nb", true, b"{4}\r\na\r\nb"),
            ("ā".as_bytes(), false, "{2}\r\nā".as_bytes()),
            ("ā".as_bytes(), true, "\"ā\"".as_bytes()),
            (b"\xe2", true, b"{1}\r\n\xe2"),
            (b"a\0\xe2", false, b"{2}\r\na\xe2"),
        ] {
            let mut out = Vec::new();
            string(&mut out, octets, utf8);
            assert_eq!(out, wanted, "{}", octets.escape_ascii());
        }
    }

    #[test]
    fn nothing_is_not_empty() {
        let mut out = Vec::new();
        nstring(&mut out, None, false);
        nstring(&mut out, Some(b""), false);
        assert_eq!(out, b"NIL\"\"");
    }
}
