//! Why the store says no. Every text names the thing, the reason and, for an operator, the cure.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// Why something could not be read or written. One failure may be told to many who wait, hence `Clone`.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// A precondition of the batch does not hold; nothing of it was written.
    #[error("the record was changed by somebody else meanwhile")]
    Conflict,
    /// There is no room on the disk. It goes on by itself when there is; whether this batch was kept is to be read again.
    #[error("the disk of the store is full")]
    Full,
    /// More is waiting than may wait; try again later.
    #[error("the store is busy")]
    Busy,
    /// The store is shut.
    #[error("the store is closed")]
    Closed,
    /// The operating system refused. Whether a batch under way was kept is to be read again.
    #[error("the store could not {doing}: {source}")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// What the operating system said.
        #[source]
        source: Arc<io::Error>,
    },
    /// What is on disk is not what was written.
    #[error("the store is damaged: {what}")]
    Damaged {
        /// Where, and what is wrong.
        what: String,
    },
    /// There is no such thing.
    #[error("it is not in the store")]
    NotFound,
    /// A record would be longer than may be read back, or a body is longer than is read whole.
    #[error("a record of the kind {what} is too large for the store")]
    TooLarge {
        /// The record's name.
        what: &'static str,
    },
}

impl StoreError {
    /// What an operating system's refusal means: no room is told apart from everything else.
    pub(crate) fn io(doing: &'static str, error: io::Error) -> StoreError {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreError::Full,
            _ => StoreError::Io { doing, source: Arc::new(error) },
        }
    }

    pub(crate) fn damaged(what: impl Into<String>) -> StoreError {
        StoreError::Damaged { what: what.into() }
    }
}

/// Why a store can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A newer Postern wrote it.
    #[error("{dir}: the store has format {found}, and this Postern knows formats up to {known}: run the newer Postern that wrote it", dir = dir.display())]
    NewerFormat {
        /// The store's directory.
        dir: PathBuf,
        /// The format on disk.
        found: u32,
        /// The newest format that this Postern knows.
        known: u32,
    },
    /// Another process has it.
    #[error("{dir}: another Postern is using this store: stop it, or use another POSTERN_DATA_DIR", dir = dir.display())]
    InUse {
        /// The store's directory.
        dir: PathBuf,
    },
    /// There are bodies, and nothing says whose they are. Going on would throw them away.
    #[error("{dir}: letters are in \"segments\", and \"index\" is empty or missing: restore \"index\" from a backup, or move \"segments\" away to start anew", dir = dir.display())]
    IndexMissing {
        /// The store's directory.
        dir: PathBuf,
    },
    /// The operating system refused.
    #[error("{path}: could not {doing}: {source}; see that the directory exists, is writable and has room", path = path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What was being done.
        doing: &'static str,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// What is stored can't be read.
    #[error("{dir}: the store can't be read ({source}): restore it from a backup", dir = dir.display())]
    Unreadable {
        /// The store's directory.
        dir: PathBuf,
        /// What went wrong.
        #[source]
        source: StoreError,
    },
}
