//! What a QuotaActor is asked and told.

use std::net::IpAddr;
use std::sync::Arc;

use actix::prelude::*;
use postern_model::record::{Event, LetterRefusal, Signal};
use postern_model::{LetterId, Timestamp};
use postern_policy::Refusal;
use postern_policy::abuse::Verdict;
use postern_storage::{StoreError, View, keys};

use super::{Atomic, QuotaActor};
use crate::ground::refuse;
use crate::order::{Granted, Reservation, Sent};
use crate::registry::Seat;

/// An answer, and the abuse rules' verdict where it has come to that: the asker passes it on to AccountActor.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) answer: Result<Granted, Refusal>,
    pub(crate) verdict: Option<Verdict>,
}

/// May the account send a letter now?
#[derive(Message)]
#[rtype(result = "Asked")]
pub(crate) struct MaySend {
    /// This actor's own seat: the reservation keeps it from being let go.
    pub(crate) seat: Arc<Seat<QuotaActor>>,
    pub(crate) from: IpAddr,
}

/// A letter is whole, and is to be counted in the batch that takes it in.
#[derive(Message)]
#[rtype(result = "Result<Counting, Refusal>")]
pub(crate) struct Count {
    pub(crate) letter: LetterId,
    pub(crate) sent: Sent,
    pub(crate) at: Timestamp,
}

/// A letter that is being counted: its place in the windows, and its event.
#[derive(Debug)]
pub(crate) struct Counting {
    pub(crate) event: Event,
    pub(super) letter: LetterId,
    pub(super) _reservation: Arc<Reservation>,
    pub(super) _in_flight: Arc<()>,
}

/// The batch with a letter and its event is on disk.
#[derive(Message)]
#[rtype(result = "Option<Verdict>")]
pub(crate) struct Counted(pub(crate) Counting);

/// It is not known whether a letter was counted: what was, is to be read anew.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Reread;

/// A letter, or one of its recipients, was refused.
#[derive(Message)]
#[rtype(result = "Option<Verdict>")]
pub(crate) struct Refused {
    pub(crate) why: LetterRefusal,
    pub(crate) signals: Vec<(Signal, u32)>,
    pub(crate) from: Option<IpAddr>,
}

/// AccountActor has logged an event that is a sign of abuse.
#[derive(Message)]
#[rtype(result = "Result<Option<Verdict>, StoreError>")]
pub(crate) struct Noted(pub(crate) Event);

/// The account's lock or plan has changed.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Reload;

/// What only memory holds is to be written down.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Save;

impl Handler<MaySend> for QuotaActor {
    type Result = Atomic<Asked>;

    fn handle(&mut self, ask: MaySend, _: &mut Context<Self>) -> Self::Result {
        self.informed(true, move |actor, read| match read {
            Ok(()) => actor.may_send(ask),
            Err(error) => Asked { answer: Err(refuse(&error)), verdict: None },
        })
    }
}

impl Handler<Count> for QuotaActor {
    type Result = Atomic<Result<Counting, Refusal>>;

    fn handle(&mut self, ask: Count, ctx: &mut Context<Self>) -> Self::Result {
        self.save_soon(ctx);
        self.informed(false, move |actor, read| {
            read.map_err(|error| refuse(&error))?;
            actor.count(ask)
        })
    }
}

impl Handler<Counted> for QuotaActor {
    type Result = Atomic<Option<Verdict>>;

    fn handle(&mut self, Counted(counting): Counted, ctx: &mut Context<Self>) -> Self::Result {
        self.save_soon(ctx);
        // What can't be read now will be read with this letter in it.
        self.informed(false, move |actor, _| actor.counted(counting))
    }
}

impl Handler<Reread> for QuotaActor {
    type Result = ();

    fn handle(&mut self, _: Reread, _: &mut Context<Self>) {
        if let Some(state) = &mut self.state {
            state.stale = true;
        }
    }
}

impl Handler<Refused> for QuotaActor {
    type Result = Atomic<Option<Verdict>>;

    fn handle(&mut self, refused: Refused, _: &mut Context<Self>) -> Self::Result {
        let Refused { why, signals, from } = refused;
        self.informed(false, move |actor, _| actor.refused(why, signals, from))
    }
}

impl Handler<Noted> for QuotaActor {
    type Result = Atomic<Result<Option<Verdict>, StoreError>>;

    fn handle(&mut self, Noted(event): Noted, ctx: &mut Context<Self>) -> Self::Result {
        self.save_soon(ctx);
        self.informed(false, move |actor, read| read.map(|()| actor.weigh(&event)))
    }
}

impl Handler<Reload> for QuotaActor {
    type Result = Atomic<()>;

    fn handle(&mut self, _: Reload, _: &mut Context<Self>) -> Self::Result {
        if self.state.is_none() {
            return AtomicResponse::new(Box::pin(actix::fut::ready(())));
        }
        let (store, account) = (self.ground.store.clone(), self.account);
        let read = async move {
            let look = move |view: &View<'_>| {
                let plan = view.get(&keys::account(account))?.ok_or(StoreError::NotFound)?.plan;
                Ok((plan, view.get(&keys::sending_lock(account))?))
            };
            store.read(look).await
        };
        AtomicResponse::new(Box::pin(read.into_actor(self).map(|read, actor: &mut Self, ctx| match read {
            Ok((plan, lock)) => {
                if actor.reload(plan, lock) {
                    actor.save_soon(ctx);
                }
            }
            Err(_) => actor.state = None,
        })))
    }
}

impl Handler<Save> for QuotaActor {
    type Result = ();

    fn handle(&mut self, _: Save, _: &mut Context<Self>) {
        self.save();
    }
}
