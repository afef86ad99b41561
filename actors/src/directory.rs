//! Which domains and addresses are ours, and whose.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};

use lru::LruCache;
use postern_model::record::AddressEntry;
use postern_model::{Domain, EmailAddress};
use postern_storage::{Store, StoreError, keys};

/// Addresses remembered at most; about 100 octets each.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(20_000).expect("not zero");

/// All domains in memory; addresses from the store, the recent ones remembered.
pub(crate) struct Directory {
    store: Store,
    domains: RwLock<BTreeSet<Domain>>,
    addresses: Mutex<LruCache<String, AddressEntry>>,
    /// Counts changes, so that what was read before one is not remembered after it.
    changes: AtomicU64,
}

impl Directory {
    /// A directory with the store's domains.
    pub(crate) async fn load(store: &Store) -> Result<Directory, StoreError> {
        let domains = store.read(|view| view.scan(&keys::all_domains(), usize::MAX)).await?;
        let domains = domains.into_iter().map(|(domain, _)| domain).collect();
        Ok(Directory {
            store: store.clone(),
            domains: RwLock::new(domains),
            addresses: Mutex::new(LruCache::new(REMEMBERED)),
            changes: AtomicU64::new(0),
        })
    }

    /// Whether mail for `domain` stays here.
    pub(crate) fn is_local(&self, domain: &Domain) -> bool {
        self.domains.read().unwrap_or_else(PoisonError::into_inner).contains(domain)
    }

    /// Whose the address is; `None` where it is nobody's here.
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

    /// Tells that a domain was added.
    pub(crate) fn domain_added(&self, domain: Domain) {
        self.domains.write().unwrap_or_else(PoisonError::into_inner).insert(domain);
    }

    /// Tells that a domain was removed.
    pub(crate) fn domain_removed(&self, domain: &Domain) {
        self.domains.write().unwrap_or_else(PoisonError::into_inner).remove(domain);
    }

    /// All domains, sorted.
    pub(crate) fn domains(&self) -> Vec<Domain> {
        self.domains.read().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    fn remembered(&self) -> MutexGuard<'_, LruCache<String, AddressEntry>> {
        self.addresses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
