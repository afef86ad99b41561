//! TimerActor: what falls due. It finds it, others decide.

use std::collections::BTreeSet;
use std::time::Duration;

use actix::prelude::*;
use postern_model::{AccountId, Timestamp};
use postern_storage::{StoreError, keys};

use crate::actors::{Actors, WeakActors};
use crate::mailbox::{Ask, Names};
use crate::unpanicked;

/// How often it looks. Housekeeping goes by the machine's time; what is policy's goes by the clock that is passed in.
const ROUND: Duration = Duration::from_secs(10);

/// An actor that nobody has asked for this long is let go.
const REST_AFTER: Duration = Duration::from_secs(30);

/// A younger debt is in the hands of whoever accepted the letter.
const IN_HAND: Duration = Duration::from_secs(60);

/// Letters waiting to be dropped that are looked at together.
const DOOMED_AT_ONCE: usize = 1_000;

/// One for the whole server.
pub(crate) struct TimerActor {
    actors: WeakActors,
    /// Whether a round is under way: the next begins when it is done.
    busy: bool,
    /// Whether alerts are being sent: a gateway may take its time.
    sending: bool,
}

impl TimerActor {
    pub(crate) fn new(actors: WeakActors) -> TimerActor {
        TimerActor { actors, busy: false, sending: false }
    }

    /// At the start and every so often; a round that takes long lets the others fall out.
    fn round(&mut self, ctx: &mut Context<Self>, debts_before: Timestamp) {
        let Some(actors) = Actors::upgrade(&self.actors) else { return ctx.stop() };
        if std::mem::replace(&mut self.busy, true) {
            return;
        }
        let round = async move { drop(unpanicked(actors.round(debts_before)).await) };
        // Also where it panicked.
        ctx.spawn(round.into_actor(self).map(|(), timer, _| timer.busy = false));
    }
}

impl TimerActor {
    /// Sends what SMS alerts are due, unless that is under way.
    fn alert(&mut self, ctx: &mut Context<Self>) {
        let Some(actors) = Actors::upgrade(&self.actors) else { return ctx.stop() };
        if std::mem::replace(&mut self.sending, true) {
            return;
        }
        let sending = async move {
            let sent = unpanicked(actors.send_alerts()).await;
            drop(sent.map(|sent| waits("SMS alerts", sent)));
        };
        ctx.spawn(sending.into_actor(self).map(|(), timer, _| timer.sending = false));
    }
}

impl Actors {
    /// Does what waits: accounts half removed, letters accepted and not yet in their folder, what has fallen due, and
    /// notices that are owed.
    pub(crate) async fn round(&self, debts_before: Timestamp) {
        waits("accounts half removed", self.go_on_removing().await);
        match waits("letters accepted before", self.pay_what_is_owed(debts_before).await) {
            None | Some(0) => {}
            Some(count) => tracing::info!(count, "delivered letters that were accepted before"),
        }
        match waits("what is due", self.look().await) {
            None | Some(0) => {}
            Some(count) => tracing::debug!(count, "did what was due for accounts"),
        }
        self.deliver_notices().await;
    }

    /// Letters that were gone and still read when the server ended are read by nobody now; their MailboxActors drop them.
    pub(crate) async fn bury_what_was_read(&self) -> Result<(), StoreError> {
        let mut range = keys::all_doomed();
        loop {
            let page = range.clone();
            let found = self.store().read(move |view| view.scan(&page, DOOMED_AT_ONCE)).await?;
            let Some(((account, letter), _)) = found.last() else { return Ok(()) };
            range = range.after(&keys::doomed(*account, *letter));
            let accounts: BTreeSet<AccountId> = found.iter().map(|((account, _), _)| *account).collect();
            for account in accounts {
                // It begins with what was left to be dropped, whatever it is asked.
                let _ = self.mailboxes().seat(account).addr().send(Ask(Names)).await;
            }
        }
    }
}

/// Says why something waits for the next round. A store that is shut needs no word: there is no next round.
fn waits<T>(what: &str, done: Result<T, StoreError>) -> Option<T> {
    match done {
        Ok(done) => Some(done),
        Err(StoreError::Closed) => None,
        Err(error) => {
            tracing::warn!(%error, "{what}: waiting for the next round");
            None
        }
    }
}

impl Actor for TimerActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.round(ctx, Timestamp::NEVER);
        if let Some(actors) = Actors::upgrade(&self.actors) {
            let bury =
                async move { waits("letters that nobody reads any more", actors.bury_what_was_read().await) };
            ctx.spawn(bury.into_actor(self).map(|_, _, _| ()));
        }
        ctx.run_interval(ROUND, |timer, ctx| {
            let Some(actors) = Actors::upgrade(&timer.actors) else { return ctx.stop() };
            let living = actors.passivate(REST_AFTER);
            tracing::trace!(living, "let actors at rest go");
            timer.round(ctx, actors.now().minus(IN_HAND));
            timer.alert(ctx);
        });
    }
}
