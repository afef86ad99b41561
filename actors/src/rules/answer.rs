//! A vacation reply is written and sent (RFC 3834), once to a correspondent in so many days.

use std::sync::Arc;

use postern_model::mime::{Facts, Octets};
use postern_model::record::{MailTerms, Origin};
use postern_model::{AccountId, EmailAddress, MailFrom};
use postern_policy::{Refusal, rules};
use postern_storage::{Batch, StoreError, keys};
use sha2::{Digest, Sha256};

use super::VacationReply;
use super::book::Known;
use crate::Actors;
use crate::ground::refuse;
use crate::order::OwnLetter;

/// What a reply refers to at most.
const REFERENCES: usize = 20;

/// A reply that is to be sent when the letter is on disk.
#[derive(Debug)]
pub(super) struct Answering {
    account: AccountId,
    known: Arc<Known>,
    to: EmailAddress,
    subject: Vec<u8>,
    answered: Option<Vec<u8>>,
    references: Vec<Octets>,
}

impl Answering {
    pub(super) fn new(account: AccountId, known: &Arc<Known>, to: &EmailAddress, facts: &Facts) -> Answering {
        let parents: Vec<Octets> = facts.parents().map(Octets::from).collect();
        let late = parents.len().saturating_sub(REFERENCES);
        Answering {
            account,
            known: Arc::clone(known),
            to: to.clone(),
            subject: facts.envelope.subject.as_deref().unwrap_or_default().to_vec(),
            answered: facts.message_id().map(<[u8]>::to_vec),
            references: parents[late..].to_vec(),
        }
    }

    /// Sends it, unless the correspondent had one lately. A reply is a courtesy: what goes wrong is logged, and nothing else.
    pub(super) async fn send(self, actors: &Actors) {
        match self.try_to_send(actors).await {
            Ok(true) => tracing::info!(account = %self.account, "a vacation reply was sent"),
            Ok(false) => {}
            Err(refusal) => {
                tracing::warn!(account = %self.account, ?refusal, "a vacation reply was not sent");
            }
        }
    }

    /// That it was sent is written with it: of two letters that come at once, one is answered.
    async fn try_to_send(&self, actors: &Actors) -> Result<bool, Refusal> {
        let (id, now, vacation) = (self.account, actors.now(), &self.known.rules.vacation);
        let key = keys::replies(id);
        let before = actors.store().get(keys::replies(id)).await.map_err(|error| refuse(&error))?;
        let sent = before.clone().unwrap_or_default();
        let Some(sent) = rules::note(&sent, digest(&self.to), vacation.days, now) else { return Ok(false) };
        let mut batch = Batch::new();
        batch.expect_absent(&keys::removal(id));
        match &before {
            Some(before) => batch.expect(&key, before),
            None => batch.expect_absent(&key),
        };
        batch.put(&key, &sent);
        let posted = actors.post_in(&mut batch, self.reply(actors)?).await?;
        match actors.store().commit(batch).await {
            Ok(()) => actors.posted(posted).await,
            // Another letter of theirs is being answered, or the account goes.
            Err(StoreError::Conflict) => return Ok(false),
            Err(error) => return Err(refuse(&error)),
        }
        Ok(true)
    }

    fn reply(&self, actors: &Actors) -> Result<OwnLetter, Refusal> {
        let (letter, vacation) = (actors.next_letter_id()?, &self.known.rules.vacation);
        let octets = actors.ground().settings.composer.vacation(&VacationReply {
            letter,
            now: actors.now(),
            from: &self.known.own,
            to: &self.to,
            subject: vacation.subject.as_deref(),
            text: &vacation.text,
            answered_subject: &self.subject,
            answered: self.answered.as_deref(),
            references: &self.references,
        });
        let (mail_from, to, terms) = (MailFrom::Null, self.to.clone(), MailTerms::default());
        Ok(OwnLetter { letter, mail_from, to, octets, terms, origin: Origin::Own })
    }
}

/// How a correspondent is remembered. It is on disk: never change it.
fn digest(address: &EmailAddress) -> u64 {
    let digest = Sha256::digest(address.key().unwrap_or_else(|| address.to_string()));
    digest.iter().take(8).fold(0, |digest, octet| digest << 8 | u64::from(*octet))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_correspondent_is_remembered_by_any_spelling_for_ever() {
        let of = |text| digest(&EmailAddress::parse(text).expect("an address"));
        assert_eq!(of("Bob@B.test"), of("bob@b.test"));
        let golden = Sha256::digest("bob@b.test");
        assert_eq!(of("bob@b.test").to_be_bytes(), golden[..8]);
    }
}
