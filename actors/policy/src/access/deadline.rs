//! What happens to an account by itself, and when (SPEC A2, A6, A9, A11, A15, Q4).
//!
//! For each thing that may happen there is at most one [`Due`]: its time follows from the standing alone. Doing what is
//! due makes events, the events make a new standing, and that has other things due; so a warning that was missed goes
//! out late and moves the closing, which is due `warn_before` after it.

use std::borrow::Cow;
use std::time::Duration;

use postern_model::record::{Actor, Event, GateState, Reason, Standing, Status, Warning, What};
use postern_model::{Protocol, Timestamp};

use super::{Asker, Closing, Figures, gate, set_status};
use crate::calendar::Span;
use crate::standing;

/// More than can be due of one account at one time: three openings, a lock's end, and warnings and what they warned of.
/// A bound for the case that something stayed due although it was done; it would be done again in the next look.
const ROUNDS: usize = 32;

/// Something that happens by itself.
#[derive(Clone, Copy, Debug)]
struct Due {
    at: Timestamp,
    act: Act,
}

/// What happens.
#[derive(Clone, Copy, Debug)]
enum Act {
    /// A gate opens (SPEC A2).
    Open(Protocol),
    /// The lock of sending ends (SPEC Q4).
    Unlock,
    /// The user is warned of what will happen then at the earliest (SPEC A11).
    Warn { of: Warning, acts_at: Timestamp },
    /// What was not used for too long lapses (SPEC A6, A9, A15).
    Lapse(Warning),
}

/// When [`on_deadline`] has something to do; `None`: never, unless something happens.
pub fn deadline(standing: &Standing, figures: &Figures) -> Option<Timestamp> {
    next(standing, figures, Closing::Goes).map(|due| due.at)
}

/// When [`on_deadline`] has something to do that the brake does not hold (SPEC A16).
pub fn deadline_while_held(standing: &Standing, figures: &Figures) -> Option<Timestamp> {
    next(standing, figures, Closing::Held).map(|due| due.at)
}

/// Does all that is due at `now`: gates open (A2), warnings go out (A11), gates close (A6, A15), the account becomes
/// inactive (A9), a lock ends (Q4). Nothing closes that was not warned of `warn_before` earlier, also where the server
/// was down meanwhile. Returns nothing where nothing is due.
pub fn on_deadline(standing: &Standing, figures: &Figures, closing: Closing, now: Timestamp) -> Vec<Event> {
    let mut standing = Cow::Borrowed(standing);
    let mut all = Vec::new();
    for _ in 0..ROUNDS {
        let Some(due) = next(&standing, figures, closing).filter(|due| due.at <= now) else { break };
        let events = perform(&standing, due.act, figures, now);
        events.iter().for_each(|event| standing::apply(standing.to_mut(), event));
        all.extend(events);
    }
    all
}

/// Whether events close something for want of use: what the brake counts (SPEC A16).
pub fn closes(events: &[Event]) -> bool {
    let closes = |event: &Event| {
        let by_itself = matches!(
            event.what,
            What::AccessClosed { reason: Some(Reason::Idle | Reason::Inactive), .. }
                | What::Status { status: Status::Inactive }
        );
        by_itself && event.by == Actor::Timer
    };
    events.iter().any(closes)
}

/// When a gate that stands open will close by itself if it is not used (SPEC A6, A15): for `account show`.
pub fn closes_at(standing: &Standing, protocol: Protocol, figures: &Figures) -> Option<Timestamp> {
    idle(standing, protocol, figures).map(|unused| unused.acts_at()).filter(|at| *at < Timestamp::NEVER)
}

/// What is due first; of several at one time, what lets in comes before what shuts out.
fn next(standing: &Standing, figures: &Figures, closing: Closing) -> Option<Due> {
    let opens =
        Protocol::ALL.into_iter().filter_map(|protocol| match gate(&standing.access, protocol).state {
            GateState::Pending { opens_at } => Some(Due { at: opens_at, act: Act::Open(protocol) }),
            _ => None,
        });
    let until = standing.lock.as_ref().and_then(|lock| lock.until);
    let unlock = until.map(|at| Due { at, act: Act::Unlock });
    let idle = Protocol::ALL.into_iter().filter_map(|protocol| idle(standing, protocol, figures));
    let unused = idle.chain(inactive(standing, figures)).map(|unused| unused.due());
    opens
        .chain(unlock)
        .chain(unused)
        .filter(|due| closing == Closing::Goes || !matches!(due.act, Act::Lapse(_))) // SPEC A16
        .filter(|due| due.at < Timestamp::NEVER)
        .min_by_key(|due| due.at)
}

