//! A filter that fails is left alone for a while, so that not every letter waits for it in vain; and it is counted which
//! letters went past it (SPEC D5).

use std::time::{Duration, Instant};

/// Failures in a row after which a filter is left alone: one alone may be the letter's doing.
const FAILURES: u32 = 3;
/// For how long; then one letter tries it.
const PAUSE: Duration = Duration::from_secs(10);
/// Between two lines in the log.
const QUIET: Duration = Duration::from_secs(60);

/// What is known of a filter's health.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    /// Failures since it answered last.
    failures: u32,
    /// When it is tried again.
    rests_until: Option<Instant>,
    /// Letters that went past it and are not in the log yet.
    untold: u64,
    told: Option<Instant>,
}

impl Breaker {
    /// Whether a letter may be shown to the filter. Of all that come while it rests, one may when the rest is over.
    pub(super) fn lets(&mut self, now: Instant) -> bool {
        match self.rests_until {
            Some(until) if now < until => false,
            Some(_) => {
                self.rests_until = Some(now + PAUSE);
                true
            }
            None => true,
        }
    }

    /// It answered; returns how many letters went past it meanwhile and are in no line of the log, where it had failed.
    pub(super) fn answered(&mut self) -> Option<u64> {
        let failed = self.failures > 0;
        let untold = std::mem::take(&mut self.untold);
        *self = Breaker { told: self.told, ..Breaker::default() };
        failed.then_some(untold)
    }

    /// It failed.
    pub(super) fn failed(&mut self, now: Instant) {
        self.failures = self.failures.saturating_add(1);
        if self.failures >= FAILURES {
            self.rests_until = Some(now + PAUSE);
        }
    }

    /// A letter went past it; returns how many did since the log was told, where it is to be told again.
    pub(super) fn passed(&mut self, now: Instant) -> Option<u64> {
        self.untold += 1;
        if self.told.is_some_and(|told| now.saturating_duration_since(told) < QUIET) {
            return None;
        }
        self.told = Some(now);
        Some(std::mem::take(&mut self.untold))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_rests_after_three_failures_and_one_letter_tries_it_then() {
        let (mut breaker, start) = (Breaker::default(), Instant::now());
        for _ in 0..FAILURES {
            assert!(breaker.lets(start));
            breaker.failed(start);
        }
        assert!(!breaker.lets(start + PAUSE - Duration::from_millis(1)));
        let later = start + PAUSE;
        assert!(breaker.lets(later), "one tries");
        assert!(!breaker.lets(later), "the others go past it meanwhile");
        breaker.failed(later);
        assert!(!breaker.lets(later + PAUSE / 2));
        assert!(breaker.lets(later + PAUSE));
        breaker.answered();
        assert!(breaker.lets(later + PAUSE) && breaker.lets(later + PAUSE));
    }

    #[test]
    fn failures_between_answers_do_not_add_up() {
        let (mut breaker, now) = (Breaker::default(), Instant::now());
        for _ in 0..10 {
            breaker.failed(now);
            assert!(breaker.lets(now));
            breaker.answered();
        }
    }

    #[test]
    fn the_log_is_told_once_a_minute_and_nothing_is_lost_from_the_count() {
        let (mut breaker, start) = (Breaker::default(), Instant::now());
        breaker.failed(start);
        assert_eq!(breaker.passed(start), Some(1));
        for _ in 0..5 {
            assert_eq!(breaker.passed(start + QUIET / 2), None);
        }
        assert_eq!(breaker.passed(start + QUIET), Some(6));
        assert_eq!(breaker.passed(start + QUIET), None);
        assert_eq!(breaker.answered(), Some(1));
        assert_eq!(breaker.answered(), None, "it had not failed since");
    }
}
