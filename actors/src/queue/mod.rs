//! QueueActor: what of the queue leaves when (SPEC D3). One for the server.
//!
//! ```text
//! a letter is on disk ── Arrived ──> schedule ── set out ──> trip (on any arbiter)
//!                                       ▲                      │ NextOf: the next consignment, until there is none
//!                                       └──── done, come home ─┤ carries it by the courier
//!                                                              └ settles it: one batch (`settle`)
//! ```
//!
//! The store has the queue, the actor only its order (`postern_policy::retry`). Whoever has a consignment's ticket has the
//! sole right to its record: a trip, the desk where late ones are judged, or an operator's command.

mod asks;
mod fate;
mod load;
mod local;
mod operator;
mod post;
mod report;
mod run;
mod settle;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use postern_model::{Domain, Timestamp};
use postern_policy::retry::{After, Entry, Given, Outing, Schedule, Ticket, Trip};
use tokio::sync::oneshot;

use crate::actors::{Actors, WeakActors};
use crate::ground::Ground;
use crate::unpanicked;
use asks::Home;
pub(crate) use asks::{Arrived, Claims, Known, Quiet, Returns, Stop, Wanted};
pub use post::Posted;
pub(crate) use post::{Leaving, Places, is_held, is_needed, leaving};
pub(crate) use report::{HEADER, Original};

/// How long a trip without letters keeps its connection: by the machine's time, since the other server's counts.
const IDLE: Duration = Duration::from_secs(2);

/// Desks at which late letters are judged at once.
const DESKS: usize = 4;

/// How long the end waits for trips to come home.
const GRACE: Duration = Duration::from_secs(5);

/// After a trip that did not end well its letter waits so long; it may be the letter's fault.
const AFTER_A_FAULT: Duration = Duration::from_secs(5 * 60);

/// How long a queue that can't be read waits before it is read again.
const READ_AGAIN: Duration = Duration::from_secs(10);

/// See the module.
pub(crate) struct QueueActor {
    actors: WeakActors,
    ground: Arc<Ground>,
    arbiters: Vec<ArbiterHandle>,
    /// The arbiter that the next trip runs on.
    next_arbiter: usize,
    schedule: Schedule,
    places: Places,
    loading: Loading,
    /// Trips without letters, which keep their connection a moment.
    idle: HashMap<Trip, Idle>,
    waits: u64,
    desks: usize,
    /// Rights that trips, desks and commands have.
    rights: usize,
    alarm: Option<(Timestamp, SpawnHandle)>,
    stopping: bool,
    /// Who waits until it is loaded, and until nothing goes on any more.
    waiting: Vec<oneshot::Sender<()>>,
    resting: Vec<oneshot::Sender<()>>,
}

/// A trip's wait for its next consignment; a trip may wait several times.
struct Idle {
    wait: u64,
    next: oneshot::Sender<Given>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Loading {
    Not,
    Now,
    Done,
}

impl QueueActor {
    pub(crate) fn begin(
        actors: WeakActors,
        ground: Arc<Ground>,
        places: Places,
        arbiters: &[ArbiterHandle],
    ) -> Addr<QueueActor> {
        let (first, arbiters) = (arbiters[0].clone(), arbiters.to_vec());
        QueueActor::start_in_arbiter(&first, move |_| QueueActor {
            actors,
            schedule: Schedule::new(ground.settings.queue.clone()),
            ground,
            arbiters,
            next_arbiter: 0,
            places,
            loading: Loading::Not,
            idle: HashMap::new(),
            waits: 0,
            desks: 0,
            rights: 0,
            alarm: None,
            stopping: false,
            waiting: Vec::new(),
            resting: Vec::new(),
        })
    }

    fn now(&self) -> Timestamp {
        self.ground.ticker.now()
    }

    /// Whether anything sets out: not where a command alone looks at the store.
    fn goes(&self) -> bool {
        self.ground.settings.serving && !self.stopping
    }

    /// Reads the queue, where that was not done yet.
    fn load(&mut self, ctx: &mut Context<Self>) {
        if self.loading != Loading::Not {
            return;
        }
        self.loading = Loading::Now;
        // What comes from now on is told.
        let (store, before) = (self.ground.store.clone(), self.ground.store.next_letter_id());
        let (figures, now) = (self.ground.settings.queue.clone(), self.now());
        let read = async move { load::load(&store, before, &figures, now).await };
        ctx.spawn(read.into_actor(self).map(|read, actor, ctx| match read {
            Ok(entries) => {
                tracing::debug!(consignments = entries.len(), "the queue is known");
                actor.places.add(entries.len());
                actor.loading = Loading::Done;
                actor.take(entries);
                tell(&mut actor.waiting);
                actor.pump(ctx);
            }
            Err(error) => {
                tracing::error!(%error, "the queue can't be read yet");
                actor.loading = Loading::Not;
                ctx.run_later(READ_AGAIN, |actor, ctx| actor.load(ctx));
            }
        }));
    }

