//! A letter's bytes on their way out: dot-stuffing (RFC 1939 §3), and the cut that TOP makes.
//!
//! A line is what CRLF ends: a dot behind a bare LF is not the first of a line and goes out as it is, so that a client
//! which undoes the stuffing by the RFC gets the letter byte for byte (SPEC M5).

use memchr::memchr_iter;
use memchr::memmem;

/// Where in a line the last octet left us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
enum At {
    #[default]
    LineStart,
    AfterCr,
    Within,
}

/// Doubles the dots at the beginnings of lines, whatever pieces the letter comes in.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Stuffer {
    at: At,
}

impl Stuffer {
    /// Appends `piece`, stuffed, to `out`; runs without such a dot are copied whole.
    pub(super) fn push(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        let Some(&first) = piece.first() else { return };
        out.reserve(piece.len() + 16);
        let mut copied = 0;
        if self.at == At::LineStart && first == b'.' {
            out.push(b'.');
        } else if self.at == At::AfterCr && piece.starts_with(b"\n.") {
            out.extend_from_slice(b"\n.");
            copied = 1;
        }
        for crlf in memmem::find_iter(piece, b"\r\n.") {
            let dot = crlf + 2;
            out.extend_from_slice(&piece[copied..dot]);
            out.push(b'.');
            copied = dot;
        }
        out.extend_from_slice(&piece[copied..]);
        self.at = match piece {
            [.., b'\r', b'\n'] => At::LineStart,
            [b'\n'] if self.at == At::AfterCr => At::LineStart,
            [.., b'\r'] => At::AfterCr,
            _ => At::Within,
        };
    }

    /// Ends the last line where the letter did not, and ends the answer.
    pub(super) fn finish(self, out: &mut Vec<u8>) {
        if self.at != At::LineStart {
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(b".\r\n");
    }
}

/// Lets a header, the empty line behind it and the first lines of a body through (TOP, RFC 1939 §7).
///
/// Other than for stuffing, any LF ends a line here: a letter from elsewhere that has no CRLF at all still has a header.
#[derive(Clone, Copy, Debug)]
pub(super) struct Top {
    lines_left: u32,
    in_body: bool,
    line: LineSoFar,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LineSoFar {
    Nothing,
    Cr,
    Text,
}

impl Top {
    /// The header and `lines` lines of the body.
    pub(super) fn new(lines: u32) -> Top {
        Top { lines_left: lines, in_body: false, line: LineSoFar::Nothing }
    }

    /// How much of `piece` goes out, and whether anything behind it does.
    pub(super) fn cut(&mut self, piece: &[u8]) -> (usize, bool) {
        let mut start = 0;
        for lf in memchr_iter(b'\n', piece) {
            let empty = matches!(
                (self.line, &piece[start..lf]),
                (LineSoFar::Nothing, b"" | b"\r") | (LineSoFar::Cr, b"")
            );
            start = lf + 1;
            self.line = LineSoFar::Nothing;
            if self.ended_by(empty) {
                return (start, false);
            }
        }
        self.line = match (self.line, &piece[start..]) {
            (so_far, b"") => so_far,
            (LineSoFar::Nothing, b"\r") => LineSoFar::Cr,
            _ => LineSoFar::Text,
        };
        (piece.len(), true)
    }

