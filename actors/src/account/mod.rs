//! AccountActor: one account's gates. It decides who may come in, does what falls due, and keeps the account's story.
//!
//! Policy answers every question with events; the actor applies them to its state and hands one batch to the store
//! (`enact`). Who asked waits for the disk outside the actor ([`Enacted`]).

mod deed;
mod enact;

use std::net::IpAddr;
use std::sync::Arc;

use actix::prelude::*;
use postern_model::record::{Account, Actor as By, Rules, Standing};
use postern_model::{AccountId, Protocol, Timestamp};
use postern_policy::Refusal;
use postern_policy::access::{self, Asker, Attempt, Closing};
use postern_storage::{StoreError, View, keys};

use crate::ground::{Ground, refuse};
use crate::loaded::{Loaded, with_state};
use crate::order::{Admitted, CredentialRef, SessionRef, Tell};
use crate::registry::PerAccount;
pub(crate) use deed::{ChangeRefused, Deed, actor, word};
pub(crate) use enact::{CLIENT_PASSWORD, Enacted, HELD_FOR, put_access};

/// One account's gates and settings.
pub(crate) struct AccountActor {
    account: AccountId,
    ground: Arc<Ground>,
    state: Option<State>,
    /// Held by every change that is on its way to the disk.
    in_flight: Arc<()>,
}

pub(crate) struct State {
    account: Account,
    standing: Standing,
    /// What the user has arranged, where that is anything.
    rules: Option<Rules>,
    /// Whether the store has the activity yet.
    used: bool,
}

/// An answer, and what became of it on the way to the disk: [`crate::Actors::ask`] waits for that before it passes the
/// answer on.
#[derive(Debug)]
pub(crate) struct Answer<T> {
    pub(crate) answer: T,
    pub(crate) enacted: Option<Enacted>,
}

impl<T> Answer<T> {
    /// An answer by which nothing changes.
    fn only(answer: T) -> Answer<T> {
        Answer { answer, enacted: None }
    }
}

/// A login whose password is right asks to come in.
#[derive(Message)]
#[rtype(result = "Answer<Result<Admitted, Refusal>>")]
pub(crate) struct Admit {
    pub(crate) credential: CredentialRef,
    pub(crate) protocol: Protocol,
    pub(crate) tls: bool,
    pub(crate) session: SessionRef,
}

/// What became of a POP3 login that was admitted: it reached the transaction state, or the maildrop refused it.
#[derive(Message)]
#[rtype(result = "Answer<()>")]
pub(crate) struct Opened {
    pub(crate) refused: Option<Refusal>,
    pub(crate) from: IpAddr,
}

/// Something is changed, by the user, an operator or a rule.
#[derive(Message)]
#[rtype(result = "Answer<Result<(), ChangeRefused>>")]
pub(crate) struct Do {
    pub(crate) deed: Deed,
    pub(crate) by: By,
    pub(crate) from: Option<IpAddr>,
}

/// Does what is due by now.
#[derive(Message)]
#[rtype(result = "Answer<Result<(), StoreError>>")]
pub(crate) struct Settle(pub(crate) Closing);

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
        AccountActor { account, ground, state: None, in_flight: Arc::new(()) }
    }
}

impl Actor for AccountActor {
    type Context = Context<Self>;
}

impl Loaded for AccountActor {
    type State = State;

    fn load(view: &View<'_>, id: AccountId) -> Result<State, StoreError> {
        if view.contains(&keys::removal(id))? {
            return Err(StoreError::NotFound);
        }
        let account = view.get(&keys::account(id))?.ok_or(StoreError::NotFound)?;
        let standing = read_standing(view, id, &account)?;
        let rules = view.get(&keys::rules(id))?;
        Ok(State { account, standing, rules, used: view.contains(&keys::activity(id))? })
    }

    fn slot(&mut self) -> &mut Option<State> {
        &mut self.state
    }

    fn place(&self) -> (&Arc<Ground>, AccountId) {
        (&self.ground, self.account)
    }
}

/// An account's standing as it is stored.
///
/// # Errors
/// [`StoreError::NotFound`] where there is no such account.
pub(crate) fn read_standing(
    view: &View<'_>,
    id: AccountId,
    account: &Account,
) -> Result<Standing, StoreError> {
    Ok(Standing {
        status: account.status,
        plan: account.plan.clone(),
        created: account.created,
        access: view.get(&keys::access(id))?.ok_or(StoreError::NotFound)?,
        lock: view.get(&keys::sending_lock(id))?,
        activity: view.get(&keys::activity(id))?.unwrap_or_default(),
    })
}

