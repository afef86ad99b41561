//! Notices that are owed to users, and the letters that they become (SPEC N).
//!
//! A notice is owed from the batch of what it tells on: an entry of the outbox, under the id of the letter that it will
//! be. NoticeActor makes it that letter, and the batch that delivers the letter takes the entry away. So whatever comes
//! between, it is told, and told once (SPEC N3).

use std::collections::{BTreeMap, HashSet};

use actix::prelude::*;
use postern_model::mime::{Facts, Scanner};
use postern_model::record::{Account, OwedNotice};
use postern_model::{AccountId, LetterId, Timestamp};
use postern_policy::Refusal;
use postern_storage::{Batch, SealedBody, StoreError, keys};
use tokio::task::JoinSet;

use crate::actors::{Actors, WeakActors};
use crate::delivery::Notice;
use crate::ground::refuse;
use crate::rules::{ForwardRequest, VacationReply};
use crate::unpanicked;

/// Notices read at once, and delivered side by side where they are for different accounts.
const PAGE: usize = 64;

/// Accounts that notices wait for; where there are more, all wait for the next round.
const MOST_STUCK: usize = 1_000;

/// Writes the letter of a notice, in the user's language (SPEC N2).
pub trait Composer: Send + Sync + std::fmt::Debug {
    /// The whole letter with its header, lines ended by CRLF.
    fn compose(&self, told: &Told<'_>) -> Vec<u8>;

    /// A user's vacation reply, likewise (RFC 3834).
    fn vacation(&self, reply: &VacationReply<'_>) -> Vec<u8>;

    /// The letter that asks somebody whether they want a user's letters, likewise (SPEC D6).
    fn forward_request(&self, request: &ForwardRequest<'_>) -> Vec<u8>;
}

/// A notice and whom it is for.
#[derive(Clone, Copy, Debug)]
pub struct Told<'a> {
    /// The account's address.
    pub address: &'a str,
    /// Its language: `en`, `lv` or `ru`.
    pub language: &'a str,
    /// The id that the letter has, for its Message-ID.
    pub letter: LetterId,
    /// When it is written.
    pub now: Timestamp,
    /// What it tells.
    pub notice: &'a OwedNotice,
}

/// One for the whole server: delivers what the outbox owes.
pub(crate) struct NoticeActor {
    actors: WeakActors,
    /// Accounts whose notices could not be delivered; they are tried again in the next round.
    stuck: HashSet<AccountId>,
}

/// Something is owed. Told, never waited for: where the inbox is full, the actor is about to look anyway.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Owed;

/// A round: all that is owed is to be delivered, also what could not be before. Answered when that is done.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct DeliverAll;

impl NoticeActor {
    pub(crate) fn begin(actors: WeakActors, arbiter: &ArbiterHandle) -> Addr<NoticeActor> {
        NoticeActor::start_in_arbiter(arbiter, move |_| NoticeActor { actors, stuck: HashSet::new() })
    }

    /// One after the other: an account gets its notices in the order in which they were owed.
    fn deliver(&mut self) -> AtomicResponse<Self, ()> {
        let (actors, stuck) = (Actors::upgrade(&self.actors), std::mem::take(&mut self.stuck));
        let work = async move {
            match actors {
                Some(actors) => unpanicked(actors.pay_notices(stuck)).await.unwrap_or_default(),
                None => stuck,
            }
        };
        AtomicResponse::new(Box::pin(work.into_actor(self).map(|stuck, actor, _| actor.stuck = stuck)))
    }
}

impl Actor for NoticeActor {
    type Context = Context<Self>;
}

impl Handler<Owed> for NoticeActor {
    type Result = AtomicResponse<Self, ()>;

    fn handle(&mut self, _: Owed, _: &mut Context<Self>) -> Self::Result {
        self.deliver()
    }
}

impl Handler<DeliverAll> for NoticeActor {
    type Result = AtomicResponse<Self, ()>;

    fn handle(&mut self, _: DeliverAll, _: &mut Context<Self>) -> Self::Result {
        self.stuck.clear();
        self.deliver()
    }
}

/// Whose notice it is: `None` where the account is gone.
type Debtor = Option<Account>;

impl Actors {
    /// Delivers all notices that are owed by now; what can't be delivered stays owed.
    pub(crate) async fn deliver_notices(&self) {
        // Where the actor is gone, the server ends, and the next one begins with this.
        let _ = self.notices().send(DeliverAll).await;
    }

    /// Delivers what is owed to all but the `stuck` accounts; returns these and those that have joined them.
    async fn pay_notices(&self, mut stuck: HashSet<AccountId>) -> HashSet<AccountId> {
        let mut range = keys::all_owed_notices();
        while stuck.len() < MOST_STUCK {
            let page = range.clone();
            let read = self.store().read(move |view| {
                let owed = view.scan(&page, PAGE)?.into_iter();
                let row = |((letter, id), notice)| {
                    let gone = view.contains(&keys::removal(id))?;
                    let account = if gone { None } else { view.get(&keys::account(id))? };
                    Ok((letter, id, notice, account))
                };
                owed.map(row).collect::<Result<Vec<_>, StoreError>>()
            });
            let owed = match read.await {
                Ok(owed) => owed,
                Err(error) => {
                    // Says why.
                    let _ = refuse(&error);
                    break;
                }
            };
            let Some((letter, id, ..)) = owed.last() else { break };
            range = range.after(&keys::owed_notice(*letter, *id));
            let mut of_each: BTreeMap<AccountId, Vec<(LetterId, OwedNotice, Debtor)>> = BTreeMap::new();
            for (letter, id, notice, account) in owed {
                of_each.entry(id).or_default().push((letter, notice, account));
            }
            if !self.pay_page(of_each, &mut stuck).await {
                break;
            }
        }
        stuck
    }

    /// Delivers the notices of several accounts side by side; returns whether it is worth going on.
    async fn pay_page(
        &self,
        of_each: BTreeMap<AccountId, Vec<(LetterId, OwedNotice, Debtor)>>,
        stuck: &mut HashSet<AccountId>,
    ) -> bool {
        let mut under_way = JoinSet::new();
        for (id, notices) in of_each {
            if !stuck.contains(&id) {
                let actors = self.clone();
                under_way.spawn_local(async move { (id, actors.pay_account(id, notices).await) });
            }
        }
        let mut room = true;
        while let Some(done) = under_way.join_next().await {
            match done {
                Ok((_, Ok(()))) => {}
                // There is no next round; the next start begins with it.
                Ok((_, Err(Refusal::Stopping))) => room = false,
                Ok((account, Err(refusal))) => {
                    room &= refusal != Refusal::StoreFull;
                    tracing::warn!(%account, ?refusal, "a notice waits for the next round");
                    stuck.insert(account);
                }
                Err(error) => tracing::error!(%error, "a notice waits for the next round"),
            }
        }
        room
    }

    /// Delivers an account's notices one after the other.
    async fn pay_account(
        &self,
        id: AccountId,
        notices: Vec<(LetterId, OwedNotice, Debtor)>,
    ) -> Result<(), Refusal> {
        let awake = self.mailboxes().living(id).is_some();
        let mut paid = Ok(());
        for (letter, owed, account) in notices {
            if paid.is_ok() {
                paid = self.pay_notice(id, letter, owed, account).await;
            }
        }
        if !awake {
            self.mailboxes().rest(id);
        }
        paid
    }

    async fn pay_notice(
        &self,
        id: AccountId,
        letter: LetterId,
        owed: OwedNotice,
        account: Debtor,
    ) -> Result<(), Refusal> {
        let Some(account) = account else { return self.forgive_notice(id, letter).await };
        let (body, facts) = self.compose(letter, owed.clone(), account).await?;
        match self.deliver_notice(id, Notice { letter, body, facts, owed }).await {
            Err(Refusal::NoSuchMailbox) => self.forgive_notice(id, letter).await,
            delivered => delivered,
        }
    }

    /// Makes a notice the letter that it will be.
    async fn compose(
        &self,
        letter: LetterId,
        owed: OwedNotice,
        account: Account,
    ) -> Result<(SealedBody, Facts), Refusal> {
        let (composer, now) = (std::sync::Arc::clone(&self.ground().settings.composer), self.now());
        let composed = tokio::task::spawn_blocking(move || {
            let (address, language) = (account.address.as_str(), account.language.as_str());
            let text = composer.compose(&Told { address, language, letter, now, notice: &owed });
            let mut scanner = Scanner::new();
            scanner.feed(&text);
            (text, scanner.finish())
        });
        let (text, facts) = composed.await.map_err(|_| Refusal::Unavailable)?;
        let mut spool = self.store().spool();
        spool.write(&text).await.map_err(|error| refuse(&error))?;
        Ok((spool.seal().await.map_err(|error| refuse(&error))?, facts))
    }

    /// The account was removed: nothing is owed to it any more.
    async fn forgive_notice(&self, id: AccountId, letter: LetterId) -> Result<(), Refusal> {
        let mut batch = Batch::new();
        batch.delete(&keys::owed_notice(letter, id));
        self.store().commit(batch).await.map_err(|error| refuse(&error))
    }
}

/// Letters of one line, for tests.
#[cfg(test)]
#[derive(Debug)]
pub(crate) struct Plain;

#[cfg(test)]
impl Composer for Plain {
    fn compose(&self, told: &Told<'_>) -> Vec<u8> {
        let (address, notice) = (told.address, told.notice.notice.name());
        format!("To: {address}\r\nSubject: {notice}\r\n\r\n{:?}\r\n", told.notice).into_bytes()
    }

    fn vacation(&self, reply: &VacationReply<'_>) -> Vec<u8> {
        let (from, to, text) = (reply.from, reply.to, reply.text);
        let field = "Auto-Submitted: auto-replied";
        format!("From: {from}\r\nTo: {to}\r\n{field}\r\n\r\n{text}\r\n").into_bytes()
    }

    fn forward_request(&self, request: &ForwardRequest<'_>) -> Vec<u8> {
        let (to, token) = (request.to, request.token);
        format!("To: {to}\r\nAuto-Submitted: auto-generated\r\n\r\n{token}\r\n").into_bytes()
    }
}
