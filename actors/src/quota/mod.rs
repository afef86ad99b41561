//! QuotaActor: whether one account may send (SPEC Q). It is asked at each MAIL FROM and gives a reservation; a letter
//! that is accepted is counted in its own batch, and a reservation that is dropped was never one.
//!
//! ```text
//! MAIL FROM ── MaySend ──> Granted{reservation} ── Count ──> the letter's event, into the letter's batch ──┐
//!     │                            └── dropped: given back            Counted <── the batch is on disk ─────┘
//!     └── refused: an event, and a sign of pushing
//! ```
//!
//! It owns the account's abuse scores and accuses ([`Verdict`]); the lock is AccountActor's, and comes here by [`Reload`].

mod asks;
mod recent;
mod signs;

use std::sync::{Arc, Weak};
use std::time::Duration;

use actix::prelude::*;
use postern_model::record::{Abuse, LetterRefusal, SendingLock, Signal};
use postern_model::{AccountId, Timestamp};
use postern_policy::Refusal;
use postern_policy::abuse::Verdict;
use postern_policy::send_window::{Figures, check, locked};
use postern_storage::{Ring, StoreError, View, keys};

use crate::ground::{Ground, caught_up};
use crate::order::{Granted, Reservation};
use crate::registry::PerAccount;
use asks::Asked;
pub(crate) use asks::{Count, Counted, Counting, MaySend, Noted, Refused, Reload, Reread, Save};
use recent::Recent;
use signs::Marks;

/// One account's right to send.
pub(crate) struct QuotaActor {
    account: AccountId,
    ground: Arc<Ground>,
    /// `None` until it was read from the store.
    state: Option<State>,
    /// Letters under way: they count as now. Known to nobody else, so they stay when the state is read anew.
    reserved: Vec<Weak<Reservation>>,
    /// Held by every letter that is being counted.
    counting: Arc<()>,
    /// What the abuse rules remember is to be written soon.
    saving: bool,
}

#[derive(Clone)]
struct State {
    /// AccountActor's, as it was when that last told.
    lock: Option<SendingLock>,
    plan: String,
    recent: Recent,
    /// Letters may have been counted that `recent` does not know of.
    stale: bool,
    abuse: Abuse,
    marks: Marks,
}

impl PerAccount for QuotaActor {
    fn of(account: AccountId, ground: Arc<Ground>) -> Self {
        let (state, reserved, counting) = (None, Vec::new(), Arc::new(()));
        QuotaActor { account, ground, state, reserved, counting, saving: false }
    }
}

impl Actor for QuotaActor {
    type Context = Context<Self>;

    fn stopped(&mut self, _: &mut Context<Self>) {
        self.save();
    }
}

impl State {
    fn load(view: &View<'_>, account: AccountId, now: Timestamp) -> Result<State, StoreError> {
        let plan = view.get(&keys::account(account))?.ok_or(StoreError::NotFound)?.plan;
        let lock = view.get(&keys::sending_lock(account))?;
        let mut abuse: Abuse = view.get(&keys::abuse(account))?.unwrap_or_default();
        if let Some(lock) = &lock {
            // What led to the lock is spent with it, also where that was not written any more.
            abuse.scores.retain(|score| score.at > lock.since);
        }
        let letters = view.logged_ever(account, Ring::Letters)?;
        let marks = Marks::behind(letters + view.logged_ever(account, Ring::LetterRefusals)?);
        Ok(State { lock, plan, recent: Recent::load(view, account, now)?, stale: false, abuse, marks })
    }
}

type Atomic<T> = AtomicResponse<QuotaActor, T>;

impl QuotaActor {
    fn now(&self) -> Timestamp {
        self.ground.ticker.now()
    }

    /// What the account's plan lets it send.
    fn figures(&self, state: &State) -> Figures {
        self.ground.settings.plan(&state.plan).sends
    }

    /// Letters under way.
    fn reserved(&mut self) -> u32 {
        self.reserved.retain(|reservation| reservation.strong_count() > 0);
        u32::try_from(self.reserved.len()).unwrap_or(u32::MAX)
    }

