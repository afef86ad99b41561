//! A folder's letters in memory: an immutable picture that all who look at it share. A change makes a new picture, which
//! shares with the old one every block that did not change; so a running FETCH keeps what it began with.

use std::sync::Arc;

use postern_model::record::{Block, Entry, MailboxHeader};
use postern_model::{ModSeq, Uid, UidSet};

/// A folder as it stood at one moment: its counters and all of its letters.
#[derive(Clone, Debug)]
pub struct Folder {
    header: Arc<MailboxHeader>,
    /// In the order of their numbers; none is empty.
    slots: Vec<Slot>,
}

/// One block and the highest modification sequence in it.
#[derive(Clone, Debug)]
struct Slot {
    number: u32,
    mod_seq: ModSeq,
    block: Arc<Block>,
}

/// What STORE does with the flags that it names (RFC 9051 §6.4.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlagMode {
    /// `FLAGS`: those and no others.
    Replace,
    /// `+FLAGS`
    Add,
    /// `-FLAGS`
    Remove,
}

impl Folder {
    /// A folder with these blocks, in the order of their numbers.
    pub fn of(header: MailboxHeader, blocks: Vec<(u32, Block)>) -> Folder {
        let slots = blocks.into_iter().filter(|(_, block)| !block.entries.is_empty());
        Folder {
            header: Arc::new(header),
            slots: slots.map(|(number, block)| Slot::of(number, block)).collect(),
        }
    }

    /// Its counters.
    pub fn header(&self) -> &MailboxHeader {
        &self.header
    }

    /// All letters, in the order of their UIDs.
    pub fn entries(&self) -> impl DoubleEndedIterator<Item = &Entry> {
        self.slots.iter().flat_map(|slot| &slot.block.entries)
    }

    /// The letters that changed behind `mod_seq`.
    pub fn changed_since(&self, mod_seq: ModSeq) -> impl Iterator<Item = &Entry> {
        let slots = self.slots.iter().filter(move |slot| slot.mod_seq > mod_seq);
        slots.flat_map(|slot| &slot.block.entries).filter(move |entry| entry.mod_seq > mod_seq)
    }

    /// The letter with this UID.
    pub fn entry(&self, uid: Uid) -> Option<&Entry> {
        let entries = &self.slots.get(self.slot_of(uid))?.block.entries;
        entries.binary_search_by_key(&uid, |entry| entry.uid).ok().map(|at| &entries[at])
    }

    /// The letters of a set that are there, in the order of their UIDs.
    pub fn entries_of<'a>(&'a self, uids: &'a UidSet) -> impl Iterator<Item = &'a Entry> {
        uids.ranges().iter().flat_map(|(first, last)| {
            let slots = self.slots[self.slot_of(*first).min(self.slots.len())..].iter();
            let inside = slots.take_while(|slot| slot.first() <= Some(*last));
            inside
                .flat_map(|slot| &slot.block.entries)
                .skip_while(|entry| entry.uid < *first)
                .take_while(|entry| entry.uid <= *last)
        })
    }

    /// The slot that holds `uid`, if any does.
    fn slot_of(&self, uid: Uid) -> usize {
        self.slots.partition_point(|slot| slot.last() < Some(uid))
    }
}

impl Slot {
    fn of(number: u32, block: Block) -> Slot {
        let mod_seq = block.entries.iter().map(|entry| entry.mod_seq).max().unwrap_or_default();
        Slot { number, mod_seq, block: Arc::new(block) }
    }

    fn first(&self) -> Option<Uid> {
        self.block.entries.first().map(|entry| entry.uid)
    }

    fn last(&self) -> Option<Uid> {
        self.block.entries.last().map(|entry| entry.uid)
    }
}