type Atomic<T> = AtomicResponse<AccountActor, T>;

impl AccountActor {
    fn now(&self) -> Timestamp {
        self.ground.ticker.now()
    }

    /// Does what is due. Who only touches the account opens what is to open; closings for want of use wait for the timer,
    /// which sees how many there are (SPEC A16).
    fn settle(&mut self, closing: Closing) -> Option<Enacted> {
        let now = self.now();
        let state = self.state.as_ref()?;
        let figures = &self.ground.settings.access;
        let events = access::on_deadline(&state.standing, figures, closing, now);
        self.enact(events)
    }

    fn admit(&mut self, ask: Admit) -> Answer<Result<Admitted, Refusal>> {
        let confirmed = self.confirm();
        let settled = self.settle(Closing::Held);
        let now = self.now();
        let settings = &self.ground.settings;
        let Some(state) = self.state.as_ref() else { return Answer::only(Err(Refusal::Unavailable)) };
        let attempt = Attempt {
            protocol: ask.protocol,
            from: ask.session.peer,
            tls: ask.tls,
            legacy_plaintext: state.account.legacy_plaintext,
            needs_client_password: settings.client_password && ask.credential == CredentialRef::Account,
            sessions: self.ground.presences.count(self.account),
            session_limit: settings.sessions_per_account,
        };
        let decision = access::admit(&state.standing, &attempt, &settings.access, now);
        let enacted = Enacted::both(Enacted::both(confirmed, settled), self.enact(decision.events));
        let answer = decision.answer.and_then(|()| self.admitted(&ask));
        Answer { answer, enacted }
    }

    fn admitted(&self, ask: &Admit) -> Result<Admitted, Refusal> {
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

    fn opened(&mut self, opened: &Opened) -> Option<Enacted> {
        let state = self.state.as_ref()?;
        let asker = Asker { by: By::User, from: Some(opened.from), now: self.now() };
        let events = match &opened.refused {
            Some(refusal) => access::turned_away(&state.standing, Protocol::Pop3, refusal, asker),
            None => {
                let figures = &self.ground.settings.access;
                access::came_in(&state.standing, Some(Protocol::Pop3), asker, figures)
            }
        };
        self.enact(events)
    }

    /// Closes the sessions that would not be admitted as things stand.
    fn announce(&self) -> usize {
        let Some(state) = &self.state else { return 0 };
        let tell = |protocol: Protocol| match access::stands_open(&state.standing, protocol) {
            Ok(()) => 0,
            Err(refusal) => {
                let tell = Tell::Closed(refusal);
                self.ground.presences.tell(self.account, &tell, |p, _| p == protocol)
            }
        };
        Protocol::ALL.into_iter().map(tell).sum()
    }
}

impl Handler<Admit> for AccountActor {
    type Result = Atomic<Answer<Result<Admitted, Refusal>>>;

    fn handle(&mut self, ask: Admit, _: &mut Context<Self>) -> Self::Result {
        with_state(self, move |actor, read| match read {
            Ok(()) => actor.admit(ask),
            Err(error) => Answer::only(Err(refuse(&error))),
        })
    }
}

impl Handler<Opened> for AccountActor {
    type Result = Atomic<Answer<()>>;

    fn handle(&mut self, opened: Opened, _: &mut Context<Self>) -> Self::Result {
        // Where the account is gone, so is its story.
        with_state(self, move |actor, _| Answer { answer: (), enacted: actor.opened(&opened) })
    }
}

impl Handler<Do> for AccountActor {
    type Result = Atomic<Answer<Result<(), ChangeRefused>>>;

    fn handle(&mut self, ask: Do, _: &mut Context<Self>) -> Self::Result {
        with_state(self, move |actor, read| match read {
            Ok(()) => actor.perform(ask),
            Err(error) => Answer::only(Err(ChangeRefused::Store(error))),
        })
    }
}

impl Handler<Settle> for AccountActor {
    type Result = Atomic<Answer<Result<(), StoreError>>>;

    fn handle(&mut self, Settle(closing): Settle, _: &mut Context<Self>) -> Self::Result {
        with_state(self, move |actor, read| {
            if read.is_err() {
                return Answer::only(read);
            }
            let settled = actor.settle(closing);
            Answer { answer: Ok(()), enacted: Enacted::both(settled, actor.file_anew(closing)) }
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
