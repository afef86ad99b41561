//! What the threads and the handles of one store have in common.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, PoisonError, RwLock};

use crate::blob::compaction::Sparse;
use crate::blob::files::Files;
use crate::disk::Disk;
use crate::engine::Engine;
use crate::error::StoreError;
use crate::pool::Pool;
use crate::queue::Queue;
use crate::view::View;

/// One store.
pub(crate) struct Shared {
    pub(crate) dir: PathBuf,
    pub(crate) spool_dir: PathBuf,
    /// Octets of the disk that stay free.
    pub(crate) reserve: u64,
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) gate: Gate,
    pub(crate) files: Files,
    pub(crate) queue: Queue,
    pub(crate) sparse: Sparse,
    /// Reads the index and bodies.
    pub(crate) readers: Pool,
    /// Writes and syncs spools, so that no read waits behind a sync.
    pub(crate) writers: Pool,
    /// Names for spool files.
    pub(crate) spooled: AtomicU64,
    /// The id that the next letter gets.
    pub(crate) next_letter: AtomicU64,
    pub(crate) writable: AtomicBool,
}

impl Shared {
    /// Looks at the index; blocks.
    pub(crate) fn view<T>(
        &self,
        look: impl FnOnce(&View<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.gate.look(|engine| look(&View::new(engine)))
    }

    /// Whether `octets` may be written without touching the reserve.
    pub(crate) fn needs_room(&self, octets: u64) -> Result<(), StoreError> {
        let free = self.disk.free(&self.dir).map_err(|e| StoreError::io("ask for free space", e))?;
        if free >= self.reserve.saturating_add(octets) { Ok(()) } else { Err(StoreError::Full) }
    }
}

/// The engine and who may be at it: any number who look, or the committer while it applies a group. So a look sees
/// the index between two groups, never half of one.
pub(crate) struct Gate(RwLock<Result<Box<dyn Engine>, StoreError>>);

impl Gate {
    pub(crate) fn new(engine: Box<dyn Engine>) -> Gate {
        Gate(RwLock::new(Ok(engine)))
    }

    /// Looks at the engine while others may look too.
    ///
    /// # Errors
    /// Why the engine is shut, where it is.
    pub(crate) fn look<T>(
        &self,
        look: impl FnOnce(&dyn Engine) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let slot = self.0.read().unwrap_or_else(PoisonError::into_inner);
        look(slot.as_ref().map_err(Clone::clone)?.as_ref())
    }

    /// Has the engine alone.
    pub(crate) fn alone<T>(
        &self,
        change: impl FnOnce(&dyn Engine) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let slot = self.0.write().unwrap_or_else(PoisonError::into_inner);
        change(slot.as_ref().map_err(Clone::clone)?.as_ref())
    }

    /// Puts an engine in, or the reason why there is none; what was there before is closed on return.
    pub(crate) fn set(&self, engine: Result<Box<dyn Engine>, StoreError>) {
        let old = {
            let mut slot = self.0.write().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *slot, engine)
        };
        drop(old);
    }

    pub(crate) fn is_open(&self) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).is_ok()
    }
}
