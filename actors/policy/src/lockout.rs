//! Failed logins slow down, then lock out (SPEC I4).
//!
//! Three kinds of counters: the pair of source and account, the source, the account. A counter is a bucket: each
//! failure adds one, and it drains again once it is quiet. A full bucket of a pair or of a source shuts that pair or
//! source out for a while; a full bucket of an account only makes strangers wait, sources from which the account never
//! logged in, so that nobody can lock a victim out. An attempt counts as a failure from its beginning until it is
//! proven right, so attempts that race each other get no more tries than attempts in a row.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::net::IpAddr;
use std::time::Duration;

use postern_model::Timestamp;
use postern_model::record::FailedLogins;

/// How many failures, and what then (`POSTERN_FAILED_LOGIN_*`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figures {
    /// A full bucket drains in this time, after a tenth of it without a failure.
    pub window: Duration,
    /// Failures of one source with one account that shut the pair.
    pub pair_limit: u32,
    /// How long a pair stays shut.
    pub pair_lock: Duration,
    /// Failures of one source with any accounts that shut the source.
    pub source_limit: u32,
    /// How long a source stays shut.
    pub source_lock: Duration,
    /// Failures of one account from anywhere from which on strangers wait longer.
    pub account_limit: u32,
    /// How long the answer to the second attempt of a pair waits; doubles with each failure.
    pub delay: Duration,
    /// The longest that an answer waits.
    pub delay_max: Duration,
    /// From sources that an account logged in from in this time, it is no stranger.
    pub known_for: Duration,
    /// Counters that are kept at most; those that changed longest ago go first.
    pub counters: u32,
}

impl Default for Figures {
    fn default() -> Figures {
        let minutes = |n: u64| Duration::from_secs(n * 60);
        Figures {
            window: minutes(15),
            pair_limit: 10,
            pair_lock: minutes(15),
            source_limit: 100,
            source_lock: minutes(15),
            account_limit: 20,
            delay: Duration::from_secs(1),
            delay_max: Duration::from_secs(15),
            known_for: minutes(60 * 24 * 90),
            counters: 100_000,
        }
    }
}

/// Where an attempt comes from: an IPv4 address, or the /64 of an IPv6 address, of which one client has all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Source([u8; 8]);

impl From<IpAddr> for Source {
    fn from(ip: IpAddr) -> Source {
        let mut prefix = [0; 8];
        match ip.to_canonical() {
            // ::/16 is nobody's, so a /32 inside it can't be mistaken for a /64.
            IpAddr::V4(v4) => prefix[4..].copy_from_slice(&v4.octets()),
            IpAddr::V6(v6) => prefix.copy_from_slice(&v6.octets()[..8]),
        }
        Source(prefix)
    }
}

/// An account's name, or a name that no account has, as a digest: names of both kinds are counted alike (SPEC I2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NameDigest(pub [u8; 16]);

/// What a counter counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Counter {
    /// Failures of a source with an account.
    Pair(Source, NameDigest),
    /// Failures of a source with any account.
    Source(Source),
    /// Failures of an account from any source.
    Account(NameDigest),
    /// No failures: the account logged in from here; `at` says when last.
    Known(Source, NameDigest),
}

impl Counter {
    /// The counter as a key for the store: its kind and what it counts.
    pub fn to_bytes(self) -> Vec<u8> {
        match self {
            Counter::Pair(source, name) => [&[1][..], &source.0, &name.0].concat(),
            Counter::Source(source) => [&[2][..], &source.0].concat(),
            Counter::Account(name) => [&[3][..], &name.0].concat(),
            Counter::Known(source, name) => [&[4][..], &source.0, &name.0].concat(),
        }
    }

    /// Reads [`Counter::to_bytes`]; `None` where it is none.
    pub fn from_bytes(bytes: &[u8]) -> Option<Counter> {
        let (kind, rest) = bytes.split_first()?;
        let source = || rest.get(..8).and_then(|b| b.try_into().ok()).map(Source);
        let name = |at: usize| rest.get(at..).and_then(|b| b.try_into().ok()).map(NameDigest);
        match kind {
            1 => Some(Counter::Pair(source()?, name(8)?)),
            2 if rest.len() == 8 => Some(Counter::Source(source()?)),
            3 => Some(Counter::Account(name(0)?)),
            4 => Some(Counter::Known(source()?, name(8)?)),
            _ => None,
        }
    }
}

/// Whether an attempt may be made.
#[derive(Debug, PartialEq, Eq)]
pub enum Begin {
    /// Yes. It counts as a failure until [`Lockout::finish`] is told better.
    Go {
        /// To be given back to [`Lockout::finish`].
        attempt: Attempt,
        /// The answer, right or wrong, is to be held back this long.
        delay: Duration,
    },
    /// No: shut, for this long.
    Locked {
        /// When the next attempt is looked at.
        retry_after: Duration,
    },
    /// Not yet: attempts under way may fill the bucket. To be asked again when one of them has ended.
    Full,
}

