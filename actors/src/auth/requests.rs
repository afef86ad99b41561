//! What AuthActor does for a request, as plain asynchronous functions on what its requests share. Between two awaits
//! nothing else runs on the actor's thread.

use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use postern_model::record::{AppPassword, Credentials};
use postern_model::{AccountId, AppPasswordId, EmailAddress, Protocol, Timestamp};
use postern_policy::Refusal;
use postern_policy::lockout::{NameDigest, Outcome, Source};
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::attempts::{Exchange, State, UnderWay};
use super::password::Checked;
use super::scram::{self, ITERATIONS, MAX_PASSWORDS};
use super::{CredentialSource, Found, Hasher, Pace, Settings, Verified, app_password};
use crate::order::{CredentialRef, ScramCandidates, SessionRef};

/// What the actor's requests share.
pub(super) struct Shared {
    pub(super) source: Arc<dyn CredentialSource>,
    pub(super) pace: Arc<dyn Pace>,
    pub(super) hasher: Hasher,
    pub(super) settings: Settings,
    pub(super) state: State,
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
    pub(super) async fn verify_password(
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

    pub(super) async fn scram_keys(
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
        let exchange = Exchange { under_way, owner, session };
        self.state.keep_exchange(exchange, self.pace.now())?;
        Ok(candidates)
    }

    pub(super) async fn conclude_scram(
        self: &Rc<Self>,
        user: &str,
        matched: Option<CredentialRef>,
        session: &SessionRef,
    ) -> Result<Verified, Refusal> {
        let user = self.look_up(user).await?;
        // Not begun here, or not ended in time; the latter has been counted.
        let Some(exchange) = self.state.take_exchange(session.id, self.pace.now()) else {
            return Err(Refusal::Unavailable);
        };
        let still = user
            .found
            .as_ref()
            .filter(|found| exchange.owner == Some((found.account, found.credentials.generation)));
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

    pub(super) async fn restore(&self) {
        match self.source.load_failed_logins().await {
            Ok(saved) => self.state.restore(saved),
            Err(refusal) => tracing::error!(?refusal, "failed logins of the last run could not be read"),
        }
    }

    pub(super) async fn save(&self) {
        let changed = self.state.take_changed();
        if changed.is_empty() {
            return;
        }
        if let Err(refusal) = self.source.save_failed_logins(changed).await {
            tracing::warn!(?refusal, "failed logins could not be stored");
        }
    }

    /// Saves within a second, many changes at once.
    pub(super) fn save_soon(self: &Rc<Self>) {
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
