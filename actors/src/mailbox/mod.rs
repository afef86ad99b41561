//! MailboxActor: one account's mail. It alone gives UIDs, and it alone says who has the maildrop.
//!
//! A handler changes the folder in memory and hands its batch to the committer before the next message is looked at,
//! so batches leave in the order of their UIDs; whoever asked waits for the [`Receipt`] outside, and many wait together.

mod close;
mod deliver;
mod folder;
mod open;

use std::sync::{Arc, Weak};

use actix::prelude::*;
use postern_model::record::{Checks, Usage};
use postern_model::{AccountId, MailboxId, Timestamp};
use postern_policy::mailbox::Folder;
use postern_storage::{Batch, Commit, Store, StoreError, View, keys};

use crate::ground::Ground;
use crate::order::Lease;
use crate::registry::PerAccount;
pub(crate) use close::CloseMaildrop;
pub(crate) use deliver::{Arriving, Deliver, Tally};
pub(crate) use open::OpenMaildrop;

const INBOX: MailboxId = MailboxId::INBOX;

/// One account's mail.
pub(crate) struct MailboxActor {
    account: AccountId,
    ground: Arc<Ground>,
    /// `None` until something needs it; let go when a maildrop opens, since an idle session shall cost little.
    inbox: Option<Inbox>,
    holder: Weak<Lease>,
    /// When mail was checked; `None` until a maildrop is asked for. Kept while the actor lives, ahead of the disk.
    checks: Option<Checks>,
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

/// A receipt came to nothing: what is in memory is ahead of the disk and has to be read anew.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Reload;

impl PerAccount for MailboxActor {
    fn of(account: AccountId, ground: Arc<Ground>) -> Self {
        let (holder, in_flight) = (Weak::new(), Arc::new(()));
        MailboxActor { account, ground, inbox: None, holder, checks: None, in_flight }
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

    fn holds(&self, lease: &Arc<Lease>) -> bool {
        self.holder.upgrade().is_some_and(|holder| Arc::ptr_eq(&holder, lease))
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
                Inbox::read(view, account, now)
            })
            .await
    }

    fn read(view: &View<'_>, account: AccountId, now: Timestamp) -> Result<Inbox, StoreError> {
        let usage = view.get(&keys::usage(account))?;
        let folder = folder::read(view, account, INBOX)?;
        let stored = usage.is_some() || folder.is_some();
        let folder = folder.unwrap_or_else(|| Folder::new(now));
        Ok(Inbox { folder, usage: usage.unwrap_or_default(), stored })
    }
}
