//! A trip: asks for one consignment of its destination after the other, has it carried, and writes down what came of it.

use std::sync::Arc;

use actix::prelude::*;
use postern_model::Domain;
use postern_model::record::Attempt;
use postern_policy::retry::{After, Given, Health, Outing, Ticket, Trip};
use postern_storage::StoreError;

use super::QueueActor;
use super::asks::{Home, NextOf, NextOverdue, Returns, Tells};
use super::fate::Case;
use super::local::{self, Local};
use super::settle::Stored;
use crate::Actors;
use crate::courier::{self, Carried, Fate, Parcel};
use crate::ground::refuse;

/// What a trip brought home of one letter.
pub(super) struct Returned {
    pub(super) carried: Carried,
    /// What is delivered here with it.
    pub(super) local: Option<Local>,
    pub(super) here: bool,
}

/// How letters get to a destination.
enum Way {
    /// It is here.
    Here,
    /// By the courier.
    Out(Box<dyn courier::Trip>),
    /// There is no way.
    None,
}

/// Comes home whatever happens, also by a panic, and gives back what it still has the right to.
struct AtSea {
    queue: Addr<QueueActor>,
    trip: Trip,
    has: Option<Ticket>,
}

impl Drop for AtSea {
    fn drop(&mut self) {
        self.queue.do_send(Home { trip: self.trip, unsettled: self.has });
    }
}

impl AtSea {
    async fn next(&mut self, done: Option<(Ticket, After)>) -> Option<Given> {
        self.has = None;
        let given = self.queue.send(NextOf { trip: self.trip, done }).await.ok().flatten()?;
        self.has = Some(given.ticket);
        Some(given)
    }
}

/// One trip from its start to its end.
pub(super) async fn travel(actors: Actors, queue: Addr<QueueActor>, outing: Outing) {
    let mut sea = AtSea { queue: queue.clone(), trip: outing.trip, has: None };
    let mut way = way(&actors, &outing.domain);
    let mut done = None;
    while let Some(given) = sea.next(done).await {
        let (ticket, id) = (given.ticket, given.id);
        match one(&actors, &queue, outing.trip, &mut way, given).await {
            Ok((after, health)) => {
                if health != Health::Good {
                    sea.has = None;
                    sea.queue.do_send(Returns { done: vec![(ticket, after)], forgive: Vec::new() });
                    break;
                }
                done = Some((ticket, after));
            }
            Err(error) => {
                tracing::warn!(%id, %error, "a letter of the queue could not be seen to");
                break;
            }
        }
    }
    if let Way::Out(trip) = way {
        trip.end().await;
    }
}

fn way(actors: &Actors, domain: &Domain) -> Way {
    let ground = actors.ground();
    match &ground.settings.courier {
        _ if ground.directory.is_local(domain) => Way::Here,
        Some(courier) => Way::Out(courier.set_out(domain)),
        None => Way::None,
    }
}

/// One letter's carrying, and what is written of it.
async fn one(
    actors: &Actors,
    queue: &Addr<QueueActor>,
    trip: Trip,
    way: &mut Way,
    given: Given,
) -> Result<(After, Health), StoreError> {
    let Some(stored) = actors.consignment(given.id, given.domain).await? else {
        return Ok((After::Gone, Health::Good));
    };
    let returned = carry(actors, way, &stored).await;
    let Returned { carried: Carried { mut fates, health }, local, here } = returned;
    let recipients = stored.consignment.recipients.len();
    // A courier that says nothing of somebody has not got the letter there.
    fates.resize_with(recipients, || Fate::Deferred(nothing_said(actors)));
    log(&stored, &fates, health);
    let trouble = fates.iter().find_map(|fate| match fate {
        Fate::Deferred(attempt) | Fate::Failed(attempt) => Some(attempt.clone()),
        Fate::Relayed { .. } => None,
    });
    let shut = queue.send(Tells { trip, health, trouble }).await.unwrap_or_default();
    let case = Case { shut, here, ..Case::of(actors, &stored) };
    let outcome = case.tried(stored.consignment.clone(), fates);
    Ok((actors.write_down(&stored, outcome, local).await?, health))
}

