//! Letters come into a folder and leave it.

use std::sync::Arc;

use postern_model::imap::Keyword;
use postern_model::record::{Block, Entry, MailboxHeader, Usage};
use postern_model::{Flags, LetterId, ModSeq, Timestamp, Uid, UidSet};

use super::flags::{count_flags, uncount_flags};
use super::{Folder, FolderFull, Slot, Tail, Touched, advance};

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
    /// Keywords that it comes with; those for which the folder has no room are lost.
    pub keywords: Vec<Keyword>,
    /// The unique-id that it had elsewhere.
    pub pop3_uidl: Option<String>,
}

/// What became of letters that came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Put {
    /// Their UIDs, in their order.
    pub uids: UidSet,
    /// Blocks to be written.
    pub touched: Touched,
}

/// What became of letters that were taken out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// The letters, in the order of their UIDs.
    pub gone: Vec<Entry>,
    /// The modification sequence of it all; `None` where nothing went.
    pub mod_seq: Option<ModSeq>,
    /// Blocks to be written or removed.
    pub touched: Touched,
}

impl Folder {
    /// Puts letters at the folder's end and counts them; a new block is begun where the last one is full. All get one
    /// modification sequence.
    ///
    /// # Errors
    /// [`FolderFull`]; nothing is changed then.
    pub fn append(&mut self, arrivals: Vec<Arrival>, usage: &mut Usage) -> Result<Put, FolderFull> {
        self.has_room(arrivals.len())?;
        let mut letters = Vec::with_capacity(arrivals.len());
        for arrival in arrivals {
            let keywords = self.learn(&arrival.keywords);
            letters.push(arrival.entry(keywords));
        }
        Ok(self.put(letters, usage))
    }

    /// Puts letters of another folder, whose keywords' names are `names`, into this one, with all that is known of them
    /// (SPEC C4, RFC 6851 §3.3). All get one modification sequence.
    ///
    /// # Errors
    /// [`FolderFull`]; nothing is changed then.
    pub fn put_in(
        &mut self,
        mut letters: Vec<Entry>,
        names: &[String],
        now: Timestamp,
        usage: &mut Usage,
    ) -> Result<Put, FolderFull> {
        self.has_room(letters.len())?;
        let used = letters.iter().fold(0, |bits, entry| bits | entry.keywords);
        let translation = self.translation(used, names);
        for entry in &mut letters {
            let theirs = entry.keywords;
            let own = translation.iter().filter(|(bit, _)| theirs >> bit & 1 == 1);
            entry.keywords = own.fold(0, |bits, (_, own)| bits | own);
            entry.saved_after = now.seconds().saturating_sub(entry.internal_date);
        }
        Ok(self.put(letters, usage))
    }

    /// Takes the letters of a set out and uncounts them.
    pub fn take_out(&mut self, uids: &UidSet, usage: &mut Usage) -> Taken {
        let mut taken = Taken::default();
        for at in self.slots_of(uids) {
            let slot = &mut self.slots[at];
            if !slot.block.entries.iter().any(|entry| uids.contains(entry.uid)) {
                continue;
            }
            let entries = &mut Arc::make_mut(&mut slot.block).entries;
            taken.gone.extend(entries.extract_if(.., |entry| uids.contains(entry.uid)));
            taken.touched.0.insert(slot.number);
        }
        if taken.gone.is_empty() {
            return taken;
        }
        self.slots.retain(|slot| !slot.block.entries.is_empty());
        let header = Arc::make_mut(&mut self.header);
        taken.gone.iter().for_each(|entry| uncount(header, usage, entry));
        taken.mod_seq = Some(advance(header, usage));
        taken
    }

    /// The first `most` letters that have `\Deleted`, of a set where one is given.
    pub fn deleted(&self, within: Option<&UidSet>, most: usize) -> UidSet {
        if self.header.deleted == 0 {
            return UidSet::new();
        }
        let is_deleted = |entry: &&Entry| {
            entry.flags.contains(Flags::DELETED) && within.is_none_or(|uids| uids.contains(entry.uid))
        };
        self.entries().filter(is_deleted).take(most).map(|entry| entry.uid).collect()
    }

