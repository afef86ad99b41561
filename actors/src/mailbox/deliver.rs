//! A letter comes into the INBOX, or into Junk.

use actix::prelude::*;
use postern_model::mime::Facts;
use postern_model::record::{Actor as By, Event, OwedNotice, OwedSms, Pending, Signature, What};
use postern_model::{AccountId, Flags, LetterId, MailboxId, SpecialUse, Timestamp};
use postern_policy::folder::{Arrival, FolderFull};
use postern_policy::{Refusal, names, storage};
use postern_storage::{Batch, Ring, SealedBody, keys};

use super::books::Books;
use super::job::{Job, tail};
use super::load::Missing;
use super::work::{Due, Receipt, Work};
use super::{INBOX, MailboxActor};
use crate::ground::EVENTS_KEPT;

/// A letter for an account.
pub(crate) enum Arriving {
    /// Body and index in one batch: the letter has one recipient.
    Whole {
        letter: LetterId,
        /// The folder that it is for.
        mailbox: MailboxId,
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

pub(crate) struct Deliver {
    pub(crate) arriving: Arriving,
    pub(crate) at: Timestamp,
}

impl Deliver {
    /// Where it comes to. A user may have deleted Junk, or given its use to another folder; nothing is lost by that.
    fn place(&self, books: &Books) -> MailboxId {
        let wanted = match &self.arriving {
            Arriving::Whole { mailbox, .. } => *mailbox,
            Arriving::Owed { pending, .. } => pending.mailbox,
            Arriving::Notice { .. } => INBOX,
        };
        match wanted {
            MailboxId::JUNK => {
                names::of_use(&books.folders, SpecialUse::Junk).and_then(|folder| folder.id).unwrap_or(INBOX)
            }
            _ => INBOX,
        }
    }
}

impl Job for Deliver {
    type Done = Receipt;

    fn missing(&self, books: &Books) -> Option<Missing> {
        tail(books, self.place(books))
    }

    /// Puts a letter into its folder in memory and its batch on the way.
    fn run(self, actor: &mut MailboxActor, ctx: &mut Context<MailboxActor>) -> Result<Receipt, Refusal> {
        if let Arriving::Whole { body, .. } = &self.arriving {
            // SPEC D8. What was accepted before, and a notice (N1), comes in whatever there is.
            let (room, used) = (actor.room()?, actor.books()?.usage.octets);
            storage::takes(used, room, body.len())?;
        }
        let mut work = Work::default();
        let mailbox = self.place(actor.books()?);
        let notice = matches!(self.arriving, Arriving::Notice { .. });
        let (letter, size, accepted) = actor.receive(self.arriving, self.at, &mut work.batch)?;
        if mailbox == INBOX {
            actor.owe_alert(letter, notice, self.at, &mut work.batch)?;
        }
        let arrival = Arrival {
            letter,
            size,
            at: accepted,
            saved: self.at,
            flags: Flags::default(),
            keywords: Vec::new(),
            pop3_uidl: None,
        };
        let put = actor.books()?.append(mailbox, vec![arrival]).map_err(|FolderFull| {
            tracing::error!(account = %actor.account, %mailbox, "a folder has used up its numbers");
            Refusal::Unavailable
        })?;
        tracing::debug!(account = %actor.account, %letter, uid = put.uids.last().map(|uid| uid.0), size, "delivered");
        work.touch(mailbox, put.touched);
        actor.hand_in(work, Due::Durable, ctx)
    }
}

impl MailboxActor {
    /// Where the user wants to be told of such a letter by SMS, that is owed with it (SPEC D7).
    fn owe_alert(
        &mut self,
        letter: LetterId,
        notice: bool,
        at: Timestamp,
        batch: &mut Batch,
    ) -> Result<(), Refusal> {
        let is_wanted = self.ground.settings.texter.is_some();
        let sms = self.books()?.sms.as_ref().filter(|sms| is_wanted && !sms.number.is_empty());
        if sms.is_some_and(|sms| if notice { sms.notices } else { sms.letters }) {
            batch.put(&keys::owed_sms(letter, self.account), &OwedSms { at, notice, attempts: 0, next: at });
        }
        Ok(())
    }

    /// What goes with a letter beside its entry in the folder; returns which it is, its octets, and when it was accepted.
    fn receive(
        &self,
        arriving: Arriving,
        at: Timestamp,
        batch: &mut Batch,
    ) -> Result<(LetterId, u32, Timestamp), Refusal> {
        let id = self.account;
        match arriving {
            Arriving::Whole { letter, mailbox, body, facts, signature, tally } => {
                let size = size(body.len())?;
                batch.append_body(&[id], letter, mailbox, at, body);
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
