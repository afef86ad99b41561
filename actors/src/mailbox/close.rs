//! QUIT: what POP3 has deleted goes, or what else the user wants with it (SPEC C4).

use std::sync::Arc;

use actix::prelude::*;
use postern_model::imap::SpecialUse;
use postern_model::record::Pop3Delete;
use postern_model::{MailboxId, UidSet};
use postern_policy::Refusal;
use postern_policy::names;

use super::append::full;
use super::books::Books;
use super::expunge::at;
use super::job::{Job, tail, whole};
use super::load::{Loaded, Missing};
use super::work::{Due, Receipt, Work};
use super::{INBOX, MailboxActor};
use crate::order::Lease;

pub(crate) struct CloseMaildrop {
    lease: Arc<Lease>,
    deletions: UidSet,
    choice: Option<Pop3Delete>,
}

/// What becomes of a letter that POP3 deletes.
enum Fate {
    Deleted,
    /// Not offered over POP3 again.
    Hidden,
    /// Put into this folder.
    Moved(MailboxId),
}

impl CloseMaildrop {
    pub(crate) fn new(lease: Arc<Lease>, deletions: UidSet) -> CloseMaildrop {
        CloseMaildrop { lease, deletions, choice: None }
    }

    /// A user may have deleted the folder that it was to go to: then it stays, since nothing is to be lost.
    fn fate(&self, books: &Books) -> Fate {
        let to = |of| {
            let folder = names::of_use(&books.folders, of).and_then(|folder| folder.id);
            folder.map_or(Fate::Hidden, Fate::Moved)
        };
        match self.choice.unwrap_or_default() {
            Pop3Delete::Delete => Fate::Deleted,
            Pop3Delete::Keep => Fate::Hidden,
            Pop3Delete::Trash => to(SpecialUse::Trash),
            Pop3Delete::Archive => to(SpecialUse::Archive),
        }
    }
}

impl Job for CloseMaildrop {
    /// `None` where nothing changes.
    type Done = Option<Receipt>;

    fn missing(&self, books: &Books) -> Option<Missing> {
        if self.choice.is_none() {
            return Some(Missing::Account);
        }
        let target = match self.fate(books) {
            Fate::Moved(mailbox) => tail(books, mailbox),
            Fate::Deleted | Fate::Hidden => None,
        };
        target.or_else(|| whole(books, INBOX))
    }

    fn take(&mut self, loaded: Loaded) {
        if let Loaded::Account(account) = loaded {
            self.choice = Some(account.pop3_delete);
        }
    }

    fn run(self, actor: &mut MailboxActor, ctx: &mut Context<MailboxActor>) -> Result<Self::Done, Refusal> {
        if !actor.holds(&self.lease) {
            return Err(Refusal::InUse);
        }
        let mut work = Work::default();
        let changed = match self.fate(actor.books()?) {
            Fate::Hidden => actor.hide(&mut work, &self.deletions)?,
            Fate::Deleted => {
                let taken = actor.take_out(&mut work, INBOX, &self.deletions)?;
                // The session that read them ends with this.
                actor.holder = std::sync::Weak::new();
                actor.write_off(&mut work, INBOX, &taken.gone, at(&taken), None);
                !taken.gone.is_empty()
            }
            Fate::Moved(mailbox) => actor.put_away(&mut work, &self.deletions, mailbox)?,
        };
        changed.then(|| actor.hand_in(work, Due::Durable, ctx)).transpose()
    }
}

impl MailboxActor {
    /// The letters stay for IMAP and the web. Whether anything changed.
    fn hide(&mut self, work: &mut Work, uids: &UidSet) -> Result<bool, Refusal> {
        let (folder, usage) = self.books()?.changing(INBOX).ok_or(Refusal::Unavailable)?;
        let (mod_seq, touched) = folder.hide(uids, usage);
        work.touch(INBOX, touched);
        Ok(mod_seq.is_some())
    }

    /// The letters come into another folder; their bodies stay where they are. Whether there were any.
    fn put_away(&mut self, work: &mut Work, uids: &UidSet, to: MailboxId) -> Result<bool, Refusal> {
        let (inbox, now) = (self.folder(INBOX)?, self.ground.ticker.now());
        let letters = inbox.entries_of(uids).cloned().collect();
        let put = self.books()?.put_in(to, letters, &inbox.header().keywords, now).map_err(full)?;
        work.touch(to, put.touched);
        let taken = self.take_out(work, INBOX, uids)?;
        Ok(!taken.gone.is_empty())
    }
}
