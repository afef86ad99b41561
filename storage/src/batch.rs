//! One atomic unit of work: all of it becomes visible and durable together, or nothing does.

use std::fmt;

use postern_model::record::{OwedNotice, Record};
use postern_model::{AccountId, LetterId, MailboxId, Timestamp};

use crate::blob::SegmentId;
use crate::blob::spool::SealedBody;
use crate::codec;
use crate::error::StoreError;
use crate::keys;
use crate::keyspace::{Key, RawKey, kind, space};
use crate::log::{Logged, Ring};

/// Changes and the preconditions under which they may be made.
///
/// All preconditions are judged before the first change, against what the batches before this one left behind. A body
/// that the batch itself appends can't be dropped by it.
#[derive(Default)]
pub struct Batch {
    pub(crate) checks: Vec<Check>,
    pub(crate) writes: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    pub(crate) appends: Vec<Append>,
    pub(crate) copies: Vec<Copied>,
    pub(crate) drops: Vec<(AccountId, LetterId)>,
    pub(crate) moves: Vec<Move>,
    pub(crate) logs: Vec<Logged>,
    /// Letters' ids that it uses beside those of its bodies.
    pub(crate) letters: Vec<LetterId>,
    pub(crate) error: Option<StoreError>,
    lazy: bool,
}

/// A precondition.
pub(crate) enum Check {
    Absent(Vec<u8>),
    Present(Vec<u8>),
    Equals {
        key: Vec<u8>,
        value: Vec<u8>,
        /// Stored bytes of an older version in today's form.
        modernise: fn(&[u8]) -> Option<Vec<u8>>,
    },
}

/// A body that comes in.
pub(crate) struct Append {
    pub(crate) accounts: Vec<AccountId>,
    pub(crate) letter: LetterId,
    pub(crate) mailbox: MailboxId,
    pub(crate) date: Timestamp,
    pub(crate) body: SealedBody,
}

/// A body that gets one more name.
pub(crate) struct Copied {
    pub(crate) account: AccountId,
    pub(crate) from: LetterId,
    pub(crate) to: LetterId,
}

/// A frame that leaves its segment so that this can be dropped.
pub(crate) struct Move {
    pub(crate) segment: SegmentId,
    pub(crate) offset: u64,
    pub(crate) frame: Vec<u8>,
}

impl Batch {
    /// An empty batch.
    pub fn new() -> Batch {
        Batch::default()
    }

    /// Stores `record` under `key`, whatever was there.
    pub fn put<R: Record>(&mut self, key: &Key<R>, record: &R) -> &mut Batch {
        if let Some(bytes) = self.encode(record) {
            self.writes.push((key.as_bytes().to_vec(), Some(bytes)));
        }
        self
    }

    /// Removes what is stored under `key`, if anything is.
    pub fn delete<R>(&mut self, key: &Key<R>) -> &mut Batch {
        self.writes.push((key.as_bytes().to_vec(), None));
        self
    }

    /// Removes what is stored under a key of unknown kind; a body is dropped as [`Batch::drop_body`] does it.
    pub fn delete_raw(&mut self, key: &RawKey) -> &mut Batch {
        match body_key(&key.0) {
            Some((account, letter)) => self.drop_body(account, letter),
            None => {
                self.writes.push((key.0.clone(), None));
                self
            }
        }
    }

    /// The batch fails with [`StoreError::Conflict`] unless nothing is stored under `key`.
    pub fn expect_absent<R>(&mut self, key: &Key<R>) -> &mut Batch {
        self.checks.push(Check::Absent(key.as_bytes().to_vec()));
        self
    }

    /// The batch fails with [`StoreError::Conflict`] unless something is stored under `key`.
    pub fn expect_present<R>(&mut self, key: &Key<R>) -> &mut Batch {
        self.checks.push(Check::Present(key.as_bytes().to_vec()));
        self
    }

    /// The batch fails with [`StoreError::Conflict`] unless `record` is what is stored under `key`.
    pub fn expect<R: Record>(&mut self, key: &Key<R>, record: &R) -> &mut Batch {
        if let Some(value) = self.encode(record) {
            let key = key.as_bytes().to_vec();
            self.checks.push(Check::Equals { key, value, modernise: codec::modernise::<R> });
        }
        self
    }

