//! What is known of a parcel while it is carried. Whatever breaks a try off, what was settled before stays settled: a
//! recipient whose letter a server took is never tried again.

use postern_actors::courier::{Carried, Fate, Health, Parcel};
use postern_model::Timestamp;
use postern_model::record::Attempt;

use super::reply::{Reply, cut};

/// Where something was said, for an [`Attempt`].
#[derive(Clone, Debug)]
pub(super) struct Witness {
    pub(super) at: Timestamp,
    pub(super) remote: Option<String>,
    pub(super) tls: Option<String>,
}

impl Witness {
    /// What a server replied.
    pub(super) fn reply(&self, reply: &Reply) -> Attempt {
        Attempt {
            at: self.at,
            remote: self.remote.clone(),
            code: Some(reply.code),
            enhanced: reply.enhanced(),
            said: reply.text(),
            tls: self.tls.clone(),
        }
    }

    /// What this side says.
    pub(super) fn words(&self, enhanced: (u8, u16, u16), said: impl Into<String>) -> Attempt {
        let (remote, tls) = (self.remote.clone(), self.tls.clone());
        Attempt { at: self.at, remote, code: None, enhanced, said: cut(said.into()), tls }
    }
}

/// What became of a parcel so far.
#[derive(Debug)]
pub(super) struct Outcome {
    at: Timestamp,
    fates: Vec<Option<Fate>>,
    /// Why a recipient that is not settled has to wait.
    waits: Vec<Option<Attempt>>,
    /// Why the last server did not even hear of the letter, and whether all that were tried will never.
    unheard: Option<Attempt>,
    never: bool,
    /// Some server answered.
    pub(super) reached: bool,
    /// The last conversation was broken off.
    pub(super) tired: bool,
    /// The whole letter went out, and nothing came back: another server is not to get it too.
    pub(super) in_doubt: bool,
}

impl Outcome {
    pub(super) fn new(parcel: &Parcel) -> Outcome {
        let count = parcel.recipients.len();
        Outcome {
            at: parcel.now,
            fates: vec![None; count],
            waits: vec![None; count],
            unheard: None,
            never: true,
            reached: false,
            tired: false,
            in_doubt: false,
        }
    }

    /// Who is not settled.
    pub(super) fn pending(&self) -> Vec<usize> {
        (0..self.fates.len()).filter(|&n| self.fates[n].is_none()).collect()
    }

    /// The next server has the letter for these.
    pub(super) fn relayed(&mut self, who: &[usize], attempt: &Attempt, reports: bool) {
        for &n in who {
            self.fates[n] = Some(Fate::Relayed { attempt: attempt.clone(), reports });
        }
    }

    /// It will not work for these, or not now, as the attempt's class says.
    pub(super) fn refused(&mut self, who: &[usize], attempt: &Attempt) {
        for &n in who {
            if attempt.enhanced.0 != 5 {
                self.waits[n] = Some(attempt.clone());
            } else if self.fates[n].is_none() {
                self.fates[n] = Some(Fate::Failed(attempt.clone()));
            }
        }
    }

    /// A server could not be told of the letter; `never`: nor will it be another time.
    pub(super) fn unheard(&mut self, attempt: Attempt, never: bool) {
        self.never &= never;
        self.unheard = Some(attempt);
    }

    /// The end of the try; for what is still open `late` is said where nothing else is known.
    pub(super) fn finish(self, late: &str) -> Carried {
        let health = match (self.reached, self.tired) {
            (true, false) => Health::Good,
            (true, true) => Health::Tired,
            (false, _) => Health::Bad,
        };
        let witness = Witness { at: self.at, remote: None, tls: None };
        let (never, unheard) = (self.never, self.unheard);
        let settle = |(fate, waits): (Option<Fate>, Option<Attempt>)| {
            fate.unwrap_or_else(|| match (waits, &unheard) {
                (Some(attempt), _) => Fate::Deferred(softened(attempt)),
                (None, Some(attempt)) if never => Fate::Failed(attempt.clone()),
                (None, Some(attempt)) => Fate::Deferred(softened(attempt.clone())),
                (None, None) => Fate::Deferred(witness.words((4, 4, 1), late)),
            })
        };
        let fates = self.fates.into_iter().zip(self.waits).map(settle).collect();
        Carried { fates, health }
    }
}

/// What is tried again has class 4, whatever a server meant by it.
pub(super) fn softened(mut attempt: Attempt) -> Attempt {
    attempt.enhanced.0 = 4;
    attempt
}
