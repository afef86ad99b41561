//! Which consignment goes next. All of the queue that has to be in memory: some 65 octets for each consignment.
//!
//! ```text
//!            add ──> Waiting ──(due)──> Ready ──next_of──> Out ──done──> Waiting, Ready, Held or gone
//!                       └──(its deadline)──> Overdue ──overdue──> Out
//! ```
//!
//! Whoever has a consignment's [`Ticket`] has the sole right to its record until [`Schedule::done`].

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use postern_model::record::Attempt;
use postern_model::{Domain, QueueId, Timestamp};

use super::Figures;
use super::destination::{Class, Destination};
use super::slot::{After, Claim, Entry, Given, Slot, State, Ticket, Trip};

/// Letters that a trip carries where other destinations wait for its connection.
const TURN: u32 = 50;

/// Letters that may go and don't get to it are looked through for deadlines this often at most.
const SWEEP: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, Debug)]
pub(super) struct Journey {
    pub(super) destination: u32,
    pub(super) class: Class,
    pub(super) carried: u32,
}

/// All consignments, and what is known of their destinations.
#[derive(Debug)]
pub struct Schedule {
    pub(super) figures: Figures,
    pub(super) slots: Vec<Slot>,
    pub(super) free: Vec<u32>,
    /// Waiting ones, by the time when they become something else.
    pub(super) waiting: BTreeSet<(i64, u32)>,
    pub(super) overdue: VecDeque<u32>,
    pub(super) names: HashMap<Arc<Domain>, u32>,
    pub(super) destinations: Vec<Option<Destination>>,
    pub(super) free_destinations: Vec<u32>,
    /// Destinations that are left alone, until then.
    pub(super) shut: BTreeSet<(i64, u32)>,
    /// Destinations that may want a trip, in turn, each kind by itself.
    pub(super) rotations: [VecDeque<u32>; 3],
    /// Whose turn is next.
    pub(super) kind: usize,
    pub(super) trips: HashMap<Trip, Journey>,
    pub(super) last_trip: u64,
    /// The first deadline among those that may go, and when these were looked through last.
    pub(super) soonest: i64,
    pub(super) swept: Timestamp,
}

impl Schedule {
    /// An empty one.
    pub fn new(figures: Figures) -> Schedule {
        Schedule {
            figures,
            slots: Vec::new(),
            free: Vec::new(),
            waiting: BTreeSet::new(),
            overdue: VecDeque::new(),
            names: HashMap::new(),
            destinations: Vec::new(),
            free_destinations: Vec::new(),
            shut: BTreeSet::new(),
            rotations: Default::default(),
            kind: 0,
            trips: HashMap::new(),
            last_trip: 0,
            soonest: i64::MAX,
            swept: Timestamp(i64::MIN),
        }
    }

    /// Consignments in it.
    pub fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Trips under way.
    pub fn trips(&self) -> usize {
        self.trips.len()
    }

    /// Takes a consignment in.
    pub fn add(&mut self, domain: &Domain, entry: Entry, now: Timestamp) {
        let destination = self.destination(domain);
        let slot = Slot {
            letter: entry.id.letter.0,
            sender: entry.sender.map_or(0, |account| account.0),
            next: entry.next.0,
            deadline: entry.deadline.0,
            destination,
            envelope: entry.id.envelope,
            priority: entry.priority,
            state: State::Held,
            was_held: entry.held,
        };
        let at = match self.free.pop() {
            Some(at) => {
                self.slots[at as usize] = slot;
                at
            }
            None => {
                self.slots.push(slot);
                u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
            }
        };
        if let Some(destination) = &mut self.destinations[destination as usize] {
            destination.consignments += 1;
        }
        if !entry.held {
            self.place(at, now);
        }
    }

    /// Brings about what the time has come for.
    pub fn wake(&mut self, now: Timestamp) {
        while let Some((at, slot)) = self.waiting.first().copied().filter(|(at, _)| *at <= now.0) {
            self.waiting.remove(&(at, slot));
            self.place(slot, now);
        }
        while let Some((at, destination)) = self.shut.first().copied().filter(|(at, _)| *at <= now.0) {
            self.shut.remove(&(at, destination));
            self.rotate(destination);
            self.tidy(destination, now);
        }
        if self.sweeps_at() <= now {
            self.sweep(now);
        }
    }

    /// When [`Schedule::wake`] is to be called next.
    pub fn next_wake(&self) -> Timestamp {
        let first =
            |set: &BTreeSet<(i64, u32)>| set.first().map_or(Timestamp::NEVER, |(at, _)| Timestamp(*at));
        first(&self.waiting).min(first(&self.shut)).min(self.sweeps_at())
    }

    /// The next consignment for a trip to carry; `None` where it is to come home.
    pub fn next_of(&mut self, trip: Trip, now: Timestamp) -> Option<Given> {
        let journey = *self.trips.get(&trip)?;
        let destination = self.destinations[journey.destination as usize].as_ref()?;
        let turn_is_over = journey.carried >= TURN && self.others_wait();
        if turn_is_over || destination.calls_back(&self.figures, now) {
            return None;
        }
        while let Some(slot) = self.destinations[journey.destination as usize].as_mut()?.ready.pop() {
            if self.slots[slot as usize].deadline <= now.0 {
                self.expire(slot);
                continue;
            }
            if let Some(journey) = self.trips.get_mut(&trip) {
                journey.carried += 1;
            }
            return self.give(slot);
        }
        None
    }

    /// The next consignment whose deadline has passed.
    pub fn overdue(&mut self) -> Option<Given> {
        let slot = self.overdue.pop_front()?;
        self.give(slot)
    }