    /// Stores a body once for all of `accounts`, each with a reference of its own. A batch with a body is never lazy.
    ///
    /// The batch fails with [`StoreError::Conflict`] where one of the accounts has a body for `letter` already.
    /// `mailbox` and `date` stand beside the body for the day when the index has to be made anew.
    pub fn append_body(
        &mut self,
        accounts: &[AccountId],
        letter: LetterId,
        mailbox: MailboxId,
        date: Timestamp,
        body: SealedBody,
    ) -> &mut Batch {
        let mut accounts = accounts.to_vec();
        accounts.sort_unstable();
        accounts.dedup();
        if !accounts.is_empty() {
            self.appends.push(Append { accounts, letter, mailbox, date, body });
        }
        self
    }

    /// Gives the account a second reference to the body of its letter `from`, under the new id `to`. Each is dropped by
    /// itself, and the body goes with the last; one batch may copy a letter and drop it.
    ///
    /// The batch fails with [`StoreError::Conflict`] where the account had no body for `from` before the batch, or has
    /// one for `to`.
    pub fn copy_body(&mut self, account: AccountId, from: LetterId, to: LetterId) -> &mut Batch {
        self.copies.push(Copied { account, from, to });
        self
    }

    /// Removes the account's reference to a letter's body, if there is one; with the last reference goes the body.
    pub fn drop_body(&mut self, account: AccountId, letter: LetterId) -> &mut Batch {
        self.drops.push((account, letter));
        self
    }

    /// Puts an entry at the end of one of the account's rings, which keeps the last `keep` (at least 1); where the
    /// account is gone, nothing is logged. Numbers ascend in the order in which batches come to pass.
    pub fn log<R: Record>(&mut self, account: AccountId, ring: Ring, keep: u32, record: &R) -> &mut Batch {
        if let Some(record) = self.encode(record) {
            self.logs.push(Logged { account, ring, keep, record });
        }
        self
    }

    /// Owes the account a notice, which will be the letter of this id.
    pub fn owe(&mut self, letter: LetterId, account: AccountId, notice: &OwedNotice) -> &mut Batch {
        self.letters.push(letter);
        self.put(&keys::owed_notice(letter, account), notice)
    }

    /// The batch is answered when it is visible; it becomes durable within a second.
    pub fn lazy(&mut self) -> &mut Batch {
        self.lazy = true;
        self
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.checks.is_empty()
            && self.writes.is_empty()
            && self.appends.is_empty()
            && self.copies.is_empty()
            && self.drops.is_empty()
            && self.moves.is_empty()
            && self.logs.is_empty()
    }

    pub(crate) fn is_lazy(&self) -> bool {
        self.lazy && self.appends.is_empty() && self.moves.is_empty()
    }

    /// Octets that it keeps in memory while it waits.
    pub(crate) fn weight(&self) -> usize {
        let writes: usize = self.writes.iter().map(|(k, v)| k.len() + v.as_ref().map_or(0, Vec::len)).sum();
        let bodies: usize = self.appends.iter().map(|a| a.body.in_memory()).sum();
        let moves: usize = self.moves.iter().map(|m| m.frame.len()).sum();
        let logs: usize = self.logs.iter().map(|entry| entry.record.len()).sum();
        writes + bodies + moves + logs + self.copies.len() * size_of::<Copied>()
    }

    fn encode<R: Record>(&mut self, record: &R) -> Option<Vec<u8>> {
        match codec::encode(record) {
            Ok(bytes) => Some(bytes),
            Err(error) => {
                self.error.get_or_insert(error);
                None
            }
        }
    }
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch")
            .field("checks", &self.checks.len())
            .field("writes", &self.writes.len())
            .field("appends", &self.appends.len())
            .field("copies", &self.copies.len())
            .field("drops", &self.drops)
            .finish_non_exhaustive()
    }
}

/// Whose body a key stands for, where it stands for one.
fn body_key(key: &[u8]) -> Option<(AccountId, LetterId)> {
    let (account, letter) = (key.get(1..9)?, key.get(10..)?);
    let is_body = key[0] == space::ACCOUNT && key[9] == kind::BODY;
    let id = |bytes: &[u8]| bytes.try_into().ok().map(u64::from_be_bytes);
    let found = (AccountId(id(account)?), LetterId(id(letter)?));
    is_body.then_some(found)
}