    /// Runs `f` once the state is there (and what the windows need of it), or with the reason why it could not be read.
    /// The actor looks at nothing else meanwhile.
    fn informed<T: 'static>(
        &mut self,
        windows: bool,
        f: impl FnOnce(&mut Self, Result<(), StoreError>) -> T + 'static,
    ) -> Atomic<T> {
        let (now, reserved) = (self.now(), self.reserved());
        let knows = |state: &State| {
            !state.stale && state.recent.unknown(&self.figures(state), reserved, now).is_empty()
        };
        if self.state.as_ref().is_some_and(|state| !windows || knows(state)) {
            let answer = f(self, Ok(()));
            return AtomicResponse::new(Box::pin(actix::fut::ready(answer)));
        }
        let (ground, account, known) = (Arc::clone(&self.ground), self.account, self.state.clone());
        let store = ground.store.clone();
        let read = async move {
            if known.is_none() {
                caught_up(&store).await;
            }
            let look = move |view: &View<'_>| {
                let mut state = known.map_or_else(|| State::load(view, account, now), Ok)?;
                if std::mem::take(&mut state.stale) {
                    state.recent = Recent::load(view, account, now)?;
                }
                let figures = ground.settings.plan(&state.plan).sends;
                let unknown = state.recent.unknown(&figures, reserved, now);
                if !unknown.is_empty() {
                    state.recent.learn(view, account, &unknown, now)?;
                }
                Ok(state)
            };
            store.read(look).await
        };
        AtomicResponse::new(Box::pin(read.into_actor(self).map(move |state, actor: &mut Self, _| {
            let read = state.map(|state| actor.state = Some(state));
            f(actor, read)
        })))
    }

    /// SPEC Q1-Q5: the lock, and then the windows.
    fn decide(&mut self, now: Timestamp) -> Result<Figures, Refusal> {
        let reserved = self.reserved();
        let figures = self.state.as_ref().map(|state| self.figures(state)).ok_or(Refusal::Unavailable)?;
        let state = self.state.as_mut().ok_or(Refusal::Unavailable)?;
        locked(state.lock.as_ref(), now)?;
        state.recent.settle(now);
        check(&figures, reserved, |n| state.recent.last(n), now)?;
        Ok(figures)
    }

    fn may_send(&mut self, ask: MaySend) -> Asked {
        match self.decide(self.now()) {
            Ok(figures) => {
                let reservation = Arc::new(Reservation { seat: ask.seat });
                self.reserved.push(Arc::downgrade(&reservation));
                Asked { answer: Ok(Granted { recipients: figures.recipients, reservation }), verdict: None }
            }
            Err(refusal) => {
                let why = letter_refusal(&refusal);
                let verdict = why.and_then(|(why, signals)| self.refused(why, signals, Some(ask.from)));
                Asked { answer: Err(refusal), verdict }
            }
        }
    }

    /// A lock that fell while the letter came in holds for it, too.
    fn count(&mut self, ask: Count) -> Result<Counting, Refusal> {
        let Count { letter, sent, at } = ask;
        let lock = self.state.as_ref().and_then(|state| state.lock.as_ref());
        if let Err(refusal) = locked(lock, at) {
            self.refused(LetterRefusal::Locked, Vec::new(), Some(sent.from));
            return Err(refusal);
        }
        let event = self.observe(letter, &sent, at).ok_or(Refusal::Unavailable)?;
        let (reservation, in_flight) = (sent.reservation, Arc::clone(&self.counting));
        Ok(Counting { event, letter, _reservation: reservation, _in_flight: in_flight })
    }

    fn counted(&mut self, counting: Counting) -> Option<Verdict> {
        let state = self.state.as_mut()?;
        state.recent.count(counting.letter, counting.event.at);
        let event = counting.event.clone();
        // The reservation ends here, where the letter counts.
        drop(counting);
        let verdict = self.weigh(&event);
        self.mark_alone(event.at);
        verdict
    }

    /// Takes over what AccountActor has decided; whether that changes what the abuse rules remember.
    fn reload(&mut self, plan: String, lock: Option<SendingLock>) -> bool {
        let Some(state) = self.state.as_mut() else { return false };
        let fell = lock.is_some()
            && lock.as_ref().map(|lock| lock.since) != state.lock.as_ref().map(|lock| lock.since);
        state.plan = plan;
        state.lock = lock;
        if fell {
            self.spend();
        }
        fell
    }
}

/// The event that a refusal at MAIL FROM is, and what of it is a sign of abuse; `None` where it is no decision.
fn letter_refusal(refusal: &Refusal) -> Option<(LetterRefusal, Vec<(Signal, u32)>)> {
    const MINUTE: Duration = Duration::from_secs(60);
    const HOUR: Duration = Duration::from_secs(60 * 60);
    let why = match refusal {
        Refusal::SendingLocked { .. } => return Some((LetterRefusal::Locked, Vec::new())),
        Refusal::SendLimit { window, .. } if *window <= MINUTE => LetterRefusal::PerMinute,
        Refusal::SendLimit { window, .. } if *window <= HOUR => LetterRefusal::PerHour,
        Refusal::SendLimit { .. } => LetterRefusal::PerDay,
        _ => return None,
    };
    Some((why, vec![(Signal::Pushing, 1)]))
}
