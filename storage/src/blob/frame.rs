//! One letter's body in a segment: header, body, tail.
//!
//! The header has a fixed size, so that a spool's file can leave room for it before anybody knows who gets the letter;
//! the accounts stand in the tail. Both have checksums, and together they say enough to make the index anew.
//!
//! ```text
//! 0  magic "PFRM"      16 date, µs          40 mailbox          52 CRC-32 of the tail
//! 4  version 1         24 stored octets     44 accounts (n)     56 CRC-32 of 0..56
//! 5  codec 0, 6 zero   32 octets as read    48 CRC-32 of body   60 body … n × account (u64)
//! 8  letter
//! ```
//! All numbers are big-endian.

use postern_model::{AccountId, LetterId, MailboxId, Timestamp};

/// Octets before the body.
pub(crate) const HEADER: usize = 60;

const MAGIC: &[u8; 4] = b"PFRM";
const VERSION: u8 = 1;
/// The body stands as it came.
const IDENTITY: u8 = 0;

/// What a frame says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) letter: LetterId,
    pub(crate) date: Timestamp,
    pub(crate) mailbox: MailboxId,
    /// Octets of the body.
    pub(crate) length: u64,
    pub(crate) accounts: u32,
    pub(crate) body_crc: u32,
    pub(crate) tail_crc: u32,
}

impl Header {
    /// Octets of the whole frame.
    pub(crate) fn frame_len(&self) -> u64 {
        frame_len(self.length, self.accounts as usize)
    }

    pub(crate) fn encode(&self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        let mut put = |at: usize, field: &[u8]| bytes[at..at + field.len()].copy_from_slice(field);
        put(0, MAGIC);
        put(4, &[VERSION, IDENTITY]);
        put(8, &self.letter.0.to_be_bytes());
        put(16, &self.date.0.to_be_bytes());
        put(24, &self.length.to_be_bytes());
        put(32, &self.length.to_be_bytes());
        put(40, &self.mailbox.0.to_be_bytes());
        put(44, &self.accounts.to_be_bytes());
        put(48, &self.body_crc.to_be_bytes());
        put(52, &self.tail_crc.to_be_bytes());
        let crc = crc32fast::hash(&bytes[..56]);
        bytes[56..].copy_from_slice(&crc.to_be_bytes());
        bytes
    }

    /// Reads a header; what is wrong with it, in words, where it is none.
    pub(crate) fn decode(bytes: &[u8; HEADER]) -> Result<Header, &'static str> {
        if &bytes[..4] != MAGIC {
            return Err("no frame begins there");
        }
        if crc32fast::hash(&bytes[..56]) != u32_at(bytes, 56) {
            return Err("the frame's header has a wrong checksum");
        }
        if bytes[4] != VERSION || bytes[5] != IDENTITY || u64_at(bytes, 24) != u64_at(bytes, 32) {
            return Err("a newer Postern wrote the frame");
        }
        Ok(Header {
            letter: LetterId(u64_at(bytes, 8)),
            date: Timestamp(u64_at(bytes, 16).cast_signed()),
            length: u64_at(bytes, 24),
            mailbox: MailboxId(u32_at(bytes, 40)),
            accounts: u32_at(bytes, 44),
            body_crc: u32_at(bytes, 48),
            tail_crc: u32_at(bytes, 52),
        })
    }
}

/// Octets of a frame around a body of `length` octets for so many accounts.
pub(crate) fn frame_len(length: u64, accounts: usize) -> u64 {
    HEADER as u64 + length + 8 * accounts as u64
}

/// What stands behind the body.
pub(crate) fn tail(accounts: &[AccountId]) -> Vec<u8> {
    accounts.iter().flat_map(|account| account.0.to_be_bytes()).collect()
}

fn u32_at(bytes: &[u8; HEADER], at: usize) -> u32 {
    let mut field = [0; 4];
    field.copy_from_slice(&bytes[at..at + 4]);
    u32::from_be_bytes(field)
}

fn u64_at(bytes: &[u8; HEADER], at: usize) -> u64 {
    let mut field = [0; 8];
    field.copy_from_slice(&bytes[at..at + 8]);
    u64::from_be_bytes(field)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyspace::hex;

    fn sample() -> Header {
        Header {
            letter: LetterId(0x0102),
            date: Timestamp(-5),
            mailbox: MailboxId::INBOX,
            length: 3,
            accounts: 2,
            body_crc: crc32fast::hash(b"abc"),
            tail_crc: crc32fast::hash(&tail(&[AccountId(7), AccountId(8)])),
        }
    }

    /// Segments are on disk for ever.
    #[test]
    fn a_header_has_the_bytes_it_always_had() {
        assert_eq!(
            hex(&sample().encode()),
            "5046524d010000000000000000000102fffffffffffffffb00000000000000030000000000000003\
             0000000100000002352441c28601aeae9db02220"
        );
        assert_eq!(hex(&tail(&[AccountId(7), AccountId(8)])), "00000000000000070000000000000008");
    }

    #[test]
    fn a_header_reads_back_and_no_changed_octet_passes() {
        let bytes = sample().encode();
        assert_eq!(Header::decode(&bytes), Ok(sample()));
        for at in 0..HEADER {
            let mut changed = bytes;
            changed[at] ^= 0x10;
            assert!(Header::decode(&changed).is_err(), "octet {at}");
        }
    }
}
