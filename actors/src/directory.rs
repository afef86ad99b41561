//! Which domains and addresses are ours, and whose.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};

use lru::LruCache;
use postern_model::record::AddressEntry;
use postern_model::{AccountId, Domain, EmailAddress};
use postern_storage::{Store, StoreError, keys};

/// Addresses remembered at most; about 100 octets each.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(20_000).expect("not zero");

/// How an account was found by an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// The address is its own.
    Own,
    /// The address is its own but for a detail: `alice+news` (RFC 5233).
    Detail,
}

/// All domains in memory; addresses from the store, the recent ones remembered.
pub(crate) struct Directory {
    store: Store,
    /// Each with who gets what is for no address of it.
    domains: RwLock<BTreeMap<Domain, Option<AccountId>>>,
    /// What stands before a detail.
    separator: Option<char>,
    addresses: Mutex<LruCache<String, AddressEntry>>,
    /// Counts changes, so that what was read before one is not remembered after it.
    changes: AtomicU64,
}

impl Directory {
    /// A directory with the store's domains; `separator` stands before a detail (RFC 5233).
    pub(crate) async fn load(store: &Store, separator: Option<char>) -> Result<Directory, StoreError> {
        let domains = store.read(|view| view.scan(&keys::all_domains(), usize::MAX)).await?;
        let domains = domains.into_iter().map(|(domain, entry)| (domain, entry.catch_all)).collect();
        Ok(Directory {
            store: store.clone(),
            domains: RwLock::new(domains),
            separator,
            addresses: Mutex::new(LruCache::new(REMEMBERED)),
            changes: AtomicU64::new(0),
        })
    }

    /// Whether mail for `domain` stays here.
    pub(crate) fn is_local(&self, domain: &Domain) -> bool {
        self.domains.read().unwrap_or_else(PoisonError::into_inner).contains_key(domain)
    }

    /// Whose the address is, with a detail or without; `None` where it is nobody's here. An address as it is wins over one
    /// without its detail.
    pub(crate) async fn owner(
        &self,
        address: &EmailAddress,
    ) -> Result<Option<(AddressEntry, Found)>, StoreError> {
        if let Some(entry) = self.find(address).await? {
            return Ok(Some((entry, Found::Own)));
        }
        match self.separator.and_then(|separator| address.without_detail(separator)) {
            Some(user) => Ok(self.find(&user).await?.map(|entry| (entry, Found::Detail))),
            None => Ok(None),
        }
    }

    /// Who gets what is for no address of a domain of ours.
    pub(crate) fn catch_all(&self, domain: &Domain) -> Option<AccountId> {
        self.domains.read().unwrap_or_else(PoisonError::into_inner).get(domain).copied().flatten()
    }

    /// Whose the address is as it is; `None` where it is nobody's here.
    pub(crate) async fn find(&self, address: &EmailAddress) -> Result<Option<AddressEntry>, StoreError> {
        match address.key() {
            Some(key) => self.find_key(key).await,
            None => Ok(None),
        }
    }

    /// As [`Directory::find`], for a spelling made by [`EmailAddress::key`].
    pub(crate) async fn find_key(&self, key: String) -> Result<Option<AddressEntry>, StoreError> {
        if let Some(entry) = self.remembered().get(&key) {
            return Ok(Some(entry.clone()));
        }
        let changes = self.changes.load(Ordering::SeqCst);
        let entry = self.store.get(keys::address(&key)).await?;
        let mut remembered = self.remembered();
        if let Some(entry) = &entry
            && self.changes.load(Ordering::SeqCst) == changes
        {
            remembered.put(key, entry.clone());
        }
        Ok(entry)
    }

    /// Tells that an address was given to or taken from somebody.
    pub(crate) fn changed(&self, key: &str) {
        let mut remembered = self.remembered();
        self.changes.fetch_add(1, Ordering::SeqCst);
        remembered.pop(key);
    }

    /// Tells that a domain was added, or that somebody else gets what is for no address of it.
    pub(crate) fn domain_added(&self, domain: Domain, catch_all: Option<AccountId>) {
        self.domains.write().unwrap_or_else(PoisonError::into_inner).insert(domain, catch_all);
    }

    /// Tells that a domain was removed.
    pub(crate) fn domain_removed(&self, domain: &Domain) {
        self.domains.write().unwrap_or_else(PoisonError::into_inner).remove(domain);
    }

    /// All domains, sorted.
    pub(crate) fn domains(&self) -> Vec<Domain> {
        self.domains.read().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }

    fn remembered(&self) -> MutexGuard<'_, LruCache<String, AddressEntry>> {
        self.addresses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
