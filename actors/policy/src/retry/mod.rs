//! When a letter for another server is tried, when its sender is told that it is late, and when it comes back (SPEC D3).
//!
//! [`Terms`] judge one consignment by the clock; [`Schedule`] says which of all of them goes next.

mod destination;
mod line;
mod schedule;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;

use std::time::Duration;

use postern_model::record::{Consignment, DeliverBy, Queued};
use postern_model::{QueueId, Timestamp};

pub use schedule::{After, Claim, Entry, Given, Outing, Schedule, Ticket, Trip};

const HOUR: Duration = Duration::from_secs(60 * 60);

/// How long to wait after the first try, the second and so on.
const BACK_OFF: [Duration; 6] = [
    Duration::from_secs(5 * 60),
    Duration::from_secs(10 * 60),
    Duration::from_secs(20 * 60),
    Duration::from_secs(40 * 60),
    HOUR,
    Duration::from_secs(2 * 60 * 60),
];

/// How long to wait after any later try.
const LONGEST: Duration = Duration::from_secs(4 * 60 * 60);

/// How long a domain is left alone at most whose servers can't be reached: one try then speaks for all of its letters.
const LONGEST_OF_DOMAIN: Duration = HOUR;

/// What the queue goes by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figures {
    /// How long a letter is tried.
    pub lifetime: Duration,
    /// After how long its sender is told that it is late; `None`: never.
    pub warn_after: Option<Duration>,
    /// Connections to one domain's servers at once.
    pub per_domain: u32,
    /// Connections at once.
    pub connections: u32,
    /// Consignments that may wait.
    pub most: u32,
}

impl Default for Figures {
    fn default() -> Figures {
        Figures {
            lifetime: 5 * 24 * HOUR,
            warn_after: Some(4 * HOUR),
            per_domain: 20,
            connections: 200,
            most: 1_000_000,
        }
    }
}

/// Whether it is worth going to the domain again at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// A server answered, whatever it said of this letter.
    Good,
    /// The server wants no more letters on this trip, or broke it off; another trip may do better.
    Tired,
    /// No server could be reached, or none would talk: others of its letters need not be tried now.
    Bad,
}

/// What of a consignment its times rest on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// When it was accepted; where it was asked to be held until later, then (RFC 4865).
    pub begins: Timestamp,
    /// By when it must be there.
    pub deliver_by: Option<DeliverBy>,
    /// The sender was told that it is late.
    pub delay_told: bool,
}

/// Why a letter is not tried any longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Late {
    /// It was tried for as long as letters are.
    Lifetime,
    /// It had to be there by then (RFC 2852 §4.1.4).
    DeliverBy,
}

/// What becomes of a consignment whose letter did not get there yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It waits.
    Waits {
        /// The sender is told now that it is late.
        tell: bool,
    },
    /// It comes back.
    GivenUp(Late),
}

impl Terms {
    /// Those of a stored consignment.
    pub fn of(envelope: &Queued, consignment: &Consignment) -> Terms {
        let Queued { accepted, terms, .. } = envelope;
        let begins = terms.not_before.map_or(*accepted, |not_before| not_before.max(*accepted));
        Terms { begins, deliver_by: terms.deliver_by, delay_told: consignment.delay_told }
    }

    /// The end of tries.
    pub fn expires(&self, figures: &Figures) -> Timestamp {
        let lifetime = self.begins.plus(figures.lifetime);
        match self.deliver_by {
            Some(by) if by.returns => lifetime.min(by.at),
            _ => lifetime,
        }
    }

    /// When the sender is told that it is late; [`Timestamp::NEVER`] where that was done.
    fn warns(&self, figures: &Figures) -> Timestamp {
        if self.delay_told {
            return Timestamp::NEVER;
        }
        let usual = figures.warn_after.map_or(Timestamp::NEVER, |after| self.begins.plus(after));
        match self.deliver_by {
            // RFC 2852 §4.1.4: by-mode N.
            Some(by) if !by.returns => usual.min(by.at),
            _ => usual,
        }
    }

    /// When it has to be looked at whether it was tried or not.
    pub fn deadline(&self, figures: &Figures) -> Timestamp {
        self.expires(figures).min(self.warns(figures))
    }

    /// What becomes of it at `now`, the letter being still here.
    pub fn judge(&self, figures: &Figures, now: Timestamp) -> Verdict {
        if now >= self.expires(figures) {
            let asked = self.deliver_by.is_some_and(|by| by.returns && by.at <= now);
            return Verdict::GivenUp(if asked { Late::DeliverBy } else { Late::Lifetime });
        }
        Verdict::Waits { tell: now >= self.warns(figures) }
    }
}

/// When a consignment is tried again after `attempts` tries, the last at `now`. Up to an eighth is added, another one for
/// each letter and try, so that letters that failed together don't come back together.
pub fn next_try(id: QueueId, attempts: u32, now: Timestamp) -> Timestamp {
    let step = usize::try_from(attempts.saturating_sub(1)).unwrap_or(usize::MAX);
    let pause = BACK_OFF.get(step).copied().unwrap_or(LONGEST);
    let seed = id.letter.0 ^ (u64::from(id.envelope) << 48) ^ (u64::from(attempts) << 32);
    let eighth = u64::try_from(pause.as_micros() / 8).unwrap_or(u64::MAX);
    now.plus(pause).plus(Duration::from_micros(scramble(seed) % eighth.max(1)))
}

/// How long a domain is left alone after `times` vain visits in a row, at least one.
fn domain_pause(times: u32) -> Duration {
    let step = usize::try_from(times.saturating_sub(1)).unwrap_or(usize::MAX);
    BACK_OFF.get(step).map_or(LONGEST_OF_DOMAIN, |pause| (*pause).min(LONGEST_OF_DOMAIN))
}

/// Spreads numbers that lie side by side (the finaliser of SplitMix64).
fn scramble(n: u64) -> u64 {
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}
