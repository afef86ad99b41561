//! Where each record lies: one tree, a first byte for the space, numbers big-endian so that they sort.
//!
//! Everything of an account begins with `[ACCOUNT][its id]`: one account is one range to move, restore or remove.
//! What has to be found for all accounts at once (letters and notices still owed, bodies to be dropped, what falls due)
//! has a space of its own.
//! A [`Key`] knows the record that lies under it, a [`KeyRange`] also how to read a key back.

use std::fmt;
use std::marker::PhantomData;

use postern_model::AccountId;

/// First bytes. They are on disk: never change one, append new ones.
pub(crate) mod space {
    pub(crate) const META: u8 = 0x00;
    pub(crate) const DOMAIN: u8 = 0x01;
    pub(crate) const ADDRESS: u8 = 0x02;
    pub(crate) const ACCOUNT: u8 = 0x03;
    pub(crate) const PENDING: u8 = 0x04;
    pub(crate) const FAILED_LOGINS: u8 = 0x05;
    pub(crate) const DOOMED: u8 = 0x06;
    pub(crate) const FRAME_REFS: u8 = 0x07;
    pub(crate) const SEGMENT: u8 = 0x08;
    pub(crate) const REMOVAL: u8 = 0x09;
    pub(crate) const DUE: u8 = 0x0a;
    pub(crate) const OUTBOX: u8 = 0x0b;
    pub(crate) const QUEUE: u8 = 0x0c;
    pub(crate) const DOMAIN_KEYS: u8 = 0x0d;
    pub(crate) const STS: u8 = 0x0e;
    pub(crate) const TLS_REPORT: u8 = 0x0f;
    pub(crate) const DMARC_REPORT: u8 = 0x10;
    pub(crate) const GREYLIST: u8 = 0x11;
    pub(crate) const SMS: u8 = 0x12;
    /// Parts of long values, the engine's own affair.
    pub(crate) const PIECES: u8 = 0xf0;
}

/// Second bytes in [`space::META`].
pub(crate) mod meta {
    pub(crate) const FORMAT: u8 = 0x00;
    pub(crate) const STORE: u8 = 0x01;
    pub(crate) const NEXT_ACCOUNT: u8 = 0x02;
    pub(crate) const CLOCK: u8 = 0x03;
    pub(crate) const LETTERS: u8 = 0x04;
    pub(crate) const SECRET: u8 = 0x05;
    pub(crate) const BRAKE: u8 = 0x06;
    pub(crate) const PLANS: u8 = 0x07;
    pub(crate) const FILED: u8 = 0x08;
}

/// The byte behind the account's id in [`space::ACCOUNT`].
pub(crate) mod kind {
    pub(crate) const ACCOUNT: u8 = 0x00;
    pub(crate) const CREDENTIALS: u8 = 0x01;
    pub(crate) const ACCESS: u8 = 0x02;
    pub(crate) const ACTIVITY: u8 = 0x03;
    pub(crate) const USAGE: u8 = 0x04;
    pub(crate) const APP_PASSWORD: u8 = 0x05;
    pub(crate) const SENDING_LOCK: u8 = 0x06;
    pub(crate) const CHECKS: u8 = 0x07;
    pub(crate) const ABUSE: u8 = 0x08;
    pub(crate) const RULES: u8 = 0x09;
    pub(crate) const REPLIES: u8 = 0x0a;
    pub(crate) const SMS: u8 = 0x0b;
    pub(crate) const MAILBOX: u8 = 0x10;
    pub(crate) const BLOCK: u8 = 0x11;
    pub(crate) const VANISHED: u8 = 0x12;
    pub(crate) const FOLDERS: u8 = 0x13;
    pub(crate) const ANNOTATIONS: u8 = 0x14;
    pub(crate) const FACTS: u8 = 0x20;
    pub(crate) const BODY: u8 = 0x21;
    pub(crate) const SIGNATURE: u8 = 0x22;
    pub(crate) const LOG_HEAD: u8 = 0x30;
    pub(crate) const LOG: u8 = 0x31;
}

/// Where one record of type `R` lies.
pub struct Key<R> {
    bytes: Vec<u8>,
    record: PhantomData<fn() -> R>,
}

impl<R> Key<R> {
    pub(crate) fn new(bytes: Vec<u8>) -> Key<R> {
        Key { bytes, record: PhantomData }
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

impl<R> Clone for Key<R> {
    fn clone(&self) -> Self {
        Key::new(self.bytes.clone())
    }
}

impl<R> PartialEq for Key<R> {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl<R> fmt::Debug for Key<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", hex(&self.bytes))
    }
}

/// A key without its record's type, as [`crate::View::keys`] finds it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RawKey(pub(crate) Vec<u8>);

impl fmt::Debug for RawKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RawKey({})", hex(&self.0))
    }
}

