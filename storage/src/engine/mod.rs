//! What keeps keys and values: an ordered map that applies many changes at once and can be told to make them durable.
//!
//! An engine is one file and one arm of [`open`]. Only the committer writes; it decides on preconditions and on when to
//! flush, so an engine knows neither records nor bodies. The contract that each engine fulfils is a test-suite
//! (`tests/contract.rs`).

mod long;
mod memory;
mod sled;

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use crate::disk::Disk;
use crate::error::StoreError;

/// Which engine keeps the index.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EngineKind {
    /// On disk, by sled.
    #[default]
    Sled,
    /// In memory: all is lost when the store is closed.
    Memory,
}

/// Changes that become visible and durable together: the new value of each key, or `None` where it goes.
pub(crate) type Writes = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// Called with key and value in the order of keys, until it breaks off.
pub(crate) type Visitor<'a> = dyn FnMut(&[u8], &[u8]) -> ControlFlow<()> + 'a;

/// An ordered map from bytes to bytes.
pub(crate) trait Engine: Send + Sync {
    /// The value of `key`.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// Visits what lies in `start..end`, ascending.
    fn scan(&self, start: &[u8], end: &[u8], visit: &mut Visitor<'_>) -> Result<(), StoreError>;

    /// Applies all of `writes` or nothing, also across a crash. Seen by readers at once, durable after [`Engine::flush`].
    fn apply(&self, writes: &Writes) -> Result<(), StoreError>;

    /// Makes what was applied survive a power cut. After an error the engine may show what it could not keep:
    /// it has to be dropped and opened anew.
    fn flush(&self) -> Result<(), StoreError>;
}

/// Opens the engine of `kind` whose files are in `dir`.
pub(crate) fn open(
    kind: EngineKind,
    dir: &Path,
    cache: u64,
    disk: &Arc<dyn Disk>,
) -> Result<Box<dyn Engine>, StoreError> {
    match kind {
        EngineKind::Sled => {
            let sled = sled::SledEngine::open(dir, cache, disk.clone())?;
            Ok(Box::new(long::LongValues::new(sled)?))
        }
        EngineKind::Memory => Ok(Box::new(memory::MemoryEngine::default())),
    }
}
