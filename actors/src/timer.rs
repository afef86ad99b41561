//! TimerActor: what falls due. It finds it, others decide.

use std::time::Duration;

use actix::prelude::*;
use postern_model::Timestamp;

use crate::actors::{Actors, WeakActors};
use crate::unpanicked;

/// How often it looks. Housekeeping goes by the machine's time; what is policy's goes by the clock that is passed in.
const ROUND: Duration = Duration::from_secs(10);

/// An actor that nobody has asked for this long is let go.
const REST_AFTER: Duration = Duration::from_secs(30);

/// A younger debt is in the hands of whoever accepted the letter.
const IN_HAND: Duration = Duration::from_secs(60);

/// One for the whole server.
pub(crate) struct TimerActor {
    actors: WeakActors,
}

impl TimerActor {
    pub(crate) fn new(actors: WeakActors) -> TimerActor {
        TimerActor { actors }
    }

    /// At the start and in every round: accounts half removed, letters accepted and not yet in their folder.
    fn resume(&mut self, ctx: &mut Context<Self>, debts_before: Timestamp) {
        let Some(actors) = Actors::upgrade(&self.actors) else { return ctx.stop() };
        let resume = async move {
            if let Err(error) = actors.go_on_removing().await {
                tracing::warn!(%error, "accounts half removed wait");
            }
            match actors.pay_what_is_owed(debts_before).await {
                Ok(0) => {}
                Ok(count) => tracing::info!(count, "delivered letters that were accepted before"),
                Err(error) => tracing::warn!(%error, "letters accepted before wait"),
            }
        };
        // One round at a time: the next begins when this one is done, also where it panicked.
        ctx.wait(async move { drop(unpanicked(resume).await) }.into_actor(self));
    }
}

impl Actor for TimerActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.resume(ctx, Timestamp::NEVER);
        ctx.run_interval(ROUND, |timer, ctx| {
            let Some(actors) = Actors::upgrade(&timer.actors) else { return ctx.stop() };
            let living = actors.passivate(REST_AFTER);
            tracing::trace!(living, "let actors at rest go");
            timer.resume(ctx, actors.now().minus(IN_HAND));
        });
    }
}