    fn take(&mut self, entries: Vec<(Domain, Entry)>) {
        let now = self.now();
        for (domain, entry) in entries {
            self.schedule.add(&domain, entry, now);
        }
    }

    /// Sends out what may go, and sets the alarm for what may go later.
    fn pump(&mut self, ctx: &mut Context<Self>) {
        let now = self.now();
        if self.goes() {
            self.schedule.wake(now);
            self.fill_idle(now);
            while let Some(outing) = self.schedule.set_out(now) {
                self.set_out(outing, ctx);
            }
            if self.schedule.others_wait() {
                // Connections that nothing goes over are wanted elsewhere.
                self.idle.clear();
            }
            while self.desks < DESKS.min(self.schedule.overdue_count()) {
                self.open_desk(ctx);
            }
        }
        self.set_alarm(ctx);
        self.tell_who_rests();
    }

    /// Trips that wait with a connection come first.
    fn fill_idle(&mut self, now: Timestamp) {
        let idle: Vec<Trip> = self.idle.keys().copied().collect();
        for trip in idle {
            let Some(given) = self.schedule.next_of(trip, now) else { continue };
            let ticket = given.ticket;
            let sent = self.idle.remove(&trip).is_some_and(|idle| idle.next.send(given).is_ok());
            if sent {
                self.rights += 1;
            } else {
                self.schedule.done(ticket, After::AsBefore, now);
            }
        }
    }

    fn set_out(&mut self, outing: Outing, ctx: &mut Context<Self>) {
        let (weak, queue) = (self.actors.clone(), ctx.address());
        let home = queue.clone();
        let trip = outing.trip;
        let travel = move || {
            actix::spawn(async move {
                match Actors::upgrade(&weak) {
                    Some(actors) => drop(unpanicked(run::travel(actors, queue, outing)).await),
                    None => queue.do_send(Home { trip, unsettled: None }),
                }
            });
        };
        self.next_arbiter = (self.next_arbiter + 1) % self.arbiters.len();
        if !self.arbiters[self.next_arbiter].spawn_fn(travel) {
            // The server ends.
            home.do_send(Home { trip, unsettled: None });
            self.stopping = true;
        }
    }

    fn open_desk(&mut self, ctx: &mut Context<Self>) {
        let Some(actors) = Actors::upgrade(&self.actors) else { return };
        self.desks += 1;
        let judge = run::judge(actors, ctx.address());
        actix::spawn(async move { drop(unpanicked(judge).await) });
    }

    fn set_alarm(&mut self, ctx: &mut Context<Self>) {
        let at = if self.goes() { self.schedule.next_wake() } else { Timestamp::NEVER };
        if self.alarm.as_ref().is_some_and(|(set, _)| *set == at) {
            return;
        }
        if let Some((_, alarm)) = self.alarm.take() {
            ctx.cancel_future(alarm);
        }
        if at != Timestamp::NEVER {
            let ticker = self.ground.ticker.clone();
            let sleep = async move { ticker.sleep_until(at).await };
            let alarm = ctx.spawn(sleep.into_actor(self).map(|(), actor, ctx| {
                actor.alarm = None;
                actor.pump(ctx);
            }));
            self.alarm = Some((at, alarm));
        }
    }

    fn settled(&mut self, done: Option<(Ticket, After)>) {
        let Some((ticket, after)) = done else { return };
        self.rights = self.rights.saturating_sub(1);
        if after == After::Gone {
            self.places.free(1);
        }
        self.schedule.done(ticket, after, self.now());
    }

    /// Whether nothing goes on: trips that only keep their connection don't count.
    fn is_quiet(&self) -> bool {
        let travelling = self.schedule.trips() > self.idle.len();
        !travelling && self.desks == 0 && self.rights == 0
    }

    fn tell_who_rests(&mut self) {
        if self.is_quiet() {
            tell(&mut self.resting);
        }
    }
}

/// Tells who waits; some may have gone.
fn tell(waiting: &mut Vec<oneshot::Sender<()>>) {
    for waiting in waiting.drain(..) {
        let _ = waiting.send(());
    }
}

impl Actor for QueueActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        if self.goes() {
            self.load(ctx);
        }
    }
}
