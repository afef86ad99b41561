//! QuotaActor: whether one account may send. It is asked when SMTP logs in and at each MAIL FROM.

use std::sync::Arc;

use actix::prelude::*;
use postern_model::AccountId;
use postern_model::record::SendingLock;
use postern_policy::Refusal;
use postern_policy::send_window::locked;
use postern_storage::{StoreError, View, keys};

use crate::ground::{Ground, refuse};
use crate::loaded::{Loaded, with_state};
use crate::order::{Granted, Reservation};
use crate::registry::{PerAccount, Seat};

/// One account's right to send.
pub(crate) struct QuotaActor {
    account: AccountId,
    ground: Arc<Ground>,
    /// `None` until it was read from the store.
    state: Option<State>,
}

pub(crate) struct State {
    lock: Option<SendingLock>,
}

/// May the account send now?
#[derive(Message)]
#[rtype(result = "Result<Granted, Refusal>")]
pub(crate) struct MaySend {
    /// This actor's own seat: the reservation keeps it from being let go.
    pub(crate) seat: Arc<Seat<QuotaActor>>,
    /// The name of its plan.
    pub(crate) plan: Arc<str>,
}

/// What is in memory may be ahead of the disk.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Reload;

impl PerAccount for QuotaActor {
    fn of(account: AccountId, ground: Arc<Ground>) -> Self {
        QuotaActor { account, ground, state: None }
    }
}

impl Actor for QuotaActor {
    type Context = Context<Self>;
}

impl Loaded for QuotaActor {
    type State = State;

    fn load(view: &View<'_>, account: AccountId) -> Result<State, StoreError> {
        Ok(State { lock: view.get(&keys::sending_lock(account))? })
    }

    fn slot(&mut self) -> &mut Option<State> {
        &mut self.state
    }

    fn place(&self) -> (&Arc<Ground>, AccountId) {
        (&self.ground, self.account)
    }
}

type Atomic<T> = AtomicResponse<QuotaActor, T>;

impl Handler<MaySend> for QuotaActor {
    type Result = Atomic<Result<Granted, Refusal>>;

    fn handle(&mut self, ask: MaySend, _: &mut Context<Self>) -> Self::Result {
        with_state(self, move |actor, read| {
            read.map_err(|error| refuse(&error))?;
            let lock = actor.state.as_ref().and_then(|state| state.lock.as_ref());
            locked(lock, actor.ground.ticker.now())?;
            let recipients = actor.ground.settings.plan(&ask.plan).sends.recipients;
            Ok(Granted { recipients, reservation: Arc::new(Reservation { seat: ask.seat }) })
        })
    }
}

impl Handler<Reload> for QuotaActor {
    type Result = ();

    fn handle(&mut self, _: Reload, _: &mut Context<Self>) {
        self.state = None;
    }
}