/// Neighbouring keys of records of type `R`; `K` is what a key reads as.
pub struct KeyRange<K, R> {
    pub(crate) start: Vec<u8>,
    pub(crate) end: Vec<u8>,
    pub(crate) parse: fn(&[u8]) -> Option<K>,
    record: PhantomData<fn() -> R>,
}

impl<K, R> KeyRange<K, R> {
    /// Everything that begins with `prefix`.
    pub(crate) fn prefix(prefix: Vec<u8>, parse: fn(&[u8]) -> Option<K>) -> KeyRange<K, R> {
        KeyRange { end: successor(&prefix), start: prefix, parse, record: PhantomData }
    }

    /// What is left of the range behind `key`: where a scan that met its limit goes on.
    #[must_use]
    pub fn after(mut self, key: &Key<R>) -> Self {
        self.skip_to(key.as_bytes());
        self
    }

    /// [`KeyRange::after`] for a key of whatever kind.
    #[must_use]
    pub fn behind(mut self, key: &RawKey) -> Self {
        self.skip_to(&key.0);
        self
    }

    /// Leaves out everything up to and including `key`.
    pub(crate) fn skip_to(&mut self, key: &[u8]) {
        let mut next = key.to_vec();
        next.push(0);
        if next > self.start {
            self.start = next;
        }
    }
}

impl<K, R> Clone for KeyRange<K, R> {
    fn clone(&self) -> Self {
        KeyRange { start: self.start.clone(), end: self.end.clone(), parse: self.parse, record: PhantomData }
    }
}

/// The first key behind all that begin with `prefix`. Spaces end below 0xff, so there always is one.
fn successor(prefix: &[u8]) -> Vec<u8> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < u8::MAX {
            end.push(last + 1);
            break;
        }
    }
    end
}

/// Puts a key together.
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    pub(crate) fn space(space: u8) -> Writer {
        let mut bytes = Vec::with_capacity(26);
        bytes.push(space);
        Writer(bytes)
    }

    pub(crate) fn account(account: AccountId, kind: u8) -> Writer {
        Writer::space(space::ACCOUNT).u64(account.0).u8(kind)
    }

    pub(crate) fn u8(mut self, n: u8) -> Writer {
        self.0.push(n);
        self
    }

    pub(crate) fn u32(mut self, n: u32) -> Writer {
        self.0.extend_from_slice(&n.to_be_bytes());
        self
    }

    pub(crate) fn u64(mut self, n: u64) -> Writer {
        self.0.extend_from_slice(&n.to_be_bytes());
        self
    }

    pub(crate) fn bytes(mut self, bytes: &[u8]) -> Writer {
        self.0.extend_from_slice(bytes);
        self
    }

    pub(crate) fn key<R>(self) -> Key<R> {
        Key::new(self.0)
    }

    pub(crate) fn range<K, R>(self, parse: fn(&[u8]) -> Option<K>) -> KeyRange<K, R> {
        KeyRange::prefix(self.0, parse)
    }
}

/// Takes a key apart.
pub(crate) struct Parts<'a>(pub(crate) &'a [u8]);

impl<'a> Parts<'a> {
    pub(crate) fn skip(mut self, octets: usize) -> Option<Parts<'a>> {
        self.0 = self.0.get(octets..)?;
        Some(self)
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        let (head, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*head)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        let (head, rest) = self.0.split_first_chunk::<4>()?;
        self.0 = rest;
        Some(u32::from_be_bytes(*head))
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        let (head, rest) = self.0.split_first_chunk::<8>()?;
        self.0 = rest;
        Some(u64::from_be_bytes(*head))
    }

    /// Nothing may be left over.
    pub(crate) fn end(self) -> Option<()> {
        self.0.is_empty().then_some(())
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_ends_behind_the_last_key_of_its_prefix() {
        assert_eq!(successor(&[3, 0, 7]), [3, 0, 8]);
        assert_eq!(successor(&[3, 0xff, 0xff]), [4]);
        let range: KeyRange<(), ()> = Writer::account(AccountId(u64::MAX), kind::BODY).range(|_| Some(()));
        assert!(range.end > range.start && range.end.as_slice() < [space::PENDING].as_slice());
    }

    #[test]
    fn a_scan_goes_on_behind_the_key_it_stopped_at() {
        let range: KeyRange<(), ()> = Writer::space(space::DOMAIN).range(|_| Some(()));
        let range = range.after(&Writer::space(space::DOMAIN).bytes(b"ab").key());
        assert!(range.start.as_slice() > b"\x01ab".as_slice());
        assert!(range.start.as_slice() < b"\x01ab\x01".as_slice());
    }
}
