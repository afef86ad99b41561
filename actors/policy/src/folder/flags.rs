//! Flags and keywords of letters change (RFC 9051 §6.4.6, RFC 7162 §3.1.3).

use std::sync::Arc;

use postern_model::imap::Keyword;
use postern_model::record::{Block, Entry, MailboxHeader, Usage};
use postern_model::{Flags, ModSeq, Uid, UidSet};

use super::{Folder, Slot, Touched, next_mod_seq};

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

/// What is to be done to the flags of letters.
#[derive(Clone, Debug)]
pub struct FlagChange {
    /// How.
    pub mode: FlagMode,
    /// System flags.
    pub flags: Flags,
    /// Keywords; unknown ones are made known to the folder while it has room ([`Keyword::MOST`]), else left out.
    pub keywords: Vec<Keyword>,
    /// Letters that changed behind this are left as they are (RFC 7162 §3.1.3).
    pub unchanged_since: Option<ModSeq>,
}

/// What a change of flags did.
#[derive(Clone, Debug, Default)]
pub struct FlagsSet {
    /// Letters whose flags are other than before. A letter that had them already is not among them (RFC 7162 §3.1).
    pub changed: UidSet,
    /// Their modification sequence; `None` where nothing changed.
    pub mod_seq: Option<ModSeq>,
    /// Letters that had changed behind `unchanged_since`.
    pub modified: UidSet,
    /// Blocks to be written.
    pub touched: Touched,
}

impl Folder {
    /// Changes the flags of those letters of a set that are there.
    pub fn set_flags(&mut self, uids: &UidSet, change: &FlagChange, usage: &mut Usage) -> FlagsSet {
        let mut set = FlagsSet::default();
        let mut header = (*self.header).clone();
        let bits = match change.mode {
            FlagMode::Remove => known(&header, &change.keywords),
            FlagMode::Add | FlagMode::Replace => learn(&mut header, &change.keywords),
        };
        let mod_seq = next_mod_seq(&header, usage);
        for at in self.slots_of(uids) {
            let slot = &mut self.slots[at];
            let wanted = |entry: &Entry| change.applied(bits, entry);
            let before = set.changed.len();
            for n in 0..slot.block.entries.len() {
                let entry = &slot.block.entries[n];
                if !uids.contains(entry.uid) {
                    continue;
                }
                if change.unchanged_since.is_some_and(|since| entry.mod_seq > since) {
                    set.modified.insert(entry.uid);
                    continue;
                }
                let (flags, keywords) = wanted(entry);
                if (flags, keywords) != (entry.flags, entry.keywords) {
                    recount(&mut header, entry, flags);
                    set.changed.insert(entry.uid);
                    let entry = &mut Arc::make_mut(&mut slot.block).entries[n];
                    (entry.flags, entry.keywords, entry.mod_seq) = (flags, keywords, mod_seq);
                }
            }
            if set.changed.len() > before {
                slot.mod_seq = mod_seq;
                set.touched.0.insert(slot.number);
            }
        }
        if !set.changed.is_empty() {
            (usage.mod_seq, header.highest_mod_seq, set.mod_seq) = (mod_seq, mod_seq, Some(mod_seq));
            self.header = Arc::new(header);
        }
        set
    }

    /// Offers letters of a set no longer over POP3 (SPEC C4); else they are as they were. Returns the modification
    /// sequence of it, where anything changed, and the blocks to be written.
    pub fn hide(&mut self, uids: &UidSet, usage: &mut Usage) -> (Option<ModSeq>, Touched) {
        let (mod_seq, mut touched) = (next_mod_seq(&self.header, usage), Touched::default());
        let is_meant = |entry: &Entry| !entry.pop3_hidden && uids.contains(entry.uid);
        for at in self.slots_of(uids) {
            let slot = &mut self.slots[at];
            if !slot.block.entries.iter().any(is_meant) {
                continue;
            }
            for entry in Arc::make_mut(&mut slot.block).entries.iter_mut().filter(|entry| is_meant(entry)) {
                (entry.pop3_hidden, entry.mod_seq) = (true, mod_seq);
            }
            slot.mod_seq = mod_seq;
            touched.0.insert(slot.number);
        }
        if touched.is_empty() {
            return (None, touched);
        }
        Arc::make_mut(&mut self.header).highest_mod_seq = mod_seq;
        usage.mod_seq = mod_seq;
        (Some(mod_seq), touched)
    }

