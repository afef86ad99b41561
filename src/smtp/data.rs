//! The bytes of a letter as DATA carries them: leading dots taken away, the end found (RFC 5321 §4.5.2), and a watch on
//! line ends. Only CRLF.CRLF ends a letter; what other servers have taken for an end (LF.LF, CR.CR, LF.CRLF and the
//! like, CVE-2023-51764 to -51766) is text, and the letter that holds it is refused when its real end has come.

use memchr::{memchr, memchr2};

/// Takes the dots away that the client put in front (RFC 5321 §4.5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DotDecoder {
    /// Behind CRLF, or at the beginning, which stands behind the CRLF of the DATA command.
    LineStart,
    /// Within a line.
    Text,
    /// Within a line, behind a CR.
    Cr,
    /// Behind the dot that began a line; it is taken away whatever follows.
    Dot,
    /// Behind that dot and a CR.
    DotCr,
}

impl DotDecoder {
    /// At the beginning of a letter.
    pub(super) fn new() -> DotDecoder {
        DotDecoder::LineStart
    }

    /// Decodes `bytes` into `sink`, piece by piece and in order, up to the end of the letter. Returns how many octets
    /// it took, and whether the end was among them.
    pub(super) fn decode(&mut self, bytes: &[u8], mut sink: impl FnMut(&[u8])) -> (usize, bool) {
        // What is text since here goes out in one piece.
        let mut from = 0;
        let mut at = 0;
        while at < bytes.len() {
            match (*self, bytes[at]) {
                (DotDecoder::LineStart, b'.') => {
                    sink(&bytes[from..at]);
                    at += 1;
                    from = at;
                    *self = DotDecoder::Dot;
                }
                (DotDecoder::Dot, b'\r') => {
                    at += 1;
                    *self = DotDecoder::DotCr;
                }
                (DotDecoder::DotCr, b'\n') => return (at + 1, true),
                (DotDecoder::Cr, b'\n') => {
                    at += 1;
                    *self = DotDecoder::LineStart;
                }
                (state, _) => {
                    if state == DotDecoder::DotCr && from == at {
                        // The CR came in an earlier piece, and was no end after all.
                        sink(b"\r");
                    }
                    at = self.text(bytes, at);
                }
            }
        }
        // A CR behind a line's only dot may belong to the end: it is kept back.
        let until = if *self == DotDecoder::DotCr && from < at { at - 1 } else { at };
        sink(&bytes[from..until]);
        (at, false)
    }

    /// Goes on to the end of the line, or to the end of `bytes`.
    fn text(&mut self, bytes: &[u8], from: usize) -> usize {
        let mut at = from;
        while let Some(lf) = memchr(b'\n', &bytes[at..]).map(|lf| at + lf) {
            at = lf + 1;
            if lf > from && bytes[lf - 1] == b'\r' {
                *self = DotDecoder::LineStart;
                return at;
            }
        }
        *self = if bytes.last() == Some(&b'\r') { DotDecoder::Cr } else { DotDecoder::Text };
        bytes.len()
    }
}

/// Watches for a CR or LF that stands alone, across pieces of any size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct LineEnds {
    cr: bool,
    bare: bool,
}

