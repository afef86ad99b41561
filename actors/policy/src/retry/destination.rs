//! What is known of one domain's servers: how many connections they take, and whether it is worth going there.

use std::sync::Arc;

use postern_model::record::Attempt;
use postern_model::{Domain, Timestamp};

use super::line::Line;
use super::{Figures, Health, domain_pause};

/// Connections that a destination begins with.
const FIRST: u32 = 2;

/// A domain that letters wait for.
#[derive(Debug)]
pub(super) struct Destination {
    pub(super) domain: Arc<Domain>,
    /// Its consignments, in whatever state.
    pub(super) consignments: u32,
    /// Those that may go now.
    pub(super) ready: Line,
    /// Trips under way.
    pub(super) trips: u32,
    /// Trips that may be.
    allowed: u32,
    /// Good answers since `allowed` last changed.
    answers: u32,
    standing: Standing,
    /// It stands in the rotation of its class.
    pub(super) rotating: bool,
    /// Why it is bad.
    pub(super) trouble: Option<Box<Attempt>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// Not visited yet.
    New,
    /// Answered last time.
    Proven,
    /// Could not be reached `times` in a row; left alone until then.
    Bad { times: u32, until: Timestamp },
}

/// From which share of the connections a trip is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// To servers that answer.
    Proven,
    /// To servers that nobody knows yet.
    New,
    /// To see whether servers are back.
    Probe,
}

impl Class {
    pub(super) const ALL: [Class; 3] = [Class::Proven, Class::New, Class::Probe];
}

impl Destination {
    pub(super) fn new(domain: Arc<Domain>) -> Destination {
        Destination {
            domain,
            consignments: 0,
            ready: Line::default(),
            trips: 0,
            allowed: FIRST,
            answers: 0,
            standing: Standing::New,
            rotating: false,
            trouble: None,
        }
    }

    pub(super) fn class(&self) -> Class {
        match self.standing {
            Standing::New => Class::New,
            Standing::Proven => Class::Proven,
            Standing::Bad { .. } => Class::Probe,
        }
    }

    /// Until when nobody goes there; `None` where somebody may.
    pub(super) fn shut_until(&self, now: Timestamp) -> Option<Timestamp> {
        match self.standing {
            Standing::Bad { until, .. } if until > now => Some(until),
            _ => None,
        }
    }

    /// Whether one more trip is to set out.
    pub(super) fn wants_trip(&self, figures: &Figures, now: Timestamp) -> bool {
        !self.ready.is_empty()
            && self.trips < self.allowed.min(figures.per_domain)
            && self.shut_until(now).is_none()
    }

    /// Whether trips have to end: more are under way than may be, or there is nobody to visit.
    pub(super) fn calls_back(&self, figures: &Figures, now: Timestamp) -> bool {
        self.trips > self.allowed.min(figures.per_domain) || self.shut_until(now).is_some()
    }

    /// A trip tells how it went; returns until when the domain is left alone, where that has just begun.
    pub(super) fn tell(&mut self, health: Health, figures: &Figures, now: Timestamp) -> Option<Timestamp> {
        match health {
            Health::Good => {
                self.answered(figures);
                None
            }
            Health::Tired => {
                (self.allowed, self.answers) = ((self.allowed / 2).max(1), 0);
                None
            }
            Health::Bad => self.failed(now),
        }
    }

    fn answered(&mut self, figures: &Figures) {
        if matches!(self.standing, Standing::Bad { .. }) {
            (self.allowed, self.answers) = (FIRST, 0);
        }
        (self.standing, self.trouble) = (Standing::Proven, None);
        self.answers += 1;
        if self.answers >= self.allowed && self.allowed < figures.per_domain {
            (self.allowed, self.answers) = (self.allowed + 1, 0);
        }
    }

    fn failed(&mut self, now: Timestamp) -> Option<Timestamp> {
        let times = match self.standing {
            // A second trip that set out before the first came back tells the same.
            Standing::Bad { until, .. } if until > now => return None,
            Standing::Bad { times, .. } => times.saturating_add(1),
            Standing::New | Standing::Proven => 1,
        };
        let until = now.plus(domain_pause(times));
        (self.standing, self.allowed, self.answers) = (Standing::Bad { times, until }, 1, 0);
        Some(until)
    }

    /// It may be visited at once.
    pub(super) fn forgive(&mut self, now: Timestamp) {
        if let Standing::Bad { until, .. } = &mut self.standing {
            *until = now.min(*until);
        }
    }
}
