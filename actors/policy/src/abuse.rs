//! When sending is locked by itself (SPEC Q4): signs of abuse are scored, scores drain, and a full one is a verdict.
//!
//! [`observe()`] looks at a letter as it is accepted and names the signs in it; they travel in the letter's event.
//! [`apply`] makes scores of events and of nothing else, so the log alone leads to the same verdicts. [`judge`] adds up
//! what has not drained yet. Arithmetic is in whole thousandths of a point: replay comes to the same on any machine.

mod observe;

use std::cmp::Reverse;
use std::time::Duration;

use postern_model::Timestamp;
use postern_model::record::{Abuse, Event, Evidence, Reason, Score, Signal, What};

pub use observe::{Sample, observe};

/// Thousandths of a point that make a point.
const POINT: u32 = 1000;

/// The figures of SPEC Q4, from the environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figures {
    /// Points of all signals together that lock sending.
    pub threshold: u32,
    /// A score of `threshold` points drains in this time.
    pub decay: Duration,
    /// What one sign of each kind weighs, in thousandths of a point, in the order of [`Signal::ALL`]; 0 switches a
    /// signal off.
    pub weights: [u32; Signal::ALL.len()],
    /// How long a lock lasts.
    pub lock: Duration,
    /// Client networks within an hour that are nothing unusual; at most 16 are told apart.
    pub networks: u32,
    /// Recipients of one text that are nothing unusual.
    pub same_body: u32,
}

impl Default for Figures {
    /// 100 points that drain within an hour and lock for a day, so that the operator's staff sees each lock while it
    /// stands. What a sign of each kind weighs, and why, stands with `default_weight`.
    fn default() -> Figures {
        Figures {
            threshold: 100,
            decay: Duration::from_secs(60 * 60),
            weights: Signal::ALL.map(default_weight),
            lock: Duration::from_secs(24 * 60 * 60),
            // Home, work, a phone's network and one more.
            networks: 4,
            // A class of pupils, a club's board: no circular yet.
            same_body: 50,
        }
    }
}

impl Figures {
    /// What one sign of a kind weighs, in thousandths of a point.
    fn weight(&self, signal: Signal) -> u32 {
        self.weights[signal as usize]
    }
}

/// What a sign of each kind weighs where the operator says nothing, and why that spares who means no harm. A score
/// drains by 100 points an hour, that is 1.67 a minute.
fn default_weight(signal: Signal) -> u32 {
    match signal {
        // A program that tries again each minute for the hour that a full window takes comes to 82 points. One that
        // tries each second is locked at its 34th try.
        Signal::Pushing => 3 * POINT,
        // A circular to 100 of whom ten are gone comes to 79. Guessing addresses ends at the 20th miss.
        Signal::UnknownRecipient => 5 * POINT,
        // Returns come slowly: 30 in an hour, of an old address book, are fewer than drain. 34 at once are a list that
        // was bought.
        Signal::Bounce => 3 * POINT,
        // A circular to 100 is 10 points. A thousand strangers within minutes are a lock.
        Signal::NewRecipient => POINT / 10,
        // Phone, laptop and home are within `networks`, and a train ride through ten networks comes to 90 at most. A
        // stolen password used from everywhere is locked at the eleventh network.
        Signal::NewAddress => 15 * POINT,
        // 50 recipients of one text are free, so a circular to 100 is 25 points. One text to 250 at once is a lock.
        Signal::SameBody => POINT / 2,
        // One complaint may be a mistake, and a second within minutes is none.
        Signal::Report => 60 * POINT,
    }
}

/// What becomes of the scores by an event: of a letter, a refused one, a report; a lock that falls clears them.
pub fn apply(abuse: &mut Abuse, event: &Event, figures: &Figures) {
    match &event.what {
        What::Letter { signals, .. } | What::LetterRefused { signals, .. } => {
            grow(&mut abuse.scores, signals, figures, event.at);
        }
        What::Reported { .. } => grow(&mut abuse.scores, &[(Signal::Report, 1)], figures, event.at),
        What::SendingLocked { .. } => abuse.scores.clear(),
        What::Scores(scores) => abuse.scores.clone_from(scores),
        _ => {}
    }
}

/// Adds signs to the scores; those that have drained go. Times in the future are now from now on, so that a clock that
/// was put back doesn't keep a score from draining.
fn grow(scores: &mut Vec<Score>, signals: &[(Signal, u32)], figures: &Figures, now: Timestamp) {
    for score in &mut *scores {
        score.at = score.at.min(now);
    }
    scores.retain(|score| left(score, figures, now) > 0);
    for &(signal, count) in signals {
        let added = figures.weight(signal).saturating_mul(count);
        if added == 0 {
            continue;
        }
        match scores.iter_mut().find(|score| score.signal == signal) {
            Some(score) => {
                score.score = left(score, figures, now).saturating_add(added);
                score.count = score.count.saturating_add(count);
                score.at = now;
            }
            None => scores.push(Score { signal, score: added, count, at: now }),
        }
    }
}

/// What of a score has not drained, in thousandths of a point: it loses the threshold within the decay, evenly.
fn left(score: &Score, figures: &Figures, now: Timestamp) -> u32 {
    let full = u128::from(figures.threshold) * u128::from(POINT);
    let drained = full * now.since(score.at).as_micros() / figures.decay.as_micros().max(1);
    score.score.saturating_sub(u32::try_from(drained).unwrap_or(u32::MAX))
}

/// A full score.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// [`Reason::Pushing`] where that is the heaviest signal, else [`Reason::Theft`].
    pub reason: Reason,
    /// What it rests on, the heaviest signal first.
    pub evidence: Vec<Evidence>,
    /// When the lock ends.
    pub until: Timestamp,
}

/// Whether sending is to be locked.
pub fn judge(abuse: &Abuse, figures: &Figures, now: Timestamp) -> Option<Verdict> {
    let mut evidence: Vec<Evidence> = abuse
        .scores
        .iter()
        .map(|row| Evidence {
            signal: row.signal,
            count: row.count,
            score: left(row, figures, now),
            last: row.at.min(now),
        })
        .filter(|evidence| evidence.score > 0)
        .collect();
    evidence.sort_by_key(|evidence| (Reverse(evidence.score), evidence.signal));
    let heaviest = evidence.first()?.signal;
    let total: u64 = evidence.iter().map(|evidence| u64::from(evidence.score)).sum();
    if total < u64::from(figures.threshold) * u64::from(POINT) {
        return None;
    }
    let reason = if heaviest == Signal::Pushing { Reason::Pushing } else { Reason::Theft };
    Some(Verdict { reason, evidence, until: now.plus(figures.lock) })
}

#[cfg(test)]
mod tests;
