//! What an account's letters and refusals are signs of (SPEC Q4): events are logged, and their scores kept and written
//! within a second.

use std::net::IpAddr;
use std::time::Duration;

use actix::prelude::*;
use postern_model::record::{Actor as By, Event, LetterRefusal, Signal, What};
use postern_model::{LetterId, Timestamp};
use postern_policy::abuse::{self, Sample, Verdict};
use postern_storage::{Batch, Ring, keys};

use super::QuotaActor;
use crate::ground::EVENTS_KEPT;
use crate::order::Sent;

/// What the abuse rules remember is written so much later.
const SAVED_AFTER: Duration = Duration::from_secs(1);

/// When the scores are logged, so that a replay can begin there. They are logged between two events of the account's
/// letters, while none is being counted: then they are what the events before them come to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Marks {
    /// Events that were logged.
    logged: u64,
    /// With so many the next mark is due.
    due: u64,
}

impl Marks {
    /// Events between two marks. The rings keep four times as many.
    const EVERY: u64 = 250;
    /// A mark that is so many events late is not put off any longer.
    const LATE: u64 = 2 * Marks::EVERY;

    /// So many events were logged before.
    pub(super) fn behind(logged: u64) -> Marks {
        Marks { logged, due: logged.next_multiple_of(Marks::EVERY) }
    }

    /// Whether a mark is due now.
    fn is_due(&self, idle: bool) -> bool {
        self.logged >= self.due && (idle || self.logged >= self.due + Marks::LATE)
    }

    /// One is due from now on.
    fn soon(&mut self) {
        self.due = self.due.min(self.logged);
    }

    /// A mark was logged.
    fn marked(&mut self) {
        self.logged += 1;
        self.due = (self.logged + 1).next_multiple_of(Marks::EVERY);
    }
}

impl QuotaActor {
    /// Looks at a letter as it is accepted; the event goes into its batch.
    pub(super) fn observe(&mut self, letter: LetterId, sent: &Sent, at: Timestamp) -> Option<Event> {
        self.mark_alone(at);
        let Sent { from, recipients, body, .. } = sent;
        let sample = Sample { recipients: recipients.clone(), body: *body, from: Some(*from) };
        let state = self.state.as_mut()?;
        state.marks.logged += 1;
        let signals = abuse::observe(&mut state.abuse, &sample, &self.ground.settings.abuse, at);
        let recipients = u32::try_from(recipients.len()).unwrap_or(u32::MAX);
        let what = What::Letter { letter, recipients, signals };
        Some(Event { at, by: By::User, from: Some(*from), what })
    }

    /// Logs a refusal, without anybody's waiting for it.
    pub(super) fn refused(
        &mut self,
        why: LetterRefusal,
        signals: Vec<(Signal, u32)>,
        from: Option<IpAddr>,
    ) -> Option<Verdict> {
        let weighs = !signals.is_empty();
        let what = What::LetterRefused { why, signals };
        let event = Event { at: self.now(), by: By::User, from, what };
        let mut batch = Batch::new();
        batch.lazy();
        self.mark(event.at, &mut batch);
        batch.log(self.account, Ring::LetterRefusals, EVENTS_KEPT, &event);
        if let Some(state) = &mut self.state {
            state.marks.logged += 1;
        }
        let verdict = if weighs { self.weigh(&event) } else { None };
        if weighs {
            self.put(&mut batch);
        }
        drop(self.ground.store.commit(batch));
        verdict
    }

    /// What an event adds to the scores, and whether they are full by it.
    pub(super) fn weigh(&mut self, event: &Event) -> Option<Verdict> {
        let state = self.state.as_mut()?;
        abuse::apply(&mut state.abuse, event, &self.ground.settings.abuse);
        abuse::judge(&state.abuse, &self.ground.settings.abuse, event.at)
    }

    /// A lock has fallen: what led to it is spent, and so is what was logged behind the lock's event before it came to be
    /// known here. Only a mark tells a replay of that.
    pub(super) fn spend(&mut self) {
        let Some(lock) = self.state.as_ref().and_then(|state| state.lock.clone()) else { return };
        let (until, reason, text, evidence) = (lock.until, lock.reason, lock.text, lock.evidence);
        let what = What::SendingLocked { until, reason, text, evidence };
        self.weigh(&Event { at: lock.since, by: lock.by, from: None, what });
        if let Some(state) = &mut self.state {
            state.marks.soon();
        }
        self.mark_alone(lock.since);
    }

    /// Logs the scores where that is due, before another event.
    fn mark(&mut self, at: Timestamp, batch: &mut Batch) {
        let idle = std::sync::Arc::strong_count(&self.counting) == 1;
        let Some(state) = self.state.as_mut() else { return };
        if state.marks.is_due(idle) {
            state.marks.marked();
            let what = What::Scores(state.abuse.scores.clone());
            let mark = Event { at, by: By::Timer, from: None, what };
            batch.log(self.account, Ring::LetterRefusals, EVENTS_KEPT, &mark);
        }
    }

    /// Logs the scores where that is due, in a batch of their own.
    pub(super) fn mark_alone(&mut self, at: Timestamp) {
        let mut marks = Batch::new();
        marks.lazy();
        self.mark(at, &mut marks);
        if !marks.is_empty() {
            drop(self.ground.store.commit(marks));
        }
    }

    /// Has what the abuse rules remember written within a second.
    pub(super) fn save_soon(&mut self, ctx: &mut Context<Self>) {
        if !std::mem::replace(&mut self.saving, true) {
            ctx.run_later(SAVED_AFTER, |actor, _| actor.save());
        }
    }

    /// Writes it, where it has to be.
    pub(super) fn save(&mut self) {
        if std::mem::take(&mut self.saving) {
            let mut batch = Batch::new();
            batch.lazy();
            self.put(&mut batch);
            if !batch.is_empty() {
                drop(self.ground.store.commit(batch));
            }
        }
    }

    fn put(&self, batch: &mut Batch) {
        let Some(state) = &self.state else { return };
        // Nothing is left behind of an account that goes.
        batch.expect_present(&keys::account(self.account)).expect_absent(&keys::removal(self.account));
        batch.put(&keys::abuse(self.account), &state.abuse);
    }
}
