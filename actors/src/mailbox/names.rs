//! Folders are made, renamed and deleted; names are subscribed to.

use std::sync::Arc;

use actix::prelude::*;
use postern_model::imap::SpecialUse;
use postern_model::record::Folders;
use postern_model::{MailboxId, MailboxName, UidSet};
use postern_policy::Refusal;
use postern_policy::folder::Folder;
use postern_policy::names::{self, Renamed};
use postern_storage::keys;

use super::append::full;
use super::books::{Books, Known};
use super::job::{Job, whole};
use super::load::Missing;
use super::work::{Due, Receipt, Work};
use super::{INBOX, MailboxActor};

pub(crate) struct Create {
    pub(crate) name: MailboxName,
    pub(crate) uses: Vec<SpecialUse>,
}

impl Job for Create {
    type Done = (MailboxId, Receipt);

    fn missing(&self, _: &Books) -> Option<Missing> {
        None
    }

    fn run(self, actor: &mut MailboxActor, ctx: &mut Context<MailboxActor>) -> Result<Self::Done, Refusal> {
        let now = actor.ground.ticker.now();
        let (folders, mailbox, _) = names::create(&actor.books()?.folders, &self.name, &self.uses, now)?;
        let mut work = Work::default();
        actor.rename(&mut work, folders)?;
        Ok((mailbox, actor.hand_in(work, Due::Durable, ctx)?))
    }
}

impl MailboxActor {
    /// Takes over names; folders that are new have their counters from now on.
    fn rename(&mut self, work: &mut Work, folders: Folders) -> Result<(), Refusal> {
        let account = self.account;
        let books = self.books()?;
        for (mailbox, uid_validity) in names::made(&books.folders, &folders) {
            work.batch.put(&keys::mailbox(account, mailbox), Folder::new(uid_validity).header());
        }
        books.folders = Arc::new(folders);
        work.names = true;
        Ok(())
    }
}

/// Takes a folder's name away. Its letters are to be cleared then.
pub(crate) struct Delete(pub(crate) MailboxName);

impl Job for Delete {
    type Done = (MailboxId, Receipt);

    fn missing(&self, _: &Books) -> Option<Missing> {
        None
    }

    fn run(self, actor: &mut MailboxActor, ctx: &mut Context<MailboxActor>) -> Result<Self::Done, Refusal> {
        let (folders, mailbox) = names::delete(&actor.books()?.folders, &self.0)?;
        let mut work = Work { deleted: Some(mailbox), ..Work::default() };
        actor.rename(&mut work, folders)?;
        work.batch.delete(&keys::annotations(actor.account, Some(mailbox)));
        actor.books()?.notes = None;
        Ok((mailbox, actor.hand_in(work, Due::Durable, ctx)?))
    }
}

pub(crate) struct Rename {
    pub(crate) from: MailboxName,
    pub(crate) to: MailboxName,
}

impl Job for Rename {
    type Done = Receipt;

    fn missing(&self, books: &Books) -> Option<Missing> {
        if self.from.is_inbox() { whole(books, INBOX) } else { None }
    }

    fn run(self, actor: &mut MailboxActor, ctx: &mut Context<MailboxActor>) -> Result<Receipt, Refusal> {
        let now = actor.ground.ticker.now();
        let (folders, renamed) = names::rename(&actor.books()?.folders, &self.from, &self.to, now)?;
        let mut work = Work::default();
        actor.rename(&mut work, folders)?;
        if let Renamed::InboxInto(into, uid_validity) = renamed {
            let new = Known::Whole(Arc::new(Folder::new(uid_validity)));
            actor.books()?.shelve(into, new, Vec::new());
            let inbox = actor.folder(INBOX)?;
            let uids: UidSet = inbox.entries().map(|entry| entry.uid).collect();
            let letters = inbox.entries().cloned().collect();
            let put = actor.books()?.put_in(into, letters, &inbox.header().keywords, now).map_err(full)?;
            work.touch(into, put.touched);
            actor.take_out(&mut work, INBOX, &uids)?;
        }
        actor.hand_in(work, Due::Durable, ctx)
    }
}

pub(crate) struct Subscribe {
    pub(crate) name: MailboxName,
    pub(crate) subscribe: bool,
}

impl Job for Subscribe {
    /// `None` where it is so already.
    type Done = Option<Receipt>;

    fn missing(&self, _: &Books) -> Option<Missing> {
        None
    }

    fn run(self, actor: &mut MailboxActor, ctx: &mut Context<MailboxActor>) -> Result<Self::Done, Refusal> {
        let before = Arc::clone(&actor.books()?.folders);
        let folders = names::subscribe(&before, &self.name, self.subscribe)?;
        if folders.version == before.version {
            return Ok(None);
        }
        let mut work = Work::default();
        actor.rename(&mut work, folders)?;
        Ok(Some(actor.hand_in(work, Due::Durable, ctx)?))
    }
}
