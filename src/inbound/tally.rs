//! What goes wrong with checks, counted and told at most once a minute.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use postern_model::Timestamp;

/// How often failures are told.
const SILENCE: Duration = Duration::from_secs(60);

/// Since the server started.
#[derive(Debug, Default)]
pub(super) struct Tally {
    letters: AtomicU64,
    unanswered: AtomicU64,
    lists: AtomicU64,
    store: AtomicU64,
    told: AtomicI64,
}

/// What can fail without a letter being refused for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// The DNS did not answer a check.
    Check,
    /// A list of bad addresses did not answer.
    List,
    /// Something could not be read or kept.
    Store,
}

impl Tally {
    /// A letter was checked.
    pub(super) fn checked(&self) {
        self.letters.fetch_add(1, Ordering::Relaxed);
    }

    /// Something failed; tells it where a minute of silence has passed, and then returns true.
    pub(super) fn failed(&self, what: Failure, now: Timestamp) -> bool {
        let counter = match what {
            Failure::Check => &self.unanswered,
            Failure::List => &self.lists,
            Failure::Store => &self.store,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        let told = self.told.load(Ordering::Relaxed);
        let silent = told != 0 && now < Timestamp(told).plus(SILENCE) && now >= Timestamp(told);
        if silent || self.told.compare_exchange(told, now.0, Ordering::Relaxed, Ordering::Relaxed).is_err() {
            return false;
        }
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        tracing::warn!(
            checked = of(&self.letters),
            unanswered = of(&self.unanswered),
            lists_unanswered = of(&self.lists),
            store = of(&self.store),
            "checks of letters from elsewhere failed; figures are since the start"
        );
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_told_once_a_minute() {
        let tally = Tally::default();
        let at = |seconds: i64| Timestamp::from_seconds(1_000_000 + seconds);
        let told: Vec<bool> =
            [0, 1, 59, 60, 61, 120].map(|seconds| tally.failed(Failure::Check, at(seconds))).to_vec();
        assert_eq!(told, [true, false, false, true, false, true]);
        assert_eq!(tally.unanswered.load(Ordering::Relaxed), 6);
    }
}
