//! A POP3 session gets the maildrop (SPEC C1-C3).

use std::sync::Arc;

use actix::prelude::*;
use postern_model::record::Checks;
use postern_model::{AccountId, Timestamp};
use postern_policy::Refusal;
use postern_policy::folder::Folder;
use postern_policy::maildrop::{Figures, Holder, Opening, checked, settle, try_open};
use postern_policy::names::uid_validity_on_paper;
use postern_storage::{Batch, Store, StoreError, keys};

use super::load::whole;
use super::{INBOX, MailboxActor};
use crate::ground::{caught_up, refuse};
use crate::order::{Drop as Letter, Lease, Maildrop, SessionRef, Tell};
use crate::registry::Seat;

#[derive(Message)]
#[rtype(result = "Result<Maildrop, Refusal>")]
pub(crate) struct OpenMaildrop {
    pub(crate) session: SessionRef,
    /// The name of the account's plan.
    pub(crate) plan: Arc<str>,
    /// This actor's own seat: the lease keeps it from being let go.
    pub(crate) seat: Arc<Seat<MailboxActor>>,
}

impl MailboxActor {
    /// One answer for all that can stand against it: in use, taken over a moment ago, checked too soon (SPEC C1-C3).
    fn try_open(&mut self, figures: &Figures, now: Timestamp) -> Result<Opening, Refusal> {
        let holder = self.holder.upgrade().map(|lease| Holder { last_byte: lease.session.activity.at() });
        let checks = self.checks.as_mut().ok_or(Refusal::Unavailable)?;
        let settled = settle(checks, now);
        let opening = try_open(holder, checks, figures, now);
        if settled {
            self.save_checks();
        }
        opening
    }

    /// The clock of SPEC C3 runs from here. Nobody waits for the disk: this actor remembers, too.
    fn checked(&mut self, opening: Opening, figures: &Figures, now: Timestamp) {
        if let Some(checks) = &mut self.checks {
            checked(checks, opening, figures, now);
            self.save_checks();
        }
    }

    fn save_checks(&self) {
        let Some(checks) = &self.checks else { return };
        let mut batch = Batch::new();
        batch.lazy();
        // Nothing is left behind of an account that goes.
        batch.expect_present(&keys::account(self.account)).expect_absent(&keys::removal(self.account));
        batch.put(&keys::checks(self.account), checks);
        drop(self.ground.store.commit(batch));
    }

    fn grant(&mut self, open: OpenMaildrop) -> Arc<Lease> {
        if let Some(old) = self.holder.upgrade() {
            old.session.inbox.do_send(Tell::TakenOver);
        }
        let lease = Arc::new(Lease { session: open.session, seat: open.seat });
        self.holder = Arc::downgrade(&lease);
        if self.sights.living().next().is_none() {
            // An idle session shall cost little.
            self.let_go();
        }
        lease
    }

    /// Reads when mail was checked, where that is not known yet.
    fn know_checks(&self) -> impl Future<Output = Result<Option<Checks>, StoreError>> + 'static {
        let (known, store, account) = (self.checks.is_some(), self.ground.store.clone(), self.account);
        async move {
            if known {
                return Ok(None);
            }
            caught_up(&store).await;
            store.get(keys::checks(account)).await.map(|checks| Some(checks.unwrap_or_default()))
        }
    }

    /// Reads the folder for a session that may have it.
    fn open(&self, open: OpenMaildrop, opening: Opening, figures: Figures) -> Opened {
        let (store, account) = (self.ground.store.clone(), self.account);
        let read = async move {
            // What is on its way is in the snapshot or comes to nothing.
            caught_up(&store).await;
            Snapshot::read(&store, account).await
        };
        Box::pin(read.into_actor(self).map(move |read, actor, _| {
            let read = read.map_err(|error| refuse(&error))?;
            let now = actor.ground.ticker.now();
            actor.checked(opening, &figures, now);
            Ok(read.maildrop(actor.grant(open)))
        }))
    }
}

type Opened = ResponseActFuture<MailboxActor, Result<Maildrop, Refusal>>;

impl Handler<OpenMaildrop> for MailboxActor {
    type Result = AtomicResponse<Self, Result<Maildrop, Refusal>>;

    fn handle(&mut self, open: OpenMaildrop, ctx: &mut Context<Self>) -> Self::Result {
        self.is_asked(ctx);
        let figures = self.ground.settings.checks(&open.plan);
        let known = self.know_checks().into_actor(self);
        AtomicResponse::new(Box::pin(known.then(move |checks, actor, _| -> Opened {
            let decided = checks.map_err(|error| refuse(&error)).and_then(|checks| {
                actor.checks = checks.or_else(|| actor.checks.take());
                actor.try_open(&figures, actor.ground.ticker.now())
            });
            match decided {
                Ok(opening) => actor.open(open, opening, figures),
                Err(refusal) => Box::pin(actix::fut::err(refusal)),
            }
        })))
    }
}

/// The INBOX as it is on disk.
struct Snapshot {
    folder: Folder,
}

impl Snapshot {
    async fn read(store: &Store, account: AccountId) -> Result<Snapshot, StoreError> {
        if let Some(read) = whole(store, account, INBOX).await? {
            return Ok(Snapshot { folder: read.folder });
        }
        let known = store.get(keys::account(account)).await?.ok_or(StoreError::NotFound)?;
        Ok(Snapshot { folder: Folder::new(uid_validity_on_paper(known.created, INBOX)) })
    }

    /// What one POP3 session sees (SPEC C1).
    fn maildrop(self, lease: Arc<Lease>) -> Maildrop {
        let header = self.folder.header();
        let mut letters = Vec::with_capacity(header.letters as usize);
        let mut foreign_uidls = Vec::new();
        for entry in self.folder.entries().filter(|entry| !entry.pop3_hidden) {
            if let (Some(uidl), Ok(index)) = (&entry.pop3_uidl, u32::try_from(letters.len())) {
                foreign_uidls.push((index, uidl.as_str().into()));
            }
            letters.push(Letter { uid: entry.uid, size: entry.size, letter: entry.letter });
        }
        let uid_validity = header.uid_validity;
        Maildrop { lease, letters: letters.into_boxed_slice(), uid_validity, foreign_uidls }
    }
}
