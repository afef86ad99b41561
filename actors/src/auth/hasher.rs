//! Passwords are hashed off the arbiters, few at a time: Argon2id takes memory and a core for tens of milliseconds, and
//! a flood of logins must neither stop the server's other work nor queue without end.

use std::sync::Arc;

use postern_model::Timestamp;
use postern_model::record::{Credentials, ScramKeys};
use postern_policy::Refusal;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use super::app_password;
use super::password::{self, Checked, Cost, Worker};

/// Hashes passwords for AuthActor and for whoever sets them.
#[derive(Clone)]
pub struct Hasher {
    worker: Arc<Worker>,
    /// One for each hash that is computed now.
    running: Arc<Semaphore>,
    /// One for each that is computed or waits for it.
    places: Arc<Semaphore>,
}

/// An app password that was just made; its text is shown once and kept nowhere.
pub struct NewAppPassword {
    /// What the user types.
    pub text: Zeroizing<String>,
    /// For [`postern_model::record::AppPassword::hash`].
    pub hash: String,
    /// For [`postern_model::record::AppPassword::scram`].
    pub scram: Option<ScramKeys>,
}

impl Hasher {
    /// `parallel` hashes at once (the number of cores), `waiting` more in the queue; `scram`: keep SCRAM keys
    /// (`POSTERN_SCRAM`). Hashes once, so it takes as long as a login. `None` where the cost is out of bounds.
    pub fn new(cost: Cost, scram: bool, parallel: usize, waiting: usize) -> Option<Hasher> {
        let parallel = parallel.clamp(1, 1024);
        Some(Hasher {
            worker: Arc::new(Worker::new(cost, scram)?),
            running: Arc::new(Semaphore::new(parallel)),
            places: Arc::new(Semaphore::new(parallel + waiting.min(100_000))),
        })
    }

    /// Whether SCRAM keys are kept (`POSTERN_SCRAM`).
    pub fn keeps_scram(&self) -> bool {
        self.worker.keeps_scram()
    }

    /// What to keep of a password that was just set ([`password::check_new`] first). `scram_salt` is the account's,
    /// which its app passwords share; a new account has none yet.
    ///
    /// # Errors
    /// [`Refusal::Unavailable`] where too many wait already.
    pub async fn credentials(
        &self,
        password: Zeroizing<String>,
        scram_salt: Option<Vec<u8>>,
        generation: u64,
        now: Timestamp,
    ) -> Result<Credentials, Refusal> {
        let work = move |worker: &Worker| {
            let salt = scram_salt.filter(|salt| !salt.is_empty()).or_else(password::salt)?;
            worker.credentials(&password, salt, generation, now)
        };
        self.run(work).await?.ok_or(Refusal::Unavailable)
    }

    /// What to keep of a hash from elsewhere ([`password::imported`] first), or, with an empty one, of an account that
    /// nobody can log in to yet.
    ///
    /// # Errors
    /// [`Refusal::Unavailable`] where the system has no random numbers.
    pub fn foreign_credentials(&self, hash: String, now: Timestamp) -> Result<Credentials, Refusal> {
        let scram_salt = password::salt().ok_or(Refusal::Unavailable)?;
        Ok(Credentials { hash, scram_salt, scram: None, changed: now, generation: 1 })
    }

    /// Makes an app password for an account with this salt ([`Credentials::scram_salt`]).
    ///
    /// # Errors
    /// [`Refusal::Unavailable`] where too many wait already.
    pub async fn app_password(&self, scram_salt: Vec<u8>) -> Result<NewAppPassword, Refusal> {
        let work = move |worker: &Worker| {
            let text = app_password::generate()?;
            let hash = app_password::hash(&text)?;
            let scram = worker.scram_keys(&text, &scram_salt);
            Some(NewAppPassword { text, hash, scram })
        };
        self.run(work).await?.ok_or(Refusal::Unavailable)
    }

    /// Holds a password against what is kept of the account's own, or against nothing.
    pub(super) async fn check(
        &self,
        kept: Option<Credentials>,
        password: Zeroizing<String>,
    ) -> Result<Checked, Refusal> {
        self.run(move |worker| worker.check(kept.as_ref(), &password)).await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Worker) -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| Refusal::Unavailable)?;
        let turn = Arc::clone(&self.running).acquire_owned().await.map_err(|_| Refusal::Unavailable)?;
        let worker = Arc::clone(&self.worker);
        let done = tokio::task::spawn_blocking(move || {
            // Held by the work itself: whoever asked may be gone before it is done.
            let _held = (place, turn);
            work(&worker)
        });
        done.await.map_err(|error| {
            tracing::error!(%error, "hashing a password failed");
            Refusal::Unavailable
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hasher(parallel: usize, waiting: usize) -> Hasher {
        let cost = Cost { memory: 8, passes: 1, lanes: 1 };
        Hasher::new(cost, true, parallel, waiting).expect("a cost that Argon2 knows")
    }

    #[actix::test]
    async fn the_queue_is_bounded() {
        let hasher = hasher(1, 1);
        let (release, wait) = std::sync::mpsc::channel::<()>();
        let (started, mut has_started) = tokio::sync::mpsc::unbounded_channel();
        let busy = hasher.clone();
        let first = actix_rt::spawn(async move {
            busy.run(move |_| started.send(()).is_ok() && wait.recv().is_ok()).await
        });
        has_started.recv().await.expect("the first runs");
        let second = hasher.run(|_| true);
        tokio::pin!(second);
        tokio::select! {
            biased;
            _ = &mut second => panic!("only one may run"),
            () = std::future::ready(()) => {}
        }
        assert_eq!(hasher.run(|_| true).await, Err(Refusal::Unavailable));
        release.send(()).expect("the first waits");
        assert_eq!(first.await.expect("no panic"), Ok(true));
        assert_eq!(second.await, Ok(true));
    }

    #[actix::test]
    async fn a_panic_is_an_answer_and_gives_the_place_back() {
        let hasher = hasher(1, 0);
        assert_eq!(hasher.run(|_| -> bool { panic!("on purpose") }).await, Err(Refusal::Unavailable));
        assert_eq!(hasher.run(|_| true).await, Ok(true));
    }

    #[actix::test]
    async fn an_app_password_fits_its_own_hash_and_keys() {
        let made = hasher(1, 0).app_password(vec![1; 16]).await.expect("room in the queue");
        let letters = app_password::letters(&made.text).expect("letters");
        assert!(app_password::verify(&made.hash, &letters));
        assert!(made.scram == Some(super::super::scram::keys(&made.text, &[1; 16])));
    }
}
