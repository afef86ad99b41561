//! The default engine: sled, with the one sync that sled leaves out.
//!
//! sled's own `flush` writes and asks the kernel to start, but does not wait for the disk: that survives a crash of the
//! process, not a power cut. So each flush here ends with an fdatasync of sled's `db` file. sled's thread that runs
//! every half second stays on, because only it cleans up old parts of the file.

use std::fs::{self, File};
use std::io;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::{Engine, Visitor, Writes};
use crate::disk::Disk;
use crate::error::StoreError;

/// How often sled cleans up, in milliseconds.
const CLEAN_EVERY: u64 = 500;
/// The store's own lock keeps other processes out, so sled's can only be held by a thread of the engine that was open
/// a moment ago: it is waited for, up to a second.
const LOCK_ATTEMPTS: u32 = 50;
const LOCK_PAUSE: Duration = Duration::from_millis(20);

pub(crate) struct SledEngine {
    /// `None` only while it is being dropped.
    db: Option<sled::Db>,
    file: File,
    disk: Arc<dyn Disk>,
}

impl SledEngine {
    pub(crate) fn open(dir: &Path, cache: u64, disk: Arc<dyn Disk>) -> Result<SledEngine, StoreError> {
        remove_half_snapshots(dir).map_err(|e| StoreError::io("clean up the index's directory", e))?;
        let config = sled::Config::new().path(dir).cache_capacity(cache).flush_every_ms(Some(CLEAN_EVERY));
        let mut attempts = LOCK_ATTEMPTS;
        let db = loop {
            match guarded("open the index", || config.open()) {
                Err(StoreError::Io { source, .. }) if attempts > 0 && is_lock(&source) => {
                    attempts -= 1;
                    std::thread::sleep(LOCK_PAUSE);
                }
                opened => break opened?,
            }
        };
        let file = File::open(dir.join("db")).map_err(|e| StoreError::io("open the index's file", e))?;
        Ok(SledEngine { db: Some(db), file, disk })
    }

    fn db(&self) -> Result<&sled::Db, StoreError> {
        self.db.as_ref().ok_or(StoreError::Closed)
    }
}

impl Drop for SledEngine {
    fn drop(&mut self) {
        let db = self.db.take();
        // On a failing disk sled panics while it is dropped, and there is nothing left to lose.
        if catch_unwind(AssertUnwindSafe(|| drop(db))).is_err() {
            tracing::error!("the index could not be closed in order");
        }
    }
}

impl Engine for SledEngine {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let db = self.db()?;
        guarded("read the index", || Ok(db.get(key)?.map(|value| value.to_vec())))
    }

    fn scan(&self, start: &[u8], end: &[u8], visit: &mut Visitor<'_>) -> Result<(), StoreError> {
        if start >= end {
            return Ok(());
        }
        let mut rows = self.db()?.range(start..end);
        loop {
            // What `visit` does is not sled's: only the step to the next row is guarded.
            match guarded("read the index", || rows.next().transpose())? {
                Some((key, value)) => {
                    if let ControlFlow::Break(()) = visit(&key, &value) {
                        return Ok(());
                    }
                }
                None => return Ok(()),
            }
        }
    }

    fn apply(&self, writes: &Writes) -> Result<(), StoreError> {
        let mut batch = sled::Batch::default();
        for (key, value) in writes {
            match value {
                Some(value) => batch.insert(key.as_slice(), value.as_slice()),
                None => batch.remove(key.as_slice()),
            }
        }
        let db = self.db()?;
        guarded("write the index", || db.apply_batch(batch))
    }

    fn flush(&self) -> Result<(), StoreError> {
        let db = self.db()?;
        guarded("flush the index", || db.flush())?;
        self.disk.sync(&self.file).map_err(|e| StoreError::io("sync the index", e))
    }
}

/// sled has no kind of its own for this error.
fn is_lock(error: &io::Error) -> bool {
    error.to_string().contains("could not acquire lock")
}

/// Removes snapshots that a crash cut short. sled writes them as `snap.….generating` and renames them when they are
/// whole, but its search for the last snapshot passes over another ending, `.in___motion`: it would take half a
/// snapshot for the last one and call the whole index corrupted. The whole one before is still there.
fn remove_half_snapshots(dir: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "generating") {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// Runs a call of sled's; it panics on what it finds damaged, and that must not end the thread.
fn guarded<T>(doing: &'static str, call: impl FnOnce() -> sled::Result<T>) -> Result<T, StoreError> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(sled::Error::Io(error))) => Err(StoreError::io(doing, error)),
        Ok(Err(error @ sled::Error::Corruption { .. })) => {
            Err(StoreError::damaged(format!("could not {doing}: {error}")))
        }
        Ok(Err(error)) => Err(StoreError::io(doing, io::Error::other(error))),
        Err(_) => Err(StoreError::damaged(format!("could not {doing}: sled panicked"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::SystemDisk;

    #[test]
    fn a_crash_while_opening_leaves_the_index_readable() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let open = || SledEngine::open(dir.path(), 1 << 20, Arc::new(SystemDisk)).expect("the index opens");
        let engine = open();
        engine.apply(&Writes::from([(b"key".to_vec(), Some(b"value".to_vec()))])).expect("written");
        engine.flush().expect("flushed");
        drop(engine);
        let half = dir.path().join("snap.7FFFFFFFFFFFFFFF.generating");
        fs::write(&half, b"half of it").expect("a file");
        assert_eq!(open().get(b"key").expect("read").as_deref(), Some(&b"value"[..]));
        assert!(!half.exists());
    }
}
