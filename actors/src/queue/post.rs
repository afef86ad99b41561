//! How letters get into the queue: with a letter that is accepted, and as letters of this server's own.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use postern_model::mime::{Scanner, signature};
use postern_model::record::{
    BodyKind, Consignment, MAX_RECORD, MailTerms, Origin, Pending, Queued, QueuedRecipient, RcptTerms,
};
use postern_model::{AccountId, Domain, EmailAddress, LetterId, MailFrom, MailboxId, QueueId, Timestamp};
use postern_policy::Refusal;
use postern_policy::retry::{Entry, Figures, Terms};
use postern_storage::{Batch, SealedBody, keys};

use super::Arrived;
use crate::Actors;
use crate::ground::refuse;
use crate::order::{Acceptance, OwnLetter};

/// What else a recipient takes of a record, in octets.
const SMALL: usize = 32;

/// Consignments that there are, and may be. Those of reports are counted, and never refused.
#[derive(Clone, Debug, Default)]
pub(crate) struct Places(Arc<AtomicUsize>);

impl Places {
    /// Places for so many, kept until they are taken or given back.
    pub(crate) fn reserve(&self, count: usize, figures: &Figures) -> Result<Reserved, Refusal> {
        let before = self.0.fetch_add(count, Ordering::Relaxed);
        let reserved = Reserved { places: self.clone(), count };
        // Dropped, it gives them back.
        if before + count > figures.most as usize { Err(Refusal::QueueFull) } else { Ok(reserved) }
    }

    pub(super) fn add(&self, count: usize) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    pub(super) fn free(&self, count: usize) {
        self.0.fetch_sub(count, Ordering::Relaxed);
    }
}

/// Places in the queue for a letter that is not yet in it.
#[derive(Debug)]
pub(crate) struct Reserved {
    places: Places,
    count: usize,
}

impl Reserved {
    /// The letter is in the queue: its consignments take the places.
    pub(crate) fn taken(mut self) {
        self.count = 0;
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        self.places.free(self.count);
    }
}

/// A letter on its way into the queue: an envelope, and who gets it in which domain.
#[derive(Debug)]
pub(crate) struct Leaving {
    pub(crate) id: QueueId,
    pub(crate) envelope: Queued,
    pub(crate) to: BTreeMap<Domain, Vec<QueuedRecipient>>,
}

impl Leaving {
    /// Whether one of its consignments would not fit into a record.
    pub(crate) fn is_too_large(&self) -> bool {
        let one =
            |r: &QueuedRecipient| r.address.len() + r.terms.orcpt.as_ref().map_or(0, String::len) + SMALL;
        self.to.values().any(|to| to.iter().map(one).sum::<usize>() > MAX_RECORD - (1 << 20))
    }

    /// Puts its records into the batch; the body is the caller's affair. What the queue is to be told of comes back.
    pub(crate) fn put(self, batch: &mut Batch, figures: &Figures) -> Vec<(Domain, Entry)> {
        let Leaving { id, envelope, to } = self;
        let next = envelope.terms.not_before.map_or(envelope.accepted, |at| at.max(envelope.accepted));
        batch.put(&keys::queued(id), &envelope);
        let mut entries = Vec::with_capacity(to.len());
        for (domain, recipients) in to {
            let consignment =
                Consignment { recipients, attempts: 0, next, held: false, delay_told: false, last: None };
            batch.put(&keys::consignment(id, &domain), &consignment);
            let entry = entry(id, &envelope, &consignment, figures);
            entries.push((domain, entry));
        }
        entries
    }
}

/// A stored consignment as the schedule knows it.
pub(super) fn entry(id: QueueId, envelope: &Queued, consignment: &Consignment, figures: &Figures) -> Entry {
    Entry {
        id,
        sender: envelope.sender,
        priority: envelope.terms.priority,
        next: consignment.next,
        deadline: Terms::of(envelope, consignment).deadline(figures),
        held: consignment.held,
    }
}

