//! Parts without their transfer encoding: `BINARY[…]` (RFC 3516, RFC 9051 §6.4.5).

use std::ops::Range;

pub use postern_model::mime::transfer::{Decoder, UnknownCte};
use postern_model::mime::{Content, Facts};

/// The octets of `BINARY[part]` and what decodes them: the body of the part, or the whole letter as it stands where
/// `part` is empty. `None` where there is no such part, which is answered with NIL; a multipart has no encoding of its
/// own (RFC 2045 §6.4) and is shown as it stands.
///
/// # Errors
/// [`UnknownCte`], which is answered with `NO [UNKNOWN-CTE]`.
pub fn binary(facts: &Facts, part: &[u32]) -> Option<Result<(Range<u64>, Decoder), UnknownCte>> {
    let found = facts.structure.at(part)?;
    if part.is_empty() {
        return Some(Decoder::new(None).map(|decoder| (0..facts.size(), decoder)));
    }
    let encoding = match found.content {
        Content::Multipart(_) => None,
        _ => found.encoding.as_deref(),
    };
    Some(Decoder::new(encoding).map(|decoder| (found.body(), decoder)))
}

#[cfg(test)]
mod tests {
    use postern_model::mime::Scanner;

    use super::*;

    fn read(letter: &str, part: &[u32]) -> Option<Result<String, UnknownCte>> {
        let letter = letter.replace('|', "\r\n");
        let mut scanner = Scanner::new();
        scanner.feed(letter.as_bytes());
        let (range, mut decoder) = match binary(&scanner.finish(), part)? {
            Ok(found) => found,
            Err(error) => return Some(Err(error)),
        };
        let mut out = Vec::new();
        decoder.push(&letter.as_bytes()[range.start as usize..range.end as usize], &mut out);
        decoder.finish(&mut out);
        Some(Ok(String::from_utf8(out).expect("the letters are UTF-8").replace("\r\n", "|")))
    }

    #[test]
    fn parts_are_decoded() {
        let letter = "Content-Type: multipart/mixed; boundary=x|Content-Transfer-Encoding: base64||\
            --x|Content-Transfer-Encoding: Base64||xIE=|--x|Content-Transfer-Encoding: x-odd||a|--x||b=3D|--x--|";
        assert_eq!(read(letter, &[1]), Some(Ok("ā".to_owned())));
        assert!(matches!(read(letter, &[2]), Some(Err(UnknownCte))));
        assert_eq!(read(letter, &[3]), Some(Ok("b=3D".to_owned())));
        assert_eq!(read(letter, &[4]), None);
        assert_eq!(read(letter, &[]), Some(Ok(letter.to_owned())));
        let coded = "Content-Transfer-Encoding: quoted-printable||b=3D|";
        assert_eq!(read(coded, &[1]), Some(Ok("b=|".to_owned())));
    }
}
