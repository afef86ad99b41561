//! Letters are put into a folder (RFC 9051 §6.3.12).

use std::sync::Arc;

use actix::prelude::*;
use postern_model::{MailboxId, Timestamp, Uid, UidSet, UidValidity};
use postern_policy::Refusal;
use postern_policy::folder::{Arrival, FolderFull};
use postern_storage::keys;

use super::MailboxActor;
use super::books::Books;
use super::expunge::at;
use super::job::{Job, tail, whole};
use super::load::Missing;
use super::work::{Due, Receipt, Work};
use crate::mail::{Appending, Sight};

pub(crate) struct Append {
    pub(crate) sight: Arc<Sight>,
    pub(crate) mailbox: MailboxId,
    pub(crate) letters: Vec<Appending>,
    /// Goes in the same batch (RFC 8508).
    pub(crate) replaces: Option<(MailboxId, Uid)>,
}

/// Where letters have come to.
pub(crate) struct Placed {
    pub(crate) uid_validity: UidValidity,
    pub(crate) uids: UidSet,
    pub(crate) receipt: Receipt,
}

impl Job for Append {
    type Done = Placed;

    fn missing(&self, books: &Books) -> Option<Missing> {
        let replaced = self.replaces.and_then(|(mailbox, _)| whole(books, mailbox));
        replaced.or_else(|| tail(books, self.mailbox))
    }

    fn run(self, actor: &mut MailboxActor, ctx: &mut Context<MailboxActor>) -> Result<Placed, Refusal> {
        let Append { sight, mailbox, letters, replaces } = self;
        if !actor.books()?.has(mailbox) {
            return Err(Refusal::NoSuchFolder);
        }
        let freed = match replaces {
            Some((mailbox, uid)) => {
                actor.folder(mailbox)?.entry(uid).map_or(0, |entry| u64::from(entry.size))
            }
            None => 0,
        };
        let come: u64 = letters.iter().map(|letter| letter.body.len()).sum();
        actor.has_room(come, freed)?;
        let mut work = Work::default();
        let arrivals = actor.take_in(&mut work, mailbox, letters)?;
        let books = actor.books()?;
        let put = books.append(mailbox, arrivals).map_err(full)?;
        work.touch(mailbox, put.touched);
        let uid_validity = books.shelf(mailbox).map(|shelf| shelf.ahead.header().uid_validity);
        if let Some((mailbox, uid)) = replaces {
            let taken = actor.take_out(&mut work, mailbox, &[uid].into_iter().collect())?;
            actor.write_off(&mut work, mailbox, &taken.gone, at(&taken), Some(&sight));
        }
        let receipt = actor.hand_in(work, Due::Durable, ctx)?;
        Ok(Placed { uid_validity: uid_validity.ok_or(Refusal::Unavailable)?, uids: put.uids, receipt })
    }
}

pub(super) fn full(FolderFull: FolderFull) -> Refusal {
    Refusal::FolderFull
}

impl MailboxActor {
    /// Whether the plan lets so many octets come where others go (SPEC D8).
    pub(super) fn has_room(&mut self, come: u64, go: u64) -> Result<(), Refusal> {
        let Some(limit) = self.room()? else { return Ok(()) };
        let after = self.books()?.usage.octets.saturating_add(come).saturating_sub(go);
        if after > limit && come > go { Err(Refusal::OverQuota { limit }) } else { Ok(()) }
    }

    /// Octets that the account's plan lets it store; `None` is without limit.
    pub(super) fn room(&mut self) -> Result<Option<u64>, Refusal> {
        let settings = &self.ground.settings;
        let books = self.books.as_ref().ok_or(Refusal::Unavailable)?;
        Ok(settings.plan(&books.plan).storage)
    }

    /// Puts bodies and all that is known of them into the batch.
    fn take_in(
        &self,
        work: &mut Work,
        mailbox: MailboxId,
        letters: Vec<Appending>,
    ) -> Result<Vec<Arrival>, Refusal> {
        let (id, saved) = (self.account, self.ground.ticker.now());
        let mut arrivals = Vec::with_capacity(letters.len());
        for Appending { body, facts, signature, flags, keywords, date } in letters {
            // The door's limit on a message is far below; a figure that does not fit is a fault.
            let size = u32::try_from(body.len()).map_err(|_| Refusal::Unavailable)?;
            let (letter, at) =
                (self.ground.store.next_letter_id(), date.map_or(saved, Timestamp::from_seconds));
            work.batch.append_body(&[id], letter, mailbox, at, body);
            work.batch.put(&keys::facts(id, letter), &facts);
            work.batch.put(&keys::signature(id, letter), &signature);
            arrivals.push(Arrival { letter, size, at, saved, flags, keywords, pop3_uidl: None });
        }
        Ok(arrivals)
    }
}
