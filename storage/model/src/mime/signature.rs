//! Which letters can hold a text: trigrams as hashed bits, so that a search opens few letters.
//!
//! A [`Signature`] is a set of the three-octet pieces (trigrams) of all that [`texts`] shows of a letter, folded. A letter
//! that lacks one of the trigrams of what is looked for does not hold it; one that has them all may, and is then read. It
//! is never the other way round, so a search is exact whatever the signature says.
//!
//! Each trigram sets one bit, and there are five to ten bits for each, up to 8 KiB: a bit is set by chance in one of five
//! to ten cases, a text of n trigrams would be let through by chance alone in that to the power of n. Words share trigrams,
//! so it is more: of letters of 10 KiB cut from one project's text, looked through for words of the same text that they
//! lack, 11 % are let through for words of 4 letters, 7 % for 8, 2.5 % for 10, 1.3 % for 12. Their signatures have 2 KiB,
//! and making one takes 30 µs.

use super::facts::Facts;
use super::text::{fold_into, texts};
use crate::record::Signature;

/// The fewest octets of a signature.
pub const SMALLEST: usize = 32;
/// The most octets of a signature: letters with more than some 13,000 different trigrams have fewer bits for each.
pub const LARGEST: usize = 8 * 1024;
/// Bits that each trigram has at least, up to [`LARGEST`].
const BITS_EACH: usize = 5;

/// The signature of a letter, whose facts are `facts`.
pub fn of(letter: &[u8], facts: &Facts) -> Signature {
    let mut bits = vec![0; LARGEST];
    let mut folded = String::new();
    texts(letter, facts, &mut |_, text| {
        folded.clear();
        fold_into(text, &mut folded);
        for place in places(&folded) {
            bits[place / 8] |= 1 << (place % 8);
        }
    });
    shrink(&mut bits);
    Signature { bits }
}

/// Whether the letter can hold a text that was folded with [`fold`](super::text::fold). Texts of less than three octets
/// have no trigrams, and a letter without a signature can hold anything.
pub fn may_hold(signature: &Signature, folded: &str) -> bool {
    let bits = &signature.bits;
    // Of a size that is no power of two nothing can be said.
    if !bits.len().is_power_of_two() {
        return true;
    }
    places(folded).all(|place| {
        let place = place & (bits.len() * 8 - 1);
        bits[place / 8] & 1 << (place % 8) != 0
    })
}

/// Where the trigrams of a folded text stand among the bits of a signature of [`LARGEST`] octets.
fn places(folded: &str) -> impl Iterator<Item = usize> {
    folded.as_bytes().windows(3).map(|three| {
        let trigram = u32::from_be_bytes([0, three[0], three[1], three[2]]);
        // Fibonacci hashing: the upper bits of the product are the well mixed ones.
        (trigram.wrapping_mul(0x9E37_79B1) >> 16) as usize
    })
}

/// Folds the upper half onto the lower one while that leaves room enough: bits then stand where a smaller signature would
/// have had them.
fn shrink(bits: &mut Vec<u8>) {
    let distinct: usize = bits.iter().map(|octet| octet.count_ones() as usize).sum();
    while bits.len() > SMALLEST && bits.len() * 8 / 2 >= distinct * BITS_EACH {
        let half = bits.len() / 2;
        let (lower, upper) = bits.split_at_mut(half);
        lower.iter_mut().zip(upper).for_each(|(lower, upper)| *lower |= *upper);
        bits.truncate(half);
    }
    bits.shrink_to_fit();
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Scanner;
    use super::super::text::fold;
    use super::*;

    fn signature(letter: &str) -> Signature {
        let mut scanner = Scanner::new();
        scanner.feed(letter.as_bytes());
        of(letter.as_bytes(), &scanner.finish())
    }

    #[test]
    fn what_is_there_may_be_held_and_what_is_not_is_not() {
        let letter = signature("Subject: =?utf-8?q?J=C4=81nis?=\r\n\r\nSome words here.\r\n");
        for held in ["jānis", "SUBJECT: J", "words", "s here.", "", "q", "zz"] {
            assert!(may_hold(&letter, &fold(held)), "{held}");
        }
        for lacking in ["walrus", "carpenter", "some=words"] {
            assert!(!may_hold(&letter, &fold(lacking)), "{lacking}");
        }
        assert!(may_hold(&Signature::default(), "ANYTHING"));
        assert!(may_hold(&Signature { bits: vec![0; 33] }, "ANYTHING"));
        assert!(!may_hold(&signature(""), "ANYTHING"));
    }

    #[test]
    fn the_size_follows_what_is_said() {
        assert_eq!(signature("").bits.len(), SMALLEST);
        assert_eq!(signature(&format!("\r\n{}", "la ".repeat(10_000))).bits.len(), SMALLEST);
        let numbers: String =
            (0..30_000_u32).map(|n| format!("{:x}", n.wrapping_mul(2_654_435_761))).collect();
        assert_eq!(signature(&format!("\r\n{numbers}")).bits.len(), 4_096);
        let all: String = ('\u{3000}'..'\u{8000}').collect();
        assert_eq!(signature(&format!("\r\n{all}")).bits.len(), LARGEST);
        for letter in ["A: few", "A: b\r\n\r\nwords that are not so few that they would go into the least"] {
            let bits = signature(letter).bits;
            let set: usize = bits.iter().map(|octet| octet.count_ones() as usize).sum();
            assert!(set > 0 && (bits.len() == SMALLEST || bits.len() * 8 >= set * BITS_EACH));
        }
    }

    /// Odd letters, in encodings too.
    fn letter() -> impl Strategy<Value = String> {
        let body = prop_oneof![
            "[ a-zA-Zāß=\r\n]{0,200}".prop_map(|text| format!("\r\n{text}")),
            "[a-zA-Z0-9+/]{0,80}".prop_map(|text| format!("Content-Transfer-Encoding: base64\r\n\r\n{text}")),
            "(a|=C4=81|=|\r\n| ){0,60}"
                .prop_map(|text| format!("Content-Transfer-Encoding: quoted-printable\r\n\r\n{text}")),
            "[a-z]{0,40}".prop_map(|text| format!(
                "Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nX-Y: {text}\r\n\r\n{text}\r\n--x--"
            )),
        ];
        ("[ -~]{0,40}", body).prop_map(|(subject, body)| format!("Subject: {subject}\r\n{body}"))
    }

    proptest! {
        #[test]
        fn it_never_denies_what_is_there(letter in letter(), from in any::<prop::sample::Index>(), length in 0..30_usize) {
            let mut scanner = Scanner::new();
            scanner.feed(letter.as_bytes());
            let facts = scanner.finish();
            let signature = of(letter.as_bytes(), &facts);
            texts(letter.as_bytes(), &facts, &mut |_, text| {
                let folded: Vec<char> = fold(text).chars().collect();
                let from = from.index(folded.len() + 1);
                let wanted: String = folded[from..].iter().take(length).collect();
                assert!(may_hold(&signature, &wanted), "{wanted:?} in {text:?}");
                assert!(may_hold(&signature, &fold(text)));
            });
        }
    }
}
