//! What tells whether two letters have the same text, whatever stands in their headers (SPEC Q4).
//!
//! A checksum and no more: whoever wants to pass two texts off as different changes a letter in one of them anyway, and
//! it costs next to nothing beside the checksum that the store makes.

use crc32fast::Hasher;

/// The end of a header in lines that end with CRLF: the last line's end, and a blank one.
const BLANK_LINE: u32 = u32::from_be_bytes(*b"\r\n\r\n");

/// The digest of a letter's text, made as the letter comes.
#[derive(Debug, Default)]
pub(super) struct TextDigest {
    /// The last four octets of the header.
    last: u32,
    /// `None` while the header lasts.
    text: Option<Hasher>,
}

impl TextDigest {
    /// The next octets of the letter.
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        if let Some(text) = &mut self.text {
            return text.update(bytes);
        }
        for (n, byte) in bytes.iter().enumerate() {
            self.last = self.last << 8 | u32::from(*byte);
            if self.last == BLANK_LINE {
                return self.text.insert(Hasher::new()).update(&bytes[n + 1..]);
            }
        }
    }

    /// The letter is whole. One without a text has the digest of an empty one.
    pub(super) fn finish(self) -> u64 {
        self.text.map_or(0, |text| u64::from(text.finalize()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(letter: &[u8], piece: usize) -> u64 {
        let mut digest = TextDigest::default();
        letter.chunks(piece).for_each(|piece| digest.feed(piece));
        digest.finish()
    }

    #[test]
    fn it_is_of_the_text_alone_whatever_the_pieces() {
        let letter = b"A: b\r\nC: d\r\n\r\ntext\r\n\r\nmore\r\n";
        for piece in 1..letter.len() {
            assert_eq!(digest(letter, piece), digest(b"X: y\r\n\r\ntext\r\n\r\nmore\r\n", 7));
        }
        assert_ne!(digest(letter, 5), digest(b"A: b\r\nC: d\r\n\r\nTEXT\r\n\r\nmore\r\n", 5));
        assert_eq!(digest(b"A: b\r\n", 3), digest(b"A: b\r\n\r\n", 3));
    }
}
