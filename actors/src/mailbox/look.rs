//! Sessions look at folders.

use std::sync::Arc;

use actix::prelude::*;
use postern_model::record::{Folders, MailboxHeader};
use postern_model::{MailboxId, ModSeq, Uid, UidSet};
use postern_policy::folder::{Folder, Touched};
use postern_policy::vanished;
use postern_policy::{Refusal, storage};
use tokio::sync::oneshot;

use super::MailboxActor;
use super::books::{Books, Known};
use super::job::{Job, whole};
use super::load::{Loaded, Missing};
use super::work::{Due, Work};
use crate::mail::Sight;
use crate::mail::Storage;

/// A session turns to a folder. What is to come of what is on its way, it has to wait for before it looks.
pub(crate) struct Select {
    pub(crate) sight: Arc<Sight>,
    pub(crate) mailbox: Option<MailboxId>,
}

impl Job for Select {
    type Done = Option<oneshot::Receiver<()>>;

    fn missing(&self, _: &Books) -> Option<Missing> {
        None
    }

    fn run(self, actor: &mut MailboxActor, ctx: &mut Context<MailboxActor>) -> Result<Self::Done, Refusal> {
        self.sight.select(self.mailbox);
        actor.bury(ctx);
        Ok(self.mailbox.and_then(|_| actor.barrier()))
    }
}

/// A folder as sessions are shown it now.
pub(crate) struct Show {
    pub(crate) sight: Arc<Sight>,
    pub(crate) mailbox: MailboxId,
    /// The session takes the `\Recent` letters.
    pub(crate) claim_recent: bool,
}

impl Job for Show {
    type Done = (Arc<Folder>, Uid);

    fn missing(&self, books: &Books) -> Option<Missing> {
        whole(books, self.mailbox)
    }

    fn run(self, actor: &mut MailboxActor, ctx: &mut Context<MailboxActor>) -> Result<Self::Done, Refusal> {
        let folder = actor.shown(self.mailbox)?;
        if self.sight.selected() == Some(self.mailbox) {
            self.sight.shown(folder.header().highest_mod_seq);
        }
        let mut recent = folder.header().recent;
        if self.claim_recent {
            let books = actor.books()?;
            let Some((ahead, _)) = books.changing(self.mailbox) else { return Err(Refusal::Unavailable) };
            let (first, changed) = ahead.claim_recent(folder.header().uid_next);
            recent = first;
            if changed {
                let mut work = Work::default();
                work.touch(self.mailbox, Touched::default());
                drop(actor.hand_in(work, Due::Lazy, ctx)?);
            }
        }
        actor.bury(ctx);
        Ok((folder, recent))
    }
}

impl MailboxActor {
    /// A folder as sessions are shown it.
    pub(super) fn shown(&mut self, mailbox: MailboxId) -> Result<Arc<Folder>, Refusal> {
        let books = self.books()?;
        if !books.has(mailbox) {
            return Err(Refusal::NoSuchFolder);
        }
        match books.shelf(mailbox).map(|shelf| &shelf.shown) {
            Some(Known::Whole(folder)) => Ok(Arc::clone(folder)),
            _ => Err(Refusal::Unavailable),
        }
    }
}

/// The folders' names.
pub(crate) struct Names;

impl Job for Names {
    type Done = Arc<Folders>;

    fn missing(&self, _: &Books) -> Option<Missing> {
        None
    }

    fn run(self, actor: &mut MailboxActor, _: &mut Context<MailboxActor>) -> Result<Self::Done, Refusal> {
        Ok(Arc::clone(&actor.books()?.shown_folders))
    }
}

/// What is stored.
pub(crate) struct Stored;

impl Job for Stored {
    type Done = Storage;

    fn missing(&self, _: &Books) -> Option<Missing> {
        None
    }

    fn run(self, actor: &mut MailboxActor, _: &mut Context<MailboxActor>) -> Result<Storage, Refusal> {
        Ok(Storage { used: actor.books()?.usage, limit: actor.room()? })
    }
}

/// Whether a letter of so many octets would fit (SPEC D8).
pub(crate) struct Takes(pub(crate) u64);

impl Job for Takes {
    type Done = ();

    fn missing(&self, _: &Books) -> Option<Missing> {
        None
    }

    fn run(self, actor: &mut MailboxActor, _: &mut Context<MailboxActor>) -> Result<(), Refusal> {
        let (room, used) = (actor.room()?, actor.books()?.usage.octets);
        storage::takes(used, room, self.0)
    }
}

/// Counters of folders.
pub(crate) struct Headers {
    pub(crate) mailboxes: Vec<MailboxId>,
    read: Option<Vec<(MailboxId, Option<MailboxHeader>)>>,
}

impl Headers {
    pub(crate) fn of(mailboxes: Vec<MailboxId>) -> Headers {
        Headers { mailboxes, read: None }
    }
}

impl Job for Headers {
    type Done = Vec<(MailboxId, MailboxHeader)>;

    fn missing(&self, books: &Books) -> Option<Missing> {
        if self.read.is_some() {
            return None;
        }
        let unknown = self.mailboxes.iter().filter(|id| books.has(**id) && !books.is_known(**id));
        let unknown: Vec<MailboxId> = unknown.copied().collect();
        (!unknown.is_empty()).then_some(Missing::Headers(unknown))
    }

    fn take(&mut self, loaded: Loaded) {
        if let Loaded::Headers(headers) = loaded {
            self.read = Some(headers);
        }
    }

    fn run(self, actor: &mut MailboxActor, _: &mut Context<MailboxActor>) -> Result<Self::Done, Refusal> {
        let books = actor.books()?;
        let mut read: std::collections::HashMap<_, _> = self.read.into_iter().flatten().collect();
        let header = |mailbox: MailboxId| {
            let known = books.shown_header(mailbox).cloned().or_else(|| read.remove(&mailbox).flatten());
            (mailbox, known.unwrap_or_else(|| books.on_paper(mailbox).header().clone()))
        };
        Ok(self.mailboxes.into_iter().filter(|mailbox| books.has(*mailbox)).map(header).collect())
    }
}

/// What left a folder behind a modification sequence (RFC 7162 §3.2.6).
pub(crate) struct VanishedSince {
    pub(crate) mailbox: MailboxId,
    pub(crate) since: ModSeq,
}

impl Job for VanishedSince {
    type Done = UidSet;

    fn missing(&self, books: &Books) -> Option<Missing> {
        whole(books, self.mailbox)
    }

    fn run(self, actor: &mut MailboxActor, _: &mut Context<MailboxActor>) -> Result<UidSet, Refusal> {
        let until = actor.shown(self.mailbox)?.header().highest_mod_seq;
        let books = actor.books()?;
        let log = books.shelf(self.mailbox).map(|shelf| shelf.log.as_slice()).unwrap_or_default();
        let meant = log.iter().filter(|(at, _)| *at > self.since && *at <= until);
        Ok(meant.fold(UidSet::new(), |all, (_, entry)| all.union(&vanished::uids(entry))))
    }
}
