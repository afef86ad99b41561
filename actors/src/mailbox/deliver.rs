//! A letter comes into the INBOX.

use actix::prelude::*;
use postern_model::mime::Facts;
use postern_model::record::{Actor as By, Event, OwedNotice, Pending, Signature, What};
use postern_model::{AccountId, Flags, LetterId, Timestamp};
use postern_policy::Refusal;
use postern_policy::mailbox::{Arrival, FolderFull};
use postern_storage::{Batch, Ring, SealedBody, keys};

use super::{INBOX, Inbox, MailboxActor, Receipt};
use crate::ground::{EVENTS_KEPT, refuse};

/// A letter for the INBOX.
pub(crate) enum Arriving {
    /// Body and index in one batch: the letter has one recipient.
    Whole {
        letter: LetterId,
        body: SealedBody,
        facts: Box<Facts>,
        signature: Signature,
        tally: Option<Tally>,
    },
    /// The body is on disk, this recipient's entry is owed (SPEC D1).
    Owed { letter: LetterId, pending: Pending },
    /// A notice that is owed, as the letter that it has become: the debt goes with it, so it comes once (SPEC N3).
    Notice { letter: LetterId, body: SealedBody, facts: Box<Facts>, owed: OwedNotice },
}

/// What a letter is to its sender's account (SPEC Q2).
#[derive(Debug)]
pub(crate) struct Tally {
    pub(crate) sender: AccountId,
    pub(crate) event: Event,
    /// Letters whose times are kept.
    pub(crate) keep: u32,
}

impl Tally {
    /// Counts the letter in the batch that takes it in, so that there is never one without the other.
    pub(crate) fn log(&self, batch: &mut Batch) {
        batch.log(self.sender, Ring::Letters, self.keep, &self.event);
    }
}

#[derive(Message)]
#[rtype(result = "Result<Receipt, Refusal>")]
pub(crate) struct Deliver {
    pub(crate) arriving: Arriving,
    pub(crate) at: Timestamp,
}

impl MailboxActor {
    /// Puts a letter into the INBOX in memory and its batch on the way.
    fn deliver(&mut self, deliver: Deliver) -> Result<Receipt, Refusal> {
        let mut batch = Batch::new();
        let (letter, size, accepted) = self.take_in(deliver.arriving, deliver.at, &mut batch)?;
        let Some(inbox) = self.inbox.as_mut() else { return Err(Refusal::Unavailable) };
        let before = inbox.counted();
        let arrival = Arrival {
            letter,
            size,
            at: accepted,
            saved: deliver.at,
            flags: Flags::default(),
            pop3_uidl: None,
        };
        let uid = inbox.folder.append(arrival, &mut inbox.usage).map_err(|FolderFull| {
            tracing::error!(account = %self.account, "the INBOX has used up its numbers");
            Refusal::Unavailable
        })?;
        let number = inbox.folder.header.last_block;
        batch.put(&keys::block(self.account, INBOX, number), &inbox.folder.last_block);
        self.count(&mut batch, before);
        tracing::debug!(account = %self.account, %letter, uid = uid.0, size, "delivered");
        Ok(self.receipt(self.ground.store.commit(batch)))
    }

    /// What goes with a letter beside its entry in the folder; returns which it is, its octets, and when it was accepted.
    fn take_in(
        &self,
        arriving: Arriving,
        at: Timestamp,
        batch: &mut Batch,
    ) -> Result<(LetterId, u32, Timestamp), Refusal> {
        let id = self.account;
        match arriving {
            Arriving::Whole { letter, body, facts, signature, tally } => {
                let size = size(body.len())?;
                batch.append_body(&[id], letter, INBOX, at, body);
                batch.put(&keys::facts(id, letter), &*facts);
                batch.put(&keys::signature(id, letter), &signature);
                if let Some(tally) = tally {
                    tally.log(batch);
                }
                Ok((letter, size, at))
            }
            Arriving::Owed { letter, pending } => {
                let key = keys::pending(letter, id);
                batch.expect(&key, &pending);
                batch.delete(&key);
                Ok((letter, pending.size, pending.accepted))
            }
            Arriving::Notice { letter, body, facts, owed } => {
                let size = size(body.len())?;
                let key = keys::owed_notice(letter, id);
                batch.expect(&key, &owed);
                batch.delete(&key);
                batch.append_body(&[id], letter, INBOX, at, body);
                batch.put(&keys::facts(id, letter), &*facts);
                let what = What::Notice { notice: owed.notice, letter };
                let event = Event { at, by: By::Timer, from: None, what };
                batch.log(id, Ring::Changes, EVENTS_KEPT, &event);
                Ok((letter, size, at))
            }
        }
    }
}

fn size(octets: u64) -> Result<u32, Refusal> {
    // The door's limit on a message is far below; a figure that does not fit is a fault.
    u32::try_from(octets).map_err(|_| Refusal::Unavailable)
}

impl Handler<Deliver> for MailboxActor {
    type Result = AtomicResponse<Self, Result<Receipt, Refusal>>;

    fn handle(&mut self, deliver: Deliver, _: &mut Context<Self>) -> Self::Result {
        if self.inbox.is_some() {
            return AtomicResponse::new(Box::pin(actix::fut::ready(self.deliver(deliver))));
        }
        let (settled, store, account) = (self.settled(), self.ground.store.clone(), self.account);
        let load = async move {
            settled.await;
            Inbox::load(&store, account, deliver.at).await
        };
        AtomicResponse::new(Box::pin(load.into_actor(self).map(|inbox, actor, _| {
            actor.inbox = Some(inbox.map_err(|error| refuse(&error))?);
            actor.deliver(deliver)
        })))
    }
}
