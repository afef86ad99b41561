//! MailboxActor: one account's mail. It alone gives UIDs and modification sequences, and it alone says who has the
//! maildrop.
//!
//! What it is asked is a [`job::Job`]: it reads what it lacks, changes its [`books::Books`] in memory and hands a batch to
//! the committer before the next message is looked at, so batches leave in the order of their changes; whoever asked waits
//! for the [`Receipt`] outside, and many wait together. Sessions are shown a change when it has landed.

mod append;
mod books;
mod close;
mod copy;
mod deliver;
mod expunge;
mod flags;
mod job;
mod load;
mod look;
mod names;
mod notes;
mod open;
mod sights;
mod work;

use std::sync::{Arc, Weak};
use std::time::Duration;

use actix::prelude::*;
use postern_model::record::Checks;
use postern_model::{AccountId, MailboxId, ModSeq};
use postern_policy::folder::Folder;
use tokio::sync::oneshot;

use crate::ground::Ground;
use crate::order::Lease;
use crate::registry::PerAccount;
pub(crate) use append::Append;
use books::Books;
pub(crate) use close::CloseMaildrop;
pub(crate) use copy::{Copy, Moved, STAGED_AT_ONCE, Stage, Unstage};
pub(crate) use deliver::{Arriving, Deliver, Tally};
pub(crate) use expunge::{Clear, Expunge};
pub(crate) use flags::ChangeFlags;
pub(crate) use job::{Ask, Job};
use load::{BooksRead, DOOMED_AT_ONCE, Leftovers};
pub(crate) use look::{Headers, Names, Select, Show, Stored, Takes, VanishedSince};
pub(crate) use names::{Create, Delete, Rename, Subscribe};
pub(crate) use notes::{Annotate, Notes};
pub(crate) use open::OpenMaildrop;
use sights::Sights;
pub(crate) use sights::{Join, Left};
pub(crate) use work::Receipt;

const INBOX: MailboxId = MailboxId::INBOX;

/// So long after it was asked last, an actor lets go of what it can read again. Housekeeping: it goes by the machine's
/// time, not by the clock of the policy.
const LET_GO_AFTER: Duration = Duration::from_secs(10);

/// More changes than are made within the second that a lazy one takes to the disk.
const LOST_AT_MOST: u64 = 1 << 16;

/// One account's mail.
pub(crate) struct MailboxActor {
    account: AccountId,
    ground: Arc<Ground>,
    /// `None` until something needs it, and when nothing has for a while.
    books: Option<Books>,
    holder: Weak<Lease>,
    /// When mail was checked; `None` until a maildrop is asked for. Kept while the actor lives, ahead of the disk.
    checks: Option<Checks>,
    sights: Sights,
    /// What waits to be removed is read from the store at the start and after a failure.
    knows_leftovers: bool,
    /// Pictures that sessions were shown before a batch came to nothing: they may have seen flags that never were.
    doubted: Vec<(MailboxId, Arc<Folder>)>,
    /// A batch that drops letters is on its way.
    burying: bool,
    /// The number of the last batch handed in.
    handed: u64,
    /// Batches on their way, and those among them that are waited for on disk.
    in_flight: usize,
    durable_in_flight: usize,
    /// Grows when the books are closed because a batch came to nothing.
    reading: u64,
    /// Who waits until the batch of this number has landed.
    waiting: Vec<(u64, oneshot::Sender<()>)>,
    /// The highest modification sequence that was ever given; one that came to nothing is not given again, since a session
    /// may have seen it.
    given: ModSeq,
    was_asked: bool,
    /// Whether it is going to look if it may let go.
    is_to_tidy: bool,
}

/// What is in memory is not what is on disk (any more), and has to be read anew.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Reload;

/// The account has another plan (SPEC D8).
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct NewPlan(pub(crate) String);

/// As if a while had passed.
#[cfg(test)]
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Tidy;

