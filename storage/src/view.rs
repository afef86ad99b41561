//! A look at the index that no commit changes while it lasts.

use std::ops::ControlFlow;

use postern_model::AccountId;
use postern_model::record::{Account, Record};

use crate::codec;
use crate::engine::{Engine, Visitor};
use crate::error::StoreError;
use crate::keys;
use crate::keyspace::{Key, KeyRange, RawKey, Writer, hex, space};
use crate::log::{self, Ring};

/// The index between two commits. What it shows may not be durable yet; whoever must know waits for its own commit.
pub struct View<'a> {
    engine: &'a dyn Engine,
}

impl<'a> View<'a> {
    pub(crate) fn new(engine: &'a dyn Engine) -> View<'a> {
        View { engine }
    }

    /// The record under `key`.
    ///
    /// # Errors
    /// [`StoreError::Damaged`], [`StoreError::Io`].
    pub fn get<R: Record>(&self, key: &Key<R>) -> Result<Option<R>, StoreError> {
        let stored = self.engine.get(key.as_bytes())?;
        stored.map(|bytes| read(key.as_bytes(), &bytes)).transpose()
    }

    /// Whether there is a record under `key`, read or not.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn contains<R>(&self, key: &Key<R>) -> Result<bool, StoreError> {
        Ok(self.engine.get(key.as_bytes())?.is_some())
    }

    /// The first `limit` records of a range in the order of their keys.
    ///
    /// # Errors
    /// [`StoreError::Damaged`], [`StoreError::Io`].
    pub fn scan<K, R: Record>(
        &self,
        range: &KeyRange<K, R>,
        limit: usize,
    ) -> Result<Vec<(K, R)>, StoreError> {
        let mut rows = Vec::new();
        if limit > 0 {
            self.visit(range, &mut |key, record| {
                rows.push((key, record));
                if rows.len() == limit { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            })?;
        }
        Ok(rows)
    }

    /// Shows each record of a range to `visit`, until that breaks off.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] at the first record that can't be read, [`StoreError::Io`].
    pub(crate) fn visit<K, R: Record>(
        &self,
        range: &KeyRange<K, R>,
        visit: &mut dyn FnMut(K, R) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let mut failed = None;
        self.engine.scan(&range.start, &range.end, &mut |key, value| {
            let parsed = (range.parse)(key).ok_or_else(|| damaged(key, "the key can't be read"));
            match parsed.and_then(|parsed| Ok((parsed, read(key, value)?))) {
                Ok((key, record)) => visit(key, record),
                Err(error) => {
                    failed = Some(error);
                    ControlFlow::Break(())
                }
            }
        })?;
        failed.map_or(Ok(()), Err)
    }

    /// The last `limit` entries of one of an account's rings, the oldest first, each with its number.
    ///
    /// # Errors
    /// [`StoreError::Damaged`], [`StoreError::Io`].
    pub fn log<R: Record>(
        &self,
        account: AccountId,
        ring: Ring,
        limit: usize,
    ) -> Result<Vec<(u64, R)>, StoreError> {
        let (first, next) = self.ring(account, ring)?;
        let from = next.saturating_sub(limit as u64).max(first);
        let (mut entries, mut failed) = (Vec::new(), None);
        let (start, end) = (log::at(account, ring, from), log::at(account, ring, next));
        self.engine.scan(start.as_bytes(), end.as_bytes(), &mut |key, stored| match log::read(stored) {
            Ok(entry) => {
                entries.push(entry);
                ControlFlow::Continue(())
            }
            Err(error) => {
                failed = Some(damaged(key, &error.to_string()));
                ControlFlow::Break(())
            }
        })?;
        failed.map_or(Ok(entries), Err)
    }

    /// The `back`-th last entry of one of an account's rings (1: the last); `None` where there never was one or it made
    /// room for others.
    ///
    /// # Errors
    /// [`StoreError::Damaged`], [`StoreError::Io`].
    pub fn logged<R: Record>(
        &self,
        account: AccountId,
        ring: Ring,
        back: u64,
    ) -> Result<Option<R>, StoreError> {
        let (first, next) = self.ring(account, ring)?;
        let Some(n) = next.checked_sub(back.max(1)).filter(|n| *n >= first) else { return Ok(None) };
        let stored = self.engine.get(log::at(account, ring, n).as_bytes())?;
        stored.map(|stored| log::read(&stored).map(|(_, record)| record)).transpose()
    }

    /// Shows each row of a range to `visit` as it is stored, until that breaks off.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub(crate) fn rows<K, R>(
        &self,
        range: &KeyRange<K, R>,
        visit: &mut Visitor<'_>,
    ) -> Result<(), StoreError> {
        self.engine.scan(&range.start, &range.end, visit)
    }

