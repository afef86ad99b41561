//! Who looks at the account's mail, and letters that are gone while somebody may still read them (SPEC C1).

use std::collections::VecDeque;
use std::sync::{Arc, Weak};

use actix::prelude::*;
use postern_model::record::{Doomed, Entry};
use postern_model::{LetterId, MailboxId, ModSeq};
use postern_policy::Refusal;
use postern_storage::{Batch, keys};

use super::MailboxActor;
use super::books::Books;
use super::job::{Ask, Job};
use super::load::Missing;
use super::look::Names;
use super::work::Work;
use crate::mail::{News, Sight};

/// Letters that are dropped in one batch.
const BURIED_AT_ONCE: usize = 1_000;

/// The account's IMAP sessions, and what waits for them.
#[derive(Default)]
pub(crate) struct Sights {
    all: Vec<Weak<Sight>>,
    doomed: VecDeque<Doom>,
}

/// A letter that is gone and not dropped.
struct Doom {
    letter: LetterId,
    /// Whoever has been told up to here does not know of the letter any more.
    at: ModSeq,
}

impl Sights {
    /// Those that live.
    pub(super) fn living(&self) -> impl Iterator<Item = Arc<Sight>> {
        self.all.iter().filter_map(Weak::upgrade)
    }

    pub(super) fn join(&mut self, sight: &Arc<Sight>) {
        self.all.retain(|sight| sight.strong_count() > 0);
        self.all.push(Arc::downgrade(sight));
    }

    /// Letters wait to be dropped, of which is not known since when.
    pub(super) fn doom(&mut self, letters: impl IntoIterator<Item = LetterId>, at: ModSeq) {
        self.doomed.extend(letters.into_iter().map(|letter| Doom { letter, at }));
    }

    pub(super) fn has_doomed(&self) -> bool {
        !self.doomed.is_empty()
    }

    pub(super) fn forget_doomed(&mut self) {
        self.doomed.clear();
    }

    /// A folder has changed.
    pub(super) fn changed(&self, mailbox: MailboxId, highest: ModSeq) {
        for sight in self.living() {
            if sight.selected() == Some(mailbox) {
                sight.rise(highest);
                sight.stir(News::Selected);
            } else {
                sight.stir(News::Letters);
            }
        }
    }

    /// Names, subscriptions or notes have changed.
    pub(super) fn renamed(&self) {
        self.living().for_each(|sight| sight.stir(News::Names));
    }

    /// A folder is no longer there.
    pub(super) fn deleted(&self, mailbox: MailboxId) {
        self.changed(mailbox, ModSeq(u64::MAX));
    }

    /// All have to look again; nothing that they may have seen goes beyond `given`.
    pub(super) fn stir_all(&self, given: ModSeq) {
        for sight in self.living() {
            if sight.selected().is_some() {
                sight.rise(given.next());
            }
            // Who has selected nothing never looks at it, and would be woken for ever.
            if sight.selected().is_some() {
                sight.stir(News::Selected);
            }
            sight.stir(News::Letters);
            sight.stir(News::Names);
        }
    }
}

impl MailboxActor {
    /// Whether anybody may still read what leaves `mailbox` now, but for `by` who has it selected and does it: that one is
    /// told with the answer.
    fn is_read(&self, mailbox: MailboxId, by: Option<&Arc<Sight>>) -> bool {
        let may_read = |sight: Arc<Sight>| {
            let is_here = sight.selected() == Some(mailbox);
            let is_told = is_here && by.is_some_and(|by| Arc::ptr_eq(by, &sight));
            let knows = is_here || sight.is_behind() || self.in_flight > 0;
            !is_told && sight.selected().is_some() && knows
        };
        // A letter that was moved on lies in a snapshot of the INBOX, too.
        self.holder.strong_count() > 0 || self.sights.living().any(may_read)
    }

    /// Letters have left a folder and go nowhere else: what is kept of them goes with the batch, or later, where somebody
    /// but `by` may still read them. Whoever has been told of all up to `at` may not.
    pub(super) fn write_off(
        &mut self,
        work: &mut Work,
        mailbox: MailboxId,
        gone: &[Entry],
        at: ModSeq,
        by: Option<&Arc<Sight>>,
    ) {
        let letters = gone.iter().map(|entry| entry.letter);
        if self.is_read(mailbox, by) {
            let doomed = Doomed { since: self.ground.ticker.now() };
            for letter in letters.clone() {
                work.batch.put(&keys::doomed(self.account, letter), &doomed);
            }
            work.doomed.extend(letters.map(|letter| (letter, at)));
        } else {
            letters.for_each(|letter| self.drop_letter(&mut work.batch, letter));
        }
    }

    fn drop_letter(&self, batch: &mut Batch, letter: LetterId) {
        batch.drop_body(self.account, letter);
        batch.delete(&keys::facts(self.account, letter));
        batch.delete(&keys::signature(self.account, letter));
    }

    /// Drops what waited for its last reader and has none any more.
    pub(super) fn bury(&mut self, ctx: &mut Context<Self>) {
        if !self.sights.has_doomed() || self.burying || self.holder.strong_count() > 0 {
            return;
        }
        let settled = self.in_flight == 0;
        let readers: Vec<Arc<Sight>> =
            self.sights.living().filter(|sight| sight.selected().is_some()).collect();
        let is_told = |sight: &Arc<Sight>, at| sight.is_told(at) || (settled && !sight.is_behind());
        let is_read = |doom: &Doom| !readers.iter().all(|sight| is_told(sight, doom.at));
        let mut batch = Batch::new();
        batch.lazy();
        for _ in 0..BURIED_AT_ONCE {
            let Some(doom) = self.sights.doomed.front().filter(|doom| !is_read(doom)) else { break };
            self.drop_letter(&mut batch, doom.letter);
            batch.delete(&keys::doomed(self.account, doom.letter));
            self.sights.doomed.pop_front();
        }
        if batch.is_empty() {
            return;
        }
        self.burying = true;
        // What comes to nothing is found again at the next start.
        let buried = self.ground.store.commit(batch).into_actor(self);
        ctx.spawn(buried.map(|buried, actor, ctx| {
            actor.burying = false;
            actor.bury(ctx);
            if buried.is_ok() && !actor.sights.has_doomed() && !actor.knows_leftovers {
                // There were more than are read at once.
                actor.let_go();
                ctx.notify(Ask(Names));
            }
        }));
    }
}

/// A session comes.
pub(crate) struct Join(pub(crate) Arc<Sight>);

impl Job for Join {
    type Done = ();

    fn missing(&self, _: &Books) -> Option<Missing> {
        None
    }

    fn run(self, actor: &mut MailboxActor, _: &mut Context<MailboxActor>) -> Result<(), Refusal> {
        actor.sights.join(&self.0);
        Ok(())
    }
}

/// A session has gone.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Left;

impl Handler<Left> for MailboxActor {
    type Result = ();

    fn handle(&mut self, _: Left, ctx: &mut Context<Self>) {
        self.bury(ctx);
    }
}