    /// A line has ended; whether it was the last one wanted.
    fn ended_by(&mut self, empty: bool) -> bool {
        if self.in_body {
            self.lines_left -= 1;
        } else if empty {
            self.in_body = true;
        }
        self.in_body && self.lines_left == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn stuffed(letter: &[u8], cuts: &[usize]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut stuffer = Stuffer::default();
        pieces(letter, cuts, |piece| stuffer.push(piece, &mut out));
        stuffer.finish(&mut out);
        out
    }

    fn pieces(letter: &[u8], cuts: &[usize], mut f: impl FnMut(&[u8])) {
        let mut rest = letter;
        for cut in cuts.iter().cycle().map(|c| c % 7 + 1) {
            if rest.is_empty() {
                break;
            }
            let (piece, behind) = rest.split_at(cut.min(rest.len()));
            f(piece);
            rest = behind;
        }
    }

    /// What a client does with it, by the letter of RFC 1939 §3: reads lines up to CRLF, undoes the stuffing, stops at
    /// the lone dot. Returns the letter and what came behind the dot.
    fn unstuffed(mut wire: &[u8]) -> Option<(Vec<u8>, &[u8])> {
        let mut letter = Vec::new();
        loop {
            let end = wire.windows(2).position(|w| w == b"\r\n")?;
            let (line, rest) = wire.split_at(end + 2);
            if line == b".\r\n" {
                return Some((letter, rest));
            }
            letter.extend_from_slice(line.strip_prefix(b".").unwrap_or(line));
            wire = rest;
        }
    }

    fn ended(letter: &[u8]) -> Vec<u8> {
        let mut letter = letter.to_vec();
        if !letter.is_empty() && !letter.ends_with(b"\r\n") {
            letter.extend_from_slice(b"\r\n");
        }
        letter
    }

    #[test]
    fn dots_that_begin_lines_are_doubled() {
        let cases: [(&str, &str); 7] = [
            ("", ".\r\n"),
            (".", "..\r\n.\r\n"),
            ("a\r\n.\r\nb\r\n", "a\r\n..\r\nb\r\n.\r\n"),
            ("a\r\n..b\r\n", "a\r\n...b\r\n.\r\n"),
            ("a.b\r\n", "a.b\r\n.\r\n"),
            ("a\n.b\r\n", "a\n.b\r\n.\r\n"),
            ("a\r", "a\r\r\n.\r\n"),
        ];
        for (letter, wire) in cases {
            for step in 0..7 {
                assert_eq!(stuffed(letter.as_bytes(), &[step]), wire.as_bytes(), "{letter:?} by {step}");
            }
        }
    }

    #[test]
    fn top_is_the_header_and_so_many_lines() {
        let cases = [
            ("a: b\r\n\r\n1\r\n2\r\n3\r\n", 0, "a: b\r\n\r\n"),
            ("a: b\r\n\r\n1\r\n2\r\n3\r\n", 2, "a: b\r\n\r\n1\r\n2\r\n"),
            ("a: b\r\n\r\n1\r\n2\r\n3\r\n", 9, "a: b\r\n\r\n1\r\n2\r\n3\r\n"),
            ("a: b\r\n", 3, "a: b\r\n"),
            ("\r\n1\r\n2\r\n", 1, "\r\n1\r\n"),
            ("a: b\n\n1\n2\n", 1, "a: b\n\n1\n"),
            ("a: b\r\n \r\n\r\n1\r\n", 0, "a: b\r\n \r\n\r\n"),
        ];
        for (letter, lines, expected) in cases {
            for step in 0..7 {
                let mut top = Top::new(lines);
                let (mut out, mut more) = (Vec::new(), true);
                pieces(letter.as_bytes(), &[step], |piece| {
                    if more {
                        let (taken, wanted) = top.cut(piece);
                        out.extend_from_slice(&piece[..taken]);
                        more = wanted;
                    }
                });
                assert_eq!(out, expected.as_bytes(), "TOP {lines} of {letter:?} by {step}");
            }
        }
    }

    fn mail_like() -> impl Strategy<Value = Vec<u8>> {
        let atom = prop_oneof![
            3 => Just(b"\r\n".to_vec()),
            3 => Just(b".".to_vec()),
            1 => Just(b"\n".to_vec()),
            1 => Just(b"\r".to_vec()),
            2 => proptest::collection::vec(any::<u8>(), 0..6),
        ];
        proptest::collection::vec(atom, 0..40).prop_map(|atoms| atoms.concat())
    }

    proptest! {
        #[test]
        fn any_letter_comes_out_as_it_went_in(
            letter in mail_like(),
            cuts in proptest::collection::vec(0_usize..7, 1..9),
        ) {
            let mut wire = stuffed(&letter, &cuts);
            wire.extend_from_slice(b"+OK behind\r\n");
            let (read, behind) = unstuffed(&wire).expect("the answer ends");
            prop_assert_eq!(read, ended(&letter));
            prop_assert_eq!(behind, b"+OK behind\r\n");
        }

        #[test]
        fn long_pieces_make_no_difference(letter in proptest::collection::vec(any::<u8>(), 0..4096)) {
            let mut out = Vec::new();
            let mut stuffer = Stuffer::default();
            stuffer.push(&letter, &mut out);
            stuffer.finish(&mut out);
            prop_assert_eq!(&out, &stuffed(&letter, &[6]));
            prop_assert_eq!(unstuffed(&out).expect("the answer ends").0, ended(&letter));
        }
    }
}
