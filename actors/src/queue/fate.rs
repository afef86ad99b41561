//! What becomes of a consignment by what a trip brought home: who still waits, and who is told what (RFC 3461 §5.2).

use postern_model::record::{Attempt, Consignment, Notify, Origin, Queued, QueuedRecipient};
use postern_model::{QueueId, Timestamp};
use postern_policy::retry::{Figures, Late, Terms, Verdict, next_try};

use super::settle::Stored;
use crate::Actors;
use crate::courier::{Action, Fate, Reported};

/// Of so many recipients it is kept what was said of each.
const FEW: usize = 500;

/// What a consignment has come to.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    /// What is left of it.
    pub(super) left: Option<Consignment>,
    /// What the letter's sender is told.
    pub(super) told: Vec<Reported>,
    /// Recipients whose letter was refused for good; what only took too long says nothing of its sender.
    pub(super) bounced: u32,
}

/// What is known when a consignment is judged.
pub(super) struct Case<'a> {
    pub(super) figures: &'a Figures,
    pub(super) id: QueueId,
    pub(super) envelope: &'a Queued,
    pub(super) now: Timestamp,
    /// The destination is left alone until then.
    pub(super) shut: Option<Timestamp>,
    /// The destination is here: what was relayed is in the mailbox.
    pub(super) here: bool,
}

impl<'a> Case<'a> {
    /// A consignment's, now.
    pub(super) fn of(actors: &'a Actors, stored: &'a Stored) -> Case<'a> {
        Case {
            figures: &actors.ground().settings.queue,
            id: stored.id,
            envelope: &stored.envelope,
            now: actors.now(),
            shut: None,
            here: false,
        }
    }

    /// After a try; `fates` has one for each recipient.
    pub(super) fn tried(&self, mut consignment: Consignment, fates: Vec<Fate>) -> Outcome {
        let (mut told, mut bounced) = (Vec::new(), 0);
        consignment.attempts = consignment.attempts.saturating_add(1);
        let recipients = std::mem::take(&mut consignment.recipients);
        // What was said of each of very many would be too long for a record.
        let few = recipients.len() <= FEW;
        let mut last = None;
        for (mut recipient, fate) in recipients.into_iter().zip(fates) {
            match fate {
                Fate::Relayed { attempt, reports } => {
                    if !reports && notify(&recipient).success {
                        let action = if self.here { Action::Delivered } else { Action::Relayed };
                        told.push(Reported { recipient, action, attempt: Some(attempt) });
                    }
                }
                Fate::Failed(attempt) => {
                    bounced += 1;
                    failed(recipient, Some(attempt), &mut told);
                }
                Fate::Deferred(attempt) => {
                    let common = last.get_or_insert_with(|| attempt.clone());
                    recipient.last = (few && *common != attempt).then_some(attempt);
                    consignment.recipients.push(recipient);
                }
            }
        }
        consignment.last = last.or(consignment.last);
        let next = next_try(self.id, consignment.attempts, self.now);
        consignment.next = self.shut.unwrap_or(next);
        self.by_the_clock(Outcome { left: Some(consignment), told, bounced })
    }

    /// Without a try, since its deadline has passed; `trouble` is why there was none.
    pub(super) fn untried(&self, mut consignment: Consignment, trouble: Option<Attempt>) -> Outcome {
        consignment.last = consignment.last.or(trouble);
        self.by_the_clock(Outcome { left: Some(consignment), told: Vec::new(), bounced: 0 })
    }

    /// An operator gives it up.
    pub(super) fn removed(&self, consignment: Consignment) -> Outcome {
        let attempt = Attempt {
            at: self.now,
            remote: None,
            code: None,
            enhanced: (5, 7, 0),
            said: "The letter was taken out of the queue by the postmaster".to_owned(),
            tls: None,
        };
        let mut told = Vec::new();
        for recipient in consignment.recipients {
            failed(recipient, Some(attempt.clone()), &mut told);
        }
        Outcome { left: None, told: self.if_anybody(told), bounced: 0 }
    }

    /// Gives up what has come to its end, and tells once that the rest is late.
    fn by_the_clock(&self, mut outcome: Outcome) -> Outcome {
        let Some(mut consignment) = outcome.left.take().filter(|left| !left.recipients.is_empty()) else {
            return Outcome { told: self.if_anybody(outcome.told), left: None, ..outcome };
        };
        let terms = Terms::of(self.envelope, &consignment);
        match terms.judge(self.figures, self.now) {
            Verdict::GivenUp(late) => {
                for mut recipient in std::mem::take(&mut consignment.recipients) {
                    let last = recipient.last.take().or_else(|| consignment.last.clone());
                    failed(recipient, Some(self.too_late(late, last)), &mut outcome.told);
                }
            }
            Verdict::Waits { tell } => {
                if tell {
                    consignment.delay_told = true;
                    let until = terms.expires(self.figures);
                    let late = consignment.recipients.iter().filter(|recipient| notify(recipient).delay);
                    outcome.told.extend(late.map(|recipient| Reported {
                        recipient: recipient.clone(),
                        action: Action::Delayed { until },
                        attempt: recipient.last.clone().or_else(|| consignment.last.clone()),
                    }));
                }
                outcome.left = Some(consignment);
            }
        }
        Outcome { told: self.if_anybody(outcome.told), ..outcome }
    }

    /// The last thing that is said of a letter that was tried long enough.
    fn too_late(&self, late: Late, last: Option<Attempt>) -> Attempt {
        // RFC 3463 §3.5: X.4.7; what the servers' trouble was may be over tomorrow, the time that was asked for not.
        let enhanced = match late {
            Late::Lifetime => (4, 4, 7),
            Late::DeliverBy => (5, 4, 7),
        };
        match last {
            Some(last) => Attempt { enhanced, ..last },
            None => Attempt {
                at: self.now,
                remote: None,
                code: None,
                enhanced,
                said: "It could not be delivered in time".to_owned(),
                tls: None,
            },
        }
    }

    /// Reports on reports would go round for ever (RFC 3461 §5.2.1, RFC 5321 §6.1).
    fn if_anybody(&self, told: Vec<Reported>) -> Vec<Reported> {
        let nobody = self.envelope.mail_from.is_empty() || self.envelope.origin == Origin::Own;
        if nobody { Vec::new() } else { told }
    }
}

fn notify(recipient: &QueuedRecipient) -> Notify {
    recipient.terms.notify.unwrap_or(Notify::DEFAULT)
}

fn failed(recipient: QueuedRecipient, attempt: Option<Attempt>, told: &mut Vec<Reported>) {
    if notify(&recipient).failure {
        told.push(Reported { recipient, action: Action::Failed, attempt });
    }
}