/// An attempt under way.
#[derive(Debug, PartialEq, Eq)]
pub struct Attempt {
    source: Source,
    name: NameDigest,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The password was right.
    Right,
    /// It was wrong, or nobody knows.
    Wrong,
    /// It was never looked at.
    Untried,
}

/// The counters.
#[derive(Debug)]
pub struct Lockout {
    figures: Figures,
    buckets: HashMap<Counter, Bucket>,
    /// Attempts under way; those of accounts are not limited, so not counted.
    under_way: HashMap<Counter, u32>,
    changed: HashSet<Counter>,
}

/// Failures in thousandths, as they were at a time.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    score: u32,
    at: Timestamp,
    locked_until: Option<Timestamp>,
}

/// One failure.
const ONE: u32 = 1000;

impl Lockout {
    /// No failures yet.
    pub fn new(figures: Figures) -> Lockout {
        Lockout { figures, buckets: HashMap::new(), under_way: HashMap::new(), changed: HashSet::new() }
    }

    /// Takes back what an earlier process saved.
    pub fn restore(&mut self, counter: Counter, saved: FailedLogins) {
        let FailedLogins { score, at, locked_until } = saved;
        self.buckets.insert(counter, Bucket { score, at, locked_until });
    }

    /// An attempt begins.
    pub fn begin(&mut self, source: Source, name: NameDigest, now: Timestamp) -> Begin {
        let limited = self.limited(source, name);
        let locked = limited.iter().filter_map(|(counter, _)| self.buckets.get(counter)?.locked_until);
        let retry_after = locked.map(|until| until.since(now)).max().unwrap_or_default();
        if !retry_after.is_zero() {
            return Begin::Locked { retry_after };
        }
        let full = limited.iter().any(|(counter, limit)| {
            let under_way = self.under_way.get(counter).copied().unwrap_or(0);
            self.score(*counter, now).saturating_add(under_way.saturating_mul(ONE))
                >= limit.saturating_mul(ONE)
        });
        if full {
            return Begin::Full;
        }
        let delay = self.delay(source, name, now);
        for (counter, _) in limited {
            *self.under_way.entry(counter).or_default() += 1;
        }
        Begin::Go { attempt: Attempt { source, name }, delay }
    }

    /// An attempt has ended.
    pub fn finish(&mut self, attempt: Attempt, outcome: Outcome, now: Timestamp) {
        let Attempt { source, name } = attempt;
        for (counter, _) in self.limited(source, name) {
            if let Some(count) = self.under_way.get_mut(&counter) {
                *count -= 1;
                if *count == 0 {
                    self.under_way.remove(&counter);
                }
            }
        }
        match outcome {
            Outcome::Untried => {}
            Outcome::Right => self.right(source, name, now),
            Outcome::Wrong => self.wrong(source, name, now),
        }
    }

    /// What has changed since the last call, to be saved; `None` is to be removed.
    pub fn take_changed(&mut self) -> Vec<(Counter, Option<FailedLogins>)> {
        let changed = std::mem::take(&mut self.changed);
        let record = |bucket: &Bucket| FailedLogins {
            score: bucket.score,
            at: bucket.at,
            locked_until: bucket.locked_until,
        };
        changed.into_iter().map(|counter| (counter, self.buckets.get(&counter).map(record))).collect()
    }

    fn limited(&self, source: Source, name: NameDigest) -> [(Counter, u32); 2] {
        [
            (Counter::Pair(source, name), self.figures.pair_limit),
            (Counter::Source(source), self.figures.source_limit),
        ]
    }

    fn right(&mut self, source: Source, name: NameDigest, now: Timestamp) {
        let pair = Counter::Pair(source, name);
        if self.buckets.remove(&pair).is_some() {
            self.changed.insert(pair);
        }
        let known = Counter::Known(source, name);
        // A program that logs in every minute need not be written down every minute.
        let fresh = self.buckets.get(&known).is_some_and(|b| now.since(b.at) < self.figures.known_for / 90);
        if !fresh {
            self.put(known, Bucket { score: 0, at: now, locked_until: None }, now);
        }
    }