async fn carry(actors: &Actors, way: &mut Way, stored: &Stored) -> Returned {
    let carried = match way {
        Way::Here => return local::carry(actors, stored).await,
        Way::Out(trip) => {
            let parcel = Parcel {
                id: stored.id,
                envelope: Arc::clone(&stored.envelope),
                recipients: stored.consignment.recipients.clone(),
                store: actors.store().clone(),
                now: actors.now(),
            };
            trip.carry(&parcel).await
        }
        Way::None => {
            let attempt = Attempt {
                at: actors.now(),
                remote: None,
                code: None,
                enhanced: (4, 4, 4),
                said: "No way leads to other servers now".to_owned(),
                tls: None,
            };
            let fates = vec![Fate::Deferred(attempt); stored.consignment.recipients.len()];
            Carried { fates, health: Health::Bad }
        }
    };
    Returned { carried, local: None, here: false }
}

fn nothing_said(actors: &Actors) -> Attempt {
    let said = "It is not known what became of the letter".to_owned();
    Attempt { at: actors.now(), remote: None, code: None, enhanced: (4, 0, 0), said, tls: None }
}

fn log(stored: &Stored, fates: &[Fate], health: Health) {
    for (recipient, fate) in stored.consignment.recipients.iter().zip(fates) {
        let (id, to, tries) = (stored.id, &recipient.address, stored.consignment.attempts.saturating_add(1));
        let (fate, Attempt { remote, code, said, tls, .. }) = match fate {
            Fate::Relayed { attempt, .. } => ("relayed", attempt),
            Fate::Deferred(attempt) => ("deferred", attempt),
            Fate::Failed(attempt) => ("failed", attempt),
        };
        tracing::info!(%id, %to, tries, fate, ?remote, ?code, said, ?tls, ?health, "tried");
    }
}

/// Sees to consignments whose deadline has passed without a try, one after the other.
pub(super) async fn judge(actors: Actors, queue: Addr<QueueActor>) {
    let mut desk = Desk { queue, has: None };
    let mut done = None;
    while let Ok(Some((given, trouble))) = desk.queue.send(NextOverdue { done, ended: false }).await {
        desk.has = Some(given.ticket);
        let (ticket, id) = (given.ticket, given.id);
        match overdue(&actors, given, trouble).await {
            Ok(after) => done = Some((ticket, after)),
            Err(error) => {
                tracing::warn!(%id, %error, "a letter that is late could not be seen to");
                return;
            }
        }
        desk.has = None;
    }
}

/// Where late letters are judged; what it has the right to is given back whatever happens.
struct Desk {
    queue: Addr<QueueActor>,
    has: Option<Ticket>,
}

impl Drop for Desk {
    fn drop(&mut self) {
        let done = self.has.map(|ticket| (ticket, After::AsBefore));
        self.queue.do_send(NextOverdue { done, ended: true });
    }
}

async fn overdue(actors: &Actors, given: Given, trouble: Option<Attempt>) -> Result<After, StoreError> {
    let Some(stored) = actors.consignment(given.id, given.domain).await? else { return Ok(After::Gone) };
    let outcome = Case::of(actors, &stored).untried(stored.consignment.clone(), trouble);
    actors.write_down(&stored, outcome, None).await
}

impl Actors {
    /// Letters of an account came back: a sign of abuse (SPEC Q4).
    pub(super) async fn note_bounces(&self, envelope: &postern_model::record::Queued, count: u32) {
        let submitted = envelope.origin == postern_model::record::Origin::Submitted;
        let Some(sender) = envelope.sender.filter(|_| submitted) else { return };
        // An account that is gone has no scores any more.
        match self.store().get(postern_storage::keys::account(sender)).await {
            Ok(Some(_)) => self.note_bounce(sender, count).await,
            Ok(None) => {}
            Err(error) => drop(refuse(&error)),
        }
    }
}
