//! Time as an argument: a [`Timestamp`] is passed to whoever decides; only doors and actors ask a [`Clock`].

use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bincode::{Decode, Encode};

/// A point in time: microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The far end of time: what a deadline that never comes compares to.
    pub const NEVER: Timestamp = Timestamp(i64::MAX);

    /// Whole seconds since the epoch, rounded down.
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// From whole seconds since the epoch.
    pub fn from_seconds(seconds: i64) -> Timestamp {
        Timestamp(seconds.saturating_mul(1_000_000))
    }

    /// How long it is from `earlier` to here; zero where `earlier` is the later one.
    pub fn since(self, earlier: Timestamp) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// `self` and `duration` later; saturates at [`Timestamp::NEVER`].
    pub fn plus(self, duration: Duration) -> Timestamp {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        Timestamp(self.0.saturating_add(micros))
    }

    /// `duration` before `self`.
    pub fn minus(self, duration: Duration) -> Timestamp {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        Timestamp(self.0.saturating_sub(micros))
    }

    /// As RFC 3339 in UTC with whole seconds: `2026-03-01T10:00:00Z` (SPEC K).
    pub fn rfc3339(self) -> String {
        self.civil().map_or_else(|| self.0.to_string(), |t| t.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
    }

    /// As a date of a header field in UTC (RFC 5322 §3.3): `Sun, 1 Mar 2026 10:00:00 +0000`.
    pub fn rfc5322(self) -> String {
        self.civil()
            .map_or_else(|| self.0.to_string(), |t| t.strftime("%a, %-d %b %Y %H:%M:%S +0000").to_string())
    }

    /// As IMAP's `date-time` in UTC, without quotes (RFC 9051 §9): ` 1-Mar-2026 10:00:00 +0000`.
    pub fn rfc9051(self) -> String {
        self.civil().map_or_else(
            || " 1-Jan-1970 00:00:00 +0000".to_owned(),
            |t| t.strftime("%e-%b-%Y %H:%M:%S +0000").to_string(),
        )
    }

    /// Reads RFC 3339 (`2026-03-01T10:00:00Z`, with any offset).
    pub fn parse_rfc3339(text: &str) -> Option<Timestamp> {
        text.parse::<jiff::Timestamp>().ok().map(|t| Timestamp(t.as_microsecond()))
    }

    fn civil(self) -> Option<jiff::Zoned> {
        let instant = jiff::Timestamp::from_microsecond(self.0).ok()?;
        Some(instant.to_zoned(jiff::tz::TimeZone::UTC))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rfc3339())
    }
}

/// Where the time comes from.
pub trait Clock: Send + Sync + fmt::Debug {
    /// The time now.
    fn now(&self) -> Timestamp;

    /// The manual clock, where this is one (SPEC O6).
    fn manual(&self) -> Option<&ManualClock> {
        None
    }
}

/// The machine's clock.
#[derive(Debug, Default, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let micros = |d: Duration| i64::try_from(d.as_micros()).unwrap_or(i64::MAX);
        match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(after) => Timestamp(micros(after)),
            Err(before) => Timestamp(-micros(before.duration())),
        }
    }
}

type Listener = Box<dyn Fn(Timestamp) + Send + Sync>;

/// A clock that stands still until it is advanced (SPEC O6): months of policy in a minute.
pub struct ManualClock {
    now: AtomicI64,
    listeners: Mutex<Vec<Listener>>,
}

impl fmt::Debug for ManualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ManualClock({})", self.now())
    }
}

impl ManualClock {
    /// A clock that shows `start`.
    pub fn new(start: Timestamp) -> ManualClock {
        ManualClock { now: AtomicI64::new(start.0), listeners: Mutex::new(Vec::new()) }
    }

    /// Moves the clock on and tells everybody who waits for a time; returns the new time.
    pub fn advance(&self, by: Duration) -> Timestamp {
        let micros = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
        let old = self
            .now
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |now| Some(now.saturating_add(micros)))
            .unwrap_or_else(|now| now);
        let now = Timestamp(old.saturating_add(micros));
        for listener in self.listeners().iter() {
            listener(now);
        }
        now
    }

    /// Calls `listener` with the new time after every [`ManualClock::advance`].
    pub fn on_advance(&self, listener: impl Fn(Timestamp) + Send + Sync + 'static) {
        self.listeners().push(Box::new(listener));
    }

    fn listeners(&self) -> std::sync::MutexGuard<'_, Vec<Listener>> {
        self.listeners.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.now.load(Ordering::SeqCst))
    }

    fn manual(&self) -> Option<&ManualClock> {
        Some(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_as_the_rfcs_have_them() {
        let t = Timestamp::parse_rfc3339("2026-03-01T10:00:05Z").expect("a date");
        assert_eq!(t.rfc3339(), "2026-03-01T10:00:05Z");
        assert_eq!(t.rfc5322(), "Sun, 1 Mar 2026 10:00:05 +0000");
    }

    #[test]
    fn a_manual_clock_stands_still_until_it_is_advanced() {
        let clock = ManualClock::new(Timestamp::from_seconds(10));
        assert_eq!(clock.now(), clock.now());
        assert_eq!(clock.advance(Duration::from_secs(5)), Timestamp::from_seconds(15));
        assert_eq!(clock.now(), Timestamp::from_seconds(15));
    }

    #[test]
    fn a_span_to_the_past_is_zero() {
        let (early, late) = (Timestamp::from_seconds(1), Timestamp::from_seconds(3));
        assert_eq!(late.since(early), Duration::from_secs(2));
        assert_eq!(early.since(late), Duration::ZERO);
    }
}
