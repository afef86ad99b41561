//! How an accepted letter reaches its local recipients (SPEC D1, D2), and with the same batch the queue (SPEC D3).
//!
//! One recipient: body, facts and the folder's entry are one batch. Several: the body and a debt to each recipient are
//! one batch, then each MailboxActor pays its own in a batch that takes the debt away; what a crash leaves unpaid is
//! paid at the next start.

use std::sync::Arc;

use postern_model::mime::Facts;
use postern_model::record::{Origin, OwedNotice, Pending, Queued, QueuedRecipient};
use postern_model::{AccountId, LetterId, MailFrom, MailboxId, QueueId, Timestamp};
use postern_policy::Refusal;
use postern_storage::{Batch, SealedBody, StoreError, keys};

use crate::actors::Actors;
use crate::courier::{Action, Reported};
use crate::ground::refuse;
use crate::mailbox::{Arriving, Ask, Deliver, NewPlan, Receipt, Reload, Takes, Tally};
use crate::order::{Acceptance, LocalRcpt, Sent};
use crate::queue::{self, Arrived, HEADER, Leaving, Original, Posted};
use crate::quota::{Count, Counted, Reread};
use crate::rules;

/// Debts read at once when they are paid after a start.
const DEBTS_AT_ONCE: usize = 1_000;

/// Recipients that fit into one letter for one domain, however long their addresses are.
const FEWER: u32 = 3_000;

/// A notice as the letter that it has become.
pub(crate) struct Notice {
    pub(crate) letter: LetterId,
    pub(crate) body: SealedBody,
    pub(crate) facts: Facts,
    /// What the outbox holds.
    pub(crate) owed: OwedNotice,
}

impl Actors {
    /// Takes a letter for its recipients; the answer has one verdict for each of its local ones, in their order. What is
    /// taken is on disk and survives whatever comes, and where an account of ours sent it, it is counted there (SPEC Q2).
    ///
    /// # Errors
    /// [`Refusal::SendingLocked`] where that fell meanwhile, [`Refusal::StoreFull`], [`Refusal::Unavailable`],
    /// [`Refusal::Stopping`]: nothing of it is kept.
    pub async fn accept(&self, mut acceptance: Acceptance) -> Result<Vec<Result<(), Refusal>>, Refusal> {
        let applied = rules::apply(self, &mut acceptance).await?;
        Ok(applied.conclude(self, self.accept_redirected(acceptance).await?))
    }

    async fn accept_redirected(
        &self,
        mut acceptance: Acceptance,
    ) -> Result<Vec<Result<(), Refusal>>, Refusal> {
        let sent = acceptance.sent.take();
        if sent.is_none() && !queue::is_needed(&acceptance) {
            return self.take_in(acceptance, self.now(), None).await;
        }
        // Whoever asked may go; what is on its way to the disk is counted all the same, and the queue told of it.
        let actors = self.clone();
        let under_way = tokio::task::spawn_local(async move {
            match sent {
                Some(sent) => actors.accept_sent(acceptance, sent).await,
                None => actors.take_in(acceptance, actors.now(), None).await,
            }
        });
        under_way.await.map_err(|_| Refusal::Unavailable)?
    }

    async fn accept_sent(
        &self,
        acceptance: Acceptance,
        sent: Sent,
    ) -> Result<Vec<Result<(), Refusal>>, Refusal> {
        let (at, sender, letter) = (self.now(), sent.account, acceptance.letter);
        let seat = Arc::clone(&sent.reservation.seat);
        let count = Count { letter, sent, at };
        let counting = seat.addr().send(count).await.map_err(|_| Refusal::Unavailable)??;
        let keep = self.ground().settings.letters_kept();
        let tally = Tally { sender, event: counting.event.clone(), keep };
        let taken = match self.take_in(acceptance, at, Some(tally)).await {
            Ok(taken) => taken,
            Err(refusal) => {
                // What failed may be on disk all the same. Where the actor is gone, it reads anew in any case.
                let _ = seat.addr().send(Reread).await;
                return Err(refusal);
            }
        };
        let verdict = seat.addr().send(Counted(counting)).await.unwrap_or_default();
        self.accuse(sender, verdict).await;
        Ok(taken)
    }

    async fn take_in(
        &self,
        acceptance: Acceptance,
        at: Timestamp,
        tally: Option<Tally>,
    ) -> Result<Vec<Result<(), Refusal>>, Refusal> {
        let locals = acceptance.locals.len();
        let leaving = queue::leaving(&acceptance, at, tally.as_ref().map(|tally| tally.sender));
        let here = if queue::is_held(&acceptance, at) { &[][..] } else { &acceptance.locals[..] };
        let mut accounts: Vec<AccountId> = here.iter().map(|local| local.account).collect();
        accounts.sort_unstable();
        accounts.dedup();
        let reported = here.iter().chain(&acceptance.expanded).any(wants_success);
        let alone = leaving.is_empty() && !reported;
        match accounts[..] {
            [] if alone => Err(Refusal::NoSuchMailbox),
            [only] if alone => {
                let mailbox = acceptance.judged.mailbox_for(only);
                let Acceptance { letter, body, facts, signature, .. } = acceptance;
                let facts = Box::new(facts);
                let arriving = Arriving::Whole { letter, mailbox, body, facts, signature, tally };
                self.deliver(only, Deliver { arriving, at }).await
            }
            _ => self.accept_for_many(acceptance, accounts, leaving, at, tally).await,
        }
        .map(|()| vec![Ok(()); locals])
    }

