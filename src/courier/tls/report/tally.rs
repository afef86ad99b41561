//! Counts how TLS goes with other domains' servers, in memory first and then in the store.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

use lru::LruCache;
use postern_model::record::{TlsDay, TlsFailure, TlsFailureKind, TlsPolicy, TlsPolicyKind, TlsTally};
use postern_model::{Domain, Timestamp};
use postern_storage::{Batch, Store, StoreError, keys};

use crate::courier::journal::{TlsEntry, TlsFaultKind, TlsJournal};
use crate::courier::route::TlsDemand;

/// Seconds of a day.
pub(super) const DAY: i64 = 24 * 60 * 60;
/// Policies of one domain that are told apart in a day.
const MAX_POLICIES: usize = 8;
/// Kinds of failures that are told apart under one policy; more are counted together.
const MAX_FAILURES: usize = 100;
/// Domains of one day.
const MAX_DOMAINS: usize = 10_000;
/// Domains that wait for the next round; what is new beyond is not counted.
const MAX_WAITING: usize = 10_000;
/// Servers whose policy is remembered until they are connected to.
const MAX_APPLIED: NonZeroUsize = NonZeroUsize::new(10_000).expect("more than none");
/// Records that are written in one batch.
const PAGE: usize = 50;
/// Characters of what is said of a failure.
const LONGEST_WORDS: usize = 200;

/// Counts; one for the server.
pub struct Tally {
    waiting: Mutex<BTreeMap<(u32, Domain), TlsDay>>,
    applied: Mutex<LruCache<(Domain, String), TlsPolicy>>,
}

impl fmt::Debug for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tally")
    }
}

impl Default for Tally {
    fn default() -> Tally {
        Tally { waiting: Mutex::default(), applied: Mutex::new(LruCache::new(MAX_APPLIED)) }
    }
}

impl TlsJournal for Tally {
    fn note(&self, entry: &TlsEntry<'_>) {
        let kind = match entry.hop.tls {
            TlsDemand::Dane(_) => TlsPolicyKind::Tlsa,
            TlsDemand::Verified { .. } => TlsPolicyKind::Sts,
            TlsDemand::Opportunistic => TlsPolicyKind::None,
            TlsDemand::Never => return,
        };
        let policy = {
            let mut applied = self.applied.lock().unwrap_or_else(PoisonError::into_inner);
            let known = applied.get(&(entry.domain.clone(), entry.hop.name.clone()));
            known.filter(|policy| policy.kind == kind).cloned().unwrap_or_else(|| nothing_of(kind))
        };
        let failure = entry.outcome.as_ref().err().map(|fault| TlsFailure {
            kind: match fault.kind {
                TlsFaultKind::StarttlsNotSupported => TlsFailureKind::StarttlsNotSupported,
                TlsFaultKind::HostMismatch => TlsFailureKind::HostMismatch,
                TlsFaultKind::Expired => TlsFailureKind::Expired,
                TlsFaultKind::NotTrusted => TlsFailureKind::NotTrusted,
                TlsFaultKind::Validation => TlsFailureKind::Validation,
            },
            local: entry.local,
            host: entry.hop.name.clone(),
            remote: Some(entry.hop.address),
            said: fault.said.chars().take(LONGEST_WORDS).collect(),
            count: 1,
        });
        self.count(entry.domain, policy, failure, entry.at);
    }
}

impl Tally {
    /// Which policy holds for a server that may be connected to soon.
    pub(in crate::courier::tls) fn applies(&self, domain: &Domain, host: &str, policy: TlsPolicy) {
        let mut applied = self.applied.lock().unwrap_or_else(PoisonError::into_inner);
        applied.put((domain.clone(), host.to_owned()), policy);
    }

    /// A policy failed before there was a connection.
    pub(in crate::courier::tls) fn failed(
        &self,
        domain: &Domain,
        policy: TlsPolicy,
        kind: TlsFailureKind,
        host: &str,
        said: &str,
        now: Timestamp,
    ) {
        let said = said.chars().take(LONGEST_WORDS).collect();
        let failure = TlsFailure { kind, local: None, host: host.to_owned(), remote: None, said, count: 1 };
        self.count(domain, policy, Some(failure), now);
    }

    fn count(&self, domain: &Domain, policy: TlsPolicy, failure: Option<TlsFailure>, now: Timestamp) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (day_of(now), domain.clone());
        if waiting.len() >= MAX_WAITING && !waiting.contains_key(&key) {
            return;
        }
        let good = u64::from(failure.is_none());
        let failures = failure.into_iter().collect();
        add(waiting.entry(key).or_default(), TlsTally { policy, good, failures, lost: 0 });
    }

    #[cfg(test)]
    pub(super) fn waiting(&self) -> BTreeMap<(u32, Domain), TlsDay> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Brings what was counted to the store.
    ///
    /// # Errors
    /// The store's; what was not written is lost then.
    pub(super) async fn keep(&self, store: &Store) -> Result<(), StoreError> {
        let waiting = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        let mut waiting = waiting.into_iter().peekable();
        while waiting.peek().is_some() {
            let page: Vec<_> = waiting.by_ref().take(PAGE).collect();
            let batch = store.read(move |view| {
                let mut batch = Batch::new();
                for ((day, domain), new) in page {
                    let key = keys::tls_day(day, &domain);
                    let merged = match view.get(&key)? {
                        Some(mut stored) => {
                            new.policies.into_iter().for_each(|tally| add(&mut stored, tally));
                            stored
                        }
                        None if view.keys(&keys::tls_days_of(day), MAX_DOMAINS)?.len() < MAX_DOMAINS => new,
                        None => continue,
                    };
                    batch.put(&key, &merged).lazy();
                }
                Ok(batch)
            });
            let batch = batch.await?;
            if !batch.is_empty() {
                store.commit(batch).await?;
            }
        }
        Ok(())
    }
}

/// A policy of which nothing more is known.
pub(in crate::courier::tls) fn nothing_of(kind: TlsPolicyKind) -> TlsPolicy {
    TlsPolicy { kind, text: Vec::new(), hosts: Vec::new() }
}

/// Days since 1970-01-01 in UTC.
pub(super) fn day_of(at: Timestamp) -> u32 {
    u32::try_from(at.seconds().div_euclid(DAY)).unwrap_or(0)
}

/// Adds what was counted to a day; what there is no room for is only numbered, or left out.
fn add(day: &mut TlsDay, new: TlsTally) {
    let Some(known) = day.policies.iter_mut().find(|known| known.policy == new.policy) else {
        if day.policies.len() < MAX_POLICIES {
            day.policies.push(new);
        }
        return;
    };
    known.good += new.good;
    known.lost += new.lost;
    for failure in new.failures {
        let alike = |other: &TlsFailure| {
            (other.kind, other.local, other.remote) == (failure.kind, failure.local, failure.remote)
                && other.host == failure.host
        };
        match known.failures.iter().position(alike) {
            Some(known_at) => known.failures[known_at].count += failure.count,
            None if known.failures.len() < MAX_FAILURES => known.failures.push(failure),
            None => known.lost += failure.count,
        }
    }
}
