//! A POP3 session gets the maildrop (SPEC C1, C2).

use std::sync::Arc;

use actix::prelude::*;
use postern_model::Timestamp;
use postern_policy::Refusal;
use postern_policy::mailbox::Folder;
use postern_policy::maildrop::{Figures, Holder, Opening, try_open};

use super::MailboxActor;
use super::folder::FolderRead;
use crate::ground::refuse;
use crate::order::{Drop as Letter, Lease, Maildrop, SessionRef, Tell};
use crate::registry::Seat;

#[derive(Message)]
#[rtype(result = "Result<Maildrop, Refusal>")]
pub(crate) struct OpenMaildrop {
    pub(crate) session: SessionRef,
    /// This actor's own seat: the lease keeps it from being let go.
    pub(crate) seat: Arc<Seat<MailboxActor>>,
}

impl MailboxActor {
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

impl FolderRead {
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
