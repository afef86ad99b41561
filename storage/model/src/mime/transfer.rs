//! Transfer encodings undone as octets go by (RFC 2045 §6), with the patience that mail needs.
//!
//! Base64: what is not of its alphabet is passed over, padding ends a group and not the text, a last octet that is not
//! complete is dropped. Quoted-printable: an `=` that begins no code stands for itself, small digits are digits, white
//! space at a line's end goes, an `=` at a line's end joins it with the next one though white space follows it.

use memchr::memchr2;

/// A transfer encoding that nobody here can undo.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the part's transfer encoding is not known here")]
pub struct UnknownCte;

/// Decodes a body that is pushed in pieces of any size.
#[derive(Clone, Debug)]
pub struct Decoder(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Identity,
    Base64(Base64),
    QuotedPrintable(QuotedPrintable),
}

impl Decoder {
    /// A decoder of the encoding that a part names (Content-Transfer-Encoding); `None` is 7bit.
    ///
    /// # Errors
    /// [`UnknownCte`] for names other than those of RFC 2045 §6.1.
    pub fn new(encoding: Option<&[u8]>) -> Result<Decoder, UnknownCte> {
        let is = |name: &str| encoding.is_none_or(|encoding| encoding.eq_ignore_ascii_case(name.as_bytes()));
        if ["7bit", "8bit", "binary"].into_iter().any(is) {
            Ok(Decoder(Kind::Identity))
        } else if is("base64") {
            Ok(Decoder(Kind::Base64(Base64::default())))
        } else if is("quoted-printable") {
            Ok(Decoder(Kind::QuotedPrintable(QuotedPrintable::default())))
        } else {
            Err(UnknownCte)
        }
    }

    /// Whether octets pass as they are.
    pub fn is_identity(&self) -> bool {
        matches!(self.0, Kind::Identity)
    }

    /// Takes the next piece; what it decodes to is put behind `out`, never more than the piece has and was held back.
    pub fn push(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        match &mut self.0 {
            Kind::Identity => out.extend_from_slice(piece),
            Kind::Base64(base64) => base64.push(piece, out),
            Kind::QuotedPrintable(printable) => printable.push(piece, out),
        }
    }

    /// The body has ended; the decoder is as new.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        match &mut self.0 {
            Kind::Identity => {}
            Kind::Base64(base64) => base64.end_group(out),
            Kind::QuotedPrintable(printable) => printable.finish(out),
        }
    }
}

/// A group of four digits on its way.
#[derive(Clone, Debug, Default)]
struct Base64 {
    bits: u32,
    digits: u8,
}

impl Base64 {
    fn push(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        out.reserve(piece.len() / 4 * 3 + 3);
        for octet in piece {
            match DIGITS[usize::from(*octet)] {
                JUNK => {}
                PADDING => self.end_group(out),
                digit => {
                    self.bits = self.bits << 6 | u32::from(digit);
                    self.digits += 1;
                    if self.digits == 4 {
                        out.extend_from_slice(&self.bits.to_be_bytes()[1..]);
                        *self = Base64::default();
                    }
                }
            }
        }
    }

    fn end_group(&mut self, out: &mut Vec<u8>) {
        let octets = (self.bits << (6 * (4 - u32::from(self.digits)))).to_be_bytes();
        out.extend_from_slice(&octets[1..1 + usize::from(self.digits.saturating_sub(1))]);
        *self = Base64::default();
    }
}

const JUNK: u8 = 255;
const PADDING: u8 = 254;

/// What each octet is worth (RFC 2045 §6.8).
const DIGITS: [u8; 256] = {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut digits = [JUNK; 256];
    let mut at = 0;
    while at < alphabet.len() {
        digits[alphabet[at] as usize] = at as u8;
        at += 1;
    }
    digits[b'=' as usize] = PADDING;
    digits
};

/// Octets that are held until it is known what they are: an escape that has begun, or white space that may be at a
/// line's end.
#[derive(Clone, Debug, Default)]
struct QuotedPrintable {
    held: Vec<u8>,
}

impl QuotedPrintable {
    /// So many are held at most; more of them stand for themselves.
    const HELD: usize = 256;

    fn push(&mut self, mut piece: &[u8], out: &mut Vec<u8>) {
        out.reserve(piece.len());
        while let Some((first, rest)) = piece.split_first() {
            if !self.held.is_empty() {
                self.take(*first, out);
                piece = rest;
                continue;
            }
            let end = memchr2(b'=', b'\n', piece).unwrap_or(piece.len());
            let blanks = piece[..end].iter().rev().take_while(|octet| is_blank(octet)).count();
            let (text, tail) = piece.split_at(end - blanks);
            out.extend_from_slice(text);
            let (tail, rest) = tail.split_at(tail.len().min(blanks + 1));
            tail.iter().for_each(|octet| self.take(*octet, out));
            piece = rest;
        }
    }

