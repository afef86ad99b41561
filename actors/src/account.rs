//! AccountActor: one account's gates. It decides who may come in, and tells the sessions when that ends.

use std::sync::Arc;

use actix::prelude::*;
use postern_model::record::{Access, Account, Activity, Actor as By, Status};
use postern_model::{AccountId, Protocol, Timestamp};
use postern_policy::Refusal;
use postern_policy::access::{Change, ChangeError, Entry, admit, change, gate_mut};
use postern_storage::{Batch, Commit, StoreError, View, keys};

use crate::ground::{Ground, refuse};
use crate::loaded::{Loaded, with_state};
use crate::order::{Admitted, CredentialRef, SessionRef, Tell};
use crate::registry::PerAccount;

/// One account's gates and settings.
pub(crate) struct AccountActor {
    account: AccountId,
    ground: Arc<Ground>,
    state: Option<State>,
}

pub(crate) struct State {
    account: Account,
    access: Access,
    activity: Activity,
}

/// A login whose password is right asks to come in.
#[derive(Message)]
#[rtype(result = "Result<Admitted, Refusal>")]
pub(crate) struct Admit {
    pub(crate) credential: CredentialRef,
    pub(crate) protocol: Protocol,
    pub(crate) tls: bool,
    pub(crate) session: SessionRef,
}

/// POP3 reached the transaction state (SPEC A6).
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Used(pub(crate) Protocol);

/// An operator changes something; the answer waits for the disk outside.
#[derive(Message)]
#[rtype(result = "Result<Commit, ChangeRefused>")]
pub(crate) enum Set {
    Access { change: Change, protocols: Vec<Protocol>, by: By, reason: Option<String> },
    Plan(String),
    Status(Status),
    Language(String),
    LegacyPlaintext(bool),
}

/// Why an operator's change was not made.
#[derive(Debug)]
pub(crate) enum ChangeRefused {
    /// The gate of this protocol is not where the change begins.
    Gate(Protocol, ChangeError),
    /// The store could not be read.
    Store(StoreError),
}

/// What is on disk now is to be told to the sessions that it concerns.
#[derive(Message)]
#[rtype(result = "usize")]
pub(crate) struct Announce;

/// Sessions that came in by this password (or by any) are no longer welcome.
#[derive(Message)]
#[rtype(result = "usize")]
pub(crate) struct PasswordVoid(pub(crate) Option<CredentialRef>);

/// What is in memory may be ahead of the disk.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Reload;

impl PerAccount for AccountActor {
    fn of(account: AccountId, ground: Arc<Ground>) -> Self {
        AccountActor { account, ground, state: None }
    }
}

impl Actor for AccountActor {
    type Context = Context<Self>;
}

impl Loaded for AccountActor {
    type State = State;

    fn load(view: &View<'_>, account: AccountId) -> Result<State, StoreError> {
        Ok(State {
            account: view.get(&keys::account(account))?.ok_or(StoreError::NotFound)?,
            access: view.get(&keys::access(account))?.ok_or(StoreError::NotFound)?,
            activity: view.get(&keys::activity(account))?.unwrap_or_default(),
        })
    }

    fn slot(&mut self) -> &mut Option<State> {
        &mut self.state
    }

    fn place(&self) -> (&Arc<Ground>, AccountId) {
        (&self.ground, self.account)
    }
}

type Atomic<T> = AtomicResponse<AccountActor, T>;

impl AccountActor {
    fn admit(&mut self, ask: Admit) -> Result<Admitted, Refusal> {
        let Some(state) = self.state.as_mut() else { return Err(Refusal::Unavailable) };
        let presences = &self.ground.presences;
        admit(&Entry {
            account: &state.account,
            access: &state.access,
            protocol: ask.protocol,
            tls: ask.tls,
            sessions: presences.count(self.account),
            session_limit: self.ground.settings.sessions_per_account,
        })?;
        let now = self.ground.ticker.now();
        note_login(&mut state.activity, ask.protocol, now);
        self.write_activity();
        let state = self.state.as_ref().ok_or(Refusal::Unavailable)?;
        Ok(Admitted {
            account: self.account,
            address: state.account.address.as_str().into(),
            plan: state.account.plan.as_str().into(),
            language: state.account.language.as_str().into(),
            credential: ask.credential,
            presence: self.ground.presences.enter(self.account, ask.protocol, ask.credential, &ask.session),
        })
    }

    /// Last use reaches the disk within a second; nobody waits for it.
    fn write_activity(&self) {
        let Some(state) = &self.state else { return };
        let mut batch = Batch::new();
        // Not where the account has been removed meanwhile.
        batch.expect(&keys::account(self.account), &state.account);
        batch.put(&keys::activity(self.account), &state.activity);
        batch.lazy();
        drop(self.ground.store.commit(batch));
    }

