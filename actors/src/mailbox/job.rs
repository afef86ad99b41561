//! One thing that MailboxActor is asked to do: what has to be read for it, and then the doing, in one step.

use actix::prelude::*;
use postern_policy::Refusal;
use postern_policy::folder::Folder;
use std::pin::Pin;
use std::sync::Arc;

use super::MailboxActor;
use super::books::{Books, Known};
use super::load::{Loaded, Missing};
use crate::ground::{caught_up, refuse};

/// A question or an order. While what it needs is read, the actor looks at nothing else.
pub(crate) trait Job: Sized + Send + 'static {
    /// What comes of it.
    type Done: Send + 'static;

    /// What is to be read next; asked again when that is there.
    fn missing(&self, books: &Books) -> Option<Missing>;

    /// Takes what was read for this job alone.
    fn take(&mut self, _loaded: Loaded) {}

    /// Does it; nothing is missing any more.
    fn run(self, actor: &mut MailboxActor, ctx: &mut Context<MailboxActor>) -> Result<Self::Done, Refusal>;
}

/// A job as a message.
pub(crate) struct Ask<J>(pub(crate) J);

impl<J: Job> Message for Ask<J> {
    type Result = Result<J::Done, Refusal>;
}

type Doing<J> = Pin<Box<dyn ActorFuture<MailboxActor, Output = Result<<J as Job>::Done, Refusal>>>>;

impl<J: Job> Handler<Ask<J>> for MailboxActor {
    type Result = AtomicResponse<Self, Result<J::Done, Refusal>>;

    fn handle(&mut self, Ask(job): Ask<J>, ctx: &mut Context<Self>) -> Self::Result {
        self.is_asked(ctx);
        AtomicResponse::new(self.work(job, ctx))
    }
}

impl MailboxActor {
    fn work<J: Job>(&mut self, job: J, ctx: &mut Context<Self>) -> Doing<J> {
        let missing = match &self.books {
            None => Some(Missing::Books { leftovers: !self.knows_leftovers }),
            Some(books) => job.missing(books),
        };
        match missing {
            None => {
                let done = job.run(self, ctx);
                if matches!(done, Err(Refusal::Unavailable | Refusal::FolderFull)) {
                    // It may have been given up half done.
                    self.reload();
                }
                Box::pin(actix::fut::ready(done))
            }
            Some(missing) => {
                Box::pin(self.read(missing).into_actor(self).then(move |loaded, actor, ctx| -> Doing<J> {
                    match loaded {
                        Ok(loaded) => {
                            let mut job = job;
                            if let Some(loaded) = actor.absorb(loaded, ctx) {
                                job.take(loaded);
                            }
                            actor.work(job, ctx)
                        }
                        Err(error) => Box::pin(actix::fut::err(refuse(&error))),
                    }
                }))
            }
        }
    }

    /// Reads what is missing, behind all that was handed in before.
    fn read(
        &self,
        missing: Missing,
    ) -> impl Future<Output = Result<Loaded, postern_storage::StoreError>> + 'static {
        let is_behind = self.books.is_none() || self.in_flight > 0;
        let (store, account) = (self.ground.store.clone(), self.account);
        async move {
            if is_behind {
                caught_up(&store).await;
            }
            missing.read(&store, account).await
        }
    }

    /// Keeps what was read; what is one job's alone comes back.
    fn absorb(&mut self, loaded: Loaded, ctx: &mut Context<Self>) -> Option<Loaded> {
        let loaded = match loaded {
            Loaded::Books(read) => {
                self.open_books(*read, ctx);
                return None;
            }
            loaded => loaded,
        };
        let Some(books) = &mut self.books else { return Some(loaded) };
        match loaded {
            Loaded::Tail(mailbox, tail) => {
                let tail = tail.map(Known::Tail);
                let known = tail.unwrap_or_else(|| Known::Whole(Arc::new(books.on_paper(mailbox))));
                books.shelve(mailbox, known, Vec::new());
            }
            Loaded::Whole(mailbox, read) => {
                let (mut folder, log) = read
                    .map_or_else(|| (books.on_paper(mailbox), Vec::new()), |read| (read.folder, read.log));
                for (_, seen) in self.doubted.extract_if(.., |(of, _)| *of == mailbox) {
                    folder.renew(&seen, &mut books.usage);
                    self.given = self.given.max(books.usage.mod_seq);
                }
                books.shelve(mailbox, Known::Whole(Arc::new(folder)), log);
            }
            Loaded::Notes(mailbox, notes) => books.notes = Some((mailbox, notes)),
            loaded => return Some(loaded),
        }
        None
    }
}

/// What is missing of a folder that all letters of are needed; nothing, where there is no such folder.
pub(super) fn whole(books: &Books, mailbox: postern_model::MailboxId) -> Option<Missing> {
    (books.has(mailbox) && !books.is_whole(mailbox)).then_some(Missing::Whole(mailbox))
}

/// What is missing of a folder that letters come into; nothing, where there is no such folder.
pub(super) fn tail(books: &Books, mailbox: postern_model::MailboxId) -> Option<Missing> {
    (books.has(mailbox) && !books.is_known(mailbox)).then_some(Missing::Tail(mailbox))
}

impl MailboxActor {
    /// The books; a job that runs has them.
    pub(super) fn books(&mut self) -> Result<&mut Books, Refusal> {
        self.books.as_mut().ok_or(Refusal::Unavailable)
    }

    /// A folder with all its letters; a job that runs has it where there is such a folder.
    pub(super) fn folder(&mut self, mailbox: postern_model::MailboxId) -> Result<Arc<Folder>, Refusal> {
        let books = self.books()?;
        if !books.has(mailbox) {
            return Err(Refusal::NoSuchFolder);
        }
        books.whole(mailbox).map(|folder| Arc::clone(folder)).ok_or(Refusal::Unavailable)
    }
}