    /// Whether so many letters can come in.
    fn has_room(&self, letters: usize) -> Result<(), FolderFull> {
        let letters = u32::try_from(letters).map_err(|_| FolderFull)?;
        let left = self.header.uid_next.map_or(0, |next| u64::from(u32::MAX - next.0) + 1);
        let blocks = letters / Block::CAPACITY as u32 + 1;
        let counted =
            self.header.letters.checked_add(letters).and(self.header.last_block.checked_add(blocks));
        if u64::from(letters) <= left && counted.is_some() { Ok(()) } else { Err(FolderFull) }
    }

    /// Puts letters at the end; there is room for them.
    fn put(&mut self, letters: Vec<Entry>, usage: &mut Usage) -> Put {
        let mut put = Put { uids: UidSet::new(), touched: Touched::default() };
        if letters.is_empty() {
            return put;
        }
        let header = Arc::make_mut(&mut self.header);
        let mod_seq = advance(header, usage);
        for entry in letters {
            let Some(uid) = header.uid_next else { break };
            header.uid_next = uid.next();
            count(header, usage, &entry);
            push(&mut self.slots, header, Entry { uid, mod_seq, ..entry });
            put.uids.insert(uid);
            put.touched.0.insert(header.last_block);
        }
        put
    }
}

impl Tail {
    /// As [`Folder::append`].
    ///
    /// # Errors
    /// [`FolderFull`]; nothing is changed then.
    pub fn append(&mut self, arrivals: Vec<Arrival>, usage: &mut Usage) -> Result<Put, FolderFull> {
        self.trimmed().append(arrivals, usage)
    }

    /// As [`Folder::put_in`].
    ///
    /// # Errors
    /// [`FolderFull`]; nothing is changed then.
    pub fn put_in(
        &mut self,
        letters: Vec<Entry>,
        names: &[String],
        now: Timestamp,
        usage: &mut Usage,
    ) -> Result<Put, FolderFull> {
        self.trimmed().put_in(letters, names, now, usage)
    }
}

impl Arrival {
    /// As it is kept; its numbers come when it is put somewhere.
    fn entry(self, keywords: u64) -> Entry {
        let internal_date = self.at.seconds();
        Entry {
            uid: Uid(0),
            mod_seq: ModSeq(0),
            flags: self.flags,
            keywords,
            size: self.size,
            internal_date,
            saved_after: self.saved.seconds().saturating_sub(internal_date),
            letter: self.letter,
            email: None,
            pop3_uidl: self.pop3_uidl,
            pop3_hidden: false,
        }
    }
}

/// Puts a letter into the last block, or into the next one where that is full.
fn push(slots: &mut Vec<Slot>, header: &mut MailboxHeader, entry: Entry) {
    if let Some(last) = slots.last_mut().filter(|slot| slot.number == header.last_block) {
        if last.block.entries.len() < Block::CAPACITY {
            return last.push(entry);
        }
        header.last_block += 1;
    }
    slots.push(Slot::of(header.last_block, Block { entries: vec![entry] }));
}

fn count(header: &mut MailboxHeader, usage: &mut Usage, entry: &Entry) {
    header.letters += 1;
    header.octets += u64::from(entry.size);
    usage.letters += 1;
    usage.octets += u64::from(entry.size);
    count_flags(header, entry.flags, entry.size);
}

fn uncount(header: &mut MailboxHeader, usage: &mut Usage, entry: &Entry) {
    header.letters = header.letters.saturating_sub(1);
    header.octets = header.octets.saturating_sub(u64::from(entry.size));
    usage.letters = usage.letters.saturating_sub(1);
    usage.octets = usage.octets.saturating_sub(u64::from(entry.size));
    uncount_flags(header, entry);
}