    /// Entries that one of an account's rings has ever had.
    ///
    /// # Errors
    /// [`StoreError::Damaged`], [`StoreError::Io`].
    pub fn logged_ever(&self, account: AccountId, ring: Ring) -> Result<u64, StoreError> {
        Ok(self.ring(account, ring)?.1)
    }

    fn ring(&self, account: AccountId, ring: Ring) -> Result<(u64, u64), StoreError> {
        let head = self.get(&log::head(account))?.unwrap_or_default();
        Ok(head.ring(ring))
    }

    /// The first `limit` keys of a range, whatever lies under them.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn keys<K, R>(&self, range: &KeyRange<K, R>, limit: usize) -> Result<Vec<RawKey>, StoreError> {
        let mut found = Vec::new();
        if limit == 0 {
            return Ok(found);
        }
        self.engine.scan(&range.start, &range.end, &mut |key, _| {
            found.push(RawKey(key.to_vec()));
            if found.len() == limit { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        Ok(found)
    }

    /// The first `limit` accounts whose ids lie above `after`, by id. An id under which anything lies but no
    /// [`Account`] comes with `None`.
    ///
    /// # Errors
    /// [`StoreError::Damaged`], [`StoreError::Io`].
    pub fn accounts(
        &self,
        after: Option<AccountId>,
        limit: usize,
    ) -> Result<Vec<(AccountId, Option<Account>)>, StoreError> {
        let ids = self.account_ids(after, limit)?;
        ids.into_iter().map(|id| Ok((id, self.get(&keys::account(id))?))).collect()
    }

    /// The first `limit` ids above `after` under which anything lies.
    pub(crate) fn account_ids(
        &self,
        after: Option<AccountId>,
        limit: usize,
    ) -> Result<Vec<AccountId>, StoreError> {
        let mut found = Vec::new();
        // Under 0 lies what is nobody's.
        let mut next = after.map_or(Some(1), |id| id.0.checked_add(1));
        while let Some(from) = next.filter(|_| found.len() < limit) {
            let Some(id) = self.first_account(from)? else { break };
            found.push(id);
            next = id.0.checked_add(1);
        }
        Ok(found)
    }

    /// The lowest id from `from` on under which anything lies.
    fn first_account(&self, from: u64) -> Result<Option<AccountId>, StoreError> {
        let start = Writer::space(space::ACCOUNT).u64(from).key::<Account>();
        let mut found = None;
        self.engine.scan(start.as_bytes(), &[space::ACCOUNT + 1], &mut |key, _| {
            found = key.get(1..9).and_then(|id| id.try_into().ok()).map(u64::from_be_bytes).map(AccountId);
            ControlFlow::Break(())
        })?;
        Ok(found)
    }
}

pub(crate) fn read<R: Record>(key: &[u8], stored: &[u8]) -> Result<R, StoreError> {
    codec::decode(stored).map_err(|error| match error {
        StoreError::Damaged { what } => damaged(key, &what),
        other => other,
    })
}

fn damaged(key: &[u8], what: &str) -> StoreError {
    StoreError::damaged(format!("{what} (key {})", hex(key)))
}
