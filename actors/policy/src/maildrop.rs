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

/// May the maildrop be opened now? [`checked`] is to follow where it is.
///
/// # Errors
/// [`Refusal::InUse`] while a holder that is not silent has it, [`Refusal::TooSoon`].
pub fn try_open(
    holder: Option<Holder>,
    checks: &Checks,
    figures: &Figures,
    now: Timestamp,
) -> Result<Opening, Refusal> {
    let _ = (holder, checks, figures, now);
    unimplemented!()
}

/// The mail was checked now. Times that lie in the future count as now from now on: a clock that was put back keeps
/// nobody out for longer than the interval.
pub fn checked(checks: &mut Checks, opening: Opening, figures: &Figures, now: Timestamp) {
    let _ = (checks, opening, figures, now);
    unimplemented!()
}

/// When mail may be checked next, for `account show`; `None`: now.
pub fn next_check(checks: &Checks, figures: &Figures, now: Timestamp) -> Option<Timestamp> {
    let _ = (checks, figures, now);
    unimplemented!()
}
