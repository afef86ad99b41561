//! What MailboxActor knows of its account's mail, ahead of the disk by what is on its way there.

use std::collections::HashMap;
use std::sync::Arc;

use postern_model::record::{
    Account, Annotations, Block, Entry, Folders, MailboxHeader, Sms, Usage, Vanished,
};
use postern_model::{MailboxId, ModSeq, Timestamp};
use postern_policy::folder::{Arrival, Folder, FolderFull, Put, Tail, Touched};
use postern_policy::names::uid_validity_on_paper;

/// Folders that are kept in memory at once; beyond, the one that was not needed for longest goes.
const SHELVES: usize = 8;

/// An account's mail in memory.
pub(crate) struct Books {
    pub(super) usage: Usage,
    /// The usage that the store holds once all that is in flight has landed; `None` where it holds none.
    pub(super) stored: Option<Usage>,
    /// The name of the account's plan.
    pub(super) plan: String,
    /// What its user wants to be told by SMS.
    pub(super) sms: Option<Sms>,
    /// When the account was made: the UIDVALIDITY of folders on paper goes by it, and so stays what it was when the first
    /// letter comes (RFC 9051 §2.3.1.1).
    created: Timestamp,
    pub(super) folders: Arc<Folders>,
    /// What sessions are shown.
    pub(super) shown_folders: Arc<Folders>,
    shelves: HashMap<MailboxId, Shelf>,
    /// Notes that were asked for last.
    pub(super) notes: Option<(Option<MailboxId>, Annotations)>,
    /// Counts what is asked, to know what was not needed for longest.
    asked: u64,
}

/// A folder in memory.
pub(crate) struct Shelf {
    /// With all changes, also those that are not on disk yet.
    pub(super) ahead: Known,
    /// What sessions are shown: a letter in it is on disk.
    pub(super) shown: Known,
    /// What left it, oldest first; known where the letters are.
    pub(super) log: Vec<(ModSeq, Vanished)>,
    asked: u64,
}

/// As much of a folder as is in memory.
#[derive(Clone)]
pub(crate) enum Known {
    Tail(Tail),
    Whole(Arc<Folder>),
}

impl Books {
    pub(super) fn new(
        stored: Option<Usage>,
        least: ModSeq,
        account: Account,
        sms: Option<Sms>,
        folders: Folders,
    ) -> Books {
        let mut usage = stored.unwrap_or_default();
        usage.mod_seq = usage.mod_seq.max(least);
        let folders = Arc::new(folders);
        Books {
            usage,
            stored,
            plan: account.plan,
            sms,
            created: account.created,
            shown_folders: Arc::clone(&folders),
            folders,
            shelves: HashMap::new(),
            notes: None,
            asked: 0,
        }
    }

    /// Whether there is such a folder, maybe on paper.
    pub(super) fn has(&self, mailbox: MailboxId) -> bool {
        self.folders.folders.iter().any(|folder| folder.id == Some(mailbox))
    }

    /// A folder that is in memory.
    pub(super) fn shelf(&mut self, mailbox: MailboxId) -> Option<&mut Shelf> {
        self.asked += 1;
        let shelf = self.shelves.get_mut(&mailbox)?;
        shelf.asked = self.asked;
        Some(shelf)
    }

    /// A folder that is in memory, with all its letters.
    pub(super) fn whole(&mut self, mailbox: MailboxId) -> Option<&mut Arc<Folder>> {
        match self.shelf(mailbox).map(|shelf| &mut shelf.ahead) {
            Some(Known::Whole(folder)) => Some(folder),
            _ => None,
        }
    }

    /// A folder with all its letters, as it is ahead of the disk.
    pub(super) fn ahead(&self, mailbox: MailboxId) -> Option<&Arc<Folder>> {
        match self.shelves.get(&mailbox).map(|shelf| &shelf.ahead) {
            Some(Known::Whole(folder)) => Some(folder),
            _ => None,
        }
    }

    /// A folder that is to change, with the account's counters, which change with it.
    pub(super) fn changing(&mut self, mailbox: MailboxId) -> Option<(&mut Folder, &mut Usage)> {
        match self.shelves.get_mut(&mailbox).map(|shelf| &mut shelf.ahead) {
            Some(Known::Whole(folder)) => Some((Arc::make_mut(folder), &mut self.usage)),
            _ => None,
        }
    }