    fn wrong(&mut self, source: Source, name: NameDigest, now: Timestamp) {
        let locks = [self.figures.pair_lock, self.figures.source_lock];
        for ((counter, limit), lock) in self.limited(source, name).into_iter().zip(locks) {
            let score = self.score(counter, now).saturating_add(ONE);
            let full = score >= limit.saturating_mul(ONE);
            // A lock is the whole answer to a full bucket: behind it the count begins anew.
            let bucket = if full {
                Bucket { score: 0, at: now, locked_until: Some(now.plus(lock)) }
            } else {
                Bucket { score, at: now, locked_until: self.locked_until(counter, now) }
            };
            self.put(counter, bucket, now);
        }
        let account = Counter::Account(name);
        let most = self.figures.account_limit.saturating_mul(ONE).saturating_mul(2);
        let score = self.score(account, now).saturating_add(ONE).min(most);
        self.put(account, Bucket { score, at: now, locked_until: None }, now);
    }

    fn locked_until(&self, counter: Counter, now: Timestamp) -> Option<Timestamp> {
        self.buckets.get(&counter)?.locked_until.filter(|until| *until > now)
    }

    /// What still counts, in thousandths of a failure.
    fn score(&self, counter: Counter, now: Timestamp) -> u32 {
        let Some(bucket) = self.buckets.get(&counter) else { return 0 };
        let limit = match counter {
            Counter::Pair(..) => self.figures.pair_limit,
            Counter::Source(_) => self.figures.source_limit,
            Counter::Account(_) => self.figures.account_limit,
            Counter::Known(..) => return 0,
        };
        let window = self.figures.window.as_micros().max(1);
        let quiet = now.since(bucket.at).as_micros().saturating_sub(window / 10);
        let drained = quiet.saturating_mul(u128::from(limit) * u128::from(ONE)) / window;
        bucket.score.saturating_sub(u32::try_from(drained).unwrap_or(u32::MAX))
    }

    /// How long the answer waits, by what failed before: the pair, the source behind half of its limit, and the account
    /// where a stranger asks.
    fn delay(&self, source: Source, name: NameDigest, now: Timestamp) -> Duration {
        let pair = self.score(Counter::Pair(source, name), now).div_ceil(ONE);
        let source_score = self.score(Counter::Source(source), now).div_ceil(ONE);
        let source_excess = source_score.saturating_sub(self.figures.source_limit / 2);
        let account = match self.is_known(source, name, now) {
            true => 0,
            false => (self.score(Counter::Account(name), now).div_ceil(ONE) + 1)
                .saturating_sub(self.figures.account_limit),
        };
        self.doubled(pair.max(source_excess).max(account))
    }

    fn doubled(&self, failures: u32) -> Duration {
        match failures.checked_sub(1) {
            None => Duration::ZERO,
            Some(n) => self.figures.delay.saturating_mul(1 << n.min(20)).min(self.figures.delay_max),
        }
    }

    fn is_known(&self, source: Source, name: NameDigest, now: Timestamp) -> bool {
        let known = self.buckets.get(&Counter::Known(source, name));
        known.is_some_and(|bucket| now.since(bucket.at) < self.figures.known_for)
    }

    fn put(&mut self, counter: Counter, bucket: Bucket, now: Timestamp) {
        self.buckets.insert(counter, bucket);
        self.changed.insert(counter);
        if self.buckets.len() > self.figures.counters as usize {
            self.make_room(now);
        }
    }

    /// Drops what has expired, and where that is not enough, what changed longest ago: an eighth at once, so that the
    /// work is spread over many insertions.
    fn make_room(&mut self, now: Timestamp) {
        let expired: Vec<Counter> =
            self.buckets.keys().copied().filter(|counter| self.has_expired(*counter, now)).collect();
        self.forget(&expired);
        let most = self.figures.counters as usize;
        let goal = most - most / 8;
        let surplus = self.buckets.len().saturating_sub(goal);
        if self.buckets.len() <= most || surplus == 0 {
            return;
        }
        // What is locked stays longest: it sorts by the end of its lock.
        let mut by_age: Vec<(Timestamp, Counter)> =
            self.buckets.iter().map(|(c, b)| (b.locked_until.unwrap_or(b.at), *c)).collect();
        by_age.select_nth_unstable_by_key(surplus - 1, |(age, _)| *age);
        let oldest: Vec<Counter> = by_age[..surplus].iter().map(|(_, counter)| *counter).collect();
        self.forget(&oldest);
    }

    fn has_expired(&self, counter: Counter, now: Timestamp) -> bool {
        match (counter, self.buckets.get(&counter)) {
            (Counter::Known(..), Some(bucket)) => now.since(bucket.at) >= self.figures.known_for,
            _ => self.score(counter, now) == 0 && self.locked_until(counter, now).is_none(),
        }
    }

    fn forget(&mut self, counters: &[Counter]) {
        for counter in counters {
            self.buckets.remove(counter);
            self.changed.insert(*counter);
        }
    }
}

#[cfg(test)]
mod tests;
