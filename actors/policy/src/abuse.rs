//! When sending is locked by itself (SPEC Q4): signs of abuse are scored, scores drain, and a full one is a verdict.

use std::net::IpAddr;
use std::time::Duration;

use postern_model::Timestamp;
use postern_model::record::{Abuse, Event, Evidence, Reason, Signal};

/// The figures of SPEC Q4, from the environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figures {
    /// Points of all signals together that lock sending.
    pub threshold: u32,
    /// A score of `threshold` points drains in this time.
    pub decay: Duration,
    /// What one sign of each kind weighs, in thousandths of a point; 0 switches a signal off.
    pub weights: [u32; Signal::ALL.len()],
    /// How long a lock lasts.
    pub lock: Duration,
    /// Client networks within an hour that are nothing unusual.
    pub networks: u32,
    /// Recipients of one text that are nothing unusual.
    pub same_body: u32,
}

impl Default for Figures {
    fn default() -> Figures {
        unimplemented!()
    }
}

/// What a letter shows of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sample {
    /// Digests of its recipients' addresses.
    pub recipients: Vec<u64>,
    /// Digest of its text without the header.
    pub body: u64,
    /// Where its sender is connected.
    pub from: Option<IpAddr>,
}

/// Remembers a letter that was accepted; returns the signs of abuse in it, each with how often.
pub fn observe(abuse: &mut Abuse, sample: &Sample, figures: &Figures, now: Timestamp) -> Vec<(Signal, u32)> {
    let _ = (abuse, sample, figures, now);
    unimplemented!()
}

/// What becomes of the scores by an event: of a letter, a refused one, a report; a lock that falls clears them.
pub fn apply(abuse: &mut Abuse, event: &Event, figures: &Figures) {
    let _ = (abuse, event, figures);
    unimplemented!()
}

/// A full score.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// [`Reason::Pushing`] where most of the score is that, else [`Reason::Theft`].
    pub reason: Reason,
    /// What it rests on, the heaviest signal first.
    pub evidence: Vec<Evidence>,
    /// When the lock ends.
    pub until: Timestamp,
}

/// Whether sending is to be locked.
pub fn judge(abuse: &Abuse, figures: &Figures, now: Timestamp) -> Option<Verdict> {
    let _ = (abuse, figures, now);
    unimplemented!()
}