impl PerAccount for MailboxActor {
    fn of(account: AccountId, ground: Arc<Ground>) -> Self {
        MailboxActor {
            account,
            ground,
            books: None,
            holder: Weak::new(),
            checks: None,
            sights: Sights::default(),
            knows_leftovers: false,
            doubted: Vec::new(),
            burying: false,
            handed: 0,
            in_flight: 0,
            durable_in_flight: 0,
            reading: 0,
            waiting: Vec::new(),
            given: ModSeq(0),
            was_asked: false,
            is_to_tidy: false,
        }
    }
}

impl Actor for MailboxActor {
    type Context = Context<Self>;
}

impl MailboxActor {
    fn holds(&self, lease: &Arc<Lease>) -> bool {
        self.holder.upgrade().is_some_and(|holder| Arc::ptr_eq(&holder, lease))
    }

    fn is_asked(&mut self, ctx: &mut Context<Self>) {
        self.was_asked = true;
        if !self.is_to_tidy {
            self.is_to_tidy = true;
            ctx.run_later(LET_GO_AFTER, |actor, ctx| actor.tidy(ctx));
        }
    }

    fn tidy(&mut self, ctx: &mut Context<Self>) {
        self.is_to_tidy = false;
        self.bury(ctx);
        if !self.was_asked {
            self.let_go();
        }
        self.was_asked = false;
        if self.books.is_some() || self.sights.has_doomed() {
            self.is_to_tidy = true;
            ctx.run_later(LET_GO_AFTER, |actor, ctx| actor.tidy(ctx));
        }
    }

    /// Lets go of what can be read again.
    fn let_go(&mut self) {
        if self.in_flight == 0 {
            self.books = None;
            self.doubted.clear();
        }
    }

    fn reload(&mut self) {
        if let Some(books) = self.books.take() {
            self.doubted = books.into_shown();
        }
        self.reading += 1;
        self.knows_leftovers = false;
        self.sights.stir_all(self.given);
    }

    fn open_books(&mut self, read: BooksRead, ctx: &mut Context<Self>) {
        let BooksRead { account, sms, usage, folders, leftovers } = read;
        if self.given == ModSeq(0) {
            // A crash takes lazy changes away, whose sequences a client may have seen: none is given twice.
            let lost = usage.map(|usage| ModSeq(usage.mod_seq.0.saturating_add(LOST_AT_MOST)));
            self.given = lost.unwrap_or_default();
        }
        let books = Books::new(usage, self.given, account, sms, folders);
        if let Some(Leftovers { orphans, doomed }) = leftovers {
            self.knows_leftovers = doomed.len() < DOOMED_AT_ONCE;
            self.sights.forget_doomed();
            self.sights.doom(doomed, books.usage.mod_seq);
            orphans.into_iter().for_each(|mailbox| ctx.notify(Reclaim(mailbox)));
        }
        self.books = Some(books);
        self.bury(ctx);
    }
}

/// What is left of a folder that was deleted before a restart goes.
#[derive(Message)]
#[rtype(result = "()")]
struct Reclaim(MailboxId);

impl Handler<Reclaim> for MailboxActor {
    type Result = ();

    fn handle(&mut self, Reclaim(mailbox): Reclaim, ctx: &mut Context<Self>) {
        let addr = ctx.address();
        actix::spawn(async move {
            if let Err(refusal) = expunge::clear(&addr, mailbox).await {
                tracing::warn!(?refusal, "what is left of a deleted folder waits for the next start");
            }
        });
    }
}

impl Handler<Reload> for MailboxActor {
    type Result = ();

    fn handle(&mut self, _: Reload, _: &mut Context<Self>) {
        self.reload();
    }
}

impl Handler<NewPlan> for MailboxActor {
    type Result = ();

    fn handle(&mut self, NewPlan(plan): NewPlan, _: &mut Context<Self>) {
        if let Some(books) = &mut self.books {
            books.plan = plan;
        }
    }
}

#[cfg(test)]
impl Handler<Tidy> for MailboxActor {
    type Result = ();

    fn handle(&mut self, _: Tidy, ctx: &mut Context<Self>) {
        self.tidy(ctx);
    }
}
