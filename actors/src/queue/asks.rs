//! What QueueActor is asked and told.

use std::pin::Pin;
use std::sync::Arc;

use actix::prelude::*;
use postern_model::record::Attempt;
use postern_model::{Domain, LetterId, QueueId, Timestamp};
use postern_policy::retry::{After, Claim, Entry, Given, Health, Ticket, Trip};
use tokio::sync::oneshot;

use super::{AFTER_A_FAULT, GRACE, IDLE, Idle, Loading, QueueActor};

/// Consignments that have just come to be on disk.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Arrived(pub(crate) Vec<(Domain, Entry)>);

/// A trip has done something, and asks for its next consignment; `None` where it is to come home.
#[derive(Message)]
#[rtype(result = "Option<Given>")]
pub(super) struct NextOf {
    pub(super) trip: Trip,
    pub(super) done: Option<(Ticket, After)>,
}

/// A trip tells how its destination is; the answer is until when that is left alone.
#[derive(Message)]
#[rtype(result = "Option<Timestamp>")]
pub(super) struct Tells {
    pub(super) trip: Trip,
    pub(super) health: Health,
    pub(super) trouble: Option<Attempt>,
}

/// A trip has ended.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Home {
    pub(super) trip: Trip,
    /// It did not end well, and this is as it was.
    pub(super) unsettled: Option<Ticket>,
}

/// A desk has done something, and asks for the next late consignment, and why its destination was not visited.
#[derive(Message)]
#[rtype(result = "Option<(Given, Option<Attempt>)>")]
pub(super) struct NextOverdue {
    pub(super) done: Option<(Ticket, After)>,
    pub(super) ended: bool,
}

/// Which consignments a command is about.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    pub(crate) letter: Option<LetterId>,
    pub(crate) envelope: Option<u16>,
    pub(crate) domain: Option<Domain>,
}

impl Wanted {
    pub(crate) fn is(&self, id: QueueId, domain: &Domain) -> bool {
        self.letter.is_none_or(|letter| letter == id.letter)
            && self.envelope.is_none_or(|envelope| envelope == id.envelope)
            && self.domain.as_ref().is_none_or(|wanted| wanted == domain)
    }
}

/// A command asks for the right to consignments, from a place of the schedule on.
#[derive(Message)]
#[rtype(result = "Claim")]
pub(crate) struct Claims {
    pub(crate) from: u32,
    pub(crate) limit: usize,
    pub(crate) wanted: Wanted,
}

/// A command gives rights back; these domains may be visited at once.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Returns {
    pub(crate) done: Vec<(Ticket, After)>,
    pub(crate) forgive: Vec<Arc<Domain>>,
}

/// Answered when the queue is known.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Known;

/// Answered when nothing is under way; the answer is when something will be.
#[derive(Message)]
#[rtype(result = "Timestamp")]
pub(crate) struct Quiet;

/// Nothing sets out any more; answered when all have come home, or have had their time.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Stop;

impl Handler<Arrived> for QueueActor {
    type Result = ();

    fn handle(&mut self, Arrived(entries): Arrived, ctx: &mut Context<Self>) {
        self.take(entries);
        self.pump(ctx);
    }
}

type Soon<T> = Pin<Box<dyn Future<Output = T>>>;

impl Handler<NextOf> for QueueActor {
    type Result = Soon<Option<Given>>;

    fn handle(&mut self, NextOf { trip, done }: NextOf, ctx: &mut Context<Self>) -> Self::Result {
        self.settled(done);
        let now = self.now();
        let given = if self.goes() { self.schedule.next_of(trip, now) } else { None };
        if let Some(given) = given {
            self.rights += 1;
            self.pump(ctx);
            return Box::pin(std::future::ready(Some(given)));
        }
        if !self.goes() || !self.schedule.may_stay(trip, now) {
            self.pump(ctx);
            return Box::pin(std::future::ready(None));
        }
        let (next, told) = oneshot::channel();
        self.waits += 1;
        let wait = self.waits;
        self.idle.insert(trip, Idle { wait, next });
        ctx.run_later(IDLE, move |actor, _| {
            if actor.idle.get(&trip).is_some_and(|idle| idle.wait == wait) {
                actor.idle.remove(&trip);
            }
        });
        self.pump(ctx);
        Box::pin(async move { told.await.ok() })
    }
}

