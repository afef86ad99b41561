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
use postern_model::{AccountId, Domain, QueueId, Timestamp};

use super::destination::{Class, Destination};
use super::{Figures, Health};

/// Letters that a trip carries where other destinations wait for its connection.
const TURN: u32 = 50;

/// By so much a step of MT-PRIORITY (RFC 6710) puts a letter before others: a bound on how long those may wait for it.
const STEP: Duration = Duration::from_secs(10 * 60);

/// Letters that may go and don't get to it are looked through for deadlines this often at most.
const SWEEP: Duration = Duration::from_secs(60);

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
pub struct Ticket(u32);

/// A trip under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Trip(u64);

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
enum State {
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
    letter: u64,
    sender: u64,
    next: i64,
    deadline: i64,
    destination: u32,
    envelope: u16,
    priority: i8,
    state: State,
    was_held: bool,
}

#[derive(Clone, Copy, Debug)]
struct Journey {
    destination: u32,
    class: Class,
    carried: u32,
}

/// All consignments, and what is known of their destinations.
#[derive(Debug)]
pub struct Schedule {
    figures: Figures,
    slots: Vec<Slot>,
    free: Vec<u32>,
    /// Waiting ones, by the time when they become something else.
    waiting: BTreeSet<(i64, u32)>,
    overdue: VecDeque<u32>,
    names: HashMap<Arc<Domain>, u32>,
    destinations: Vec<Option<Destination>>,
    free_destinations: Vec<u32>,
    /// Destinations that are left alone, until then.
    shut: BTreeSet<(i64, u32)>,
    /// Destinations that may want a trip, in turn, each kind by itself.
    rotations: [VecDeque<u32>; 3],
    /// Whose turn is next.
    kind: usize,
    trips: HashMap<Trip, Journey>,
    last_trip: u64,
    /// The first deadline among those that may go, and when these were looked through last.
    soonest: i64,
    swept: Timestamp,
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

