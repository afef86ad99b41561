//! A folder's numbers: which UID and modification sequence a letter gets, and what is left when letters go.
//!
//! A [`Folder`] is what its one owner keeps in memory: the header and the block that the next letter goes to.

use std::collections::BTreeSet;

use postern_model::record::{Block, Entry, MailboxHeader, Usage, Vanished};
use postern_model::{Flags, LetterId, ModSeq, Timestamp, Uid, UidValidity};

/// A folder as its owner keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    /// Its counters.
    pub header: MailboxHeader,
    /// The block numbered [`MailboxHeader::last_block`].
    pub last_block: Block,
}

/// A letter that comes into a folder.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// Which.
    pub letter: LetterId,
    /// Its octets.
    pub size: u32,
    /// When it was accepted: its INTERNALDATE.
    pub at: Timestamp,
    /// When it was put into this folder: its SAVEDATE (RFC 8514).
    pub saved: Timestamp,
    /// Flags that it comes with.
    pub flags: Flags,
    /// The unique-id that it had elsewhere.
    pub pop3_uidl: Option<String>,
}

/// All UIDs of the folder are used up, or its letters can't be counted any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FolderFull;

impl Folder {
    /// A folder that has never held a letter. Its UIDVALIDITY is the second of its making (RFC 9051 §2.3.1.1).
    pub fn new(now: Timestamp) -> Folder {
        let seconds = u32::try_from(now.seconds()).unwrap_or(u32::MAX).max(1);
        let header = MailboxHeader {
            uid_validity: UidValidity(seconds),
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
        Folder { header, last_block: Block::default() }
    }

    /// Puts a letter at the folder's end and counts it; a new block is begun where the last one is full.
    ///
    /// # Errors
    /// [`FolderFull`]; nothing is changed then.
    pub fn append(&mut self, arrival: Arrival, usage: &mut Usage) -> Result<Uid, FolderFull> {
        let uid = self.header.uid_next.ok_or(FolderFull)?;
        let letters = self.header.letters.checked_add(1).ok_or(FolderFull)?;
        if self.last_block.entries.len() >= Block::CAPACITY {
            self.header.last_block = self.header.last_block.checked_add(1).ok_or(FolderFull)?;
            self.last_block = Block::default();
        }
        let mod_seq = advance(&mut self.header, usage);
        self.header.uid_next = uid.next();
        self.header.letters = letters;
        self.header.octets += u64::from(arrival.size);
        self.header.unseen += u32::from(!arrival.flags.contains(Flags::SEEN));
        usage.letters += 1;
        usage.octets += u64::from(arrival.size);
        let internal_date = arrival.at.seconds();
        self.last_block.entries.push(Entry {
            uid,
            mod_seq,
            flags: arrival.flags,
            keywords: 0,
            size: arrival.size,
            internal_date,
            saved_after: arrival.saved.seconds() - internal_date,
            letter: arrival.letter,
            email: None,
            pop3_uidl: arrival.pop3_uidl,
            pop3_hidden: false,
        });
        Ok(uid)
    }
}

impl Folder {
    /// This folder's bits for the keywords that `bits` are in another, whose names are `names`. A keyword for which there
    /// is no room is lost.
    fn keywords(&mut self, bits: u64, names: &[String]) -> u64 {
        let mut own = 0;
        for (_, name) in names.iter().enumerate().take(64).filter(|(bit, _)| bits >> bit & 1 == 1) {
            let known = &mut self.header.keywords;
            let place = known.iter().position(|keyword| keyword == name).unwrap_or(known.len());
            if place < 64 {
                if place == known.len() {
                    known.push(name.clone());
                }
                own |= 1 << place;
            }
        }
        own
    }
}

/// What an expunge leaves of a folder's blocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expunged {
    /// Blocks that changed, with their new content; an empty one is to be removed.
    pub blocks: Vec<(u32, Block)>,
    /// The letters that went.
    pub gone: Vec<Entry>,
    /// The modification sequence of it all; `None` where nothing went.
    pub mod_seq: Option<ModSeq>,
}

/// What is left of a folder's blocks when letters of it are no longer offered over POP3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hidden {
    /// Blocks that changed, with their new content.
    pub blocks: Vec<(u32, Block)>,
    /// The modification sequence of it all; `None` where nothing changed.
    pub mod_seq: Option<ModSeq>,
}

