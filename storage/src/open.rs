//! Opening a store: one process at a time, formats that are known, and what a crash left behind is cleared away.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};

use bincode::{Decode, Encode};
use postern_model::record::{NextAccount, Record, StoreMeta};
use postern_model::{AccountId, Timestamp};

use crate::blob::compaction::Sparse;
use crate::blob::files::Files;
use crate::blob::segment::Segments;
use crate::codec;
use crate::committer::{Committer, Trouble, offer_sparse};
use crate::disk::{Disk, SystemDisk, sync_dir};
use crate::engine::{self, Engine, EngineKind, Writes};
use crate::error::{OpenError, StoreError};
use crate::keys;
use crate::keyspace::{Key, Writer, meta, space};
use crate::letters::{self, LetterIds};
use crate::log::Heads;
use crate::pool::Pool;
use crate::queue::{Company, Queue};
use crate::shared::{Gate, Shared};
use crate::view::View;

/// The format that this Postern writes.
const FORMAT: u32 = 1;
/// Jobs that may wait for a thread of a pool.
const POOL_QUEUE: usize = 4096;

/// How a store is opened.
#[derive(Clone, Debug)]
pub struct StoreOptions {
    /// Its directory; made where it is missing.
    pub dir: PathBuf,
    /// What keeps the index.
    pub engine: EngineKind,
    /// Octets that the engine may cache (`POSTERN_CACHE`).
    pub cache: u64,
    /// Octets of the disk that new letters leave free; half of it is kept even from everything else.
    pub disk_reserve: u64,
    /// Octets at which a segment of bodies is full.
    pub segment_size: u64,
    /// Threads that read, and as many that write spools.
    pub readers: usize,
}

impl StoreOptions {
    /// The defaults for a store in `dir`.
    pub fn new(dir: impl Into<PathBuf>) -> StoreOptions {
        StoreOptions {
            dir: dir.into(),
            engine: EngineKind::Sled,
            cache: 256 << 20,
            disk_reserve: 64 << 20,
            segment_size: 64 << 20,
            readers: 2,
        }
    }
}

/// The format of the store as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub(crate) struct StoreFormat(pub(crate) u32);

impl Record for StoreFormat {
    const VERSION: u8 = 1;
    const NAME: &'static str = "StoreFormat";
}

pub(crate) fn format_key() -> Key<StoreFormat> {
    Writer::space(space::META).u8(meta::FORMAT).key()
}

/// What opening leaves in the caller's hands.
pub(crate) struct Opened {
    pub(crate) shared: Arc<Shared>,
    pub(crate) committer: Committer,
    /// Held while the store is open.
    pub(crate) lock: File,
}

