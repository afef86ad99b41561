//! How many letters may be sent (SPEC Q1-Q3): sliding windows over the times at which letters were counted.
//!
//! A window of `limit` letters in `span` is full while the `limit`-th last letter is less than `span` ago, so one look
//! at one time answers, however large the window is. A letter that is under way holds a reservation from MAIL FROM on
//! and is counted at its final 250; a reservation that comes to nothing is given back.

use std::collections::VecDeque;
use std::time::Duration;

use postern_model::Timestamp;
use postern_model::record::SendingLock;

use crate::Refusal;

/// What a plan lets its accounts send (SPEC Q1, Q2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figures {
    /// Letters in any 60 seconds; `None`: any number.
    pub per_minute: Option<u32>,
    /// Letters in any 60 minutes.
    pub per_hour: Option<u32>,
    /// Letters in any 24 hours.
    pub per_day: Option<u32>,
    /// Recipients of one letter.
    pub recipients: u32,
}

impl Figures {
    /// SPEC's figures of the plan `free`.
    pub const FREE: Figures =
        Figures { per_minute: Some(5), per_hour: Some(15), per_day: None, recipients: 100 };

    /// The windows that limit something, the shortest first.
    pub fn windows(&self) -> impl Iterator<Item = Window> + '_ {
        let of = |limit: Option<u32>, seconds| {
            limit.map(|limit| Window { limit, span: Duration::from_secs(seconds) })
        };
        [of(self.per_minute, 60), of(self.per_hour, 3600), of(self.per_day, 86_400)].into_iter().flatten()
    }

    /// Letters whose times have to be known: the largest limit.
    pub fn most(&self) -> u32 {
        self.windows().map(|window| window.limit).max().unwrap_or(0)
    }
}

/// One limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// So many letters
    pub limit: u32,
    /// in any stretch of this length.
    pub span: Duration,
}

/// May one more letter go now? `counted(n)` is the time of the n-th last letter that was counted (1: the last), or
/// `None` where there were fewer; `reserved` letters are under way and count as now (SPEC Q2).
///
/// # Errors
/// [`Refusal::SendLimit`] of the window that opens last.
pub fn check(
    figures: &Figures,
    reserved: u32,
    counted: impl Fn(u32) -> Option<Timestamp>,
    now: Timestamp,
) -> Result<(), Refusal> {
    let full = |window: Window| Some((window, wait(window, reserved, &counted, now)?));
    match figures.windows().filter_map(full).max_by_key(|(_, retry_after)| *retry_after) {
        Some((Window { limit, span }, retry_after)) => {
            Err(Refusal::SendLimit { limit, window: span, retry_after })
        }
        None => Ok(()),
    }
}

/// How long it is until `window` has room; `None`: it has.
fn wait(
    window: Window,
    reserved: u32,
    counted: impl Fn(u32) -> Option<Timestamp>,
    now: Timestamp,
) -> Option<Duration> {
    let Window { limit, span } = window;
    if reserved >= limit {
        // Reservations count as now; they may also be given back sooner, but nobody can promise that.
        return Some(span);
    }
    let elapsed = now.since(counted(limit - reserved)?);
    span.checked_sub(elapsed).filter(|left| !left.is_zero())
}

/// When the last letters were counted, in order, as many as the largest window has to know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counted(VecDeque<Timestamp>);

impl Counted {
    /// From stored times, the latest letter last. A letter can't have been counted after one that followed it: where a
    /// clock that was put back says so, the earlier time holds.
    pub fn load(stored: impl IntoIterator<Item = Timestamp>) -> Counted {
        let mut times: VecDeque<Timestamp> = stored.into_iter().collect();
        let mut following = Timestamp::NEVER;
        for time in times.iter_mut().rev() {
            following = following.min(*time);
            *time = following;
        }
        Counted(times)
    }

    /// Times in the future are now from now on (SPEC Q2): to be called before each [`check`], so that a clock that was
    /// put back keeps nobody waiting for longer than a window.
    pub fn settle(&mut self, now: Timestamp) {
        for time in self.0.iter_mut().rev().take_while(|time| **time > now) {
            *time = now;
        }
    }

    /// One more letter was accepted, at the instant of its final 250 (SPEC Q2).
    pub fn count(&mut self, figures: &Figures, now: Timestamp) {
        self.settle(now);
        self.0.push_back(now);
        let surplus = self.0.len().saturating_sub(usize::try_from(figures.most()).unwrap_or(usize::MAX));
        self.0.drain(..surplus);
    }

    /// The time of the `n`-th last letter (1: the last); `None` where there were fewer.
    pub fn last(&self, n: u32) -> Option<Timestamp> {
        let index = self.0.len().checked_sub(usize::try_from(n).ok()?)?;
        self.0.get(index).copied()
    }

    /// Letters in `window` as it stands now, for `account show`.
    pub fn used(&self, window: Window, now: Timestamp) -> u32 {
        let outside = self.0.partition_point(|time| now.since(*time) >= window.span);
        u32::try_from(self.0.len() - outside).unwrap_or(u32::MAX)
    }
}

/// Whether a lock stands (SPEC Q4, Q5).
///
/// # Errors
/// [`Refusal::SendingLocked`].
pub fn locked(lock: Option<&SendingLock>, now: Timestamp) -> Result<(), Refusal> {
    match lock {
        Some(lock) if lock.until.is_none_or(|until| now < until) => {
            Err(Refusal::SendingLocked { reason: lock.reason, text: lock.text.clone(), until: lock.until })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
