//! Whose turn it is among destinations: trips set out, tell how their destination is, and come home.

use std::sync::Arc;

use postern_model::record::Attempt;
use postern_model::{Domain, Timestamp};

use super::Health;
use super::destination::{Class, Destination};
use super::schedule::{Journey, Schedule};
use super::slot::{Outing, Trip};

impl Schedule {
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

    /// A trip has come home.
    pub fn come_home(&mut self, trip: Trip, now: Timestamp) {
        let Some(journey) = self.trips.remove(&trip) else { return };
        if let Some(destination) = &mut self.destinations[journey.destination as usize] {
            destination.trips -= 1;
        }
        self.rotate(journey.destination);
        self.tidy(journey.destination, now);
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

    /// Whether a trip that got no consignment may wait for one: its connection is wanted nowhere else.
    pub fn may_stay(&self, trip: Trip, now: Timestamp) -> bool {
        let journey = self.trips.get(&trip);
        let destination = journey.and_then(|trip| self.destinations[trip.destination as usize].as_ref());
        destination.is_some_and(|destination| !destination.calls_back(&self.figures, now))
            && !self.others_wait()
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

    /// Puts a destination into its rotation where it may want a trip.
    pub(super) fn rotate(&mut self, index: u32) {
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

    /// Whether all connections are in use and some destination wants one.
    pub fn others_wait(&self) -> bool {
        self.trips.len() >= self.figures.connections as usize
            && self.rotations.iter().any(|rotation| !rotation.is_empty())
    }

    pub(super) fn destination(&mut self, domain: &Domain) -> u32 {
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

    /// Forgets a destination that nothing is known of and nothing goes to.
    pub(super) fn tidy(&mut self, index: u32, now: Timestamp) {
        let idle = |destination: &Destination| {
            let needed = destination.consignments > 0 || destination.trips > 0 || destination.rotating;
            !needed && destination.shut_until(now).is_none()
        };
        if let Some(destination) = self.destinations[index as usize].take_if(|d| idle(d)) {
            self.names.remove(&destination.domain);
            self.free_destinations.push(index);
        }
    }
}