    async fn accept_for_many(
        &self,
        acceptance: Acceptance,
        recipients: Vec<AccountId>,
        leaving: Vec<Leaving>,
        at: Timestamp,
        tally: Option<Tally>,
    ) -> Result<(), Refusal> {
        let figures = &self.ground().settings.queue;
        if leaving.iter().any(Leaving::is_too_large) {
            return Err(Refusal::TooManyRecipients { limit: FEWER });
        }
        let places = self.places().reserve(leaving.iter().map(|leaving| leaving.to.len()).sum(), figures)?;
        let mut batch = Batch::new();
        let reported = self.report_delivery(&mut batch, &acceptance, !recipients.is_empty(), at).await?;
        let Acceptance { letter, body, facts, signature, judged, .. } = acceptance;
        let size = u32::try_from(body.len()).map_err(|_| Refusal::Unavailable)?;
        let pending = |account| Pending { mailbox: judged.mailbox_for(account), accepted: at, size };
        let mut keepers = recipients.clone();
        keepers.extend((!leaving.is_empty()).then_some(AccountId::QUEUE));
        batch.append_body(&keepers, letter, MailboxId::INBOX, at, body);
        let entries: Vec<_> =
            leaving.into_iter().flat_map(|leaving| leaving.put(&mut batch, figures)).collect();
        for account in &recipients {
            batch.put(&keys::facts(*account, letter), &facts);
            batch.put(&keys::signature(*account, letter), &signature);
            batch.put(&keys::pending(letter, *account), &pending(*account));
        }
        if let Some(tally) = tally {
            tally.log(&mut batch);
        }
        // Handed in first, so the debts are applied before the batches that pay them, and normally in the same group.
        let accepted = self.store().commit(batch);
        let paid =
            self.pay_all(recipients.into_iter().map(|account| (letter, account, pending(account))), at);
        let (accepted, ()) = tokio::join!(accepted, paid);
        accepted.map_err(|error| refuse(&error))?;
        places.taken();
        self.queue().do_send(Arrived(entries));
        self.posted(reported).await;
        Ok(())
    }

    /// Owes a report of success for those recipients here that asked for it, in the batch that owes them the letter
    /// (RFC 3461 §5.2.3).
    async fn report_delivery(
        &self,
        batch: &mut Batch,
        acceptance: &Acceptance,
        arrives: bool,
        at: Timestamp,
    ) -> Result<Posted, Refusal> {
        let here = acceptance.locals.iter().filter(|local| arrives && wants_success(local));
        let expanded = acceptance.expanded.iter().filter(|local| wants_success(local));
        let told: Vec<Reported> = here.map(in_mailbox).chain(expanded.map(sent_on)).collect();
        if told.is_empty() || acceptance.mail_from == MailFrom::Null {
            return Ok(Posted::default());
        }
        let envelope = Queued {
            mail_from: acceptance.mail_from.to_string(),
            sender: None,
            accepted: at,
            size: acceptance.body.len(),
            origin: Origin::Submitted,
            terms: acceptance.terms.clone(),
            front: Vec::new(),
        };
        let header = acceptance.body.read(0, HEADER).await.map_err(|error| refuse(&error))?;
        let about = QueueId { letter: acceptance.letter, envelope: 0 };
        let report = self.compose_report(about, Arc::new(envelope), told, Original::header(&header)).await?;
        match report {
            Some(report) => self.post_in(batch, report).await,
            None => Ok(Posted::default()),
        }
    }

    /// Pays debts from before `accepted_before`; returns how many there were.
    ///
    /// # Errors
    /// Where they can't be read; a debt that can't be paid stays and is logged.
    pub(crate) async fn pay_what_is_owed(&self, accepted_before: Timestamp) -> Result<usize, StoreError> {
        let (mut range, mut count) = (keys::all_pending(), 0);
        loop {
            let page = range.clone();
            let mut owed = self.store().read(move |view| view.scan(&page, DEBTS_AT_ONCE)).await?;
            let Some(((letter, account), _)) = owed.last() else { return Ok(count) };
            // Those that can't be paid stay, and must not stand before the others for ever.
            range = range.after(&keys::pending(*letter, *account));
            owed.retain(|(_, pending)| pending.accepted < accepted_before);
            count += owed.len();
            let debts = owed.into_iter().map(|((letter, account), pending)| (letter, account, pending));
            self.pay_all(debts, self.now()).await;
        }
    }