    fn set(&mut self, set: Set) -> Result<Commit, ChangeRefused> {
        let Some(state) = self.state.as_mut() else {
            return Err(ChangeRefused::Store(StoreError::NotFound));
        };
        let mut batch = Batch::new();
        let (account_key, access_key) = (keys::account(self.account), keys::access(self.account));
        batch.expect(&account_key, &state.account);
        batch.expect(&access_key, &state.access);
        match set {
            Set::Access { change: what, protocols, by, reason } => {
                let (now, mut access) = (self.ground.ticker.now(), state.access.clone());
                for protocol in protocols {
                    let gate = gate_mut(&mut access, protocol);
                    *gate = change(gate, what, now, by, reason.clone())
                        .map_err(|error| ChangeRefused::Gate(protocol, error))?;
                }
                state.access = access;
                batch.put(&access_key, &state.access);
            }
            Set::Plan(plan) => state.account.plan = plan,
            Set::Status(status) => state.account.status = status,
            Set::Language(language) => state.account.language = language,
            Set::LegacyPlaintext(on) => state.account.legacy_plaintext = on,
        }
        batch.put(&account_key, &state.account);
        Ok(self.ground.store.commit(batch))
    }

    /// Closes the sessions that would not be admitted as things stand.
    fn announce(&self) -> usize {
        let Some(state) = &self.state else { return 0 };
        let standing = |protocol| {
            admit(&Entry {
                account: &state.account,
                access: &state.access,
                protocol,
                tls: true,
                sessions: 0,
                session_limit: u32::MAX,
            })
        };
        let tell = |protocol: Protocol| match standing(protocol) {
            Ok(()) => 0,
            Err(refusal) => {
                let tell = Tell::Closed(refusal);
                self.ground.presences.tell(self.account, &tell, |p, _| p == protocol)
            }
        };
        Protocol::ALL.into_iter().map(tell).sum()
    }
}

fn note_login(activity: &mut Activity, protocol: Protocol, now: Timestamp) {
    activity.login = Some(now);
    match protocol {
        Protocol::Pop3 => {} // counted when the maildrop is open (SPEC A6)
        Protocol::Imap => activity.imap = Some(now),
        Protocol::Smtp => activity.smtp = Some(now),
    }
}

impl Handler<Admit> for AccountActor {
    type Result = Atomic<Result<Admitted, Refusal>>;

    fn handle(&mut self, ask: Admit, _: &mut Context<Self>) -> Self::Result {
        with_state(self, move |actor, read| {
            read.map_err(|error| refuse(&error))?;
            actor.admit(ask)
        })
    }
}

impl Handler<Used> for AccountActor {
    type Result = Atomic<()>;

    fn handle(&mut self, Used(protocol): Used, _: &mut Context<Self>) -> Self::Result {
        with_state(self, move |actor, _| {
            let now = actor.ground.ticker.now();
            if let (Some(state), Protocol::Pop3) = (actor.state.as_mut(), protocol) {
                state.activity.pop3 = Some(now);
                actor.write_activity();
            }
        })
    }
}

impl Handler<Set> for AccountActor {
    type Result = Atomic<Result<Commit, ChangeRefused>>;

    fn handle(&mut self, set: Set, _: &mut Context<Self>) -> Self::Result {
        with_state(self, move |actor, read| {
            read.map_err(ChangeRefused::Store)?;
            actor.set(set)
        })
    }
}

impl Handler<Announce> for AccountActor {
    type Result = Atomic<usize>;

    fn handle(&mut self, _: Announce, _: &mut Context<Self>) -> Self::Result {
        with_state(self, |actor, _| actor.announce())
    }
}

impl Handler<PasswordVoid> for AccountActor {
    type Result = usize;

    fn handle(&mut self, PasswordVoid(which): PasswordVoid, _: &mut Context<Self>) -> usize {
        let tell = Tell::Closed(Refusal::BadCredentials { bare_name: false });
        let concerned = |_, credential| which.is_none_or(|which| which == credential);
        self.ground.presences.tell(self.account, &tell, concerned)
    }
}

impl Handler<Reload> for AccountActor {
    type Result = ();

    fn handle(&mut self, _: Reload, _: &mut Context<Self>) {
        self.state = None;
    }
}

/// The gate's sentence for the operator: `pop3 is blocked: take the block away first`.
pub(crate) fn word(protocol: Protocol, error: ChangeError) -> String {
    match error {
        ChangeError::Blocked => format!("{protocol} is blocked: take the block away first (unblock)"),
        ChangeError::NotBlocked => format!("{protocol} is not blocked: there is nothing to take away"),
    }
}
