//! What users have arranged for their mail (SPEC D6), done to letters that come in: who sends them on, who answers that
//! they are away, whose letters they don't want. `postern_policy::rules` decides.
//!
//! `apply` turns a letter's recipients into those whose mailboxes get it and those it leaves to; it asks the
//! `RuleBook`, so that a letter to accounts without rules costs no read. When the letter is on disk, `Applied::conclude`
//! has the vacation replies written.

mod answer;
mod apply;
mod book;

use bytes::Bytes;
use postern_model::mime::Octets;
use postern_model::record::{Actor as By, Origin, Queued, QueuedRecipient};
use postern_model::{AccountId, Domain, EmailAddress, LetterId, MailFrom, Timestamp};
use postern_policy::{Refusal, Unwanted, rules};
use postern_storage::StoreError;

use crate::Actors;
use crate::account::{ChangeRefused, Deed};
use crate::courier::Local;
use crate::ground::refuse;
use crate::order::Judged;

pub(crate) use apply::apply;
pub(crate) use book::RuleBook;

/// Seals letters that users send on, so that who gets them can see what was found of them here (RFC 8617).
pub trait ForwardSeal: Send + Sync + std::fmt::Debug {
    /// Header fields that go in front of `letter` when an account in `domain` sends it on: whole lines, CRLF; empty where
    /// it can't be sealed. `letter` begins with a Return-Path, which stays here.
    fn seal<'a>(&'a self, letter: Bytes, domain: &'a Domain, judged: &'a Judged) -> Local<'a, Vec<u8>>;
}

/// A vacation reply, to be written (RFC 3834).
#[derive(Clone, Copy, Debug)]
pub struct VacationReply<'a> {
    /// The id that it has, for its Message-ID.
    pub letter: LetterId,
    /// When it is written.
    pub now: Timestamp,
    /// Whose reply it is.
    pub from: &'a EmailAddress,
    /// Who gets it.
    pub to: &'a EmailAddress,
    /// Its subject, where the user has set one.
    pub subject: Option<&'a str>,
    /// Its text.
    pub text: &'a str,
    /// The subject of the letter that it answers, as it stands there.
    pub answered_subject: &'a [u8],
    /// That letter's Message-ID, without angle brackets.
    pub answered: Option<&'a [u8]>,
    /// What that letter refers to, oldest first.
    pub references: &'a [Octets],
}

/// A letter that asks somebody whether they want a user's letters (SPEC D6).
#[derive(Clone, Copy, Debug)]
pub struct ForwardRequest<'a> {
    /// The id that it has, for its Message-ID.
    pub letter: LetterId,
    /// When it is written.
    pub now: Timestamp,
    /// The user who wants to send letters on.
    pub from: &'a EmailAddress,
    /// The user's language.
    pub language: &'a str,
    /// Who is asked.
    pub to: &'a EmailAddress,
    /// The word that confirms it.
    pub token: &'a str,
}

impl Actors {
    /// Whether the owner of a mailbox takes letters from a reverse path (SPEC D6).
    ///
    /// # Errors
    /// [`Refusal::Unwanted`], or what the store can't do.
    pub async fn takes_from(&self, account: AccountId, from: &MailFrom) -> Result<(), Refusal> {
        let MailFrom::Address(from) = from else { return Ok(()) };
        let known = self.ground().rules.of(account).await.map_err(|error| refuse(&error))?;
        match known {
            Some(known) if rules::blocks(&known.rules, from, &known.own) => {
                Err(Refusal::Unwanted { why: Unwanted::Blocked, permanent: true, text: None })
            }
            _ => Ok(()),
        }
    }

    /// A letter that an account had sent on to `to` came back. Where that goes on for days, nothing goes there any more, and
    /// the user is told (SPEC D6).
    pub(crate) async fn forward_failed(&self, account: AccountId, to: &EmailAddress) {
        let deed = Deed::Rules(rules::Change::Failed(to.clone()));
        match self.perform(account, By::Timer, None, deed).await {
            Ok(_) | Err(ChangeRefused::Store(StoreError::NotFound)) => {}
            Err(refused) => {
                tracing::warn!(%account, ?refused, "that a forwarded letter came back was not noted");
            }
        }
    }

    /// A letter of the queue came back from these. Each address that letters are sent on to has an envelope of its own.
    pub(crate) async fn note_failed_forward(&self, envelope: &Queued, recipients: &[QueuedRecipient]) {
        let Some(account) = envelope.sender.filter(|_| envelope.origin == Origin::Forwarded) else { return };
        for to in recipients.iter().filter_map(|recipient| EmailAddress::parse(&recipient.address).ok()) {
            self.forward_failed(account, &to).await;
        }
    }
}
