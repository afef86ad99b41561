//! AuthActor: who somebody is (SPEC I). There is one. It verifies passwords and the outcomes of SCRAM exchanges, counts
//! failed logins ([`postern_policy::lockout`]) and keeps what makes an unknown user look like any other (SPEC I2).
//!
//! Its handlers never block: passwords are hashed by [`Hasher`] on the blocking pool, records come from a
//! [`CredentialSource`], and answers are held back by a [`Pace`]. The state lives on the actor's own thread; no borrow
//! of it is held across an await, so what is read, decided and written there is one step.

pub(crate) mod app_password;
mod attempts;
mod foreign;
mod hasher;
pub mod password;
mod remembered;
mod requests;
mod scram;

use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use postern_model::record::{AppPassword, Credentials, FailedLogins};
use postern_model::{AccountId, AppPasswordId, Protocol, Timestamp};
use postern_policy::Refusal;
use postern_policy::lockout::{Counter, Figures};
use zeroize::Zeroizing;

use crate::order::{CredentialRef, Proof, ScramCandidates, SessionRef};
use crate::unpanicked;
use attempts::State;
use requests::Shared;

pub use foreign::UnusableHash;
pub use hasher::{Hasher, NewAppPassword};
pub use scram::{ITERATIONS, MAX_PASSWORDS};

/// What an asynchronous method of a trait object returns.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What is known of a user.
#[derive(Clone)]
pub struct Found {
    /// The account.
    pub account: AccountId,
    /// Its own password.
    pub credentials: Credentials,
    /// Its app passwords, also those that have expired.
    pub app_passwords: Vec<(AppPasswordId, AppPassword)>,
}

/// Where the records come from.
pub trait CredentialSource: Send + Sync + 'static {
    /// The account of a user name in the spelling of [`postern_model::EmailAddress::key`]; `None` where there is none.
    fn find<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Found>, Refusal>>;

    /// Keeps the same password in today's form. To be ignored where the account's generation is no longer that of
    /// `credentials`: the password was changed meanwhile.
    fn upgrade(&self, account: AccountId, credentials: Credentials) -> BoxFuture<'_, Result<(), Refusal>>;

    /// An app password was used; written within a second, never waited for.
    fn note_use(&self, account: AccountId, password: AppPasswordId, at: Timestamp, from: IpAddr);

    /// The counters of failed logins as they were saved last, by [`Counter::to_bytes`].
    fn load_failed_logins(&self) -> BoxFuture<'_, Result<Vec<(Counter, FailedLogins)>, Refusal>>;

    /// Saves the counters that changed; `None` is to be removed.
    fn save_failed_logins(
        &self,
        changed: Vec<(Counter, Option<FailedLogins>)>,
    ) -> BoxFuture<'_, Result<(), Refusal>>;
}

/// The time, and waiting for it.
pub trait Pace: Send + Sync + 'static {
    /// The time now.
    fn now(&self) -> Timestamp;

    /// Done when the time has come.
    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'_, ()>;
}

/// What AuthActor goes by.
#[derive(Clone)]
pub struct Settings {
    /// Failed logins (`POSTERN_FAILED_LOGIN_*`).
    pub figures: Figures,
    /// The store's secret ([`postern_model::record::StoreSecret`]).
    pub secret: Zeroizing<[u8; 32]>,
    /// A wrong password is answered no sooner than this, in real time: a foreign hash may take longer or shorter than
    /// the dummy of an unknown user, and nobody is to be told by that (SPEC I2).
    pub failure_floor: Duration,
    /// How long a correct password is remembered (SPEC I3).
    pub remember_for: Duration,
    /// How many are remembered at most.
    pub remembered: usize,
}

impl Settings {
    /// The defaults, with the store's secret.
    pub fn new(secret: [u8; 32]) -> Settings {
        Settings {
            figures: Figures::default(),
            secret: Zeroizing::new(secret),
            failure_floor: Duration::from_millis(500),
            remember_for: Duration::from_secs(600),
            remembered: 10_000,
        }
    }
}

