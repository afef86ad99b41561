//! Which sessions each account has open: counted for its limit, and told when access closes.
//!
//! The table outlives the actors that read it, so that an AccountActor may rest while its sessions are idle.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use postern_model::{AccountId, Protocol};

use crate::order::{CredentialRef, SessionRef, Tell};

/// All sessions that are logged in.
#[derive(Debug, Default)]
pub(crate) struct Presences {
    sessions: Mutex<HashMap<AccountId, Vec<Entry>>>,
}

#[derive(Debug)]
struct Entry {
    protocol: Protocol,
    credential: CredentialRef,
    session: SessionRef,
}

/// A session's place among its account's; given up when dropped.
#[derive(Debug)]
pub struct Presence {
    table: Arc<Presences>,
    account: AccountId,
    session: postern_model::SessionId,
}

impl Presences {
    /// Sessions that `account` has open.
    pub(crate) fn count(&self, account: AccountId) -> usize {
        self.lock().get(&account).map_or(0, Vec::len)
    }

    /// Adds a session; it leaves when the answer is dropped.
    pub(crate) fn enter(
        self: &Arc<Self>,
        account: AccountId,
        protocol: Protocol,
        credential: CredentialRef,
        session: &SessionRef,
    ) -> Presence {
        let entry = Entry { protocol, credential, session: session.clone() };
        let mut table = self.lock();
        let entries = table.entry(account).or_insert_with(|| Vec::with_capacity(1));
        entries.push(entry);
        Presence { table: Arc::clone(self), account, session: session.id }
    }

    /// Tells every session of `account` that `concerned` picks; returns how many.
    pub(crate) fn tell(
        &self,
        account: AccountId,
        tell: &Tell,
        concerned: impl Fn(Protocol, CredentialRef) -> bool,
    ) -> usize {
        let table = self.lock();
        let entries = table.get(&account).map_or(&[][..], Vec::as_slice);
        let mut told = 0;
        for entry in entries.iter().filter(|e| concerned(e.protocol, e.credential)) {
            entry.session.inbox.do_send(tell.clone());
            told += 1;
        }
        told
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<AccountId, Vec<Entry>>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        let mut table = self.table.lock();
        if let Some(entries) = table.get_mut(&self.account) {
            entries.retain(|entry| entry.session.id != self.session);
            if entries.is_empty() {
                table.remove(&self.account);
            }
        }
    }
}
