//! AuthActor: who somebody is (SPEC I). There is one. It verifies passwords and the outcomes of SCRAM exchanges, counts
//! failed logins ([`postern_policy::lockout`]) and keeps what makes an unknown user look like any other (SPEC I2).
//!
//! Its handlers never block: passwords are hashed by [`Hasher`] on the blocking pool, records come from a
//! [`CredentialSource`], and answers are held back by a [`Pace`]. The state lives on the actor's own thread; no borrow
//! of it is held across an await, so what is read, decided and written there is one step.

mod app_password;
mod attempts;
mod foreign;
mod hasher;
pub mod password;
mod remembered;
mod scram;

use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use postern_model::record::{AppPassword, Credentials, FailedLogins};
use postern_model::{AccountId, AppPasswordId, EmailAddress, Protocol, Timestamp};
use postern_policy::Refusal;
use postern_policy::lockout::{Counter, Figures, NameDigest, Outcome, Source};
use tokio::time::Instant;
use zeroize::Zeroizing;

use crate::order::{CredentialRef, Proof, ScramCandidates, SessionRef};
use attempts::{Exchange, State, UnderWay};
use password::Checked;

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
    /// The account of a user name in the spelling of [`EmailAddress::key`]; `None` where there is none.
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
        Box::pin(async move {
            let Verify { proof, protocol, session } = ask;
            match proof {
                Proof::Password { user, password } => {
                    shared.verify_password(&user, password, protocol, session.peer).await
                }
                Proof::Scram { user, matched } => {
                    shared.conclude_scram(&user, matched, protocol, &session).await
                }
            }
        })
    }
}

impl Handler<ScramKeysOf> for AuthActor {
    type Result = ResponseFuture<Result<ScramCandidates, Refusal>>;

    fn handle(&mut self, ask: ScramKeysOf, _: &mut Context<Self>) -> Self::Result {
        let shared = Rc::clone(&self.shared);
        Box::pin(async move { shared.scram_keys(&ask.user, ask.protocol, ask.session).await })
    }
}

impl Handler<SaveFailedLogins> for AuthActor {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, _: SaveFailedLogins, _: &mut Context<Self>) -> Self::Result {
        let shared = Rc::clone(&self.shared);
        Box::pin(async move { shared.save().await })
    }
}

/// What the actor's requests share.
struct Shared {
    source: Arc<dyn CredentialSource>,
    pace: Arc<dyn Pace>,
    hasher: Hasher,
    settings: Settings,
    state: State,
}

/// Whom a user name stands for.
struct User {
    found: Option<Found>,
    /// The name's account, or else the name, for the counters: an alias gives no more tries.
    digest: NameDigest,
    key: Vec<u8>,
    wrong: Refusal,
}

impl Shared {
    async fn verify_password(
        self: &Rc<Self>,
        user: &str,
        password: Zeroizing<String>,
        protocol: Protocol,
        peer: IpAddr,
    ) -> Result<Verified, Refusal> {
        let floor = Instant::now() + self.settings.failure_floor;
        let user = self.look_up(user).await?;
        let (under_way, open_at) = self.begin(peer, user.digest).await?;
        let verified = self.judge(user.found.as_ref(), password, protocol).await;
        under_way.finish(match verified {
            Ok(Some(_)) => Outcome::Right,
            Ok(None) => Outcome::Wrong,
            Err(_) => Outcome::Untried,
        });
        self.pace.sleep_until(open_at).await;
        match verified? {
            Some(verified) => {
                self.note_use(&verified, peer);
                Ok(verified)
            }
            None => {
                tokio::time::sleep_until(floor).await;
                Err(user.wrong)
            }
        }
    }

    /// Holds a password against all that is known; `None` is wrong.
    async fn judge(
        self: &Rc<Self>,
        found: Option<&Found>,
        password: Zeroizing<String>,
        protocol: Protocol,
    ) -> Result<Option<Verified>, Refusal> {
        let now = self.pace.now();
        if let Some(found) = found {
            if let Some(id) = fitting_app_password(found, &password, protocol, now) {
                return Ok(Some(found.verified(CredentialRef::App(id))));
            }
            if self.state.remembers(found, &password, now) {
                return Ok(Some(found.verified(CredentialRef::Account)));
            }
        }
        let kept = found.map(|found| found.credentials.clone());
        let checked = self.hasher.check(kept, password.clone()).await?;
        let (Some(found), Checked::Right { upgrade }) = (found, checked) else { return Ok(None) };
        self.state.remember(found, &password, now.plus(self.settings.remember_for));
        if let Some(credentials) = upgrade {
            self.upgrade(found.account, credentials);
        }
        Ok(Some(found.verified(CredentialRef::Account)))
    }

    async fn scram_keys(
        self: &Rc<Self>,
        user: &str,
        protocol: Protocol,
        session: SessionRef,
    ) -> Result<ScramCandidates, Refusal> {
        let user = self.look_up(user).await?;
        let (under_way, open_at) = self.begin(session.peer, user.digest).await?;
        self.pace.sleep_until(open_at).await;
        let candidates = self.candidates(&user, protocol);
        let owner = user.found.as_ref().map(|found| (found.account, found.credentials.generation));
        let exchange = Exchange { under_way, digest: user.digest, protocol, owner, session };
        self.state.keep_exchange(exchange, self.pace.now())?;
        Ok(candidates)
    }