/// Offers the letters `uids` of `blocks` (all of the folder's, by number) no longer over POP3 (SPEC C4); else they are as
/// they were.
pub fn hide(
    header: &mut MailboxHeader,
    usage: &mut Usage,
    mut blocks: Vec<(u32, Block)>,
    uids: &BTreeSet<Uid>,
) -> Hidden {
    let is_meant = |entry: &Entry| !entry.pop3_hidden && uids.contains(&entry.uid);
    blocks.retain(|(_, block)| block.entries.iter().any(is_meant));
    let mod_seq = (!blocks.is_empty()).then(|| advance(header, usage));
    for entry in blocks.iter_mut().flat_map(|(_, block)| &mut block.entries) {
        if let (true, Some(mod_seq)) = (is_meant(entry), mod_seq) {
            entry.pop3_hidden = true;
            entry.mod_seq = mod_seq;
        }
    }
    Hidden { blocks, mod_seq }
}

/// Puts letters that an [`expunge`] took out of a folder into another, with all that is known of them (SPEC C4, RFC 6851
/// §3.3). Returns the blocks of that folder which changed, with their new content.
///
/// # Errors
/// [`FolderFull`]; some of them are in it then, and what was passed in is not to be kept.
pub fn put_into(
    folder: &mut Folder,
    usage: &mut Usage,
    letters: &[Entry],
    keywords: &[String],
    now: Timestamp,
) -> Result<Vec<(u32, Block)>, FolderFull> {
    let (mut blocks, mut changed) = (Vec::new(), false);
    for entry in letters {
        if changed && folder.last_block.entries.len() >= Block::CAPACITY {
            blocks.push((folder.header.last_block, folder.last_block.clone()));
        }
        let arrival = Arrival {
            letter: entry.letter,
            size: entry.size,
            at: Timestamp::from_seconds(entry.internal_date),
            saved: now,
            flags: entry.flags,
            pop3_uidl: entry.pop3_uidl.clone(),
        };
        folder.append(arrival, usage)?;
        let keywords = folder.keywords(entry.keywords, keywords);
        if let Some(put) = folder.last_block.entries.last_mut() {
            put.keywords = keywords;
        }
        changed = true;
    }
    if changed {
        blocks.push((folder.header.last_block, folder.last_block.clone()));
    }
    Ok(blocks)
}

/// Takes the letters `uids` out of `blocks` (all of the folder's, by number) and uncounts them.
pub fn expunge(
    header: &mut MailboxHeader,
    usage: &mut Usage,
    blocks: Vec<(u32, Block)>,
    uids: &BTreeSet<Uid>,
) -> Expunged {
    let mut expunged = Expunged { blocks: Vec::new(), gone: Vec::new(), mod_seq: None };
    for (number, mut block) in blocks {
        let before = expunged.gone.len();
        expunged.gone.extend(block.entries.extract_if(.., |entry| uids.contains(&entry.uid)));
        if expunged.gone.len() > before {
            expunged.blocks.push((number, block));
        }
    }
    for entry in &expunged.gone {
        header.letters = header.letters.saturating_sub(1);
        header.octets = header.octets.saturating_sub(u64::from(entry.size));
        header.unseen = header.unseen.saturating_sub(u32::from(!entry.flags.contains(Flags::SEEN)));
        usage.letters = usage.letters.saturating_sub(1);
        usage.octets = usage.octets.saturating_sub(u64::from(entry.size));
    }
    if !expunged.gone.is_empty() {
        expunged.mod_seq = Some(advance(header, usage));
    }
    expunged
}

/// UIDs as ascending ranges, both ends included.
pub fn ranges(uids: impl IntoIterator<Item = Uid>) -> Vec<(Uid, Uid)> {
    let mut ranges: Vec<(Uid, Uid)> = Vec::new();
    for uid in uids {
        match ranges.last_mut() {
            Some((_, end)) if end.next() == Some(uid) => *end = uid,
            _ => ranges.push((uid, uid)),
        }
    }
    ranges
}

/// Several entries of a folder's log of vanished UIDs as one.
pub fn merge(logs: impl IntoIterator<Item = Vanished>) -> Vanished {
    let mut all: Vec<(Uid, Uid)> = logs.into_iter().flat_map(|log| log.uids).collect();
    all.sort_unstable();
    let mut uids: Vec<(Uid, Uid)> = Vec::new();
    for (first, last) in all {
        match uids.last_mut() {
            Some((_, end)) if end.next().is_none_or(|next| first <= next) => *end = last.max(*end),
            _ => uids.push((first, last)),
        }
    }
    Vanished { uids }
}

/// One counter per account serves all its folders (RFC 7162 §3.1 asks for it per folder only).
fn advance(header: &mut MailboxHeader, usage: &mut Usage) -> ModSeq {
    usage.mod_seq = usage.mod_seq.max(header.highest_mod_seq).next();
    header.highest_mod_seq = usage.mod_seq;
    usage.mod_seq
}

#[cfg(test)]
mod tests;