    pub(crate) async fn pay_all(
        &self,
        debts: impl Iterator<Item = (LetterId, AccountId, Pending)>,
        at: Timestamp,
    ) {
        // All are on their way before any is waited for: they share the committer's rounds.
        let mut under_way = tokio::task::JoinSet::new();
        for (letter, account, pending) in debts {
            let actors = self.clone();
            under_way.spawn_local(async move {
                let arriving = Arriving::Owed { letter, pending };
                match actors.deliver(account, Deliver { arriving, at }).await {
                    Ok(()) => {}
                    Err(Refusal::NoSuchMailbox) => actors.forgive(account, letter).await,
                    Err(refusal) => {
                        tracing::warn!(%account, %letter, ?refusal, "an accepted letter waits for its folder");
                    }
                }
            });
        }
        while under_way.join_next().await.is_some() {}
    }

    /// The account was removed while a letter was on its way to it: nothing is owed any more.
    async fn forgive(&self, account: AccountId, letter: LetterId) {
        let mut batch = Batch::new();
        batch.delete(&keys::pending(letter, account));
        batch.delete(&keys::facts(account, letter)).delete(&keys::signature(account, letter));
        batch.drop_body(account, letter);
        if let Err(error) = self.store().commit(batch).await {
            tracing::warn!(%account, %letter, %error, "a letter for an account that is gone waits for the next round");
        }
    }

    /// Delivers a notice that is owed as the letter that it has become. `Ok`: it is in the INBOX, by this call or an
    /// earlier one.
    ///
    /// # Errors
    /// [`Refusal::NoSuchMailbox`] where the account is gone, or what the store can't do: then it is still owed.
    pub(crate) async fn deliver_notice(&self, account: AccountId, deliver: Notice) -> Result<(), Refusal> {
        let Notice { letter, body, facts, owed } = deliver;
        let arriving = Arriving::Notice { letter, body, facts: Box::new(facts), owed };
        let seat = self.mailboxes().seat(account);
        let deliver = Deliver { arriving, at: self.now() };
        let receipt = seat.addr().send(Ask(deliver)).await.map_err(|_| Refusal::Unavailable)??;
        match receipt.landed().await {
            // Somebody else delivered it, or the folder changed meanwhile: what is owed says which.
            Err(StoreError::Conflict) => match self.store().get(keys::owed_notice(letter, account)).await {
                Ok(None) => Ok(()),
                Ok(Some(_)) => Err(Refusal::Unavailable),
                Err(error) => Err(refuse(&error)),
            },
            written => written.map_err(|error| refuse(&error)),
        }
    }

    /// Makes the account's MailboxActor read its state anew: the account goes.
    pub(crate) async fn forget_mailbox(&self, account: AccountId) {
        // Where the actor is gone, so is what it knew.
        let _ = self.mailboxes().seat(account).addr().send(Reload).await;
    }

    /// Whether a letter of so many octets would fit into the account's mailbox now (SPEC D8); what only asks holds no room.
    ///
    /// # Errors
    /// [`Refusal::MailboxFull`], or what the store can't do.
    pub async fn has_room(&self, account: AccountId, octets: u64) -> Result<(), Refusal> {
        let seat = self.mailboxes().seat(account);
        seat.addr().send(Ask(Takes(octets))).await.map_err(|_| Refusal::Unavailable)?
    }

    /// Tells the account's MailboxActor, where there is one, which plan its room goes by now (SPEC D8).
    pub(crate) async fn tell_plan(&self, account: AccountId, plan: String) {
        if let Some(seat) = self.mailboxes().living(account) {
            // Where it is gone meanwhile, it reads the account anew.
            let _ = seat.addr().send(NewPlan(plan)).await;
        }
    }

    async fn deliver(&self, account: AccountId, deliver: Deliver) -> Result<(), Refusal> {
        let seat = self.mailboxes().seat(account);
        let receipt = seat.addr().send(Ask(deliver)).await.map_err(|_| Refusal::Unavailable)??;
        landed(receipt).await
    }
}

/// Whether the sender is told when the letter is in the mailbox (RFC 3461 §4.1).
fn wants_success(local: &LocalRcpt) -> bool {
    local.terms.notify.is_some_and(|notify| notify.success)
}

fn in_mailbox(local: &LocalRcpt) -> Reported {
    reported(local, Action::Delivered)
}

fn sent_on(local: &LocalRcpt) -> Reported {
    reported(local, Action::Expanded)
}

fn reported(local: &LocalRcpt, action: Action) -> Reported {
    let (address, terms) = (local.address.to_string(), local.terms.clone());
    Reported { recipient: QueuedRecipient { address, terms, last: None }, action, attempt: None }
}

/// Waits for a batch of a MailboxActor, which reads its state anew where it comes to nothing.
pub(crate) async fn landed(receipt: Receipt) -> Result<(), Refusal> {
    receipt.landed().await.map_err(|error| refuse(&error))
}