    async fn conclude_scram(
        self: &Rc<Self>,
        user: &str,
        matched: Option<CredentialRef>,
        protocol: Protocol,
        session: &SessionRef,
    ) -> Result<Verified, Refusal> {
        let user = self.look_up(user).await?;
        // Not begun here, or not ended in time; the latter has been counted.
        let Some(exchange) = self.state.take_exchange(session.id, self.pace.now()) else {
            return Err(Refusal::Unavailable);
        };
        let same = exchange.digest == user.digest && exchange.protocol == protocol;
        let still = user
            .found
            .as_ref()
            .filter(|found| same && exchange.owner == Some((found.account, found.credentials.generation)));
        match still.zip(matched) {
            Some((found, credential)) => {
                exchange.under_way.finish(Outcome::Right);
                let verified = found.verified(credential);
                self.note_use(&verified, session.peer);
                Ok(verified)
            }
            None => {
                exchange.under_way.finish(Outcome::Wrong);
                Err(user.wrong)
            }
        }
    }

    /// The keys of a user's passwords, filled up with keys that nothing fits, so that the time it takes to try them
    /// tells nothing.
    fn candidates(&self, user: &User, protocol: Protocol) -> ScramCandidates {
        let now = self.pace.now();
        let mut keys = Vec::with_capacity(MAX_PASSWORDS);
        let mut salt = Vec::new();
        if let Some(found) = user.found.as_ref().filter(|_| self.hasher.keeps_scram()) {
            salt.clone_from(&found.credentials.scram_salt);
            keys.extend(found.credentials.scram.clone().map(|scram| (CredentialRef::Account, scram)));
            keys.extend(
                found
                    .app_passwords
                    .iter()
                    .filter(|(_, app)| opens(app, protocol, now))
                    .filter_map(|(id, app)| app.scram.clone().map(|scram| (CredentialRef::App(*id), scram))),
            );
            keys.retain(|(_, scram)| scram.iterations == ITERATIONS);
        }
        if salt.is_empty() {
            salt = scram::fake_salt(&self.settings.secret, &user.key);
        }
        keys.resize(MAX_PASSWORDS, (CredentialRef::Account, self.state.nobody()));
        ScramCandidates { salt, iterations: ITERATIONS, keys }
    }

    async fn look_up(&self, user: &str) -> Result<User, Refusal> {
        let key = EmailAddress::parse(user).ok().and_then(|address| address.key());
        let found = match &key {
            Some(key) => self.source.find(key).await?,
            None => None,
        };
        let key = key.unwrap_or_else(|| user.to_owned()).into_bytes();
        let secret = &self.settings.secret;
        let digest = match &found {
            Some(found) => {
                scram::hmac(secret, &[b"failed logins of account ", &found.account.0.to_be_bytes()])
            }
            None => scram::hmac(secret, &[b"failed logins of name ", &key]),
        };
        let mut short = [0; 16];
        short.copy_from_slice(&digest[..16]);
        // SPEC I1: by the spelling alone.
        let wrong = Refusal::BadCredentials { bare_name: !user.contains('@') };
        Ok(User { found, digest: NameDigest(short), key, wrong })
    }

    /// Begins an attempt, once there is room for it; with the time at which it may be answered.
    async fn begin(
        self: &Rc<Self>,
        peer: IpAddr,
        name: NameDigest,
    ) -> Result<(UnderWay, Timestamp), Refusal> {
        let source = Source::from(peer);
        loop {
            let ended = self.state.an_end();
            let now = self.pace.now();
            if let Some((attempt, delay)) = self.state.begin(source, name, now)? {
                return Ok((UnderWay::new(Rc::clone(self), attempt), now.plus(delay)));
            }
            // SCRAM exchanges that nobody ends run out; all others end by themselves.
            tokio::select! {
                () = ended => {}
                () = self.pace.sleep_until(self.state.next_expiry()) => {}
            }
        }
    }

    fn note_use(&self, verified: &Verified, from: IpAddr) {
        if let CredentialRef::App(id) = verified.credential {
            self.source.note_use(verified.account, id, self.pace.now(), from);
        }
    }

    /// A login need not wait for it, nor fail with it.
    fn upgrade(self: &Rc<Self>, account: AccountId, credentials: Credentials) {
        let shared = Rc::clone(self);
        actix_rt::spawn(async move {
            if let Err(refusal) = shared.source.upgrade(account, credentials).await {
                tracing::warn!(%account, ?refusal, "a password's new hash could not be stored");
            }
        });
    }

    async fn restore(&self) {
        match self.source.load_failed_logins().await {
            Ok(saved) => self.state.restore(saved),
            Err(refusal) => tracing::error!(?refusal, "failed logins of the last run could not be read"),
        }
    }

    async fn save(&self) {
        let changed = self.state.take_changed();
        if changed.is_empty() {
            return;
        }
        if let Err(refusal) = self.source.save_failed_logins(changed).await {
            tracing::warn!(?refusal, "failed logins could not be stored");
        }
    }

    /// Saves within a second, many changes at once.
    fn save_soon(self: &Rc<Self>) {
        if self.state.begin_saving() {
            let shared = Rc::clone(self);
            actix_rt::spawn(async move {
                tokio::time::sleep(Duration::from_secs(1)).await;
                shared.save().await;
            });
        }
    }
}

impl Found {
    fn verified(&self, credential: CredentialRef) -> Verified {
        Verified { account: self.account, credential, generation: self.credentials.generation }
    }
}

/// Whether an app password opens this protocol now.
fn opens(app: &AppPassword, protocol: Protocol, now: Timestamp) -> bool {
    app.protocols.contains(&protocol) && app.expires.is_none_or(|expires| now < expires)
}

fn fitting_app_password(
    found: &Found,
    typed: &str,
    protocol: Protocol,
    now: Timestamp,
) -> Option<AppPasswordId> {
    let letters = app_password::letters(typed)?;
    let mut apps = found.app_passwords.iter().take(MAX_PASSWORDS);
    apps.find(|(_, app)| opens(app, protocol, now) && app_password::verify(&app.hash, &letters))
        .map(|(id, _)| *id)
}

#[cfg(test)]
mod tests;
