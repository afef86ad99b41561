//! AuthActor's records, from and to the store.

use std::net::IpAddr;
use std::sync::Arc;

use postern_model::record::{Credentials, FailedLogins, StoreSecret};
use postern_model::{AccountId, AppPasswordId, Timestamp};
use postern_policy::Refusal;
use postern_policy::lockout::Counter;
use postern_storage::{Batch, Store, StoreError, keys};

use crate::actors::StartError;
use crate::auth::{BoxFuture, CredentialSource, Found, MAX_PASSWORDS, Pace};
use crate::ground::{Ground, refuse};
use crate::ticker::Ticker;

/// The store, as AuthActor sees it.
pub(crate) struct StoredCredentials(pub(crate) Arc<Ground>);

impl CredentialSource for StoredCredentials {
    fn find<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Found>, Refusal>> {
        Box::pin(async move {
            let entry = self.0.directory.find_key(key.to_owned()).await.map_err(|error| refuse(&error))?;
            let Some(entry) = entry else { return Ok(None) };
            let account = entry.account;
            let read = self.0.store.read(move |view| {
                let Some(credentials) = view.get(&keys::credentials(account))? else { return Ok(None) };
                let app_passwords = view.scan(&keys::app_passwords_of(account), MAX_PASSWORDS)?;
                Ok(Some(Found { account, credentials, app_passwords }))
            });
            read.await.map_err(|error| refuse(&error))
        })
    }

    fn upgrade(&self, account: AccountId, credentials: Credentials) -> BoxFuture<'_, Result<(), Refusal>> {
        Box::pin(async move {
            let key = keys::credentials(account);
            let kept = self.0.store.get(key.clone()).await.map_err(|error| refuse(&error))?;
            let Some(kept) = kept.filter(|kept| kept.generation == credentials.generation) else {
                return Ok(());
            };
            let mut batch = Batch::new();
            batch.expect(&key, &kept).put(&key, &credentials);
            match self.0.store.commit(batch).await {
                Ok(()) | Err(StoreError::Conflict) => Ok(()),
                Err(error) => Err(refuse(&error)),
            }
        })
    }

    fn note_use(&self, account: AccountId, password: AppPasswordId, at: Timestamp, from: IpAddr) {
        let store = self.0.store.clone();
        actix_rt::spawn(async move {
            let key = keys::app_password(account, password);
            let Ok(Some(kept)) = store.get(key.clone()).await else { return };
            let mut used = kept.clone();
            used.last_used = Some(at);
            used.last_from = Some(from.to_string());
            let mut batch = Batch::new();
            batch.expect(&key, &kept).put(&key, &used).lazy();
            // Where another use or a revocation came between, that one stands.
            let _ = store.commit(batch).await;
        });
    }

    fn load_failed_logins(&self) -> BoxFuture<'_, Result<Vec<(Counter, FailedLogins)>, Refusal>> {
        Box::pin(async move {
            let range = keys::all_failed_logins();
            let limit = self.0.settings.lockout.counters as usize;
            let saved = self.0.store.read(move |view| view.scan(&range, limit)).await;
            let saved = saved.map_err(|error| refuse(&error))?;
            Ok(saved.into_iter().filter_map(|(who, f)| Some((Counter::from_bytes(&who)?, f))).collect())
        })
    }

    fn save_failed_logins(
        &self,
        changed: Vec<(Counter, Option<FailedLogins>)>,
    ) -> BoxFuture<'_, Result<(), Refusal>> {
        Box::pin(async move {
            let mut batch = Batch::new();
            for (counter, failed) in changed {
                let key = keys::failed_logins(&counter.to_bytes());
                match failed {
                    Some(failed) => batch.put(&key, &failed),
                    None => batch.delete(&key),
                };
            }
            batch.lazy();
            self.0.store.commit(batch).await.map_err(|error| refuse(&error))
        })
    }
}

impl Pace for Ticker {
    fn now(&self) -> Timestamp {
        Ticker::now(self)
    }

    /// On a manual clock also when as much of the machine's time has passed: a program that mistyped its password waits
    /// for an answer, and nobody may turn the clock.
    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'_, ()> {
        let passed = tokio::time::sleep(at.since(Ticker::now(self)));
        Box::pin(async move {
            tokio::select! {
                () = Ticker::sleep_until(self, at) => {}
                () = passed, if at != Timestamp::NEVER => {}
            }
        })
    }
}

/// The store's secret, made at its first use.
///
/// # Errors
/// [`StartError`].
pub(crate) async fn store_secret(store: &Store) -> Result<[u8; 32], StartError> {
    if let Some(secret) = store.get(keys::secret()).await? {
        return Ok(secret.key);
    }
    let mut key = [0; 32];
    getrandom::fill(&mut key).map_err(|_| StartError::Random)?;
    let mut batch = Batch::new();
    batch.expect_absent(&keys::secret()).put(&keys::secret(), &StoreSecret { key });
    store.commit(batch).await?;
    Ok(key)
}
