//! Why a filter gave no verdict.

use std::io;

/// What a filter did instead of answering; the text goes to the log.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// Nobody listens there, or the connection broke.
    #[error("the connection failed: {0}")]
    Broken(#[from] io::Error),
    /// It took longer than it may.
    #[error("it did not answer in time")]
    Slow,
    /// It is left alone for a while.
    #[error("it failed again and again and is left alone for a while")]
    Resting,
    /// Its answer is none.
    #[error("its answer can't be used: {0}")]
    Garbage(String),
}

impl Failure {
    pub(super) fn garbage(what: impl Into<String>) -> Failure {
        Failure::Garbage(what.into())
    }
}
