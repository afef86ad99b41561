//! Accounts' rules in memory: for most accounts, that there are none.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lru::LruCache;
use postern_model::record::{Rules, Status};
use postern_model::{AccountId, EmailAddress};
use postern_storage::{Store, StoreError, View, keys};

/// Accounts without rules that are remembered; 30 octets each.
const WITHOUT: NonZeroUsize = NonZeroUsize::new(100_000).expect("not zero");
/// Accounts with rules that are remembered; a few hundred octets each, 60 KiB at most.
const WITH: NonZeroUsize = NonZeroUsize::new(2_000).expect("not zero");

/// An account's rules, as far as they act.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) rules: Rules,
    /// The account's own address.
    pub(crate) own: EmailAddress,
}

/// The rules of those accounts that letters came to lately.
pub(crate) struct RuleBook {
    store: Store,
    shelves: Mutex<Shelves>,
    /// Counts changes, so that what was read before one is not remembered after it.
    changes: AtomicU64,
}

struct Shelves {
    without: LruCache<AccountId, ()>,
    with: LruCache<AccountId, Arc<Known>>,
}

impl RuleBook {
    pub(crate) fn new(store: &Store) -> RuleBook {
        let shelves = Shelves { without: LruCache::new(WITHOUT), with: LruCache::new(WITH) };
        RuleBook { store: store.clone(), shelves: Mutex::new(shelves), changes: AtomicU64::new(0) }
    }

    /// An account's rules; `None` where it has none.
    pub(crate) async fn of(&self, account: AccountId) -> Result<Option<Arc<Known>>, StoreError> {
        {
            let mut shelves = self.shelves();
            if shelves.without.get(&account).is_some() {
                return Ok(None);
            }
            if let Some(known) = shelves.with.get(&account) {
                return Ok(Some(Arc::clone(known)));
            }
        }
        let changes = self.changes.load(Ordering::SeqCst);
        let known = self.store.read(move |view| read(view, account)).await?.map(Arc::new);
        let mut shelves = self.shelves();
        if self.changes.load(Ordering::SeqCst) == changes {
            match &known {
                Some(known) => drop(shelves.with.put(account, Arc::clone(known))),
                None => drop(shelves.without.put(account, ())),
            }
        }
        Ok(known)
    }

    /// Whether letters with a detail behind the account's name are its own.
    pub(crate) async fn takes_details(&self, account: AccountId) -> Result<bool, StoreError> {
        Ok(self.of(account).await?.is_none_or(|known| known.rules.detail))
    }

    /// Tells that an account's rules, status or address changed, or that it is gone.
    pub(crate) fn forget(&self, account: AccountId) {
        let mut shelves = self.shelves();
        self.changes.fetch_add(1, Ordering::SeqCst);
        shelves.without.pop(&account);
        shelves.with.pop(&account);
    }

    fn shelves(&self) -> MutexGuard<'_, Shelves> {
        self.shelves.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// SPEC A9: an account that is not in use sends nothing on, nor does it answer.
fn read(view: &View<'_>, account: AccountId) -> Result<Option<Known>, StoreError> {
    let Some(mut rules) = view.get(&keys::rules(account))? else { return Ok(None) };
    let Some(account) = view.get(&keys::account(account))? else { return Ok(None) };
    if account.status != Status::Active {
        rules.forwards.clear();
        rules.vacation.on = false;
    }
    Ok(EmailAddress::parse(&account.address).ok().map(|own| Known { rules, own }))
}
