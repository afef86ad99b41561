//! Ids of letters: unique for ever, given out without waiting.
//!
//! An id only has to be unique once a letter with it is stored. So ids are counted in memory, and the batch that stores
//! the first letter above what is reserved on disk reserves the next block with it; after a start the count goes on
//! behind what is reserved.

use bincode::{Decode, Encode};
use postern_model::LetterId;
use postern_model::record::Record;

use crate::keyspace::{Key, Writer, meta, space};

/// Ids that are reserved at a time.
pub(crate) const BLOCK: u64 = 65_536;

/// Letter ids below this one may be in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub(crate) struct LetterIds(pub(crate) u64);

impl Record for LetterIds {
    const VERSION: u8 = 1;
    const NAME: &'static str = "LetterIds";
}

/// Where the reservation is stored.
pub(crate) fn key() -> Key<LetterIds> {
    Writer::space(space::META).u8(meta::LETTERS).key()
}

impl LetterIds {
    /// A letter with this id is about to be stored.
    pub(crate) fn used(&mut self, letter: LetterId) {
        if letter.0 >= self.0 {
            self.0 = letter.0.saturating_add(BLOCK);
        }
    }

    /// What has to be stored, where it differs from `before`.
    pub(crate) fn newly_reserved(self, before: LetterIds) -> Option<LetterIds> {
        (self != before).then_some(self)
    }
}