    /// Consignments whose deadline has passed and that nobody has the right to.
    pub fn overdue_count(&self) -> usize {
        self.overdue.len()
    }

    /// Why a domain's servers could not be reached, where they couldn't.
    pub fn trouble(&self, domain: &Domain) -> Option<&Attempt> {
        let index = *self.names.get(domain)?;
        self.destinations[index as usize].as_ref()?.trouble.as_deref()
    }

    /// Gives the right to a consignment back.
    pub fn done(&mut self, ticket: Ticket, after: After, now: Timestamp) {
        let Some(slot) = self.slots.get_mut(ticket.0 as usize).filter(|slot| slot.state == State::Out) else {
            return;
        };
        match after {
            After::Gone => return self.free(ticket.0, now),
            After::Held => slot.was_held = true,
            After::Waits { next, deadline } => {
                (slot.next, slot.deadline, slot.was_held) = (next.0, deadline.0, false);
            }
            After::AsBefore => {}
        }
        match slot.was_held {
            true => slot.state = State::Held,
            false => self.place(ticket.0, now),
        }
    }

    /// Gives the right to a consignment back that nothing came of: it is looked at again at `until`.
    pub fn put_off(&mut self, ticket: Ticket, until: Timestamp, now: Timestamp) {
        if let Some(slot) = self.slots.get_mut(ticket.0 as usize).filter(|slot| slot.state == State::Out) {
            (slot.next, slot.deadline) = (slot.next.max(until.0), slot.deadline.max(until.0));
            self.done(ticket, After::AsBefore, now);
        }
    }

    /// Rights to up to `limit` consignments that `wanted` names, from the place `from` on (0 at first).
    pub fn claim(
        &mut self,
        from: u32,
        limit: usize,
        mut wanted: impl FnMut(QueueId, &Domain) -> bool,
    ) -> Claim {
        let mut claim = Claim::default();
        for at in from..u32::try_from(self.slots.len()).unwrap_or(u32::MAX) {
            let slot = self.slots[at as usize];
            let destination = self.destinations.get(slot.destination as usize).and_then(Option::as_ref);
            let Some(destination) = destination.filter(|_| slot.state != State::Free) else { continue };
            if !wanted(slot.id(), &destination.domain) {
                continue;
            }
            if slot.state == State::Out {
                claim.busy += 1;
                continue;
            }
            if claim.given.len() == limit {
                claim.then = Some(at);
                break;
            }
            self.withdraw(at);
            claim.given.extend(self.give(at));
        }
        claim
    }

    /// Puts a consignment where it belongs by the clock.
    fn place(&mut self, at: u32, now: Timestamp) {
        let slot = &mut self.slots[at as usize];
        let wakes = slot.next.min(slot.deadline);
        if wakes > now.0 {
            slot.state = State::Waiting;
            self.waiting.insert((wakes, at));
        } else if slot.deadline <= now.0 {
            self.expire(at);
        } else {
            slot.state = State::Ready;
            self.soonest = self.soonest.min(slot.deadline);
            let (sender, key, index) = (slot.sender, slot.key(), slot.destination);
            if let Some(destination) = &mut self.destinations[index as usize] {
                destination.ready.push(sender, key, at);
            }
            self.rotate(index);
        }
    }

    fn expire(&mut self, at: u32) {
        self.slots[at as usize].state = State::Overdue;
        self.overdue.push_back(at);
    }

    /// Takes a consignment out of whatever index it is in.
    fn withdraw(&mut self, at: u32) {
        let slot = self.slots[at as usize];
        match slot.state {
            State::Waiting => {
                self.waiting.remove(&(slot.next.min(slot.deadline), at));
            }
            State::Ready => {
                if let Some(destination) = &mut self.destinations[slot.destination as usize] {
                    destination.ready.remove(slot.sender, slot.key(), at);
                }
            }
            State::Overdue => self.overdue.retain(|other| *other != at),
            State::Free | State::Held | State::Out => {}
        }
    }

    fn give(&mut self, at: u32) -> Option<Given> {
        let slot = &mut self.slots[at as usize];
        // Destinations stay while they have consignments.
        let destination = self.destinations[slot.destination as usize].as_ref()?;
        slot.state = State::Out;
        Some(Given { ticket: Ticket(at), id: slot.id(), domain: Arc::clone(&destination.domain) })
    }

    fn free(&mut self, at: u32, now: Timestamp) {
        let slot = &mut self.slots[at as usize];
        slot.state = State::Free;
        let index = slot.destination;
        self.free.push(at);
        if let Some(destination) = &mut self.destinations[index as usize] {
            destination.consignments -= 1;
        }
        self.tidy(index, now);
        if self.is_empty() {
            // What a large queue took is given back.
            (self.slots, self.free) = (Vec::new(), Vec::new());
        }
    }

    fn sweeps_at(&self) -> Timestamp {
        if self.soonest == i64::MAX {
            return Timestamp::NEVER;
        }
        Timestamp(self.soonest).max(self.swept.plus(SWEEP))
    }

    /// Finds those that may go, don't get to it, and have come to their deadline.
    fn sweep(&mut self, now: Timestamp) {
        (self.swept, self.soonest) = (now, i64::MAX);
        for at in 0..u32::try_from(self.slots.len()).unwrap_or(u32::MAX) {
            let slot = self.slots[at as usize];
            if slot.state != State::Ready {
                continue;
            }
            if slot.deadline <= now.0 {
                self.withdraw(at);
                self.expire(at);
            } else {
                self.soonest = self.soonest.min(slot.deadline);
            }
        }
    }
}
