//! A consignment as the schedule holds it, and the rights to it.

use std::sync::Arc;
use std::time::Duration;

use postern_model::{AccountId, Domain, LetterId, QueueId, Timestamp};

/// By so much a step of MT-PRIORITY (RFC 6710) puts a letter before others: a bound on how long those may wait for it.
const STEP: Duration = Duration::from_secs(10 * 60);

/// A consignment as the schedule knows it.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Which letter.
    pub id: QueueId,
    /// Whose it is.
    pub sender: Option<AccountId>,
    /// MT-PRIORITY: -9 to 9.
    pub priority: i8,
    /// When it may be tried.
    pub next: Timestamp,
    /// When it has to be looked at in any case.
    pub deadline: Timestamp,
    /// It is not tried.
    pub held: bool,
}

/// The sole right to a consignment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ticket(pub(super) u32);

/// A trip under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Trip(pub(super) u64);

/// A trip that may set out.
#[derive(Clone, Debug)]
pub struct Outing {
    /// Its number.
    pub trip: Trip,
    /// Where to.
    pub domain: Arc<Domain>,
}

/// A consignment that somebody got the right to.
#[derive(Clone, Debug)]
pub struct Given {
    /// That right.
    pub ticket: Ticket,
    /// Which letter.
    pub id: QueueId,
    /// To which domain.
    pub domain: Arc<Domain>,
}

/// What becomes of a consignment when its right is given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// There is nothing left of it.
    Gone,
    /// It waits.
    Waits {
        /// Until it may be tried.
        next: Timestamp,
        /// Until it has to be looked at.
        deadline: Timestamp,
    },
    /// It is held.
    Held,
    /// It is as it was.
    AsBefore,
}

/// Consignments that somebody asked for.
#[derive(Debug, Default)]
pub struct Claim {
    /// The rights to them.
    pub given: Vec<Given>,
    /// So many were asked for that somebody else has the right to just now.
    pub busy: u32,
    /// Where to go on; `None` at the end.
    pub then: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Free,
    Waiting,
    Ready,
    Overdue,
    Held,
    Out,
}

/// 48 octets; its place in an index takes some 20 more.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    pub(super) letter: u64,
    pub(super) sender: u64,
    pub(super) next: i64,
    pub(super) deadline: i64,
    pub(super) destination: u32,
    pub(super) envelope: u16,
    pub(super) priority: i8,
    pub(super) state: State,
    pub(super) was_held: bool,
}

impl Slot {
    pub(super) fn id(&self) -> QueueId {
        QueueId { letter: LetterId(self.letter), envelope: self.envelope }
    }

    /// What letters of one sender are ordered by: by age, and a step of priority counts as so much of it. So nothing waits
    /// for ever.
    pub(super) fn key(&self) -> i64 {
        let step = i64::try_from(STEP.as_micros()).unwrap_or(i64::MAX);
        self.next.saturating_sub(i64::from(self.priority) * step)
    }
}