/// What of an accepted letter goes through the queue: its recipients elsewhere, those here too where it is held until
/// later (RFC 4865), and what is sent on.
pub(crate) fn leaving(acceptance: &Acceptance, at: Timestamp, sender: Option<AccountId>) -> Vec<Leaving> {
    let Acceptance { letter, body, locals, remotes, mail_from, terms, forwards, .. } = acceptance;
    if !is_needed(acceptance) {
        return Vec::new();
    }
    let waits = is_held(acceptance, at);
    let recipient = |address: &EmailAddress, terms: &RcptTerms| {
        let queued = QueuedRecipient { address: address.to_string(), terms: terms.clone(), last: None };
        (address.domain().clone(), queued)
    };
    let held = locals.iter().filter(|_| waits).map(|local| recipient(&local.address, &local.terms));
    let elsewhere = remotes.iter().map(|remote| recipient(&remote.address, &remote.terms));
    let mut to = vec![(0, mail_from, sender, Origin::Submitted, &[][..], by_domain(held.chain(elsewhere)))];
    for (envelope, forward) in (1..=u16::MAX).zip(forwards) {
        let on = forward.to.iter().map(|address| recipient(address, &forward.terms));
        let front = &forward.front[..];
        to.push((envelope, &forward.mail_from, forward.sender, Origin::Forwarded, front, by_domain(on)));
    }
    to.retain(|(.., to)| !to.is_empty());
    let leaving = |(envelope, from, sender, origin, front, to): (u16, &MailFrom, _, _, &[u8], _)| Leaving {
        id: QueueId { letter: *letter, envelope },
        envelope: Queued {
            mail_from: from.to_string(),
            sender,
            accepted: at,
            size: body.len(),
            origin,
            terms: terms.clone(),
            front: front.to_vec(),
        },
        to,
    };
    to.into_iter().map(leaving).collect()
}

/// Whether the queue may have to do with a letter.
pub(crate) fn is_needed(acceptance: &Acceptance) -> bool {
    let Acceptance { remotes, forwards, terms, .. } = acceptance;
    !remotes.is_empty() || !forwards.is_empty() || terms.not_before.is_some()
}

/// Whether a letter is to wait before anybody gets it (RFC 4865).
pub(crate) fn is_held(acceptance: &Acceptance, at: Timestamp) -> bool {
    acceptance.terms.not_before.is_some_and(|not_before| not_before > at)
}

fn by_domain(
    recipients: impl Iterator<Item = (Domain, QueuedRecipient)>,
) -> BTreeMap<Domain, Vec<QueuedRecipient>> {
    let mut found: BTreeMap<Domain, Vec<QueuedRecipient>> = BTreeMap::new();
    for (domain, recipient) in recipients {
        found.entry(domain).or_default().push(recipient);
    }
    found
}

/// What is to be done once the batch of an own letter is on disk: [`Actors::posted`].
#[must_use = "nobody looks for the letter before the next round otherwise"]
#[derive(Debug, Default)]
pub struct Posted {
    owed: Vec<(LetterId, AccountId, Pending)>,
    entries: Vec<(Domain, Entry)>,
}

impl Actors {
    /// Sends a letter of this server's own, to a mailbox here or through the queue. `Ok` means: on disk. One whose
    /// recipient is gone is let go.
    ///
    /// # Errors
    /// What the store can't do.
    pub async fn post(&self, own: OwnLetter) -> Result<(), Refusal> {
        let mut batch = Batch::new();
        let posted = self.post_in(&mut batch, own).await?;
        if !batch.is_empty() {
            self.store().commit(batch).await.map_err(|error| refuse(&error))?;
        }
        self.posted(posted).await;
        Ok(())
    }

    /// Adds an own letter to a batch, so that it is owed from the same moment on as whatever else is in it. When the batch
    /// is on disk, [`Actors::posted`] sees to the rest.
    ///
    /// # Errors
    /// What the store can't do; the batch is as it was.
    pub async fn post_in(&self, batch: &mut Batch, own: OwnLetter) -> Result<Posted, Refusal> {
        let OwnLetter { letter, mail_from, to, octets, terms, origin } = own;
        // A report on what a user had sent on goes to who wrote it.
        let to = self.forwarded_from(&to).unwrap_or(to);
        match self.find_recipient(&to).await {
            Ok(account) => {
                let octets = with_return_path(&mail_from.to_string(), &octets);
                self.put_here(batch, letter, &[account], octets).await
            }
            Err(Refusal::NoRoute) if self.ground().settings.courier.is_some() => {
                let own = OwnLetter { letter, mail_from, to, octets, terms, origin };
                self.put_in_queue(batch, own).await
            }
            Err(Refusal::NoRoute | Refusal::NoSuchMailbox | Refusal::InactiveMailbox) => {
                tracing::info!(%letter, ?origin, "nobody is there to get a letter of ours");
                Ok(Posted::default())
            }
            Err(refusal) => Err(refusal),
        }
    }

