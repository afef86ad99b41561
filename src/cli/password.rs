//! Passwords come by standard input and never as arguments, which every user of the machine can read.

use std::io::{self, Read};

use postern_actors::admin::Secret;
use zeroize::Zeroizing;

/// The longest password, in octets.
const LONGEST: usize = 1024;

/// The password on one line of `input`.
///
/// # Errors
/// There is none, it is too long, or holds what no mail program can send (RFC 4616 §2, RFC 8265 §4.1).
pub(super) fn read(input: impl Read) -> io::Result<Secret> {
    let wrong = |text: &str| Err(io::Error::other(text));
    let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST + 3));
    input.take(LONGEST as u64 + 3).read_to_end(&mut bytes)?;
    let line = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let Ok(password) = std::str::from_utf8(line) else { return wrong("the password is not UTF-8") };
    if password.is_empty() {
        return wrong("standard input holds no password");
    }
    if password.len() > LONGEST {
        return wrong("the password is longer than 1024 octets");
    }
    if password.chars().any(char::is_control) {
        return wrong("the password holds a control character or goes over several lines");
    }
    Ok(Secret(Zeroizing::new(password.to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(text: &[u8]) -> Option<String> {
        read(text).ok().map(|secret| secret.0.to_string())
    }

    #[test]
    fn the_lines_end_is_no_part_of_it() {
        for text in ["pass word ü", "pass word ü\n", "pass word ü\r\n"] {
            assert_eq!(given(text.as_bytes()).as_deref(), Some("pass word ü"));
        }
        assert_eq!(given(" spaced \n".as_bytes()).as_deref(), Some(" spaced "));
    }

    #[test]
    fn what_no_program_can_send_is_refused() {
        for text in [&b""[..], b"\n", b"a\nb\n", b"a\0b", b"a\tb", b"\xff"] {
            assert_eq!(given(text), None, "{text:?}");
        }
        assert_eq!(given(&[b'x'; 1025]), None);
        assert!(given(&[b'x'; 1024]).is_some());
        assert!(read(io::repeat(b'x')).is_err());
    }
}
