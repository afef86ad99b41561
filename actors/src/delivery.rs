//! How an accepted letter reaches its local recipients (SPEC D1, D2).
//!
//! One recipient: body, facts and the folder's entry are one batch. Several: the body and a debt to each recipient are
//! one batch, then each MailboxActor pays its own in a batch that takes the debt away; what a crash leaves unpaid is
//! paid at the next start.

use std::sync::Arc;

use postern_model::mime::Facts;
use postern_model::record::{OwedNotice, Pending};
use postern_model::{AccountId, LetterId, Timestamp};
use postern_policy::Refusal;
use postern_storage::{Batch, SealedBody, StoreError, keys};

use crate::actors::Actors;
use crate::ground::refuse;
use crate::mailbox::{Arriving, Ask, Deliver, NewPlan, Receipt, Reload, Takes, Tally};
use crate::order::{Acceptance, Sent};
use crate::quota::{Count, Counted, Reread};
use crate::rules;

/// Debts read at once when they are paid after a start.
const DEBTS_AT_ONCE: usize = 1_000;

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
        let Some(sent) = acceptance.sent.take() else {
            return self.take_in(acceptance, self.now(), None).await;
        };
        // Whoever asked may go; what is on its way to the disk is counted all the same.
        let actors = self.clone();
        let under_way = tokio::task::spawn_local(async move { actors.accept_sent(acceptance, sent).await });
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
        let mut accounts: Vec<AccountId> = acceptance.locals.iter().map(|local| local.account).collect();
        accounts.sort_unstable();
        accounts.dedup();
        match accounts[..] {
            [] => Err(Refusal::NoSuchMailbox),
            [only] => {
                let mailbox = acceptance.judged.mailbox();
                let Acceptance { letter, body, facts, signature, .. } = acceptance;
                let facts = Box::new(facts);
                let arriving = Arriving::Whole { letter, mailbox, body, facts, signature, tally };
                self.deliver(only, Deliver { arriving, at }).await
            }
            _ => self.accept_for_many(acceptance, accounts, at, tally).await,
        }
        .map(|()| vec![Ok(()); locals])
    }

    async fn accept_for_many(
        &self,
        acceptance: Acceptance,
        recipients: Vec<AccountId>,
        at: Timestamp,
        tally: Option<Tally>,
    ) -> Result<(), Refusal> {
        let mailbox = acceptance.judged.mailbox();
        let Acceptance { letter, body, facts, signature, .. } = acceptance;
        let size = u32::try_from(body.len()).map_err(|_| Refusal::Unavailable)?;
        let pending = Pending { mailbox, accepted: at, size };
        let mut batch = Batch::new();
        batch.append_body(&recipients, letter, mailbox, at, body);
        for account in &recipients {
            batch.put(&keys::facts(*account, letter), &facts);
            batch.put(&keys::signature(*account, letter), &signature);
            batch.put(&keys::pending(letter, *account), &pending);
        }
        if let Some(tally) = tally {
            tally.log(&mut batch);
        }
        // Handed in first, so the debts are applied before the batches that pay them, and normally in the same group.
        let accepted = self.store().commit(batch);
        let paid = self.pay_all(recipients.into_iter().map(|account| (letter, account, pending.clone())), at);
        let (accepted, ()) = tokio::join!(accepted, paid);
        accepted.map_err(|error| refuse(&error))
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

/// Waits for a batch of a MailboxActor, which reads its state anew where it comes to nothing.
pub(crate) async fn landed(receipt: Receipt) -> Result<(), Refusal> {
    receipt.landed().await.map_err(|error| refuse(&error))
}
