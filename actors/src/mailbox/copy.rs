//! Letters are copied and moved (RFC 9051 §6.4.7, §6.4.8).

use std::collections::HashMap;
use std::sync::Arc;

use actix::prelude::*;
use postern_model::record::Entry;
use postern_model::{LetterId, MailboxId, UidSet, UidValidity};
use postern_policy::Refusal;
use postern_policy::folder::Folder;
use postern_storage::keys;

use super::MailboxActor;
use super::append::full;
use super::books::Books;
use super::job::{Job, tail, whole};
use super::load::{Known, Loaded, Missing};
use super::work::{Due, Receipt, Work};

/// Copies or moves letters of one folder to another, or within one.
pub(crate) struct Copy {
    pub(crate) from: MailboxId,
    pub(crate) uids: UidSet,
    pub(crate) to: MailboxId,
    /// The name of the account's plan, where it counts: for copies.
    pub(crate) plan: Option<Arc<str>>,
    /// What is known of the letters to be copied.
    known: Option<HashMap<LetterId, Known>>,
}

/// Where letters have come to.
pub(crate) struct Moved {
    pub(crate) uid_validity: UidValidity,
    pub(crate) from: UidSet,
    pub(crate) to: UidSet,
    /// The folder that they were in.
    pub(crate) folder: Arc<Folder>,
    /// `None` where there was nothing to do.
    pub(crate) receipt: Option<Receipt>,
}

impl Copy {
    pub(crate) fn copies(from: MailboxId, uids: UidSet, to: MailboxId, plan: Arc<str>) -> Copy {
        Copy { from, uids, to, plan: Some(plan), known: None }
    }

    pub(crate) fn moves(from: MailboxId, uids: UidSet, to: MailboxId) -> Copy {
        Copy { from, uids, to, plan: None, known: None }
    }
}

impl Job for Copy {
    type Done = Moved;

    fn missing(&self, books: &Books) -> Option<Missing> {
        let folders = whole(books, self.from).or_else(|| tail(books, self.to));
        if folders.is_some() || self.plan.is_none() || self.known.is_some() {
            return folders;
        }
        let folder = books.ahead(self.from)?;
        Some(Missing::Letters(folder.entries_of(&self.uids).map(|entry| entry.letter).collect()))
    }

    fn take(&mut self, loaded: Loaded) {
        if let Loaded::Letters(letters) = loaded {
            self.known = Some(letters.into_iter().collect());
        }
    }

    fn run(self, actor: &mut MailboxActor, ctx: &mut Context<MailboxActor>) -> Result<Moved, Refusal> {
        let folder = actor.folder(self.from)?;
        if !actor.books()?.has(self.to) {
            return Err(Refusal::NoSuchFolder);
        }
        let letters: Vec<Entry> = folder.entries_of(&self.uids).cloned().collect();
        let from: UidSet = letters.iter().map(|entry| entry.uid).collect();
        let mut work = Work::default();
        let moves = self.plan.is_none();
        let letters = match self.plan {
            Some(plan) => {
                actor.has_room(&plan, letters.iter().map(|entry| u64::from(entry.size)).sum(), 0)?;
                actor.double(&mut work, letters, self.known.unwrap_or_default())
            }
            None => letters,
        };
        let (names, now) = (&folder.header().keywords, actor.ground.ticker.now());
        let put = actor.books()?.put_in(self.to, letters, names, now).map_err(full)?;
        let is_empty = put.touched.is_empty();
        work.touch(self.to, put.touched);
        if moves {
            actor.take_out(&mut work, self.from, &from)?;
        }
        let header = actor.books()?.shelf(self.to).map(|shelf| shelf.ahead.header().uid_validity);
        let uid_validity = header.ok_or(Refusal::Unavailable)?;
        if is_empty {
            let folder = actor.shown(self.from)?;
            return Ok(Moved { uid_validity, from, to: put.uids, folder, receipt: None });
        }
        let receipt = Some(actor.hand_in(work, Due::Durable, ctx)?);
        Ok(Moved { uid_validity, from, to: put.uids, folder: actor.folder(self.from)?, receipt })
    }
}

impl MailboxActor {
    /// Each letter a second time, under a number of its own, with all that is known of it.
    fn double(
        &self,
        work: &mut Work,
        letters: Vec<Entry>,
        mut known: HashMap<LetterId, Known>,
    ) -> Vec<Entry> {
        let id = self.account;
        let one = |entry: Entry| {
            let letter = self.ground.store.next_letter_id();
            work.batch.copy_body(id, entry.letter, letter);
            let Known { facts, signature } = known.remove(&entry.letter).unwrap_or_default();
            if let Some(facts) = facts {
                work.batch.put(&keys::facts(id, letter), &facts);
            }
            if let Some(signature) = signature {
                work.batch.put(&keys::signature(id, letter), &signature);
            }
            // One that POP3 has deleted or taken with a unique-id from elsewhere is that letter, not its copy.
            Entry { letter, email: Some(entry.email_id()), pop3_uidl: None, pop3_hidden: false, ..entry }
        };
        letters.into_iter().map(one).collect()
    }
}
