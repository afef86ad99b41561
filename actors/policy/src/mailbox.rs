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
            keywords: Vec::new(),
            last_block: 0,
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
            pop3_uidl: arrival.pop3_uidl,
            pop3_hidden: false,
        });
        Ok(uid)
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
mod tests {
    use super::*;

    fn arrival(n: u64) -> Arrival {
        Arrival {
            letter: LetterId(n),
            size: 100,
            at: Timestamp::from_seconds(1_000),
            saved: Timestamp::from_seconds(1_002),
            flags: Flags::default(),
            pop3_uidl: None,
        }
    }

    /// A folder of `n` letters, with all its blocks.
    fn filled(n: u64) -> (Folder, Usage, Vec<(u32, Block)>) {
        let (mut folder, mut usage) = (Folder::new(Timestamp::from_seconds(7)), Usage::default());
        let mut blocks: std::collections::BTreeMap<u32, Block> = Default::default();
        for i in 0..n {
            folder.append(arrival(i), &mut usage).expect("room");
            blocks.insert(folder.header.last_block, folder.last_block.clone());
        }
        (folder, usage, blocks.into_iter().collect())
    }

    #[test]
    fn uids_and_mod_sequences_rise_and_blocks_fill_up() {
        let (folder, usage, blocks) = filled(130);
        assert_eq!(blocks.iter().map(|(_, b)| b.entries.len()).collect::<Vec<_>>(), [64, 64, 2]);
        assert_eq!(folder.header.uid_next, Some(Uid(131)));
        assert_eq!((folder.header.letters, folder.header.unseen), (130, 130));
        assert_eq!((usage.letters, usage.octets), (130, 13_000));
        let all: Vec<_> = blocks.iter().flat_map(|(_, b)| &b.entries).collect();
        assert!(all.windows(2).all(|w| w[0].uid < w[1].uid && w[0].mod_seq < w[1].mod_seq));
        assert_eq!(all[0].saved_after, 2);
    }

    #[test]
    fn what_goes_is_uncounted_and_its_uid_never_comes_back() {
        let (mut folder, mut usage, blocks) = filled(70);
        let before = folder.header.highest_mod_seq;
        let uids: BTreeSet<Uid> = [Uid(1), Uid(65), Uid(70), Uid(99)].into();
        let gone = expunge(&mut folder.header, &mut usage, blocks, &uids);
        assert_eq!(gone.gone.iter().map(|e| e.uid.0).collect::<Vec<_>>(), [1, 65, 70]);
        assert_eq!(
            gone.blocks.iter().map(|(n, b)| (*n, b.entries.len())).collect::<Vec<_>>(),
            [(0, 63), (1, 4)]
        );
        assert_eq!((folder.header.letters, usage.letters, usage.octets), (67, 67, 6_700));
        assert!(gone.mod_seq.is_some_and(|m| m > before));
        assert_eq!(folder.header.uid_next, Some(Uid(71)));
    }

    #[test]
    fn nothing_to_expunge_changes_nothing() {
        let (mut folder, mut usage, blocks) = filled(3);
        let before = (folder.header.clone(), usage);
        let gone = expunge(&mut folder.header, &mut usage, blocks, &BTreeSet::from([Uid(9)]));
        assert!(gone.blocks.is_empty() && gone.mod_seq.is_none());
        assert_eq!((folder.header, usage), before);
    }

    #[test]
    fn the_last_uid_is_given_once_and_then_the_folder_is_full() {
        let (mut folder, mut usage, _) = filled(0);
        folder.header.uid_next = Some(Uid(u32::MAX));
        assert_eq!(folder.append(arrival(1), &mut usage), Ok(Uid(u32::MAX)));
        let before = folder.clone();
        assert_eq!(folder.append(arrival(2), &mut usage), Err(FolderFull));
        assert_eq!(folder, before);
    }

    #[test]
    fn neighbours_make_one_range() {
        let uids = [1, 2, 3, 7, 9, 10].map(Uid);
        assert_eq!(ranges(uids), [(Uid(1), Uid(3)), (Uid(7), Uid(7)), (Uid(9), Uid(10))]);
    }

    #[test]
    fn logs_of_vanished_letters_melt_into_one() {
        let log =
            |uids: &[(u32, u32)]| Vanished { uids: uids.iter().map(|(a, b)| (Uid(*a), Uid(*b))).collect() };
        let merged = merge([log(&[(5, 9), (20, 20)]), log(&[(1, 4)]), log(&[(7, 8), (11, u32::MAX)])]);
        assert_eq!(merged, log(&[(1, 9), (11, u32::MAX)]));
    }
}
