//! Finds an account's actor, starts it where none lives, and lets those rest that nobody has asked for long.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use actix::prelude::*;
use postern_model::AccountId;

use crate::ground::Ground;

/// An actor of which each account has its own.
pub(crate) trait PerAccount: Actor<Context = Context<Self>> {
    /// The actor of `account`; it loads what it needs when it starts.
    fn of(account: AccountId, ground: Arc<Ground>) -> Self;
}

/// The living actors of one kind. An account's actor lives on the arbiter that the account's number picks.
pub(crate) struct Registry<A: PerAccount> {
    ground: Arc<Ground>,
    shards: Vec<Shard<A>>,
    /// Rest is housekeeping: it goes by the machine's time, not by the clock of the policy.
    since: Instant,
}

struct Shard<A: PerAccount> {
    arbiter: ArbiterHandle,
    seats: Mutex<HashMap<AccountId, Arc<Seat<A>>>>,
}

/// An actor that is kept alive; whoever holds its seat can send to it.
pub(crate) struct Seat<A: Actor> {
    addr: Addr<A>,
    /// Milliseconds after the registry was made.
    last_asked: AtomicU64,
}

impl<A: Actor> Seat<A> {
    pub(crate) fn addr(&self) -> &Addr<A> {
        &self.addr
    }
}

impl<A: Actor> std::fmt::Debug for Seat<A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seat")
    }
}

impl<A: PerAccount> Registry<A> {
    pub(crate) fn new(ground: Arc<Ground>, arbiters: &[ArbiterHandle]) -> Registry<A> {
        let shard = |arbiter: &ArbiterHandle| Shard { arbiter: arbiter.clone(), seats: Mutex::default() };
        Registry { ground, shards: arbiters.iter().map(shard).collect(), since: Instant::now() }
    }

    /// The account's actor, started where it does not live.
    pub(crate) fn seat(&self, account: AccountId) -> Arc<Seat<A>> {
        let now = self.millis();
        let shard = &self.shards[account.0 as usize % self.shards.len()];
        let mut seats = shard.lock();
        if let Some(seat) = seats.get(&account)
            && seat.addr.connected()
        {
            seat.last_asked.store(now, Ordering::Relaxed);
            return Arc::clone(seat);
        }
        let ground = Arc::clone(&self.ground);
        let addr = A::start_in_arbiter(&shard.arbiter, move |_| A::of(account, ground));
        let seat = Arc::new(Seat { addr, last_asked: AtomicU64::new(now) });
        seats.insert(account, Arc::clone(&seat));
        seat
    }

    /// All that live.
    pub(crate) fn all_living(&self) -> Vec<Arc<Seat<A>>> {
        self.shards.iter().flat_map(|shard| shard.lock().values().cloned().collect::<Vec<_>>()).collect()
    }

    /// The account's actor where it lives; one that doesn't reads everything anew when it is next asked.
    pub(crate) fn living(&self, account: AccountId) -> Option<Arc<Seat<A>>> {
        let shard = &self.shards[account.0 as usize % self.shards.len()];
        shard.lock().get(&account).filter(|seat| seat.addr.connected()).cloned()
    }

    /// Lets go of the account's actor where nobody holds it.
    pub(crate) fn rest(&self, account: AccountId) {
        let mut seats = self.shards[account.0 as usize % self.shards.len()].lock();
        if seats.get(&account).is_some_and(|seat| Arc::strong_count(seat) == 1) {
            seats.remove(&account);
        }
    }

    /// Lets go of actors that nobody holds and nobody has asked for `rest_after`; returns how many live on. An actor
    /// stops by itself when the last who could send to it is gone, so no message is ever lost to its rest.
    pub(crate) fn passivate(&self, rest_after: Duration) -> usize {
        let before = self.millis().saturating_sub(millis(rest_after));
        let mut living = 0;
        for shard in &self.shards {
            let mut seats = shard.lock();
            seats.retain(|_, seat| {
                let held = Arc::strong_count(seat) > 1;
                held || (seat.addr.connected() && seat.last_asked.load(Ordering::Relaxed) > before)
            });
            seats.shrink_to_fit();
            living += seats.len();
        }
        living
    }

    fn millis(&self) -> u64 {
        millis(self.since.elapsed())
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

impl<A: PerAccount> Shard<A> {
    fn lock(&self) -> MutexGuard<'_, HashMap<AccountId, Arc<Seat<A>>>> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
