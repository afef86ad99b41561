//! The store's face: handles that may be cloned and sent anywhere.

use std::fmt;
use std::fs::File;
use std::ops::Range;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::thread::{Builder, JoinHandle};

use postern_model::record::Record;
use postern_model::{AccountId, LetterId, Timestamp};

use crate::batch::Batch;
use crate::blob::bulk::{self, Bulk};
use crate::blob::compaction;
use crate::blob::reader::BodyReader;
use crate::blob::spool::{MEMORY_LIMIT, Spool};
use crate::check::{self, CheckReport};
use crate::disk::Disk;
use crate::error::{OpenError, StoreError};
use crate::keyspace::Key;
use crate::open::{self, Opened, StoreOptions};
use crate::pool::{Queued, is_current, join, lock};
use crate::queue::Commit;
use crate::shared::Shared;
use crate::view::View;

/// A handle of an open store. With the last one, or by [`Store::close`], the store is flushed and shut.
#[derive(Clone)]
pub struct Store {
    handle: Arc<Handle>,
}

struct Handle {
    shared: Arc<Shared>,
    threads: Mutex<Option<Threads>>,
}

struct Threads {
    committer: JoinHandle<Result<(), StoreError>>,
    compaction: JoinHandle<()>,
    /// No other process opens the store while this one has it.
    _lock: File,
}

impl Store {
    /// Opens a store, or makes a new one at `now`; blocks.
    ///
    /// # Errors
    /// [`OpenError`], whose text tells an operator what to do.
    pub fn open(options: StoreOptions, now: Timestamp) -> Result<Store, OpenError> {
        Store::open_on(&options, now, None)
    }

    pub(crate) fn open_on(
        options: &StoreOptions,
        now: Timestamp,
        disk: Option<Arc<dyn Disk>>,
    ) -> Result<Store, OpenError> {
        let Opened { shared, committer, lock } = open::open(options, now, disk)?;
        let failed = |source| OpenError::Io { path: options.dir.clone(), doing: "start a thread", source };
        let committer =
            Builder::new().name("store-commit".into()).spawn(move || committer.run()).map_err(failed)?;
        let compacted = shared.clone();
        let compaction = Builder::new()
            .name("store-compact".into())
            .spawn(move || compaction::run(&compacted))
            .map_err(failed)?;
        let threads = Threads { committer, compaction, _lock: lock };
        Ok(Store { handle: Arc::new(Handle { shared, threads: Mutex::new(Some(threads)) }) })
    }

    /// Looks at the index on one of the store's own threads. Nothing is committed while `look` runs, so it is to be
    /// short: read in pages. Where the future is dropped, nothing or all of it is done.
    ///
    /// # Errors
    /// What `look` returns; [`StoreError::Busy`] where too many wait, [`StoreError::Full`] while the index is closed
    /// for lack of room, [`StoreError::Closed`].
    pub async fn read<T: Send + 'static>(
        &self,
        look: impl FnOnce(&View<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let shared = self.handle.shared.clone();
        self.handle.shared.readers.run(move || shared.view(look)).await
    }

    /// Looks at the index on this thread, which may block: for the start and the command line.
    ///
    /// # Errors
    /// As [`Store::read`].
    pub fn read_blocking<T>(
        &self,
        look: impl FnOnce(&View<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.handle.shared.view(look)
    }

    /// The record under `key`.
    ///
    /// # Errors
    /// As [`Store::read`], and [`StoreError::Damaged`].
    pub async fn get<R: Record + Send + 'static>(&self, key: Key<R>) -> Result<Option<R>, StoreError> {
        self.read(move |view| view.get(&key)).await
    }

    /// Queues a batch, now and behind all that was queued before; the answer comes when it is durable (a lazy one's
    /// when it is visible). The batch is worked on even where nobody waits for the answer.
    ///
    /// After [`StoreError::Conflict`], [`StoreError::Busy`] and [`StoreError::TooLarge`] nothing of the batch was kept.
    /// After [`StoreError::Full`] and [`StoreError::Io`] all or nothing of it was: read again.
    pub fn commit(&self, batch: Batch) -> Commit {
        self.handle.shared.queue.push(batch)
    }