    /// Counts letters as changed whose flags or keywords are others than in `seen`, a picture that was shown and came to
    /// nothing: whoever saw it is told again.
    pub fn renew(&mut self, seen: &Folder, usage: &mut Usage) {
        let same_names = self.header.keywords == seen.header.keywords;
        let is_other = |entry: &Entry, seen: &Entry| {
            let has_names = entry.keywords | seen.keywords != 0;
            (entry.flags, entry.keywords) != (seen.flags, seen.keywords) || (has_names && !same_names)
        };
        let mod_seq = next_mod_seq(&self.header, usage);
        let mut changed = false;
        for slot in &mut self.slots {
            let entries = slot.block.entries.iter().enumerate();
            let others =
                entries.filter(|(_, entry)| seen.entry(entry.uid).is_some_and(|was| is_other(entry, was)));
            let others: Vec<usize> = others.map(|(at, _)| at).collect();
            for at in others {
                Arc::make_mut(&mut slot.block).entries[at].mod_seq = mod_seq;
                (slot.mod_seq, changed) = (mod_seq, true);
            }
        }
        if changed {
            Arc::make_mut(&mut self.header).highest_mod_seq = mod_seq;
            usage.mod_seq = mod_seq;
        }
    }

    /// Takes the `\Recent` letters below `end` for one session: the first of them. Later sessions find none of these
    /// (RFC 3501 §2.3.2). With it comes whether the counters are other than before.
    pub fn claim_recent(&mut self, end: Option<Uid>) -> (Uid, bool) {
        let (first, end) = (self.header.recent, end.unwrap_or(Uid(u32::MAX)));
        if end > first {
            Arc::make_mut(&mut self.header).recent = end;
        }
        (first, end > first)
    }

    /// This folder's bits for the keywords that `bits` are in another, whose names are `names`. A keyword for which there
    /// is no room is lost.
    pub(super) fn translation(&mut self, bits: u64, names: &[String]) -> Vec<(u32, u64)> {
        let header = Arc::make_mut(&mut self.header);
        let used = names.iter().zip(0..u64::BITS).filter(|(_, bit)| bits >> bit & 1 == 1);
        used.map(|(name, bit)| (bit, learn_one(header, name))).collect()
    }

    /// This folder's bits for keywords, which it learns while it has room.
    pub(super) fn learn(&mut self, keywords: &[Keyword]) -> u64 {
        if keywords.is_empty() { 0 } else { learn(Arc::make_mut(&mut self.header), keywords) }
    }
}

impl FlagChange {
    fn applied(&self, bits: u64, entry: &Entry) -> (Flags, u64) {
        match self.mode {
            FlagMode::Replace => (self.flags, bits),
            FlagMode::Add => (entry.flags.with(self.flags), entry.keywords | bits),
            FlagMode::Remove => (entry.flags.without(self.flags), entry.keywords & !bits),
        }
    }
}

impl Slot {
    /// Puts a letter behind the others.
    pub(super) fn push(&mut self, entry: Entry) {
        self.mod_seq = self.mod_seq.max(entry.mod_seq);
        let block: &mut Block = Arc::make_mut(&mut self.block);
        block.entries.push(entry);
    }
}

fn learn(header: &mut MailboxHeader, keywords: &[Keyword]) -> u64 {
    keywords.iter().fold(0, |bits, keyword| bits | learn_one(header, keyword.as_str()))
}

/// The bit of a keyword; 0 where there is no room for it.
fn learn_one(header: &mut MailboxHeader, name: &str) -> u64 {
    let names = &mut header.keywords;
    let place = names.iter().position(|known| known.eq_ignore_ascii_case(name)).unwrap_or(names.len());
    if place >= Keyword::MOST {
        return 0;
    }
    if place == names.len() {
        names.push(name.to_owned());
    }
    1 << place
}

fn known(header: &MailboxHeader, keywords: &[Keyword]) -> u64 {
    let place = |keyword: &Keyword| {
        header.keywords.iter().position(|known| known.eq_ignore_ascii_case(keyword.as_str()))
    };
    keywords.iter().filter_map(place).filter(|place| *place < Keyword::MOST).fold(0, |bits, n| bits | 1 << n)
}

/// Counts a letter by the flags that it gets.
fn recount(header: &mut MailboxHeader, entry: &Entry, flags: Flags) {
    uncount_flags(header, entry);
    count_flags(header, flags, entry.size);
}

pub(super) fn count_flags(header: &mut MailboxHeader, flags: Flags, size: u32) {
    header.unseen += u32::from(!flags.contains(Flags::SEEN));
    if flags.contains(Flags::DELETED) {
        header.deleted += 1;
        header.deleted_octets += u64::from(size);
    }
}

pub(super) fn uncount_flags(header: &mut MailboxHeader, entry: &Entry) {
    header.unseen = header.unseen.saturating_sub(u32::from(!entry.flags.contains(Flags::SEEN)));
    if entry.flags.contains(Flags::DELETED) {
        header.deleted = header.deleted.saturating_sub(1);
        header.deleted_octets = header.deleted_octets.saturating_sub(u64::from(entry.size));
    }
}
