//! MTA-STS (RFC 8461): a domain says on its web which servers are its own, and that they prove it.
//!
//! What was fetched is kept in the store until it is too old, so that nobody who hides the policy for a while makes
//! letters go without it. The DNS tells by an id when there is a new one.

mod fetch;
mod policy;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lru::LruCache;
use postern_model::record::{StsMode, StsPolicy};
use postern_model::{Domain, Timestamp};
use postern_storage::{Batch, Store, StoreError, keys};
use rustls::RootCertStore;

use self::fetch::Fetcher;
use crate::courier::route::TlsDemand;
use crate::dns::Dns;

/// How long a policy is left alone that could not be fetched (RFC 8461 §3.3: five minutes or more).
const PAUSE: Duration = Duration::from_secs(300);
/// After how long a policy is fetched again though its id is the same; earlier where it doesn't hold twice as long.
const FRESH: Duration = Duration::from_secs(24 * 3600);
/// Failures that are remembered.
const FAILURES: NonZeroUsize = NonZeroUsize::new(4096).expect("more than none");
/// Policies that one look of the round takes.
const PAGE: usize = 64;

/// Knows domains' policies.
#[derive(Clone, Debug)]
pub(super) struct Sts(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    dns: Dns,
    store: Store,
    fetcher: Fetcher,
    /// Who is asked for right now: one at a time asks for a domain.
    asking: Mutex<HashMap<Domain, Arc<tokio::sync::Mutex<()>>>>,
    failures: Mutex<LruCache<Domain, (String, Timestamp)>>,
}

impl Sts {
    /// Policies are kept in `store` and fetched from `port`, from servers that `roots` vouch for.
    pub(super) fn new(
        dns: Dns,
        store: Store,
        roots: &Arc<RootCertStore>,
        port: u16,
    ) -> Result<Sts, rustls::Error> {
        let fetcher = Fetcher::new(dns.clone(), roots, port)?;
        let failures = Mutex::new(LruCache::new(FAILURES));
        Ok(Sts(Arc::new(Inner { dns, store, fetcher, asking: Mutex::default(), failures })))
    }

    /// The policy that holds for a domain.
    ///
    /// # Errors
    /// Why it can't be told: a letter must wait then.
    pub(super) async fn policy(&self, domain: &Domain, now: Timestamp) -> Result<Option<StsPolicy>, String> {
        let one = self.0.gate(domain);
        let _one_at_a_time = one.lock().await;
        let unreadable = |error: StoreError| format!("the policy of {domain} (MTA-STS): {error}");
        let kept = self.0.kept(domain, now).await.map_err(unreadable)?;
        let texts = self.0.dns.txt(&format!("_mta-sts.{domain}")).await.unwrap_or_default();
        let Some(id) = policy::id_of(&texts) else { return Ok(kept) };
        match &kept {
            Some(policy) if policy.id == id && !is_stale(policy, now) => Ok(kept),
            _ => Ok(self.0.renew(domain, id, now).await.map_err(unreadable)?.or(kept)),
        }
    }

    /// Forgets what is too old, and renews what will be (RFC 8461 §3.3). To be called once an hour or so.
    ///
    /// # Errors
    /// The store's.
    pub(super) async fn due(&self, now: Timestamp) -> Result<(), StoreError> {
        let mut range = keys::all_sts_policies();
        loop {
            let from = range.clone();
            let page = self.0.store.read(move |view| view.scan(&from, PAGE)).await?;
            let Some((last, _)) = page.last() else { return Ok(()) };
            range = range.after(&keys::sts_policy(last));
            for (domain, policy) in &page {
                if is_over(policy, now) {
                    self.0.forget(domain, now).await?;
                } else if is_stale(policy, now) {
                    // Whatever is wrong, it holds on until it is too old.
                    let _ = self.policy(domain, now).await;
                }
            }
        }
    }
}

impl Inner {
    fn gate(&self, domain: &Domain) -> Arc<tokio::sync::Mutex<()>> {
        let mut asking = self.asking.lock().unwrap_or_else(PoisonError::into_inner);
        asking.retain(|_, gate| Arc::strong_count(gate) > 1);
        Arc::clone(asking.entry(domain.clone()).or_default())
    }

    async fn kept(&self, domain: &Domain, now: Timestamp) -> Result<Option<StsPolicy>, StoreError> {
        let policy = self.store.get(keys::sts_policy(domain)).await?;
        Ok(policy.filter(|policy| !is_over(policy, now)))
    }

    /// Forgets a policy that is too old.
    async fn forget(&self, domain: &Domain, now: Timestamp) -> Result<(), StoreError> {
        let one = self.gate(domain);
        let _one_at_a_time = one.lock().await;
        if self.kept(domain, now).await?.is_none() {
            let mut batch = Batch::new();
            batch.delete(&keys::sts_policy(domain)).lazy();
            self.store.commit(batch).await?;
        }
        Ok(())
    }

    /// Fetches a policy and keeps it; `None` where that did not work, now or lately.
    async fn renew(
        &self,
        domain: &Domain,
        id: &str,
        now: Timestamp,
    ) -> Result<Option<StsPolicy>, StoreError> {
        {
            let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
            let failed = failures.get(domain).is_some_and(|(of, at)| of == id && now < at.plus(PAUSE));
            if failed {
                return Ok(None);
            }
        }
        let fetched = self.fetcher.fetch(domain.as_str()).await;
        let read = fetched.and_then(|text| policy::parse(&text, id, now).map_err(|error| error.to_string()));
        match read {
            Ok(policy) => {
                let mut batch = Batch::new();
                batch.put(&keys::sts_policy(domain), &policy).lazy();
                self.store.commit(batch).await?;
                Ok(Some(policy))
            }
            Err(why) => {
                tracing::info!(%domain, why, "its policy (MTA-STS) can't be fetched");
                let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
                failures.put(domain.clone(), (id.to_owned(), now));
                Ok(None)
            }
        }
    }
}

fn is_over(policy: &StsPolicy, now: Timestamp) -> bool {
    now >= policy.fetched.plus(Duration::from_secs(policy.max_age.into()))
}

fn is_stale(policy: &StsPolicy, now: Timestamp) -> bool {
    let half = Duration::from_secs(u64::from(policy.max_age) / 2);
    now >= policy.fetched.plus(half.min(FRESH))
}

/// What a policy demands of a server.
///
/// # Errors
/// The server is not to be used (RFC 8461 §5).
pub(super) fn demand(policy: &StsPolicy, domain: &str, host: &str) -> Result<TlsDemand, String> {
    let enforced = match policy.mode {
        StsMode::Enforce => true,
        StsMode::Testing => false,
        StsMode::None => return Ok(TlsDemand::Opportunistic),
    };
    match policy::names(policy, host) {
        true => Ok(TlsDemand::Verified { names: vec![host.to_owned()], enforced }),
        false if enforced => Err(format!("the policy of {domain} (MTA-STS) does not name the server {host}")),
        false => Ok(TlsDemand::Opportunistic),
    }
}