    /// Puts letters at the end of a folder that is in memory.
    pub(super) fn append(&mut self, mailbox: MailboxId, letters: Vec<Arrival>) -> Result<Put, FolderFull> {
        match self.shelves.get_mut(&mailbox).map(|shelf| &mut shelf.ahead).ok_or(FolderFull)? {
            Known::Tail(tail) => tail.append(letters, &mut self.usage),
            Known::Whole(folder) => Arc::make_mut(folder).append(letters, &mut self.usage),
        }
    }

    /// Puts letters of another folder into one that is in memory.
    pub(super) fn put_in(
        &mut self,
        mailbox: MailboxId,
        letters: Vec<Entry>,
        names: &[String],
        now: Timestamp,
    ) -> Result<Put, FolderFull> {
        match self.shelves.get_mut(&mailbox).map(|shelf| &mut shelf.ahead).ok_or(FolderFull)? {
            Known::Tail(tail) => tail.put_in(letters, names, now, &mut self.usage),
            Known::Whole(folder) => Arc::make_mut(folder).put_in(letters, names, now, &mut self.usage),
        }
    }

    /// Takes a folder into memory as the store has it.
    pub(super) fn shelve(&mut self, mailbox: MailboxId, known: Known, log: Vec<(ModSeq, Vanished)>) {
        self.asked += 1;
        if self.shelves.len() >= SHELVES
            && !self.shelves.contains_key(&mailbox)
            && let Some(oldest) = self.shelves.iter().min_by_key(|(_, shelf)| shelf.asked).map(|(id, _)| *id)
        {
            self.shelves.remove(&oldest);
        }
        let shelf = Shelf { shown: known.clone(), ahead: known, log, asked: self.asked };
        self.shelves.insert(mailbox, shelf);
    }

    pub(super) fn unshelve(&mut self, mailbox: MailboxId) {
        self.shelves.remove(&mailbox);
    }

    pub(super) fn is_known(&self, mailbox: MailboxId) -> bool {
        self.shelves.contains_key(&mailbox)
    }

    pub(super) fn is_whole(&self, mailbox: MailboxId) -> bool {
        self.shelves.get(&mailbox).is_some_and(|shelf| matches!(shelf.ahead, Known::Whole(_)))
    }

    /// The counters of a folder that is in memory, as sessions are shown them.
    pub(super) fn shown_header(&self, mailbox: MailboxId) -> Option<&MailboxHeader> {
        self.shelves.get(&mailbox).map(|shelf| shelf.shown.header())
    }

    /// The folders that sessions were shown.
    pub(super) fn into_shown(self) -> Vec<(MailboxId, Arc<Folder>)> {
        let whole = |(mailbox, shelf): (MailboxId, Shelf)| match shelf.shown {
            Known::Whole(folder) => Some((mailbox, folder)),
            Known::Tail(_) => None,
        };
        self.shelves.into_iter().filter_map(whole).collect()
    }

    /// The counters of a folder that never held a letter.
    pub(super) fn on_paper(&self, mailbox: MailboxId) -> Folder {
        Folder::new(uid_validity_on_paper(self.created, mailbox))
    }
}

impl Shelf {
    /// Sessions are shown `picture` from now on, unless they have seen a later one.
    pub(super) fn show(&mut self, picture: Known) {
        let is_later = picture.header().highest_mod_seq >= self.shown.header().highest_mod_seq;
        let is_less = matches!((&self.shown, &picture), (Known::Whole(_), Known::Tail(_)));
        if is_later && !is_less {
            self.shown = picture;
        }
    }
}

impl Known {
    pub(super) fn header(&self) -> &MailboxHeader {
        match self {
            Known::Tail(tail) => tail.header(),
            Known::Whole(folder) => folder.header(),
        }
    }

    pub(super) fn block(&self, number: u32) -> Option<&Block> {
        match self {
            Known::Tail(tail) => tail.block(number),
            Known::Whole(folder) => folder.block(number),
        }
    }
}

/// Blocks of several folders that changed.
pub(crate) type AllTouched = std::collections::BTreeMap<MailboxId, Touched>;
