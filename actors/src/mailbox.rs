//! MailboxActor: one account's mail. It alone gives UIDs, and it alone says who has the maildrop.
//!
//! A handler changes the folder in memory and hands its batch to the committer before the next message is looked at,
//! so batches leave in the order of their UIDs; whoever asked waits for the [`Receipt`] outside, and many wait together.

use std::collections::BTreeSet;
use std::sync::{Arc, Weak};

use actix::prelude::*;
use postern_model::mime::Facts;
use postern_model::record::{Block, Pending, Usage, Vanished};
use postern_model::{AccountId, Flags, LetterId, MailboxId, Timestamp, Uid};
use postern_policy::mailbox::{Arrival, Folder, expunge, ranges};
use postern_policy::maildrop::{Figures, Holder, Opening, try_open};
use postern_policy::{Refusal, mailbox};
use postern_storage::{Batch, Commit, SealedBody, Store, StoreError, keys};

use crate::ground::{Ground, refuse};
use crate::order::{Drop as Letter, Lease, Maildrop, SessionRef, Tell};
use crate::registry::{PerAccount, Seat};

const INBOX: MailboxId = MailboxId::INBOX;

/// Entries of a folder's log of vanished UIDs; beyond, the old ones are told as one (RFC 7162 §3.2.7 allows to say more
/// than was asked for).
const VANISHED_KEPT: usize = 256;

/// Blocks read at once: 8,192 letters. Nothing is committed for anybody while the store is looked at.
const BLOCKS_AT_ONCE: usize = 128;

/// One account's mail.
pub(crate) struct MailboxActor {
    account: AccountId,
    ground: Arc<Ground>,
    /// `None` until something needs it; let go when a maildrop opens, since an idle session shall cost little.
    inbox: Option<Inbox>,
    holder: Weak<Lease>,
    /// Held by every receipt that is still out.
    in_flight: Arc<()>,
}

/// The INBOX in memory, ahead of the disk by what is in flight.
struct Inbox {
    folder: Folder,
    usage: Usage,
    /// Whether the store has the usage yet.
    stored: bool,
}

/// A batch on its way to the disk.
#[derive(Debug)]
pub(crate) struct Receipt {
    pub(crate) commit: Commit,
    pub(crate) in_flight: Arc<()>,
}

/// A letter for the INBOX.
pub(crate) enum Arriving {
    /// Body and index in one batch: the letter has one recipient.
    Whole { letter: LetterId, body: SealedBody, facts: Box<Facts> },
    /// The body is on disk, this recipient's entry is owed (SPEC D1).
    Owed { letter: LetterId, pending: Pending },
}

#[derive(Message)]
#[rtype(result = "Result<Receipt, Refusal>")]
pub(crate) struct Deliver {
    pub(crate) arriving: Arriving,
    pub(crate) at: Timestamp,
}

#[derive(Message)]
#[rtype(result = "Result<Maildrop, Refusal>")]
pub(crate) struct OpenMaildrop {
    pub(crate) session: SessionRef,
    /// This actor's own seat: the lease keeps it from being let go.
    pub(crate) seat: Arc<Seat<MailboxActor>>,
}

#[derive(Message)]
#[rtype(result = "Result<Option<Receipt>, Refusal>")]
pub(crate) struct CloseMaildrop {
    pub(crate) lease: Arc<Lease>,
    pub(crate) deletions: Vec<Uid>,
}

/// A receipt came to nothing: what is in memory is ahead of the disk and has to be read anew.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Reload;

impl PerAccount for MailboxActor {
    fn of(account: AccountId, ground: Arc<Ground>) -> Self {
        MailboxActor { account, ground, inbox: None, holder: Weak::new(), in_flight: Arc::new(()) }
    }
}

impl Actor for MailboxActor {
    type Context = Context<Self>;
}

impl MailboxActor {
    fn receipt(&self, commit: Commit) -> Receipt {
        Receipt { commit, in_flight: Arc::clone(&self.in_flight) }
    }

