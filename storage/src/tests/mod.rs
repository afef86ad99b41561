//! What the store promises, tried through its own face.

/// Runs each promise against each engine, in a directory of its own.
macro_rules! contract {
    ($($promise:ident)*) => {
        mod sled {
            $(#[test]
            fn $promise() {
                let dir = tempfile::tempdir().expect("a directory");
                super::$promise(super::EngineKind::Sled, dir.path());
            })*
        }

        mod memory {
            $(#[test]
            fn $promise() {
                let dir = tempfile::tempdir().expect("a directory");
                super::$promise(super::EngineKind::Memory, dir.path());
            })*
        }
    };
}

mod bodies;
mod check;
mod check_folders;
mod check_queue;
mod contract;
mod copies;
mod crash;
mod full;
mod golden;
mod golden_gate;
mod golden_inbound;
mod golden_queue;
mod golden_rules;
mod golden_signing;
mod golden_sms;
mod golden_transport;
mod log;
mod parts;

use std::fs::File;
use std::future::Future;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use postern_model::record::Usage;
use postern_model::{AccountId, LetterId, MailboxId, ModSeq, Timestamp};

use crate::disk::{Disk, SystemDisk};
use crate::pool::lock;
use crate::{Batch, EngineKind, SealedBody, Store, StoreError, StoreOptions};

const NOW: Timestamp = Timestamp(1_772_366_400_000_000);
const ALICE: AccountId = AccountId(1);
const BOB: AccountId = AccountId(2);

/// Options for small stores: no reserve, and segments of 64 KiB.
fn options(dir: &Path, engine: EngineKind) -> StoreOptions {
    StoreOptions { engine, cache: 4 << 20, disk_reserve: 0, segment_size: 64 << 10, ..StoreOptions::new(dir) }
}

fn open(dir: &Path, engine: EngineKind) -> Store {
    Store::open(options(dir, engine), NOW).expect("the store opens")
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(future)
}

/// `n` octets that differ from letter to letter.
fn octets(seed: u64, n: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..n).map(|_| next()).collect()
}

fn usage(letters: u64) -> Usage {
    Usage { letters, octets: letters * 10, mod_seq: ModSeq(letters), told: 0 }
}

/// Stores `body` as it came over the network, for all of `accounts`.
fn deliver(store: &Store, accounts: &[AccountId], body: &[u8]) -> Result<LetterId, StoreError> {
    let letter = store.next_letter_id();
    let sealed = wait(spooled(store, body))?;
    let mut batch = Batch::new();
    batch.append_body(accounts, letter, MailboxId::INBOX, NOW, sealed);
    wait(store.commit(batch)).map(|()| letter)
}

async fn spooled(store: &Store, body: &[u8]) -> Result<SealedBody, StoreError> {
    let mut spool = store.spool();
    for piece in body.chunks(30_000) {
        spool.write(piece).await?;
    }
    assert_eq!(spool.len(), body.len() as u64);
    spool.seal().await
}

fn fetch(store: &Store, account: AccountId, letter: LetterId) -> Result<Vec<u8>, StoreError> {
    wait(async {
        let mut reader = store.open_body(account, letter).await?;
        let mut body = Vec::new();
        while let Some(chunk) = reader.chunk().await? {
            assert!(!chunk.is_empty() && chunk.len() <= 64 << 10);
            body.extend_from_slice(&chunk);
        }
        assert_eq!(body.len() as u64, reader.len());
        Ok(body)
    })
}

fn drop_bodies(store: &Store, account: AccountId, letters: &[LetterId]) {
    let mut batch = Batch::new();
    for letter in letters {
        batch.drop_body(account, *letter);
    }
    wait(store.commit(batch)).expect("the bodies are dropped");
}

/// A batch behind which everything before it has been cleared away.
fn settle(store: &Store) {
    wait(store.commit(Batch::new())).expect("an empty batch");
}

/// Octets of all segment files.
fn segments_on_disk(dir: &Path) -> u64 {
    let files = std::fs::read_dir(dir.join("segments")).expect("the segments");
    files.map(|file| file.expect("an entry").metadata().expect("its size").len()).sum()
}

/// The disk of the machine, which fails on demand, counts its syncs, and can be held up in one.
#[derive(Default)]
struct TestDisk {
    /// Free octets, where they are not the machine's.
    free: Mutex<Option<u64>>,
    fail_writes: AtomicBool,
    /// Syncs that still succeed before all fail; `u64::MAX`: all succeed.
    good_syncs: AtomicU64,
    syncs: AtomicU64,
    held: Mutex<bool>,
    changed: Condvar,
}

impl TestDisk {
    fn new() -> Arc<TestDisk> {
        Arc::new(TestDisk { good_syncs: AtomicU64::new(u64::MAX), ..TestDisk::default() })
    }

    fn set_free(&self, octets: Option<u64>) {
        *lock(&self.free) = octets;
    }

    fn fail_writes(&self, fail: bool) {
        self.fail_writes.store(fail, Ordering::SeqCst);
    }

    /// So many syncs succeed from here on.
    fn good_syncs(&self, count: u64) {
        self.good_syncs.store(count, Ordering::SeqCst);
    }

    fn syncs(&self) -> u64 {
        self.syncs.load(Ordering::SeqCst)
    }

    /// Returns when there have been more than `before` syncs.
    fn wait_for_sync_after(&self, before: u64) {
        let mut held = lock(&self.held);
        while self.syncs() <= before {
            held = self.changed.wait(held).expect("nobody panics with it");
        }
    }

    /// Syncs wait from here on, until they are let go.
    fn hold(&self, held: bool) {
        *lock(&self.held) = held;
        self.changed.notify_all();
    }
}

impl Disk for TestDisk {
    fn write_at(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        if self.fail_writes.load(Ordering::SeqCst) {
            // A disk that fills up takes a part.
            SystemDisk.write_at(file, &bytes[..bytes.len() / 2], offset)?;
            return Err(io::ErrorKind::StorageFull.into());
        }
        SystemDisk.write_at(file, bytes, offset)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        let mut held = lock(&self.held);
        self.syncs.fetch_add(1, Ordering::SeqCst);
        self.changed.notify_all();
        while *held {
            held = self.changed.wait(held).expect("nobody panics with it");
        }
        drop(held);
        let left = self.good_syncs.load(Ordering::SeqCst);
        if left == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        if left != u64::MAX {
            self.good_syncs.store(left - 1, Ordering::SeqCst);
        }
        SystemDisk.sync(file)
    }

    fn free(&self, dir: &Path) -> io::Result<u64> {
        lock(&self.free).map_or_else(|| SystemDisk.free(dir), Ok)
    }
}

fn open_on(dir: &Path, engine: EngineKind, disk: &Arc<TestDisk>, reserve: u64) -> Store {
    let options = StoreOptions { disk_reserve: reserve, ..options(dir, engine) };
    Store::open_on(&options, NOW, Some(disk.clone())).expect("the store opens")
}