    /// [`Store::commit`] on a thread that may block, and drives no asynchronous runtime.
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub fn commit_blocking(&self, batch: Batch) -> Result<(), StoreError> {
        self.commit(batch).wait()
    }

    /// An id that no stored letter has or will have, but the one it is used for.
    pub fn next_letter_id(&self) -> LetterId {
        LetterId(self.handle.shared.next_letter.fetch_add(1, Ordering::Relaxed))
    }

    /// Begins to receive a body.
    pub fn spool(&self) -> Spool {
        Spool::new(self.handle.shared.clone(), MEMORY_LIMIT)
    }

    /// Begins to receive a body, of which not more than `memory` octets are kept in memory (at least 4 KiB and at most
    /// 256 KiB): for whoever receives many at once.
    pub fn spool_within(&self, memory: usize) -> Spool {
        Spool::new(self.handle.shared.clone(), memory)
    }

    /// Finds a letter's body and reads its beginning; that begins now, before the answer is waited for.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Damaged`], and as [`Store::read`].
    pub fn open_body(&self, account: AccountId, letter: LetterId) -> OpenBody {
        self.open_body_range(account, letter, 0..u64::MAX)
    }

    /// [`Store::open_body`] for those octets of the body alone; what of `range` lies behind its end is left out. Of a
    /// part only the bounds can be verified, not the octets.
    ///
    /// # Errors
    /// As [`Store::open_body`].
    pub fn open_body_range(&self, account: AccountId, letter: LetterId, range: Range<u64>) -> OpenBody {
        let shared = self.handle.shared.clone();
        OpenBody(self.handle.shared.readers.run(move || BodyReader::open(&shared, account, letter, &range)))
    }

    /// Shows the whole bodies of an account's letters to `look`, one after the other on one of the store's own threads,
    /// and returns what it made of each. A body that can't be read comes as its error: [`StoreError::NotFound`],
    /// [`StoreError::Damaged`], [`StoreError::TooLarge`] above 64 MiB. Where the future is dropped, it ends within
    /// 64 letters.
    ///
    /// # Errors
    /// [`StoreError::Busy`], [`StoreError::Closed`].
    pub async fn with_bodies<T: Send + 'static>(
        &self,
        account: AccountId,
        letters: Vec<LetterId>,
        look: impl FnMut(LetterId, Result<&[u8], StoreError>) -> T + Send + 'static,
    ) -> Result<Vec<(LetterId, T)>, StoreError> {
        let found = Vec::with_capacity(letters.len());
        let letters = letters.into_iter();
        let bulk = Bulk { account, letters, look, buffer: Vec::new(), found };
        bulk::run(&self.handle.shared, bulk).await
    }

    /// Whether letters can be taken now; false while the disk is full.
    pub fn is_writable(&self) -> bool {
        self.handle.shared.writable.load(Ordering::Relaxed)
    }

    /// Verifies the whole store; blocks for long. Letters may come and go meanwhile.
    pub fn check(&self) -> CheckReport {
        check::check(&self.handle.shared)
    }

    /// Does what is queued, makes it durable and shuts the store, for all handles; blocks.
    ///
    /// # Errors
    /// Why the last changes could not be made durable.
    pub fn close(self) -> Result<(), StoreError> {
        self.handle.close()
    }

    #[cfg(test)]
    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.handle.shared
    }
}

/// A body that is being opened.
#[derive(Debug)]
pub struct OpenBody(Queued<BodyReader>);

impl Future for OpenBody {
    type Output = Result<BodyReader, StoreError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx)
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("dir", &self.handle.shared.dir).finish_non_exhaustive()
    }
}

impl Handle {
    fn close(&self) -> Result<(), StoreError> {
        let Some(threads) = lock(&self.threads).take() else { return Ok(()) };
        self.shared.sparse.close();
        self.shared.queue.close();
        join(threads.compaction);
        let flushed = if is_current(&threads.committer) {
            // Waking a task may drop it, and with it the last handle. The committer ends by itself then.
            Ok(())
        } else {
            threads.committer.join().unwrap_or_else(|_| Err(StoreError::damaged("the committer panicked")))
        };
        self.shared.readers.close();
        self.shared.writers.close();
        flushed
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        if let Err(error) = self.close() {
            tracing::error!(%error, "the store was not closed in order");
        }
    }
}
