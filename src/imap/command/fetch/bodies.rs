//! Bodies on their way from the store: what comes next is opened while this is written.

use std::collections::VecDeque;
use std::ops::Range;

use postern_model::{AccountId, LetterId};
use postern_storage::{BodyReader, OpenBody, Store, StoreError};

/// Bodies that are opened ahead; each keeps 64 KiB at most.
const AHEAD: usize = 2;

/// The octets that a page of letters needs, in their order.
pub(super) struct Bodies {
    pub(super) store: Store,
    pub(super) account: AccountId,
    wanted: std::vec::IntoIter<(LetterId, Range<u64>)>,
    open: VecDeque<(LetterId, Range<u64>, OpenBody)>,
}

impl Bodies {
    pub(super) fn new(store: Store, account: AccountId, wanted: Vec<(LetterId, Range<u64>)>) -> Bodies {
        Bodies { store, account, wanted: wanted.into_iter(), open: VecDeque::new() }
    }

    /// The next one.
    pub(super) async fn next(&mut self) -> Result<BodyReader, StoreError> {
        self.look_ahead(AHEAD);
        let (letter, range, open) = self.open.pop_front().ok_or(StoreError::NotFound)?;
        self.look_ahead(AHEAD);
        match open.await {
            // The store had too much to do when it was asked ahead of time.
            Err(StoreError::Busy) => self.store.open_body_range(self.account, letter, range).await,
            opened => opened,
        }
    }

    fn look_ahead(&mut self, many: usize) {
        while self.open.len() < many
            && let Some((letter, range)) = self.wanted.next()
        {
            let open = self.store.open_body_range(self.account, letter, range.clone());
            self.open.push_back((letter, range, open));
        }
    }
}
