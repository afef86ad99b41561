//! How an answer spells strings and names of folders (RFC 9051 §4.3, §5.1): quoted where that is possible, else as a
//! literal.

use postern_model::MailboxName;

use super::utf7;

/// The longest text that is quoted; a longer one is a literal, which takes no look at each octet to read.
const LONGEST_QUOTED: usize = 1_024;

/// A folder's name: modified UTF-7 unless `utf8` (UTF8=ACCEPT or IMAP4rev2 is enabled).
pub fn mailbox(out: &mut Vec<u8>, name: &MailboxName, utf8: bool) {
    if utf8 {
        quoted(out, name.as_str().as_bytes());
    } else {
        string(out, utf7::encode(name.as_str()).as_bytes());
    }
}

/// An atom where the text is one, else a string. `NIL` is quoted: it would be read as no string.
pub fn astring(out: &mut Vec<u8>, bytes: &[u8]) {
    let atom = |b: &u8| b.is_ascii_graphic() && !b"(){%*\"\\".contains(b);
    if !bytes.is_empty() && bytes.iter().all(atom) && !bytes.eq_ignore_ascii_case(b"NIL") {
        out.extend_from_slice(bytes);
    } else {
        string(out, bytes);
    }
}

/// A string, or `NIL`.
pub fn nstring(out: &mut Vec<u8>, bytes: Option<&[u8]>) {
    match bytes {
        Some(bytes) => string(out, bytes),
        None => out.extend_from_slice(b"NIL"),
    }
}

/// A string: quoted where it is short and ASCII without a control, else a literal. NUL may not be in it (RFC 9051 §9,
/// `literal`): who has any writes a `literal8`.
pub fn string(out: &mut Vec<u8>, bytes: &[u8]) {
    let plain = |b: &u8| matches!(b, b' '..=b'~' | b'\t');
    if bytes.len() <= LONGEST_QUOTED && bytes.iter().all(plain) {
        quoted(out, bytes);
    } else {
        out.extend_from_slice(format!("{{{}}}\r\n", bytes.len()).as_bytes());
        out.extend_from_slice(bytes);
    }
}

fn quoted(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'"');
    for &b in bytes {
        if matches!(b, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(b);
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl Fn(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn strings_are_quoted_where_they_can_be() {
        assert_eq!(written(|out| string(out, b"a \"b\" \\")), r#""a \"b\" \\""#);
        assert_eq!(written(|out| string(out, b"a\r\nb")), "{4}\r\na\r\nb");
        assert_eq!(written(|out| string(out, "ö".as_bytes())), "{2}\r\nö");
        assert_eq!(written(|out| string(out, &[b'x'; 1_025])).len(), 1_025 + "{1025}\r\n".len());
        assert_eq!(written(|out| nstring(out, None)), "NIL");
        assert_eq!(written(|out| nstring(out, Some(b""))), "\"\"");
        assert_eq!(written(|out| astring(out, b"a]b")), "a]b");
        assert_eq!(written(|out| astring(out, b"nil")), "\"nil\"");
        assert_eq!(written(|out| astring(out, b"")), "\"\"");
        assert_eq!(written(|out| astring(out, b"a b")), "\"a b\"");
    }

    #[test]
    fn names_of_folders_are_spelled_as_the_client_wants_them() {
        let name = MailboxName::parse("R&D/\"Gelöscht\"").expect("a name");
        assert_eq!(written(|out| mailbox(out, &name, false)), r#""R&-D/\"Gel&APY-scht\"""#);
        assert_eq!(written(|out| mailbox(out, &name, true)), r#""R&D/\"Gelöscht\"""#);
    }
}
