//! Letters of the queue whose domain is ours: sent on to another mailbox here, or held until now. They come into their
//! mailboxes in the batch that takes them out of the queue, so they come once.

use postern_model::record::Attempt;
use postern_model::{AccountId, EmailAddress, LetterId};
use postern_policy::{Refusal, retry::Health};
use postern_storage::Batch;

use super::post::{Posted, with_return_path};
use super::report::{entire, without_return_path};
use super::run::Returned;
use super::settle::Stored;
use crate::Actors;
use crate::courier::{Carried, Fate};
use crate::ground::refuse;

/// A letter that is delivered here with its consignment's end.
#[derive(Debug)]
pub(super) struct Local {
    letter: LetterId,
    accounts: Vec<AccountId>,
    octets: Vec<u8>,
}

impl Local {
    /// Puts the letter and its debts into the batch.
    pub(super) async fn put(&self, actors: &Actors, batch: &mut Batch) -> Result<Posted, Refusal> {
        actors.put_here(batch, self.letter, &self.accounts, self.octets.clone()).await
    }
}

/// Finds out who gets the letter.
pub(super) async fn carry(actors: &Actors, stored: &Stored) -> Returned {
    let read = entire(actors.store(), stored.id).await.map_err(|error| refuse(&error));
    let (mut fates, mut accounts) = (Vec::new(), Vec::new());
    for recipient in &stored.consignment.recipients {
        let found = match (&read, EmailAddress::parse(&recipient.address)) {
            (Err(refusal), _) => Err(refusal.clone()),
            (Ok(_), Ok(address)) => actors.find_recipient(&address).await,
            (Ok(_), Err(_)) => Err(Refusal::NoSuchMailbox),
        };
        fates.push(match found {
            Ok(account) => {
                accounts.push(account);
                Fate::Relayed { attempt: attempt(actors, (2, 1, 5), "In the mailbox"), reports: false }
            }
            Err(Refusal::NoSuchMailbox | Refusal::NoRoute) => {
                Fate::Failed(attempt(actors, (5, 1, 1), "No such mailbox here"))
            }
            Err(Refusal::InactiveMailbox) => {
                Fate::Failed(attempt(actors, (5, 2, 1), "The mailbox is inactive and takes no mail"))
            }
            Err(_) => Fate::Deferred(attempt(actors, (4, 3, 0), "The letter could not be delivered now")),
        });
    }
    accounts.sort_unstable();
    accounts.dedup();
    let local = read.ok().filter(|_| !accounts.is_empty()).map(|octets| {
        let letter = [&stored.envelope.front[..], without_return_path(&octets)].concat();
        let octets = with_return_path(&stored.envelope.mail_from, &letter);
        Local { letter: actors.store().next_letter_id(), accounts, octets }
    });
    Returned { carried: Carried { fates, health: Health::Good }, local, here: true }
}

fn attempt(actors: &Actors, enhanced: (u8, u16, u16), said: &str) -> Attempt {
    Attempt { at: actors.now(), remote: None, code: None, enhanced, said: said.to_owned(), tls: None }
}
