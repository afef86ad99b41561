//! What users teach the spam filter by moving letters to Junk and out of it (SPEC D5).

use std::fmt;

use postern_model::{AccountId, LetterId};
use postern_storage::Store;

/// Takes lessons for the spam filter. It never keeps its caller waiting; what is too much for it is dropped.
pub trait Trainer: Send + Sync + fmt::Debug {
    /// A user has said what a letter is.
    fn learn(&self, lesson: Lesson);
}

/// What a user has said of a letter.
#[derive(Clone)]
pub struct Lesson {
    /// Whose letter.
    pub account: AccountId,
    /// Which.
    pub letter: LetterId,
    /// Where its body is; it may be gone by the time that it is looked for.
    pub store: Store,
    /// What it is.
    pub kind: Kind,
}

/// What a letter is to a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Unwanted: it came to Junk.
    Spam,
    /// Wanted: it left Junk, and not for Trash.
    Ham,
}