    async fn put_in_queue(&self, batch: &mut Batch, own: OwnLetter) -> Result<Posted, Refusal> {
        let OwnLetter { letter, mail_from, to, octets, terms, origin } = own;
        let (mail_from, now) = (mail_from.to_string(), self.now());
        let body = self.sealed(&with_return_path(&mail_from, &octets)).await?;
        let envelope = Queued {
            mail_from,
            sender: None,
            accepted: now,
            size: body.len(),
            origin,
            // What this server writes may have octets beyond ASCII, and always has lines.
            terms: MailTerms { body: terms.body.max(kind(&octets)), ..terms },
            front: Vec::new(),
        };
        batch.append_body(&[AccountId::QUEUE], letter, MailboxId::INBOX, now, body);
        let id = QueueId { letter, envelope: 0 };
        let recipient = QueuedRecipient { address: to.to_string(), terms: RcptTerms::default(), last: None };
        let to = BTreeMap::from([(to.domain().clone(), vec![recipient])]);
        let entries = Leaving { id, envelope, to }.put(batch, &self.ground().settings.queue);
        Ok(Posted { entries, owed: Vec::new() })
    }

    /// A batch with own letters is on disk: they come into their mailboxes, and the queue knows of them.
    pub async fn posted(&self, posted: Posted) {
        let Posted { owed, entries } = posted;
        if !entries.is_empty() {
            self.places().add(entries.len());
            self.queue().do_send(Arrived(entries));
        }
        if !owed.is_empty() {
            self.pay_all(owed.into_iter(), self.now()).await;
        }
    }

    /// Owes a letter to accounts here: its body, what is known of it, and the debts go into the batch.
    pub(super) async fn put_here(
        &self,
        batch: &mut Batch,
        letter: LetterId,
        accounts: &[AccountId],
        octets: Vec<u8>,
    ) -> Result<Posted, Refusal> {
        let size = u32::try_from(octets.len()).map_err(|_| Refusal::Unavailable)?;
        let pending = Pending { mailbox: MailboxId::INBOX, accepted: self.now(), size };
        let body = self.sealed(&octets).await?;
        let examined = tokio::task::spawn_blocking(move || {
            let mut scanner = Scanner::new();
            scanner.feed(&octets);
            let facts = scanner.finish();
            let signature = signature::of(&octets, &facts);
            (facts, signature)
        });
        let (facts, signature) = examined.await.map_err(|_| Refusal::Unavailable)?;
        batch.append_body(accounts, letter, MailboxId::INBOX, pending.accepted, body);
        for account in accounts {
            batch.put(&keys::facts(*account, letter), &facts);
            batch.put(&keys::signature(*account, letter), &signature);
            batch.put(&keys::pending(letter, *account), &pending);
        }
        let owed = accounts.iter().map(|account| (letter, *account, pending.clone())).collect();
        Ok(Posted { owed, entries: Vec::new() })
    }

    async fn sealed(&self, octets: &[u8]) -> Result<SealedBody, Refusal> {
        let mut spool = self.store().spool();
        spool.write(octets).await.map_err(|error| refuse(&error))?;
        spool.seal().await.map_err(|error| refuse(&error))
    }
}

/// RFC 5321 §4.4: whoever delivers puts the reverse path in front.
pub(super) fn with_return_path(mail_from: &str, octets: &[u8]) -> Vec<u8> {
    let mut letter = format!("Return-Path: <{mail_from}>\r\n").into_bytes();
    letter.extend_from_slice(octets);
    letter
}

fn kind(octets: &[u8]) -> BodyKind {
    if octets.is_ascii() { BodyKind::SevenBit } else { BodyKind::EightBit }
}
