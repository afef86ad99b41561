//! Whether POP3 may open a mailbox (SPEC C1-C3), all in one answer: one session at a time, none that has died holds it
//! for long, and mail is checked so often and no oftener.

use std::time::Duration;

use postern_model::Timestamp;
use postern_model::record::Checks;

use crate::Refusal;

/// How often mail may be checked (SPEC C3), by plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figures {
    /// So far apart, as it is announced; zero: any time.
    pub interval: Duration,
    /// Checks in any interval.
    pub burst: u32,
    /// So much earlier is forgiven; never more than a tenth of the interval.
    pub grace: Duration,
    /// How long a session must be silent before it is taken over (SPEC C2).
    pub takeover_after: Duration,
}

/// The session that has the maildrop open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holder {
    /// When a byte last moved on its connection, either way.
    pub last_byte: Timestamp,
}

/// How a login gets the maildrop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// Nobody had it.
    Free,
    /// The holder was silent for too long: it loses the maildrop and deletes nothing.
    TakeOver,
}

/// Times that [`Checks::recent`] holds at most, and so the largest burst.
const REMEMBERED: usize = 16;

impl Figures {
    /// How far apart checks have to be: what is announced less the grace (SPEC C3).
    fn enforced(&self) -> Duration {
        self.interval.saturating_sub(self.grace.min(self.interval / 10))
    }

    /// Checks in any interval, as far as they are remembered.
    fn burst(&self) -> usize {
        usize::try_from(self.burst).unwrap_or(REMEMBERED).clamp(1, REMEMBERED)
    }
}

/// May the maildrop be opened now? [`settle`] goes before, [`checked`] is to follow where it is.
///
/// # Errors
/// [`Refusal::InUse`] while a holder that is not silent has it, [`Refusal::TooSoon`].
pub fn try_open(
    holder: Option<Holder>,
    checks: &Checks,
    figures: &Figures,
    now: Timestamp,
) -> Result<Opening, Refusal> {
    let opening = match holder {
        None => Opening::Free,
        // SPEC C2: departs knowingly from RFC 1939's ten minutes, for a correct login of the same user.
        Some(holder) if now.since(holder.last_byte) >= figures.takeover_after => Opening::TakeOver,
        Some(_) => return Err(Refusal::InUse),
    };
    match too_soon(checks, figures, now) {
        // SPEC C2: who lost a connection doesn't wait, once an interval; else not to quit would be a way round C3.
        Some(_) if opening == Opening::TakeOver && !taken_over_lately(checks, figures, now) => Ok(opening),
        Some(retry_after) => Err(Refusal::TooSoon { interval: figures.interval, retry_after }),
        None => Ok(opening),
    }
}

/// Times that lie in the future are now from now on: a clock that was put back keeps nobody out for longer than the
/// interval. To be called before [`try_open`]. True where something changed and is to be written (it may be lazily).
pub fn settle(checks: &mut Checks, now: Timestamp) -> bool {
    let mut changed = false;
    for time in checks.recent.iter_mut().chain(checks.taken_over.as_mut()).filter(|time| **time > now) {
        *time = now;
        changed = true;
    }
    changed
}

/// The mail was checked now: a login was answered with `+OK`, however its session will end (SPEC C3). Times that lie in
/// the future are now from now on, as [`settle`] has it.
pub fn checked(checks: &mut Checks, opening: Opening, figures: &Figures, now: Timestamp) {
    settle(checks, now);
    if opening == Opening::TakeOver && too_soon(checks, figures, now).is_some() {
        checks.taken_over = Some(now);
    }
    checks.recent.push(now);
    let surplus = checks.recent.len().saturating_sub(figures.burst());
    checks.recent.drain(..surplus);
}

/// When mail may be checked next, for `account show`; `None`: now.
pub fn next_check(checks: &Checks, figures: &Figures, now: Timestamp) -> Option<Timestamp> {
    too_soon(checks, figures, now).map(|retry_after| now.plus(retry_after))
}

/// How long it is until mail may be checked (SPEC C3); `None`: it may be. Times in the future count as now.
fn too_soon(checks: &Checks, figures: &Figures, now: Timestamp) -> Option<Duration> {
    let first_of_burst = checks.recent.iter().rev().nth(figures.burst() - 1)?;
    let left = figures.enforced().checked_sub(now.since(*first_of_burst))?;
    (!left.is_zero()).then_some(left)
}

/// Whether the interval's one take-over without waiting is used up (SPEC C2).
fn taken_over_lately(checks: &Checks, figures: &Figures, now: Timestamp) -> bool {
    checks.taken_over.is_some_and(|at| now.since(at) < figures.enforced())
}

#[cfg(test)]
mod tests;
