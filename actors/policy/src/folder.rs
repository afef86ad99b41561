//! A folder's letters in memory: an immutable picture that all who look at it share. A change makes a new picture, which
//! shares with the old one every block that did not change; so a running FETCH keeps what it began with.

mod flags;
mod letters;
#[cfg(test)]
pub(crate) mod tests;

use std::collections::BTreeSet;
use std::sync::Arc;

use postern_model::record::{Block, Entry, MailboxHeader, Usage};
use postern_model::{ModSeq, Timestamp, Uid, UidSet, UidValidity};

pub use flags::{FlagChange, FlagMode, FlagsSet};
pub use letters::{Arrival, Put, Taken};

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

/// A folder of which only the counters and the last block are known: as much as a letter that comes needs, where the
/// folder may hold 100,000.
#[derive(Clone, Debug)]
pub struct Tail(Folder);

/// Numbers of the blocks that a change leaves other than they were: one that the folder still has
/// ([`Folder::block`]) is to be written, any other to be removed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Touched(BTreeSet<u32>);

/// All UIDs of the folder are used up, or its letters can't be counted any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FolderFull;

impl Touched {
    /// The numbers, ascending.
    pub fn numbers(&self) -> impl Iterator<Item = u32> {
        self.0.iter().copied()
    }

    /// Whether none was touched.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Those of another change, too.
    pub fn and(&mut self, other: Touched) {
        self.0.extend(other.0);
    }
}

impl Folder {
    /// The UIDVALIDITY of a folder that was made at `now`, where nothing asks for a higher one: the second.
    pub fn validity(now: Timestamp) -> UidValidity {
        UidValidity(u32::try_from(now.seconds()).unwrap_or(u32::MAX).max(1))
    }

    /// A folder that has never held a letter.
    pub fn new(uid_validity: UidValidity) -> Folder {
        let header = MailboxHeader {
            uid_validity,
            uid_next: Some(Uid(1)),
            highest_mod_seq: ModSeq(1),
            letters: 0,
            octets: 0,
            unseen: 0,
            deleted: 0,
            deleted_octets: 0,
            keywords: Vec::new(),
            last_block: 0,
            recent: Uid(1),
        };
        Folder::of(header, Vec::new())
    }

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

    /// The block with this number; `None` where no letter is in it.
    pub fn block(&self, number: u32) -> Option<&Block> {
        let at = self.slots.binary_search_by_key(&number, |slot| slot.number).ok()?;
        Some(&self.slots[at].block)
    }

    /// All letters, in the order of their UIDs.
    pub fn entries(&self) -> impl DoubleEndedIterator<Item = &Entry> {
        self.slots.iter().flat_map(|slot| &slot.block.entries)
    }

    /// All UIDs. A block without holes counts as one range: few steps, where there are 100,000 letters.
    pub fn uids(&self) -> UidSet {
        let ranges = self.slots.iter().flat_map(|slot| {
            let entries = &slot.block.entries;
            let ends = slot.first().zip(slot.last());
            let whole = ends.filter(|(first, last)| (last.0 - first.0) as usize + 1 == entries.len());
            let single = if whole.is_some() { &[][..] } else { &entries[..] };
            whole.into_iter().chain(single.iter().map(|entry| (entry.uid, entry.uid)))
        });
        UidSet::from_ranges(ranges)
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

    /// The slots that hold letters of a set, by their places, ascending.
    fn slots_of(&self, uids: &UidSet) -> Vec<usize> {
        let mut found: Vec<usize> = Vec::new();
        for (first, last) in uids.ranges() {
            let from = self.slot_of(*first).max(found.last().map_or(0, |at| at + 1));
            let inside = self.slots.iter().enumerate().skip(from);
            found.extend(inside.take_while(|(_, slot)| slot.first() <= Some(*last)).map(|(at, _)| at));
        }
        found
    }

    /// The slot that holds `uid`, if any does.
    fn slot_of(&self, uid: Uid) -> usize {
        self.slots.partition_point(|slot| slot.last() < Some(uid))
    }
}

impl Tail {
    /// A folder with these counters, and its last block where there is one.
    pub fn of(header: MailboxHeader, last: Option<Block>) -> Tail {
        let last = last.map(|block| (header.last_block, block));
        Tail(Folder::of(header, last.into_iter().collect()))
    }

    /// Its counters.
    pub fn header(&self) -> &MailboxHeader {
        self.0.header()
    }

    /// The block with this number, where it is the last, or a change since the last but one has touched it.
    pub fn block(&self, number: u32) -> Option<&Block> {
        self.0.block(number)
    }

    /// The last block, to be changed; what was before it has been written.
    fn trimmed(&mut self) -> &mut Folder {
        let before = self.0.slots.len().saturating_sub(1);
        self.0.slots.drain(..before);
        &mut self.0
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

/// The sequence of the next change of a folder. One counter per account serves all its folders (RFC 7162 §3.1 asks for it
/// per folder only).
fn next_mod_seq(header: &MailboxHeader, usage: &Usage) -> ModSeq {
    usage.mod_seq.max(header.highest_mod_seq).next()
}

/// A change has happened.
fn advance(header: &mut MailboxHeader, usage: &mut Usage) -> ModSeq {
    usage.mod_seq = next_mod_seq(header, usage);
    header.highest_mod_seq = usage.mod_seq;
    usage.mod_seq
}