    /// The next trip that may set out now.
    pub fn set_out(&mut self, now: Timestamp) -> Option<Outing> {
        if self.trips.len() >= self.figures.connections as usize {
            return None;
        }
        for _ in Class::ALL {
            self.kind = (self.kind + 1) % Class::ALL.len();
            let class = Class::ALL[self.kind];
            if self.has_room(class)
                && let Some(destination) = self.next_destination(class, now)
            {
                return self.begin(destination, class);
            }
        }
        None
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
                self.to_overdue(slot);
                continue;
            }
            if let Some(journey) = self.trips.get_mut(&trip) {
                journey.carried += 1;
            }
            return self.give(slot);
        }
        None
    }

    /// A trip tells how its destination's servers are; returns until when they are left alone, where they are.
    pub fn tell(
        &mut self,
        trip: Trip,
        health: Health,
        trouble: Option<&Attempt>,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let journey = self.trips.get_mut(&trip)?;
        let (figures, index) = (&self.figures, journey.destination);
        let destination = self.destinations[index as usize].as_mut()?;
        let shut = destination.tell(health, figures, now);
        if health == Health::Good {
            journey.class = Class::Proven;
        }
        if let Some(until) = shut {
            destination.trouble = trouble.cloned().map(Box::new);
            self.shut.insert((until.0, index));
        }
        let until = destination.shut_until(now);
        self.rotate(index);
        until
    }

    /// A trip has come home.
    pub fn come_home(&mut self, trip: Trip, now: Timestamp) {
        let Some(journey) = self.trips.remove(&trip) else { return };
        if let Some(destination) = &mut self.destinations[journey.destination as usize] {
            destination.trips -= 1;
        }
        self.rotate(journey.destination);
        self.tidy(journey.destination, now);
    }

    /// The next consignment whose deadline has passed.
    pub fn overdue(&mut self) -> Option<Given> {
        let slot = self.overdue.pop_front()?;
        self.give(slot)
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

    /// A domain's servers may be visited at once, whatever was known of them.
    pub fn forgive(&mut self, domain: &Domain, now: Timestamp) {
        let Some(index) = self.names.get(domain).copied() else { return };
        let Some(destination) = &mut self.destinations[index as usize] else { return };
        if let Some(until) = destination.shut_until(now) {
            destination.forgive(now);
            self.shut.remove(&(until.0, index));
            self.rotate(index);
        }
    }

    fn destination(&mut self, domain: &Domain) -> u32 {
        if let Some(index) = self.names.get(domain) {
            return *index;
        }
        let domain = Arc::new(domain.clone());
        let destination = Some(Destination::new(Arc::clone(&domain)));
        let index = match self.free_destinations.pop() {
            Some(index) => {
                self.destinations[index as usize] = destination;
                index
            }
            None => {
                self.destinations.push(destination);
                u32::try_from(self.destinations.len() - 1).unwrap_or(u32::MAX)
            }
        };
        self.names.insert(domain, index);
        index
    }

    /// Puts a consignment where it belongs by the clock.
    fn place(&mut self, at: u32, now: Timestamp) {
        let slot = &mut self.slots[at as usize];
        let wakes = slot.next.min(slot.deadline);
        if wakes > now.0 {
            slot.state = State::Waiting;
            self.waiting.insert((wakes, at));
        } else if slot.deadline <= now.0 {
            self.to_overdue(at);
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

    fn to_overdue(&mut self, at: u32) {
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

    /// Forgets a destination that nothing is known of and nothing goes to.
    fn tidy(&mut self, index: u32, now: Timestamp) {
        let idle = |destination: &Destination| {
            let needed = destination.consignments > 0 || destination.trips > 0 || destination.rotating;
            !needed && destination.shut_until(now).is_none()
        };
        if let Some(destination) = self.destinations[index as usize].take_if(|d| idle(d)) {
            self.names.remove(&destination.domain);
            self.free_destinations.push(index);
        }
    }

    /// Puts a destination into its rotation where it may want a trip.
    fn rotate(&mut self, index: u32) {
        let Some(destination) = &mut self.destinations[index as usize] else { return };
        if !destination.rotating && !destination.ready.is_empty() {
            destination.rotating = true;
            self.rotations[destination.class() as usize].push_back(index);
        }
    }

    /// The destination of a kind whose turn it is. One that wants no trip now leaves the rotation, and comes back when
    /// something of it changes.
    fn next_destination(&mut self, class: Class, now: Timestamp) -> Option<u32> {
        while let Some(index) = self.rotations[class as usize].pop_front() {
            let Some(destination) = &mut self.destinations[index as usize] else { continue };
            destination.rotating = false;
            if destination.class() != class {
                self.rotate(index);
            } else if destination.wants_trip(&self.figures, now) {
                return Some(index);
            } else {
                self.tidy(index, now);
            }
        }
        None
    }

    /// Dead domains and unknown ones never take all connections.
    fn has_room(&self, class: Class) -> bool {
        let all = self.figures.connections as usize;
        let under_way = |class: Class| self.trips.values().filter(|trip| trip.class == class).count();
        match class {
            Class::Proven => true,
            Class::New => under_way(Class::New) + under_way(Class::Probe) < (all / 4 * 3).max(1),
            Class::Probe => under_way(Class::Probe) < (all / 4).max(1),
        }
    }

    fn begin(&mut self, index: u32, class: Class) -> Option<Outing> {
        let destination = self.destinations[index as usize].as_mut()?;
        destination.trips += 1;
        let domain = Arc::clone(&destination.domain);
        self.last_trip += 1;
        let trip = Trip(self.last_trip);
        self.trips.insert(trip, Journey { destination: index, class, carried: 0 });
        self.rotate(index);
        Some(Outing { trip, domain })
    }

    /// Whether a connection is wanted elsewhere.
    fn others_wait(&self) -> bool {
        self.trips.len() >= self.figures.connections as usize
            && self.rotations.iter().any(|rotation| !rotation.is_empty())
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
                self.to_overdue(at);
            } else {
                self.soonest = self.soonest.min(slot.deadline);
            }
        }
    }
}

impl Slot {
    fn id(&self) -> QueueId {
        QueueId { letter: postern_model::LetterId(self.letter), envelope: self.envelope }
    }

    /// What letters of one sender are ordered by: by age, and a step of priority counts as so much of it. So nothing waits
    /// for ever.
    fn key(&self) -> i64 {
        let step = i64::try_from(STEP.as_micros()).unwrap_or(i64::MAX);
        self.next.saturating_sub(i64::from(self.priority) * step)
    }
}
