//! An account's event lists: rings that keep the last so many entries and never grow beyond.
//!
//! The committer numbers the entries: it alone knows in which order batches come to pass, so several actors may log to
//! one account, an entry that came to nothing leaves no gap, and the n-th last entry is found without a search.

use std::num::NonZeroUsize;

use bincode::{Decode, Encode};
use lru::LruCache;
use postern_model::AccountId;
use postern_model::record::Record;

use crate::codec;
use crate::error::StoreError;
use crate::keyspace::{Key, KeyRange, Parts, Writer, kind};

/// Which of an account's lists. The numbers are on disk: never change one, append new ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ring {
    /// Changes of what the account may do.
    Changes = 0,
    /// Logins.
    Logins = 1,
    /// Refused logins: however many there are, they wash nothing else away.
    LoginRefusals = 2,
    /// Letters that were accepted; the send windows are read from here.
    Letters = 3,
    /// Refused letters.
    LetterRefusals = 4,
}

impl Ring {
    /// All of them.
    pub const ALL: [Ring; 5] =
        [Ring::Changes, Ring::Logins, Ring::LoginRefusals, Ring::Letters, Ring::LetterRefusals];

    fn byte(self) -> u8 {
        self as u8
    }

    fn of(byte: u8) -> Option<Ring> {
        Ring::ALL.into_iter().find(|ring| ring.byte() == byte)
    }
}

/// Where an account's rings begin and end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub(crate) struct LogHead {
    /// The number of the next entry of any ring: they tell the order between rings.
    pub(crate) number: u64,
    /// Each ring's oldest entry, and the one behind its last.
    pub(crate) rings: [(u64, u64); 5],
}

impl Record for LogHead {
    const VERSION: u8 = 1;
    const NAME: &'static str = "LogHead";
}

/// Heads of the accounts that logged last: the committer alone changes heads, so it need not read again what it wrote.
/// They are as the plan under way leaves them; where that comes to nothing, they have to be forgotten.
pub(crate) struct Heads(LruCache<AccountId, LogHead>);

impl Heads {
    pub(crate) fn new() -> Heads {
        Heads(LruCache::new(REMEMBERED))
    }

    pub(crate) fn get(&mut self, account: AccountId) -> Option<LogHead> {
        self.0.get(&account).copied()
    }

    pub(crate) fn keep(&mut self, account: AccountId, head: LogHead) {
        self.0.put(account, head);
    }

    pub(crate) fn forget(&mut self, account: AccountId) {
        self.0.pop(&account);
    }

    pub(crate) fn forget_all(&mut self) {
        self.0.clear();
    }
}

/// An entry on its way.
pub(crate) struct Logged {
    pub(crate) account: AccountId,
    pub(crate) ring: Ring,
    /// Entries that the ring keeps with this one.
    pub(crate) keep: u32,
    pub(crate) record: Vec<u8>,
}

/// Heads that are remembered: about 2 MiB.
pub(crate) const REMEMBERED: NonZeroUsize = NonZeroUsize::new(16_384).unwrap();
/// Entries beyond `keep` that one new entry removes at most: a ring whose bound was lowered shrinks step by step.
const REMOVED_AT_ONCE: u64 = 2;

impl LogHead {
    /// The oldest entry of a ring, and the one behind its last.
    pub(crate) fn ring(&self, ring: Ring) -> (u64, u64) {
        self.rings[usize::from(ring.byte())]
    }

    /// Takes an entry in: where it goes, its bytes, and the keys of those that make room for it.
    pub(crate) fn push(&mut self, entry: Logged) -> (Vec<u8>, Vec<u8>, Vec<Vec<u8>>) {
        let Logged { account, ring, keep, record } = entry;
        let (first, next) = &mut self.rings[usize::from(ring.byte())];
        let key = at(account, ring, *next).into_bytes();
        let value = [&self.number.to_be_bytes()[..], &record].concat();
        self.number += 1;
        *next += 1;
        let surplus = (*next - *first).saturating_sub(u64::from(keep.max(1))).min(REMOVED_AT_ONCE);
        let gone = (*first..*first + surplus).map(|n| at(account, ring, n).into_bytes()).collect();
        *first += surplus;
        (key, value, gone)
    }
}

/// Where an account's rings begin and end. There is one only where there is an account: it goes with the account's record.
pub(crate) fn head(account: AccountId) -> Key<LogHead> {
    Writer::account(account, kind::LOG_HEAD).key()
}

/// Where an entry lies.
pub(crate) fn at(account: AccountId, ring: Ring, n: u64) -> Key<()> {
    Writer::account(account, kind::LOG).u8(ring.byte()).u64(n).key()
}

/// The entries of all of an account's rings, ring by ring.
pub(crate) fn all(account: AccountId) -> KeyRange<(Ring, u64), ()> {
    Writer::account(account, kind::LOG).range(parse)
}

fn parse(key: &[u8]) -> Option<(Ring, u64)> {
    let mut parts = Parts(key).skip(10)?;
    let place = (Ring::of(parts.u8()?)?, parts.u64()?);
    parts.end().map(|()| place)
}

/// Reads an entry: its number and the record.
///
/// # Errors
/// [`StoreError::Damaged`].
pub(crate) fn read<R: Record>(stored: &[u8]) -> Result<(u64, R), StoreError> {
    let (number, record) =
        stored.split_first_chunk::<8>().ok_or_else(|| StoreError::damaged("an event is cut off"))?;
    Ok((u64::from_be_bytes(*number), codec::decode(record)?))
}