impl Handler<Tells> for QueueActor {
    type Result = Option<Timestamp>;

    fn handle(&mut self, tells: Tells, _: &mut Context<Self>) -> Self::Result {
        let now = self.now();
        let shut = self.schedule.tell(tells.trip, tells.health, tells.trouble.as_ref(), now);
        if tells.health == Health::Bad { shut } else { None }
    }
}

impl Handler<Home> for QueueActor {
    type Result = ();

    fn handle(&mut self, home: Home, ctx: &mut Context<Self>) {
        let now = self.now();
        if let Some(ticket) = home.unsettled {
            self.rights = self.rights.saturating_sub(1);
            self.schedule.put_off(ticket, now.plus(AFTER_A_FAULT), now);
        }
        self.idle.remove(&home.trip);
        self.schedule.come_home(home.trip, now);
        self.pump(ctx);
    }
}

impl Handler<NextOverdue> for QueueActor {
    type Result = Option<(Given, Option<Attempt>)>;

    fn handle(&mut self, next: NextOverdue, ctx: &mut Context<Self>) -> Self::Result {
        let now = self.now();
        match next.done {
            // The desk could not: not again at once.
            Some((ticket, After::AsBefore)) => {
                self.rights = self.rights.saturating_sub(1);
                self.schedule.put_off(ticket, now.plus(AFTER_A_FAULT), now);
            }
            done => self.settled(done),
        }
        let given = if self.goes() && !next.ended { self.schedule.overdue() } else { None };
        match given {
            Some(given) => {
                self.rights += 1;
                let trouble = self.schedule.trouble(&given.domain).cloned();
                Some((given, trouble))
            }
            None => {
                if next.ended {
                    self.desks -= 1;
                    self.pump(ctx);
                }
                None
            }
        }
    }
}

impl Handler<Claims> for QueueActor {
    type Result = MessageResult<Claims>;

    fn handle(&mut self, claims: Claims, _: &mut Context<Self>) -> Self::Result {
        let wanted = claims.wanted;
        let claim = self.schedule.claim(claims.from, claims.limit, |id, domain| wanted.is(id, domain));
        self.rights += claim.given.len();
        MessageResult(claim)
    }
}

impl Handler<Returns> for QueueActor {
    type Result = ();

    fn handle(&mut self, returns: Returns, ctx: &mut Context<Self>) {
        let now = self.now();
        for done in returns.done {
            self.settled(Some(done));
        }
        for domain in returns.forgive {
            self.schedule.forgive(&domain, now);
        }
        self.pump(ctx);
    }
}

impl Handler<Known> for QueueActor {
    type Result = Soon<()>;

    fn handle(&mut self, _: Known, ctx: &mut Context<Self>) -> Self::Result {
        if self.loading == Loading::Done {
            return Box::pin(std::future::ready(()));
        }
        let (waiting, told) = oneshot::channel();
        self.waiting.push(waiting);
        self.load(ctx);
        Box::pin(async move { drop(told.await) })
    }
}

impl Handler<Quiet> for QueueActor {
    type Result = ResponseActFuture<Self, Timestamp>;

    fn handle(&mut self, _: Quiet, ctx: &mut Context<Self>) -> Self::Result {
        let (resting, told) = oneshot::channel();
        self.resting.push(resting);
        self.pump(ctx);
        Box::pin(
            async move { drop(told.await) }
                .into_actor(self)
                .map(|(), actor, _| if actor.goes() { actor.schedule.next_wake() } else { Timestamp::NEVER }),
        )
    }
}

impl Handler<Stop> for QueueActor {
    type Result = Soon<()>;

    fn handle(&mut self, _: Stop, ctx: &mut Context<Self>) -> Self::Result {
        self.stopping = true;
        // Who only keeps a connection comes home.
        self.idle.clear();
        let (resting, told) = oneshot::channel();
        self.resting.push(resting);
        self.pump(ctx);
        Box::pin(async move { drop(tokio::time::timeout(GRACE, told).await) })
    }
}
