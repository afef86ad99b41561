//! Letters go for good: those that have `\Deleted`, and those of a folder that was deleted.

use std::sync::Arc;

use actix::prelude::*;
use postern_model::{MailboxId, ModSeq, UidSet};
use postern_policy::Refusal;
use postern_policy::folder::{Folder, Taken};
use postern_storage::keys;

use super::MailboxActor;
use super::books::Books;
use super::job::{Ask, Job, whole};
use super::load::Missing;
use super::work::{Due, Receipt, Work};
use crate::ground::refuse;
use crate::mail::Sight;

/// Letters that go in one batch: each is several changes of the index.
pub(super) const GONE_AT_ONCE: usize = 2_048;

/// Removes letters that have `\Deleted`, as many as go in one batch.
pub(crate) struct Expunge {
    pub(crate) sight: Arc<Sight>,
    pub(crate) mailbox: MailboxId,
    pub(crate) uids: Option<UidSet>,
}

/// A part of what goes.
pub(crate) struct Part {
    pub(crate) folder: Arc<Folder>,
    pub(crate) gone: UidSet,
    /// `None` where nothing went.
    pub(crate) receipt: Option<Receipt>,
    /// There may be more.
    pub(crate) goes_on: bool,
}

impl Job for Expunge {
    type Done = Part;

    fn missing(&self, books: &Books) -> Option<Missing> {
        whole(books, self.mailbox)
    }

    fn run(self, actor: &mut MailboxActor, ctx: &mut Context<MailboxActor>) -> Result<Part, Refusal> {
        let gone = actor.folder(self.mailbox)?.deleted(self.uids.as_ref(), GONE_AT_ONCE);
        if gone.is_empty() {
            return Ok(Part { folder: actor.shown(self.mailbox)?, gone, receipt: None, goes_on: false });
        }
        let mut work = Work::default();
        let taken = actor.take_out(&mut work, self.mailbox, &gone)?;
        actor.write_off(&mut work, self.mailbox, &taken.gone, at(&taken), Some(&self.sight));
        let receipt = actor.hand_in(work, Due::Durable, ctx)?;
        let goes_on = gone.len() as usize == GONE_AT_ONCE;
        Ok(Part { folder: actor.folder(self.mailbox)?, gone, receipt: Some(receipt), goes_on })
    }
}

pub(super) fn at(taken: &Taken) -> ModSeq {
    taken.mod_seq.unwrap_or_default()
}

impl MailboxActor {
    /// Takes letters out of a folder and remembers that they went.
    pub(super) fn take_out(
        &mut self,
        work: &mut Work,
        mailbox: MailboxId,
        uids: &UidSet,
    ) -> Result<Taken, Refusal> {
        let Some((folder, usage)) = self.books()?.changing(mailbox) else {
            return Err(Refusal::Unavailable);
        };
        let taken = folder.take_out(uids, usage);
        if let Some(mod_seq) = taken.mod_seq {
            work.touch(mailbox, taken.touched.clone());
            self.log_gone(work, mailbox, mod_seq, &taken.gone.iter().map(|entry| entry.uid).collect());
        }
        Ok(taken)
    }
}

/// Removes letters of a folder that has no name any more, as many as go in one batch, and with the last its counters.
pub(crate) struct Clear(pub(crate) MailboxId);

impl Job for Clear {
    /// `None`: nothing is left of it.
    type Done = Option<Receipt>;

    fn missing(&self, books: &Books) -> Option<Missing> {
        (!books.has(self.0) && !books.is_whole(self.0)).then_some(Missing::Whole(self.0))
    }

    fn run(self, actor: &mut MailboxActor, ctx: &mut Context<MailboxActor>) -> Result<Self::Done, Refusal> {
        let (mailbox, account) = (self.0, actor.account);
        let books = actor.books()?;
        let folder = books.whole(mailbox).map(|folder| Arc::clone(folder)).ok_or(Refusal::Unavailable)?;
        if books.has(mailbox) {
            return Ok(None);
        }
        let mut work = Work::default();
        let uids: UidSet = folder.entries().take(GONE_AT_ONCE).map(|entry| entry.uid).collect();
        if !uids.is_empty() {
            let Some((folder, usage)) = books.changing(mailbox) else { return Err(Refusal::Unavailable) };
            let taken = folder.take_out(&uids, usage);
            work.touch(mailbox, taken.touched.clone());
            actor.write_off(&mut work, mailbox, &taken.gone, at(&taken), None);
            return Ok(Some(actor.hand_in(work, Due::Durable, ctx)?));
        }
        let log = books.shelf(mailbox).map(|shelf| std::mem::take(&mut shelf.log)).unwrap_or_default();
        books.unshelve(mailbox);
        for (at, _) in log {
            work.batch.delete(&keys::vanished(account, mailbox, at));
        }
        work.batch.delete(&keys::mailbox(account, mailbox));
        drop(actor.hand_in(work, Due::Durable, ctx)?);
        Ok(None)
    }
}

/// Removes all that is left of a folder that has no name any more.
pub(super) async fn clear(addr: &Addr<MailboxActor>, mailbox: MailboxId) -> Result<(), Refusal> {
    loop {
        let receipt = addr.send(Ask(Clear(mailbox))).await.map_err(|_| Refusal::Unavailable)??;
        match receipt {
            Some(receipt) => receipt.landed().await.map_err(|error| refuse(&error))?,
            None => return Ok(()),
        }
    }
}
