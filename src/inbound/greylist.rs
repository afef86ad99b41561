//! Greylisting (`POSTERN_GREYLIST`): a client that was never here has to come back, which few that send spam do.
//!
//! What is remembered are digests: of a client's network with sender and recipient, until it comes back; and of the
//! network alone from then on, so that it waits once only. It is written lazily; what a crash forgets waits once more.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use postern_model::record::Greylisted;
use postern_model::{EmailAddress, MailFrom, Timestamp};
use postern_storage::{Batch, Store, StoreError, keys};
use sha2::{Digest, Sha256};
use tokio::sync::Mutex;

/// A client that does not come back within this is new again: queues wait up to a day between tries.
const COMES_BACK_WITHIN: Duration = Duration::from_secs(2 * 24 * 60 * 60);
/// A network is forgotten when it has not been here for this long.
const KNOWN_FOR: Duration = Duration::from_secs(36 * 24 * 60 * 60);
/// A known network's time is made longer when this much of it has passed.
const RENEWED_AFTER: Duration = Duration::from_secs(24 * 60 * 60);
/// What is remembered at once; beyond it nobody has to wait.
const MAX: u64 = 500_000;
/// Rows that one sweep looks at.
const PAGE: usize = 2_000;

type Digested = [u8; 16];

/// Who has to come back.
#[derive(Debug)]
pub(super) struct Greylist {
    store: Store,
    delay: Duration,
    most: u64,
    /// Rows, as the last whole sweep found them and what came since.
    kept: AtomicU64,
    sweep: Mutex<Sweep>,
}

/// How far a sweep has come.
#[derive(Debug, Default)]
struct Sweep {
    after: Option<Digested>,
    found: u64,
}

impl Greylist {
    /// Clients wait at least `delay`.
    pub(super) fn new(store: Store, delay: Duration) -> Greylist {
        Greylist { store, delay, most: MAX, kept: AtomicU64::new(0), sweep: Mutex::default() }
    }

    /// Whether the client may go on; false where it has to come back.
    ///
    /// # Errors
    /// The store's; the client may then go on.
    pub(super) async fn lets_through(
        &self,
        peer: IpAddr,
        from: &MailFrom,
        to: &EmailAddress,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let network = network(peer);
        let known = digest(&[b"network", &network]);
        if let Some(record) = self.living(known, now).await? {
            if now >= record.until.minus(KNOWN_FOR).plus(RENEWED_AFTER) {
                self.keep(known, Greylisted { until: now.plus(KNOWN_FOR), ..record }, None).await?;
            }
            return Ok(true);
        }
        let to = to.key().unwrap_or_else(|| to.to_string());
        let visit = digest(&[b"visit", &network, from.to_string().as_bytes(), to.as_bytes()]);
        match self.living(visit, now).await? {
            Some(first) if now >= first.since.plus(self.delay) => {
                let record = Greylisted { since: now, until: now.plus(KNOWN_FOR) };
                self.keep(known, record, Some(visit)).await?;
                Ok(true)
            }
            Some(_) => Ok(false),
            None if self.kept.load(Ordering::Relaxed) >= self.most => Ok(true),
            None => {
                self.kept.fetch_add(1, Ordering::Relaxed);
                let until = now.plus(self.delay).plus(COMES_BACK_WITHIN);
                self.keep(visit, Greylisted { since: now, until }, None).await?;
                Ok(false)
            }
        }
    }

    async fn living(&self, who: Digested, now: Timestamp) -> Result<Option<Greylisted>, StoreError> {
        Ok(self.store.get(keys::greylisted(&who)).await?.filter(|record| record.until > now))
    }

    async fn keep(
        &self,
        who: Digested,
        record: Greylisted,
        instead_of: Option<Digested>,
    ) -> Result<(), StoreError> {
        let mut batch = Batch::new();
        batch.put(&keys::greylisted(&who), &record).lazy();
        if let Some(other) = instead_of {
            batch.delete(&keys::greylisted(&other));
        }
        self.store.commit(batch).await
    }

    /// Forgets some of what is to be forgotten; called every so often it comes round.
    ///
    /// # Errors
    /// The store's.
    pub(super) async fn sweep(&self, now: Timestamp) -> Result<(), StoreError> {
        let mut sweep = self.sweep.lock().await;
        let mut range = keys::all_greylisted();
        if let Some(after) = sweep.after {
            range = range.after(&keys::greylisted(&after));
        }
        let rows = self.store.read(move |view| view.scan(&range, PAGE)).await?;
        let mut batch = Batch::new();
        for (who, record) in &rows {
            if record.until <= now {
                batch.delete(&keys::greylisted(who)).lazy();
            } else {
                sweep.found += 1;
            }
        }
        sweep.after = rows.last().map(|(who, _)| *who).filter(|_| rows.len() == PAGE);
        if sweep.after.is_none() {
            self.kept.store(std::mem::take(&mut sweep.found), Ordering::Relaxed);
        }
        if batch.is_empty() { Ok(()) } else { self.store.commit(batch).await }
    }
}