pub(crate) fn open(
    options: &StoreOptions,
    now: Timestamp,
    disk: Option<Arc<dyn Disk>>,
) -> Result<Opened, OpenError> {
    let dir = &options.dir;
    make_dir(dir)?;
    let lock = lock_dir(dir)?;
    let disk = disk.unwrap_or_else(|| Arc::new(SystemDisk));
    // What is kept in memory must never meet the bodies of a store on disk.
    let home = match options.engine {
        EngineKind::Sled => dir.clone(),
        EngineKind::Memory => empty_dir(&dir.join("memory"))?,
    };
    let (index, segments_dir) = (home.join("index"), home.join("segments"));
    make_dir(&index)?;
    make_dir(&segments_dir)?;
    let spool_dir = empty_dir(&home.join("spool"))?;

    let files = Files::new(segments_dir.clone());
    let unreadable = |source| OpenError::Unreadable { dir: dir.clone(), source };
    let engine = engine::open(options.engine, &index, options.cache, &disk).map_err(unreadable)?;
    begin(engine.as_ref(), dir, &files, now)?;
    for name in [&index, &home, dir] {
        sync_dir(name).map_err(io_error(name, "sync the directory"))?;
    }
    // The name of the store's own directory; it may stand in one that we may not read.
    if let Some(parent) = dir.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        let _ = sync_dir(parent);
    }
    let segments = Segments::load(engine.as_ref(), &files, 1).map_err(unreadable)?;
    let letters = View::new(engine.as_ref()).get(&letters::key()).map_err(unreadable)?;
    let letters = letters.unwrap_or(LetterIds(1));

    let threads = io_error(dir, "start a thread");
    let shared = Arc::new(Shared {
        dir: home,
        spool_dir,
        reserve: options.disk_reserve,
        disk,
        gate: Gate::new(engine),
        files,
        queue: Queue::new(),
        sparse: Sparse::default(),
        readers: Pool::start("store-read", options.readers, POOL_QUEUE).map_err(&threads)?,
        writers: Pool::start("store-spool", options.readers, POOL_QUEUE).map_err(&threads)?,
        spooled: AtomicU64::new(0),
        next_letter: AtomicU64::new(letters.0),
        writable: AtomicBool::new(true),
    });
    offer_sparse(&shared, &segments.table);
    let committer = Committer {
        shared: shared.clone(),
        kind: options.engine,
        index,
        cache: options.cache,
        segment_size: options.segment_size,
        segments,
        letters,
        heads: Heads::new(),
        buffer: Vec::new(),
        dirty: None,
        dead: Vec::new(),
        trouble: Trouble::default(),
        company: Company::default(),
    };
    Ok(Opened { shared, committer, lock })
}

/// Checks the format, or writes the first records of a new store.
fn begin(engine: &dyn Engine, dir: &Path, files: &Files, now: Timestamp) -> Result<(), OpenError> {
    let unreadable = |source| OpenError::Unreadable { dir: dir.to_owned(), source };
    let stored = engine.get(format_key().as_bytes()).map_err(unreadable)?;
    let Some(stored) = stored else {
        let orphans = files.list().map_err(io_error(dir, "list the segments"))?;
        if !orphans.is_empty() {
            return Err(OpenError::IndexMissing { dir: dir.to_owned() });
        }
        return create(engine, now).map_err(unreadable);
    };
    match codec::decode::<StoreFormat>(&stored) {
        Ok(StoreFormat(found)) if found > FORMAT => {
            Err(OpenError::NewerFormat { dir: dir.to_owned(), found, known: FORMAT })
        }
        Ok(_) => Ok(()),
        Err(source) => Err(unreadable(source)),
    }
}

fn create(engine: &dyn Engine, now: Timestamp) -> Result<(), StoreError> {
    let writes = Writes::from([
        (format_key().into_bytes(), Some(codec::encode(&StoreFormat(FORMAT))?)),
        (keys::meta().into_bytes(), Some(codec::encode(&StoreMeta { created: now })?)),
        (keys::next_account().into_bytes(), Some(codec::encode(&NextAccount(AccountId(1)))?)),
    ]);
    engine.apply(&writes)?;
    engine.flush()
}

fn lock_dir(dir: &Path) -> Result<File, OpenError> {
    let path = dir.join("lock");
    let opened = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&path);
    let file = opened.map_err(io_error(&path, "open the lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse { dir: dir.to_owned() }),
        Err(TryLockError::Error(source)) => Err(io_error(&path, "take the lock")(source)),
    }
}

fn make_dir(path: &Path) -> Result<(), OpenError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(io_error(path, "make the directory"))
}

/// A directory without anything in it.
fn empty_dir(path: &Path) -> Result<PathBuf, OpenError> {
    match fs::remove_dir_all(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => {
            return Err(io_error(path, "clear the directory")(e));
        }
        _ => {}
    }
    make_dir(path)?;
    Ok(path.to_owned())
}

fn io_error(path: &Path, doing: &'static str) -> impl Fn(io::Error) -> OpenError {
    move |source| OpenError::Io { path: path.to_owned(), doing, source }
}