/// Asks whether somebody is who they say.
#[derive(Message)]
#[rtype(result = "Result<Verified, Refusal>")]
pub struct Verify {
    /// What the client proved.
    pub proof: Proof,
    /// The protocol it wants to use.
    pub protocol: Protocol,
    /// Who asks.
    pub session: SessionRef,
}

/// Somebody is who they say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The account.
    pub account: AccountId,
    /// Which of its passwords it was.
    pub credential: CredentialRef,
    /// [`Credentials::generation`] that the password was held against; where the account's is another by now, the
    /// password was changed meanwhile.
    pub generation: u64,
}

/// Asks for the keys of a SCRAM exchange, which [`Verify`] is to end within [`SCRAM_TIME`].
#[derive(Message)]
#[rtype(result = "Result<ScramCandidates, Refusal>")]
pub struct ScramKeysOf {
    /// The user name, as given.
    pub user: String,
    /// The protocol the client wants to use.
    pub protocol: Protocol,
    /// Who asks.
    pub session: SessionRef,
}

/// Saves the counters of failed logins at once (else it happens within a second): at a graceful stop.
#[derive(Message)]
#[rtype(result = "()")]
pub struct SaveFailedLogins;

/// An exchange that was not ended in this time counts as a failed login.
pub const SCRAM_TIME: Duration = Duration::from_secs(60);
/// Requests that may wait for the actor's next turn.
const INBOX: usize = 1024;

/// The actor.
pub struct AuthActor {
    shared: Rc<Shared>,
}

impl AuthActor {
    /// To be made on the thread it runs on (`start_in_arbiter`).
    pub fn new(
        source: Arc<dyn CredentialSource>,
        pace: Arc<dyn Pace>,
        hasher: Hasher,
        settings: Settings,
    ) -> AuthActor {
        let state = State::new(&settings);
        AuthActor { shared: Rc::new(Shared { source, pace, hasher, settings, state }) }
    }
}

impl Actor for AuthActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        ctx.set_mailbox_capacity(INBOX);
        // Nobody is looked at before the counters of the last run are back (SPEC I4).
        let shared = Rc::clone(&self.shared);
        ctx.wait(async move { shared.restore().await }.into_actor(self));
    }
}

impl Handler<Verify> for AuthActor {
    type Result = ResponseFuture<Result<Verified, Refusal>>;

    fn handle(&mut self, ask: Verify, _: &mut Context<Self>) -> Self::Result {
        let shared = Rc::clone(&self.shared);
        let verify = async move {
            let Verify { proof, protocol, session } = ask;
            match proof {
                Proof::Password { user, password } => {
                    shared.verify_password(&user, password, protocol, session.peer).await
                }
                Proof::Scram { user, matched } => shared.conclude_scram(&user, matched, &session).await,
            }
        };
        Box::pin(alone(verify))
    }
}

impl Handler<ScramKeysOf> for AuthActor {
    type Result = ResponseFuture<Result<ScramCandidates, Refusal>>;

    fn handle(&mut self, ask: ScramKeysOf, _: &mut Context<Self>) -> Self::Result {
        let shared = Rc::clone(&self.shared);
        Box::pin(alone(async move { shared.scram_keys(&ask.user, ask.protocol, ask.session).await }))
    }
}

impl Handler<SaveFailedLogins> for AuthActor {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, _: SaveFailedLogins, _: &mut Context<Self>) -> Self::Result {
        let shared = Rc::clone(&self.shared);
        Box::pin(async move { shared.save().await })
    }
}

/// A request whose panic is its own affair: without this actor nobody could log in any more. The attempt it began counts
/// as a failure, and the state is whole at every step.
async fn alone<T>(request: impl Future<Output = Result<T, Refusal>>) -> Result<T, Refusal> {
    unpanicked(request).await.unwrap_or(Err(Refusal::Unavailable))
}

#[cfg(test)]
mod tests;
