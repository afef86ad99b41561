//! A letter's octets on their way into DATA: dots doubled, and every line ended by CRLF whatever it was ended by, since
//! what one server takes for a line's end and another doesn't is how letters are smuggled (RFC 5321 §2.3.8, §4.5.2).

use memchr::memchr2;

/// Stuffs octets as they go by; where the pieces are cut makes no difference.
#[derive(Debug)]
pub(super) struct Stuffing {
    doubles_dots: bool,
    at_line_start: bool,
    /// The last octet was a CR, for which a whole line end was written.
    behind_cr: bool,
}

impl Stuffing {
    /// At the beginning of a letter.
    pub(super) fn new() -> Stuffing {
        Stuffing { doubles_dots: true, at_line_start: true, behind_cr: false }
    }

    /// Writes the next piece to `out`.
    pub(super) fn push(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        let mut rest = piece;
        while let Some(&first) = rest.first() {
            if std::mem::take(&mut self.behind_cr) && first == b'\n' {
                rest = &rest[1..];
                continue;
            }
            if self.doubles_dots && self.at_line_start && first == b'.' {
                out.push(b'.');
            }
            let end = memchr2(b'\r', b'\n', rest).unwrap_or(rest.len());
            out.extend_from_slice(&rest[..end]);
            self.at_line_start = end < rest.len();
            if self.at_line_start {
                self.behind_cr = rest[end] == b'\r';
                out.extend_from_slice(b"\r\n");
            }
            rest = rest.get(end + 1..).unwrap_or_default();
        }
    }

    /// Ends the last line, where it has no end, and the letter.
    pub(super) fn end(&self, out: &mut Vec<u8>) {
        let end: &[u8] = if self.at_line_start { b".\r\n" } else { b"\r\n.\r\n" };
        out.extend_from_slice(end);
    }
}

/// The letter with every line ended by CRLF, the last one too, as DATA will carry it.
pub(super) fn with_line_ends(letter: &[u8]) -> Vec<u8> {
    let mut stuffing = Stuffing { doubles_dots: false, ..Stuffing::new() };
    let mut out = Vec::with_capacity(letter.len() + 2);
    stuffing.push(letter, &mut out);
    if !stuffing.at_line_start {
        out.extend_from_slice(b"\r\n");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stuffed(letter: &[u8], cut: usize) -> Vec<u8> {
        let (mut stuffing, mut out) = (Stuffing::new(), Vec::new());
        for piece in letter.chunks(cut) {
            stuffing.push(piece, &mut out);
        }
        stuffing.end(&mut out);
        out
    }

    #[test]
    fn a_letter_ends_once() {
        for (letter, sent) in [
            ("", ".\r\n"),
            ("a", "a\r\n.\r\n"),
            ("a\r\n", "a\r\n.\r\n"),
            (".\r\n", "..\r\n.\r\n"),
            ("a\r\n.\r\nb\r\n", "a\r\n..\r\nb\r\n.\r\n"),
            ("a.\r\n..b", "a.\r\n...b\r\n.\r\n"),
            // What smuggles: ends of lines that are none.
            ("a\n.\nb", "a\r\n..\r\nb\r\n.\r\n"),
            ("a\r.\rb", "a\r\n..\r\nb\r\n.\r\n"),
            ("a\n.\r\nb", "a\r\n..\r\nb\r\n.\r\n"),
            ("a\r\n.\rb", "a\r\n..\r\nb\r\n.\r\n"),
            ("a\r\r\n.", "a\r\n\r\n..\r\n.\r\n"),
        ] {
            for cut in 1..=5 {
                let out = stuffed(letter.as_bytes(), cut);
                assert_eq!(out, sent.as_bytes(), "{letter:?} cut to {cut}: {}", out.escape_ascii());
            }
        }
    }

    #[test]
    fn lines_are_ended_alike() {
        assert_eq!(with_line_ends(b"a\n.b\rc\r\n"), b"a\r\n.b\r\nc\r\n");
        assert_eq!(with_line_ends(b"a"), b"a\r\n");
    }
}