    fn take(&mut self, octet: u8, out: &mut Vec<u8>) {
        let is_escape = self.held.first() == Some(&b'=');
        let behind = &self.held[usize::from(is_escape)..];
        let blank = behind.iter().all(is_blank);
        match (octet, behind) {
            (b'\n', _) if blank => {
                if !is_escape {
                    out.extend_from_slice(if behind.ends_with(b"\r") { b"\r\n" } else { b"\n" });
                }
                self.held.clear();
            }
            (b' ' | b'\t' | b'\r', _) if blank && self.held.len() < QuotedPrintable::HELD => {
                self.held.push(octet);
            }
            (b'=', []) if !is_escape => self.held.push(octet),
            (_, []) if is_escape && octet.is_ascii_hexdigit() => self.held.push(octet),
            (_, [high]) if is_escape && high.is_ascii_hexdigit() && octet.is_ascii_hexdigit() => {
                out.push(digit(*high) << 4 | digit(octet));
                self.held.clear();
            }
            (_, []) if !is_escape => out.push(octet),
            _ => {
                out.append(&mut self.held);
                self.take(octet, out);
            }
        }
    }

    /// Behind the last octet white space is at a line's end.
    fn finish(&mut self, out: &mut Vec<u8>) {
        let is_escape = self.held.first() == Some(&b'=');
        if !self.held[usize::from(is_escape)..].iter().all(is_blank) {
            out.append(&mut self.held);
        }
        self.held.clear();
    }
}

fn is_blank(octet: &u8) -> bool {
    matches!(octet, b' ' | b'\t' | b'\r')
}

/// The worth of a hexadecimal digit.
fn digit(octet: u8) -> u8 {
    match octet {
        b'0'..=b'9' => octet - b'0',
        _ => (octet | 0x20) - b'a' + 10,
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn decoded(encoding: &str, pieces: &[&[u8]]) -> Vec<u8> {
        let mut decoder = Decoder::new(Some(encoding.as_bytes())).expect("a known encoding");
        let mut out = Vec::new();
        pieces.iter().for_each(|piece| decoder.push(piece, &mut out));
        decoder.finish(&mut out);
        out
    }

    #[test]
    fn base64_is_read_with_patience() {
        for (text, wanted) in [
            ("", ""),
            ("YWJj", "abc"),
            ("YWI=", "ab"),
            ("YQ==", "a"),
            ("YWI", "ab"),
            ("YWJjZ", "abc"),
            ("Y W\r\nJ*j-", "abc"),
            ("YQ==YWI=", "aab"),
            ("====YWJj=", "abc"),
        ] {
            assert_eq!(decoded("BASE64", &[text.as_bytes()]), wanted.as_bytes(), "{text}");
        }
    }

    #[test]
    fn quoted_printable_is_read_with_patience() {
        for (text, wanted) in [
            ("", ""),
            ("a=3Db=c4=81", "a=bā"),
            ("a=\r\nb=\nc= \t\r\nd", "abcd"),
            ("a \t\r\n b \nc  ", "a\r\n b\nc"),
            ("a =\r\nb", "a b"),
            ("a=4", "a=4"),
            ("a=4\r\nb=zz=", "a=4\r\nb=zz"),
            ("==41=4=41", "=A=4A"),
            ("a\rb = c", "a\rb = c"),
        ] {
            let found = decoded("Quoted-Printable", &[text.as_bytes()]);
            assert_eq!(String::from_utf8_lossy(&found), wanted, "{text:?}");
        }
        let blanks = " ".repeat(QuotedPrintable::HELD + 10) + "\n";
        assert_eq!(decoded("quoted-printable", &[blanks.as_bytes()]).len(), QuotedPrintable::HELD + 1);
    }

    #[test]
    fn what_has_no_encoding_passes_and_what_is_unknown_is_said_to_be() {
        for name in [None, Some("7bit"), Some("8BIT"), Some("Binary")] {
            assert!(Decoder::new(name.map(str::as_bytes)).expect("a known encoding").is_identity());
        }
        assert_eq!(decoded("binary", &[b"a=3D \r\n\0"]), b"a=3D \r\n\0");
        assert!(matches!(Decoder::new(Some(b"x-uuencode")), Err(UnknownCte)));
        assert!(matches!(Decoder::new(Some(b"")), Err(UnknownCte)));
    }

    proptest! {
        #[test]
        fn what_was_encoded_is_decoded(octets in vec(any::<u8>(), 0..200)) {
            prop_assert_eq!(decoded("base64", &[STANDARD.encode(&octets).as_bytes()]), octets.clone());
            let quoted: String = octets.iter().map(|octet| format!("={octet:02X}")).collect();
            prop_assert_eq!(decoded("quoted-printable", &[quoted.as_bytes()]), octets);
        }

        #[test]
        fn where_the_pieces_are_cut_makes_no_difference(text in "[=4Cz \\t\\r\\n]{0,60}", cut in 0_usize..60) {
            let text = text.as_bytes();
            let (one, two) = text.split_at(cut.min(text.len()));
            for encoding in ["base64", "quoted-printable"] {
                let single: Vec<&[u8]> = text.chunks(1).collect();
                prop_assert_eq!(decoded(encoding, &[one, two]), decoded(encoding, &[text]));
                prop_assert_eq!(decoded(encoding, &single), decoded(encoding, &[text]));
            }
        }
    }
}
