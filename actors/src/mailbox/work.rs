//! A change on its way to the disk: one batch, and what becomes visible with it.

use std::sync::Arc;

use actix::prelude::*;
use postern_model::record::{Actor as By, Folders, OwedNotice};
use postern_model::{LetterId, MailboxId, ModSeq, UidSet};
use postern_policy::Refusal;
use postern_policy::folder::Touched;
use postern_policy::{storage, vanished};
use postern_storage::{Batch, StoreError, keys};
use tokio::sync::oneshot;

use super::MailboxActor;
use super::books::{AllTouched, Known};

/// Lazy batches that may be on their way without anybody waiting for them.
const UNAWAITED: usize = 16;

/// A change that is being put together.
#[derive(Default)]
pub(crate) struct Work {
    pub(super) batch: Batch,
    pub(super) touched: AllTouched,
    /// Names or subscriptions changed.
    pub(super) names: bool,
    /// Notes changed.
    pub(super) notes: bool,
    pub(super) deleted: Option<MailboxId>,
    pub(super) doomed: Vec<(LetterId, ModSeq)>,
}

/// When the answer to a change is due.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    /// When it is on disk.
    Durable,
    /// At once; it is on disk within a second.
    Lazy,
}

/// A change on its way to the disk; resolves when its MailboxActor knows, too.
#[derive(Debug)]
pub(crate) struct Receipt(oneshot::Receiver<Result<(), StoreError>>);

impl Receipt {
    /// Waits for it.
    ///
    /// # Errors
    /// What the store can't do; the actor reads its state anew then.
    pub(crate) async fn landed(self) -> Result<(), StoreError> {
        self.0.await.unwrap_or(Err(StoreError::Closed))
    }
}

/// What sessions are shown when a batch has landed.
struct Picture {
    shelves: Vec<(MailboxId, Known)>,
    folders: Option<Arc<Folders>>,
    notes: bool,
    deleted: Option<MailboxId>,
}

/// A batch has landed, or come to nothing.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Landed {
    number: u64,
    /// Of which reading of the store the state was that it built on.
    reading: u64,
    due: Due,
    /// `None` where it has been shown already.
    picture: Option<Picture>,
    doomed: Vec<(LetterId, ModSeq)>,
    landed: Result<(), StoreError>,
    answer: oneshot::Sender<Result<(), StoreError>>,
}

impl Work {
    /// A folder changed: its counters and these blocks are to be written.
    pub(super) fn touch(&mut self, mailbox: MailboxId, touched: Touched) {
        self.touched.entry(mailbox).or_default().and(touched);
    }
}

impl MailboxActor {
    /// Remembers what left a folder, for clients that come back (RFC 7162 §3.2.6).
    pub(super) fn log_gone(&mut self, work: &mut Work, mailbox: MailboxId, at: ModSeq, uids: &UidSet) {
        let account = self.account;
        let Some(shelf) = self.books.as_mut().and_then(|books| books.shelf(mailbox)) else { return };
        let mut entry = vanished::entry(uids);
        if let (Known::Whole(folder), true) = (&shelf.ahead, shelf.log.len() >= vanished::ENTRIES_KEPT) {
            for (old, _) in &shelf.log {
                work.batch.delete(&keys::vanished(account, mailbox, *old));
            }
            entry = vanished::merge(shelf.log.iter().map(|(_, entry)| entry).chain([&entry]), folder);
            shelf.log.clear();
        }
        work.batch.put(&keys::vanished(account, mailbox, at), &entry);
        shelf.log.push((at, entry));
    }

    /// Writes what changed on condition that the account's counters are still what they were, and hands it in.
    pub(super) fn hand_in(
        &mut self,
        work: Work,
        due: Due,
        ctx: &mut Context<Self>,
    ) -> Result<Receipt, Refusal> {
        let Work { mut batch, touched, names, notes, deleted, doomed } = work;
        let shelves = self.write(&mut batch, &touched, names)?;
        let folders = names.then(|| Arc::clone(&self.books.as_ref()?.folders).into()).flatten();
        let mut picture = Some(Picture { shelves, folders, notes, deleted });
        match due {
            Due::Lazy if self.durable_in_flight == 0 => {
                batch.lazy();
                // Visible is enough, and whoever changed a flag sees it at once.
                picture.take().into_iter().for_each(|picture| self.show(picture));
            }
            Due::Lazy => drop(batch.lazy()),
            Due::Durable => self.durable_in_flight += 1,
        }
        self.handed += 1;
        self.in_flight += 1;
        let (number, reading, addr) = (self.handed, self.reading, ctx.address());
        let commit = self.ground.store.commit(batch);
        let (answer, answered) = oneshot::channel();
        actix::spawn(async move {
            let landed = commit.await;
            addr.do_send(Landed { number, reading, due, picture, doomed, landed, answer });
        });
        Ok(Receipt(answered))
    }