/// Makes events of what is due.
fn perform(standing: &Standing, act: Act, figures: &Figures, now: Timestamp) -> Vec<Event> {
    let timer = Asker { by: Actor::Timer, from: None, now };
    let what = match act {
        Act::Open(protocol) => What::AccessOpened { protocol },
        Act::Unlock => What::SendingUnlocked,
        Act::Warn { of, acts_at } => What::Warned { of, acts_at: acts_at.max(now.plus(figures.warn_before)) },
        Act::Lapse(Warning::Idle(protocol)) => {
            What::AccessClosed { protocol, reason: Some(Reason::Idle), text: None }
        }
        Act::Lapse(Warning::Inactive) => return set_status(standing, Status::Inactive, timer),
    };
    vec![timer.event(what)]
}

/// Something that is not used, and what comes of it.
#[derive(Clone, Copy, Debug)]
struct Unused {
    what: Warning,
    /// Last use, or what counts as such.
    base: Timestamp,
    /// How long it may stay unused.
    limit: Span,
    /// When a warning went out last.
    warned: Option<Timestamp>,
    /// How long before it acts one has to.
    warn_before: Duration,
}

impl Unused {
    /// What is due next: the warning, and when one has gone out since the last use, the act itself.
    fn due(&self) -> Due {
        let end = self.limit.after(self.base);
        if self.warn_before.is_zero() || self.warning().is_some() || end == Timestamp::NEVER {
            return Due { at: self.acts_at(), act: Act::Lapse(self.what) };
        }
        let at = end.minus(self.warn_before).max(self.first_warning());
        Due { at, act: Act::Warn { of: self.what, acts_at: end } }
    }

    /// When it acts at the earliest (SPEC A11).
    fn acts_at(&self) -> Timestamp {
        let end = self.limit.after(self.base);
        if self.warn_before.is_zero() {
            return end;
        }
        let warning = self.warning().unwrap_or(end.minus(self.warn_before).max(self.first_warning()));
        end.max(warning.plus(self.warn_before))
    }

    /// The warning that holds: one from before the last use says nothing any more.
    fn warning(&self) -> Option<Timestamp> {
        self.warned.filter(|warned| *warned > self.base)
    }

    /// The earliest time at which a warning holds, where the limit is shorter than the notice of it.
    fn first_warning(&self) -> Timestamp {
        self.base.plus(Duration::from_micros(1))
    }
}

/// A gate that stands open and has a limit of idleness (SPEC A6, A15); an account that is not active has none.
fn idle(standing: &Standing, protocol: Protocol, figures: &Figures) -> Option<Unused> {
    let (activity, access) = (&standing.activity, &standing.access);
    let also = activity.imap.filter(|_| figures.imap_keeps_pop3);
    let (limit, used, warned) = match protocol {
        Protocol::Pop3 => (figures.pop3_idle?, activity.pop3.max(also), access.warned.pop3),
        Protocol::Imap => (figures.imap_idle?, activity.imap, access.warned.imap),
        Protocol::Smtp => return None,
    };
    let gate = gate(access, protocol);
    if gate.state != GateState::On || standing.status != Status::Active {
        return None;
    }
    let base = gate.since.max(standing.created).max(used.unwrap_or(standing.created));
    Some(Unused { what: Warning::Idle(protocol), base, limit, warned, warn_before: figures.warn_before })
}

/// An active account that nobody logs in to (SPEC A9).
fn inactive(standing: &Standing, figures: &Figures) -> Option<Unused> {
    let limit = figures.inactive_after.filter(|_| standing.status == Status::Active)?;
    let activity = &standing.activity;
    let login = if figures.web_logins_only { activity.web } else { activity.login };
    let base = standing.created.max(login.unwrap_or(standing.created));
    let warned = standing.access.warned.inactive;
    Some(Unused { what: Warning::Inactive, base, limit, warned, warn_before: figures.warn_before })
}
