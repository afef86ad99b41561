//! QuotaActor: whether one account may send. It is asked when SMTP logs in and at each MAIL FROM.

use std::sync::Arc;

use actix::prelude::*;
use postern_model::AccountId;
use postern_model::record::{Actor as By, SendingLock};
use postern_policy::Refusal;
use postern_policy::send_window::{Allowance, Figures, may_send};
use postern_storage::{Batch, Commit, StoreError, View, keys};

use crate::ground::{Ground, refuse};
use crate::loaded::{Loaded, with_state};
use crate::registry::PerAccount;

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
#[rtype(result = "Result<Allowance, Refusal>")]
pub(crate) struct MaySend {
    /// The name of its plan.
    pub(crate) plan: Arc<str>,
}

/// Locks sending, or unlocks it with `None`; the answer waits for the disk outside.
#[derive(Message)]
#[rtype(result = "Result<Commit, StoreError>")]
pub(crate) struct SetLock(pub(crate) Option<Lock>);

/// What is in memory may be ahead of the disk.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Reload;

/// A lock as it is asked for.
pub(crate) struct Lock {
    pub(crate) by: By,
    pub(crate) reason: Option<String>,
}

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

impl QuotaActor {
    /// A plan that the configuration no longer names lets nothing be sent beyond the default plan's figures.
    fn figures(&self, plan: &str) -> Figures {
        let settings = &self.ground.settings;
        let figures = settings.plans.get(plan).or_else(|| settings.plans.get(&settings.default_plan));
        figures.copied().unwrap_or(Figures { recipients: 100 })
    }
}

impl Handler<MaySend> for QuotaActor {
    type Result = Atomic<Result<Allowance, Refusal>>;

    fn handle(&mut self, ask: MaySend, _: &mut Context<Self>) -> Self::Result {
        with_state(self, move |actor, read| {
            read.map_err(|error| refuse(&error))?;
            let lock = actor.state.as_ref().and_then(|state| state.lock.as_ref());
            may_send(lock, actor.figures(&ask.plan), actor.ground.ticker.now())
        })
    }
}

impl Handler<SetLock> for QuotaActor {
    type Result = Atomic<Result<Commit, StoreError>>;

    fn handle(&mut self, SetLock(lock): SetLock, _: &mut Context<Self>) -> Self::Result {
        with_state(self, move |actor, read| {
            read?;
            let since = actor.ground.ticker.now();
            let lock = lock.map(|lock| SendingLock { since, by: lock.by, until: None, reason: lock.reason });
            let mut batch = Batch::new();
            match &lock {
                Some(lock) => batch.put(&keys::sending_lock(actor.account), lock),
                None => batch.delete(&keys::sending_lock(actor.account)),
            };
            actor.state = Some(State { lock });
            Ok(actor.ground.store.commit(batch))
        })
    }
}

impl Handler<Reload> for QuotaActor {
    type Result = ();

    fn handle(&mut self, _: Reload, _: &mut Context<Self>) {
        self.state = None;
    }
}