    /// Puts all that changed into the batch; returns the folders as they are now.
    fn write(
        &mut self,
        batch: &mut Batch,
        touched: &AllTouched,
        names: bool,
    ) -> Result<Vec<(MailboxId, Known)>, Refusal> {
        self.tell_of_room(batch);
        let account = self.account;
        let books = self.books.as_mut().ok_or(Refusal::Unavailable)?;
        let mut shelves = Vec::with_capacity(touched.len());
        for (mailbox, touched) in touched {
            let Some(shelf) = books.shelf(*mailbox) else { return Err(Refusal::Unavailable) };
            for number in touched.numbers() {
                let key = keys::block(account, *mailbox, number);
                match shelf.ahead.block(number) {
                    Some(block) => batch.put(&key, block),
                    None => batch.delete(&key),
                };
            }
            batch.put(&keys::mailbox(account, *mailbox), shelf.ahead.header());
            shelves.push((*mailbox, shelf.ahead.clone()));
        }
        if names {
            batch.put(&keys::folders(account), &books.folders);
        }
        // An account that is being removed gets nothing more.
        batch.expect_absent(&keys::removal(account));
        // The account's modification sequence stands in the usage and moves with every change of any folder, so this one
        // condition covers them all.
        let usage = keys::usage(account);
        match &books.stored {
            Some(before) => batch.expect(&usage, before),
            None => batch.expect_absent(&usage),
        };
        batch.put(&usage, &books.usage);
        books.stored = Some(books.usage);
        self.given = self.given.max(books.usage.mod_seq);
        Ok(shelves)
    }

    /// Where room runs out by this batch, the notice that tells so is owed with it (SPEC D8).
    fn tell_of_room(&mut self, batch: &mut Batch) {
        let Some(books) = &mut self.books else { return };
        let limit = self.ground.settings.plan(&books.plan).storage;
        let (told, notice) = storage::tell(books.usage.octets, limit, books.usage.told);
        books.usage.told = told;
        if let Some(notice) = notice {
            let store = &self.ground.store;
            let owed = OwedNotice {
                at: self.ground.ticker.now(),
                notice,
                protocols: Vec::new(),
                by: By::Timer,
                reason: None,
                text: None,
                then: None,
                from: None,
            };
            batch.owe(store.next_letter_id(), self.account, &owed);
        }
    }

    /// Whether whoever asks for a lazy change has to wait for it all the same: where what it builds on is not on disk, or
    /// too much is on its way.
    pub(super) fn is_pressed(&self) -> bool {
        self.durable_in_flight > 0 || self.in_flight > UNAWAITED
    }

    fn show(&mut self, picture: Picture) {
        let Picture { shelves, folders, notes, deleted } = picture;
        for (mailbox, known) in shelves {
            self.sights.changed(mailbox, known.header().highest_mod_seq);
            if let Some(shelf) = self.books.as_mut().and_then(|books| books.shelf(mailbox)) {
                shelf.show(known);
            }
        }
        if let (Some(folders), Some(books)) = (&folders, &mut self.books)
            && folders.version >= books.shown_folders.version
        {
            books.shown_folders = Arc::clone(folders);
        }
        if let Some(mailbox) = deleted {
            self.sights.deleted(mailbox);
        }
        if folders.is_some() || notes {
            self.sights.renamed();
        }
    }

    /// Returns when all that is on its way now has landed or come to nothing; `None`: nothing is.
    pub(super) fn barrier(&mut self) -> Option<oneshot::Receiver<()>> {
        if self.durable_in_flight == 0 {
            return None;
        }
        let (passed, waiting) = oneshot::channel();
        self.waiting.push((self.handed, passed));
        Some(waiting)
    }
}

impl Handler<Landed> for MailboxActor {
    type Result = ();

    fn handle(&mut self, message: Landed, ctx: &mut Context<Self>) {
        let Landed { number, reading, due, picture, doomed, landed, answer } = message;
        self.in_flight = self.in_flight.saturating_sub(1);
        if due == Due::Durable {
            self.durable_in_flight = self.durable_in_flight.saturating_sub(1);
        }
        match (&landed, reading == self.reading) {
            (Ok(()), true) => {
                doomed.into_iter().for_each(|(letter, at)| self.sights.doom([letter], at));
                picture.into_iter().for_each(|picture| self.show(picture));
            }
            // It was handed in before what the books were read from, and is in them.
            (Ok(()), false) => doomed.into_iter().for_each(|(letter, at)| self.sights.doom([letter], at)),
            (Err(_), true) => self.reload(),
            (Err(_), false) => {}
        }
        for (_, passed) in self.waiting.extract_if(.., |(until, _)| *until <= number) {
            // Whoever waited may have gone.
            let _ = passed.send(());
        }
        let _ = answer.send(landed);
        self.bury(ctx);
    }
}