/// The client's /24 or /64: a sender's servers take turns.
fn network(peer: IpAddr) -> Vec<u8> {
    match peer.to_canonical() {
        IpAddr::V4(ip) => ip.octets()[..3].to_vec(),
        IpAddr::V6(ip) => ip.octets()[..8].to_vec(),
    }
}

fn digest(parts: &[&[u8]]) -> Digested {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    let mut digest = Digested::default();
    digest.copy_from_slice(&hasher.finalize()[..16]);
    digest
}

#[cfg(test)]
mod tests {
    use postern_storage::{EngineKind, StoreOptions};

    use super::*;

    const DAY: Duration = Duration::from_secs(24 * 60 * 60);

    struct World {
        greylist: Greylist,
        _dir: tempfile::TempDir,
    }

    impl World {
        fn new(most: u64) -> World {
            let dir = tempfile::tempdir().expect("a directory");
            let options = StoreOptions { engine: EngineKind::Memory, ..StoreOptions::new(dir.path()) };
            let store = Store::open(options, at(0)).expect("a new store");
            World { greylist: Greylist { most, ..Greylist::new(store, Duration::from_secs(300)) }, _dir: dir }
        }

        async fn visit(&self, peer: &str, from: &str, to: &str, now: Timestamp) -> bool {
            let address = |text: &str| EmailAddress::parse(text).expect("an address");
            let from = if from.is_empty() { MailFrom::Null } else { MailFrom::Address(address(from)) };
            let peer = peer.parse().expect("an address");
            self.greylist.lets_through(peer, &from, &address(to), now).await.expect("the store works")
        }

        async fn rows(&self) -> usize {
            let range = keys::all_greylisted();
            self.greylist.store.read(move |view| view.scan(&range, 100)).await.expect("readable").len()
        }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(1_800_000_000 + seconds)
    }

    #[actix_rt::test]
    async fn a_client_that_comes_back_is_known_from_then_on() {
        let world = World::new(MAX);
        for (seconds, peer, from, to, passes) in [
            (0, "192.0.2.1", "a@x.test", "al@demo.test", false),
            (299, "192.0.2.1", "a@x.test", "al@demo.test", false),
            // Another letter is another visit, from the same place or not.
            (300, "192.0.2.1", "b@x.test", "al@demo.test", false),
            (300, "192.0.3.1", "a@x.test", "al@demo.test", false),
            (300, "192.0.2.1", "", "al@demo.test", false),
            // Its neighbour comes back for it, and then the whole network may.
            (300, "192.0.2.9", "a@x.test", "AL@demo.test", true),
            (301, "192.0.2.77", "new@y.test", "bo@demo.test", true),
            (301, "192.0.3.1", "new@y.test", "bo@demo.test", false),
            (301, "2001:db8:0:1::1", "a@x.test", "al@demo.test", false),
            (601, "2001:db8:0:1:ffff::2", "a@x.test", "al@demo.test", true),
            (602, "2001:db8:0:2::1", "a@x.test", "bo@demo.test", false),
        ] {
            assert_eq!(
                world.visit(peer, from, to, at(seconds)).await,
                passes,
                "{seconds} {peer} {from} {to}"
            );
        }
    }

    #[actix_rt::test]
    async fn what_is_old_is_forgotten_and_what_is_used_is_not() {
        let world = World::new(MAX);
        let visit = |at| world.visit("192.0.2.1", "a@x.test", "al@demo.test", at);
        assert!(!visit(at(0)).await);
        // It came back too late, and is new again.
        let late = at(301).plus(COMES_BACK_WITHIN);
        assert!(!visit(late).await);
        assert!(visit(late.plus(DAY)).await);
        assert_eq!(world.rows().await, 1);
        // Used once a month it stays known.
        for month in 1..5 {
            assert!(visit(late.plus(30 * DAY * month)).await, "month {month}");
        }
        let end = late.plus(120 * DAY).plus(KNOWN_FOR);
        world.greylist.sweep(end.minus(DAY)).await.expect("the store works");
        assert_eq!(world.rows().await, 1);
        world.greylist.sweep(end).await.expect("the store works");
        assert_eq!(world.rows().await, 0);
        assert!(!visit(end).await);
    }

    #[actix_rt::test]
    async fn when_all_places_are_taken_nobody_waits() {
        let world = World::new(2);
        assert!(!world.visit("192.0.2.1", "a@x.test", "al@demo.test", at(0)).await);
        assert!(!world.visit("192.0.3.1", "a@x.test", "al@demo.test", at(0)).await);
        assert!(world.visit("192.0.4.1", "a@x.test", "al@demo.test", at(0)).await);
        // Whoever has to come back still has to.
        assert!(!world.visit("192.0.3.1", "a@x.test", "al@demo.test", at(1)).await);
        world.greylist.sweep(at(400).plus(COMES_BACK_WITHIN)).await.expect("the store works");
        assert!(!world.visit("192.0.4.1", "a@x.test", "al@demo.test", at(400)).await);
    }
}
