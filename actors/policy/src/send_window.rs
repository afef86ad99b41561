//! How many letters may be sent (SPEC Q1-Q3): sliding windows over the times at which letters were counted.

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
    pub const FREE: Figures = Figures { per_minute: Some(5), per_hour: Some(15), per_day: None, recipients: 100 };

    /// The windows that limit something, the shortest first.
    pub fn windows(&self) -> impl Iterator<Item = Window> + '_ {
        let of = |limit: Option<u32>, seconds| {
            limit.map(|limit| Window { limit, span: Duration::from_secs(seconds) })
        };
        [of(self.per_minute, 60), of(self.per_hour, 3600), of(self.per_day, 86_400)].into_iter().flatten()
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
    let _ = (figures, reserved, counted, now);
    unimplemented!()
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