impl LineEnds {
    /// Looks at the next octets of a letter.
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        if self.cr && !rest.is_empty() {
            self.bare |= rest[0] != b'\n';
            rest = if rest[0] == b'\n' { &rest[1..] } else { rest };
            self.cr = false;
        }
        while let Some(at) = memchr2(b'\r', b'\n', rest) {
            match (rest[at], rest.get(at + 1)) {
                (b'\r', Some(b'\n')) => rest = &rest[at + 2..],
                (b'\r', None) => {
                    self.cr = true;
                    return;
                }
                _ => {
                    self.bare = true;
                    rest = &rest[at + 1..];
                }
            }
        }
    }

    /// Whether one has been seen so far.
    pub(super) fn bare(self) -> bool {
        self.bare
    }

    /// Whether there is one in a letter that ends here.
    pub(super) fn bare_at_end(self) -> bool {
        self.bare || self.cr
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Decodes in pieces of `size`; the letter, and what stands behind its end.
    fn decode(wire: &[u8], size: usize) -> (Vec<u8>, Option<Vec<u8>>) {
        let mut decoder = DotDecoder::new();
        let mut letter = Vec::new();
        let mut at = 0;
        for piece in wire.chunks(size) {
            let (taken, end) = decoder.decode(piece, |text| letter.extend_from_slice(text));
            at += taken;
            if end {
                return (letter, Some(wire[at..].to_vec()));
            }
            assert_eq!(taken, piece.len());
        }
        (letter, None)
    }

    /// What a client does with a letter (RFC 5321 §4.5.2).
    fn stuffed(letter: &[u8]) -> Vec<u8> {
        let mut wire = Vec::new();
        let mut line_start = true;
        for (at, &octet) in letter.iter().enumerate() {
            if line_start && octet == b'.' {
                wire.push(b'.');
            }
            wire.push(octet);
            line_start = letter[..=at].ends_with(b"\r\n");
        }
        wire.extend_from_slice(if line_start { b".\r\n" } else { b"\r\n.\r\n" });
        wire
    }

    #[test]
    fn dots_go_and_the_end_is_found() {
        for (wire, letter) in [
            (&b".\r\n"[..], &b""[..]),
            (b"a\r\n.\r\n", b"a\r\n"),
            (b"..\r\n.\r\n", b".\r\n"),
            (b".a\r\n...b\r\n.\r\n", b"a\r\n..b\r\n"),
            (b"a.\r\nb\r\n.\r\n", b"a.\r\nb\r\n"),
            (b"a\r\r\n.\r\n", b"a\r\r\n"),
        ] {
            for size in 1..=wire.len() {
                let behind = [wire, b"QUIT\r\n"].concat();
                let (got, rest) = decode(&behind, behind.len().min(size));
                assert_eq!(got, letter, "in pieces of {size}");
                assert!(rest.is_some(), "in pieces of {size}");
            }
            assert_eq!(decode(&[wire, b"QUIT\r\n"].concat(), 99).1.as_deref(), Some(&b"QUIT\r\n"[..]));
        }
    }

    /// What the smuggling attacks of December 2023 put in the middle of a letter (CVE-2023-51764, -51765, -51766).
    const FALSE_ENDS: [&[u8]; 14] = [
        b"\n.\n",
        b"\n.\r\n",
        b"\r\n.\n",
        b"\r.\r",
        b"\r.\r\n",
        b"\r\n.\r",
        b"\n.\r",
        b"\r.\n",
        b"\r\n.\r\r\n",
        b"\r\n\0.\r\n",
        b"\r\n.\0\r\n",
        b"\n\n.\r\n",
        b"\r\n.\r\0\n",
        b"\0\n.\n",
    ];

    #[test]
    fn no_false_end_ends_a_letter() {
        for false_end in FALSE_ENDS {
            let wire = [b"a", false_end, b"MAIL FROM:<x@y.test>\r\n.\r\nrest"].concat();
            for size in 1..wire.len() {
                let (letter, rest) = decode(&wire, size);
                let inside = String::from_utf8_lossy(&letter);
                assert!(inside.ends_with("MAIL FROM:<x@y.test>\r\n"), "{false_end:?} ended it: {inside:?}");
                assert!(rest.is_some(), "{false_end:?}");
                let mut ends = LineEnds::default();
                letter.chunks(size).for_each(|piece| ends.feed(piece));
                // A NUL is an octet like any other: with proper line ends around it the letter is sound.
                let sound = [&b"\r\n\0.\r\n"[..], b"\r\n.\0\r\n"].contains(&false_end);
                assert_eq!(ends.bare(), !sound, "{false_end:?} in pieces of {size}");
            }
        }
    }

    fn line_ends(letter: &[u8], size: usize) -> (bool, bool) {
        let mut ends = LineEnds::default();
        letter.chunks(size).for_each(|piece| ends.feed(piece));
        (ends.bare(), ends.bare_at_end())
    }

    #[test]
    fn a_line_end_is_both_octets() {
        for (letter, want) in [
            (&b"a\r\nb\r\n"[..], (false, false)),
            (b"", (false, false)),
            (b"a\rb", (true, true)),
            (b"a\nb", (true, true)),
            (b"\r\r\n", (true, true)),
            (b"\r\n\n", (true, true)),
            (b"a\r", (false, true)),
        ] {
            for size in 1..=letter.len().max(1) {
                assert_eq!(line_ends(letter, size), want, "{letter:?} in pieces of {size}");
            }
        }
    }

    proptest! {
        #[test]
        fn any_text_comes_through(
            pieces in prop::collection::vec(prop_oneof![
                Just(b"\r\n".to_vec()), Just(b".".to_vec()), Just(b"\r\n.".to_vec()), Just(b"\r\n..\r\n".to_vec()),
                prop::collection::vec(any::<u8>(), 0..40),
            ], 0..60),
            size in 1usize..50,
        ) {
            let letter = pieces.concat();
            let (got, rest) = decode(&[stuffed(&letter), b"NOOP\r\n".to_vec()].concat(), size);
            let whole = if letter.is_empty() || letter.ends_with(b"\r\n") { letter } else { [&letter[..], b"\r\n"].concat() };
            prop_assert_eq!(got, whole);
            prop_assert!(rest.is_some());
        }

        #[test]
        fn line_ends_are_judged_alike_in_any_pieces(
            letter in prop::collection::vec(prop_oneof![Just(b'\r'), Just(b'\n'), any::<u8>()], 0..60),
            size in 1usize..20,
        ) {
            let stripped = String::from_utf8_lossy(&letter).replace("\r\n", "");
            let bare = stripped.contains(['\r', '\n']);
            prop_assert_eq!(line_ends(&letter, size).1, bare);
        }
    }
}