    /// Returns when everything that this actor has handed in is applied, so that a read sees it.
    fn settled(&self) -> impl Future<Output = ()> + 'static {
        let busy = Arc::strong_count(&self.in_flight) > 1;
        let store = self.ground.store.clone();
        async move {
            if busy {
                // A failed batch is its owner's affair; here only the order counts.
                let _ = store.commit(Batch::new()).await;
            }
        }
    }

    /// Puts a letter into the INBOX in memory and its batch on the way.
    fn deliver(&mut self, deliver: Deliver) -> Result<Receipt, Refusal> {
        let Some(inbox) = self.inbox.as_mut() else { return Err(Refusal::Unavailable) };
        let before = inbox.counted();
        let mut batch = Batch::new();
        let (letter, size, accepted) = match deliver.arriving {
            Arriving::Whole { letter, body, facts } => {
                let size = size(body.len())?;
                batch.append_body(&[self.account], letter, INBOX, deliver.at, body);
                batch.put(&keys::facts(self.account, letter), &*facts);
                (letter, size, deliver.at)
            }
            Arriving::Owed { letter, pending } => {
                let key = keys::pending(letter, self.account);
                batch.expect(&key, &pending);
                batch.delete(&key);
                (letter, pending.size, pending.accepted)
            }
        };
        let arrival = Arrival {
            letter,
            size,
            at: accepted,
            saved: deliver.at,
            flags: Flags::default(),
            pop3_uidl: None,
        };
        let uid = inbox.folder.append(arrival, &mut inbox.usage).map_err(|mailbox::FolderFull| {
            tracing::error!(account = %self.account, "the INBOX has used up its numbers");
            Refusal::Unavailable
        })?;
        let number = inbox.folder.header.last_block;
        batch.put(&keys::block(self.account, INBOX, number), &inbox.folder.last_block);
        self.count(&mut batch, before);
        tracing::debug!(account = %self.account, %letter, uid = uid.0, size, "delivered");
        Ok(self.receipt(self.ground.store.commit(batch)))
    }

    /// Writes header and usage, on condition that they are still as `before`.
    fn count(&mut self, batch: &mut Batch, before: Option<Usage>) {
        let Some(inbox) = self.inbox.as_mut() else { return };
        let (usage, header) = (keys::usage(self.account), keys::mailbox(self.account, INBOX));
        // An account that is being removed gets nothing more.
        batch.expect_absent(&keys::removal(self.account));
        // The account's modification sequence stands in the usage and moves with every change of any folder, so
        // this one condition covers them all.
        match before {
            Some(before) => batch.expect(&usage, &before),
            None => batch.expect_absent(&usage),
        };
        batch.put(&usage, &inbox.usage);
        batch.put(&header, &inbox.folder.header);
        inbox.stored = true;
    }

    /// One answer for all that can stand against it: in use, or taken over (SPEC C1, C2).
    fn try_open(&self, now: Timestamp) -> Result<Opening, Refusal> {
        let holder = self.holder.upgrade().map(|lease| Holder { last_byte: lease.session.activity.at() });
        let settings = &self.ground.settings;
        let figures = Figures {
            interval: std::time::Duration::ZERO,
            burst: settings.check_burst,
            grace: settings.check_grace,
            takeover_after: settings.takeover_after,
        };
        try_open(holder, &postern_model::record::Checks::default(), &figures, now)
    }

    fn grant(&mut self, open: OpenMaildrop) -> Arc<Lease> {
        if let Some(old) = self.holder.upgrade() {
            old.session.inbox.do_send(Tell::TakenOver);
        }
        let lease = Arc::new(Lease { session: open.session, seat: open.seat });
        self.holder = Arc::downgrade(&lease);
        self.inbox = None;
        lease
    }

    fn close(&mut self, close: &CloseMaildrop, read: FolderRead) -> Result<Option<Receipt>, Refusal> {
        if !self.holds(&close.lease) {
            return Err(Refusal::InUse);
        }
        let Some(inbox) = self.inbox.as_mut() else { return Err(Refusal::Unavailable) };
        let before = inbox.counted();
        let uids: BTreeSet<Uid> = close.deletions.iter().copied().collect();
        let header = &mut inbox.folder.header;
        let expunged = expunge(header, &mut inbox.usage, read.blocks, &uids);
        let Some(mod_seq) = expunged.mod_seq else { return Ok(None) };
        let mut batch = Batch::new();
        for (number, block) in expunged.blocks {
            let key = keys::block(self.account, INBOX, number);
            if block.entries.is_empty() {
                batch.delete(&key);
            } else {
                batch.put(&key, &block);
            }
            if number == header.last_block {
                inbox.folder.last_block = block;
            }
        }
        for entry in &expunged.gone {
            batch.drop_body(self.account, entry.letter);
            batch.delete(&keys::facts(self.account, entry.letter));
        }
        let mut gone = Vanished { uids: ranges(expunged.gone.iter().map(|entry| entry.uid)) };
        if read.vanished.len() >= VANISHED_KEPT {
            for (at, _) in &read.vanished {
                batch.delete(&keys::vanished(self.account, INBOX, *at));
            }
            gone = mailbox::merge(read.vanished.into_iter().map(|(_, vanished)| vanished).chain([gone]));
        }
        batch.put(&keys::vanished(self.account, INBOX, mod_seq), &gone);
        self.count(&mut batch, before);
        Ok(Some(self.receipt(self.ground.store.commit(batch))))
    }

    fn holds(&self, lease: &Arc<Lease>) -> bool {
        self.holder.upgrade().is_some_and(|holder| Arc::ptr_eq(&holder, lease))
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

impl Handler<OpenMaildrop> for MailboxActor {
    type Result = AtomicResponse<Self, Result<Maildrop, Refusal>>;

    fn handle(&mut self, open: OpenMaildrop, _: &mut Context<Self>) -> Self::Result {
        if let Err(refusal) = self.try_open(self.ground.ticker.now()) {
            return AtomicResponse::new(Box::pin(actix::fut::err(refusal)));
        }
        let (settled, store, account) = (self.settled(), self.ground.store.clone(), self.account);
        let now = self.ground.ticker.now();
        let read = async move {
            settled.await;
            FolderRead::of(&store, account).await.map(|read| (read, now))
        };
        AtomicResponse::new(Box::pin(read.into_actor(self).map(|read, actor, _| {
            let (read, now) = read.map_err(|error| refuse(&error))?;
            Ok(read.maildrop(actor.grant(open), now))
        })))
    }
}

impl Handler<CloseMaildrop> for MailboxActor {
    type Result = AtomicResponse<Self, Result<Option<Receipt>, Refusal>>;

    fn handle(&mut self, close: CloseMaildrop, _: &mut Context<Self>) -> Self::Result {
        let (settled, store, account) = (self.settled(), self.ground.store.clone(), self.account);
        let now = self.ground.ticker.now();
        let read = async move {
            settled.await;
            let inbox = Inbox::load(&store, account, now).await?;
            Ok((inbox, FolderRead::of(&store, account).await?))
        };
        AtomicResponse::new(Box::pin(read.into_actor(self).map(move |read, actor, _| {
            let (inbox, read) = read.map_err(|error: StoreError| refuse(&error))?;
            actor.inbox = Some(inbox);
            actor.close(&close, read)
        })))
    }
}

impl Handler<Reload> for MailboxActor {
    type Result = ();

    fn handle(&mut self, _: Reload, _: &mut Context<Self>) {
        self.inbox = None;
    }
}

impl Inbox {
    /// The usage that the store holds once all that is in flight has landed.
    fn counted(&self) -> Option<Usage> {
        self.stored.then_some(self.usage)
    }

    async fn load(store: &Store, account: AccountId, now: Timestamp) -> Result<Inbox, StoreError> {
        store
            .read(move |view| {
                if !view.contains(&keys::account(account))? {
                    return Err(StoreError::NotFound);
                }
                let usage = view.get(&keys::usage(account))?;
                let Some(header) = view.get(&keys::mailbox(account, INBOX))? else {
                    let stored = usage.is_some();
                    return Ok(Inbox { folder: Folder::new(now), usage: usage.unwrap_or_default(), stored });
                };
                let block = view.get(&keys::block(account, INBOX, header.last_block))?;
                let folder = Folder { header, last_block: block.unwrap_or_default() };
                Ok(Inbox { folder, usage: usage.unwrap_or_default(), stored: true })
            })
            .await
    }
}

/// Everything of the INBOX. Only its MailboxActor changes it, and that does nothing else while it reads.
struct FolderRead {
    header: Option<postern_model::record::MailboxHeader>,
    blocks: Vec<(u32, Block)>,
    vanished: Vec<(postern_model::ModSeq, Vanished)>,
}

impl FolderRead {
    async fn of(store: &Store, account: AccountId) -> Result<FolderRead, StoreError> {
        let mut range = keys::blocks_of(account, INBOX);
        let first = range.clone();
        let mut folder = store
            .read(move |view| {
                Ok(FolderRead {
                    header: view.get(&keys::mailbox(account, INBOX))?,
                    blocks: view.scan(&first, BLOCKS_AT_ONCE)?,
                    vanished: view.scan(&keys::vanished_of(account, INBOX), usize::MAX)?,
                })
            })
            .await?;
        let mut found = folder.blocks.len();
        while let (BLOCKS_AT_ONCE, Some((last, _))) = (found, folder.blocks.last()) {
            range = range.after(&keys::block(account, INBOX, *last));
            let next = range.clone();
            let blocks = store.read(move |view| view.scan(&next, BLOCKS_AT_ONCE)).await?;
            found = blocks.len();
            folder.blocks.extend(blocks);
        }
        Ok(folder)
    }

    /// The snapshot that one POP3 session sees (SPEC C1).
    fn maildrop(self, lease: Arc<Lease>, now: Timestamp) -> Maildrop {
        let entries = self.blocks.into_iter().flat_map(|(_, block)| block.entries);
        let mut letters = Vec::with_capacity(self.header.as_ref().map_or(0, |h| h.letters as usize));
        let mut foreign_uidls = Vec::new();
        for entry in entries.filter(|entry| !entry.pop3_hidden) {
            if let (Some(uidl), Ok(index)) = (entry.pop3_uidl, u32::try_from(letters.len())) {
                foreign_uidls.push((index, uidl.into_boxed_str()));
            }
            letters.push(Letter { uid: entry.uid, size: entry.size, letter: entry.letter });
        }
        let uid_validity =
            self.header.map_or_else(|| Folder::new(now).header.uid_validity, |header| header.uid_validity);
        Maildrop { lease, letters: letters.into_boxed_slice(), uid_validity, foreign_uidls }
    }
}
