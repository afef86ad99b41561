//! QUIT: what POP3 has deleted goes.

use std::collections::BTreeSet;
use std::sync::Arc;

use actix::prelude::*;
use postern_model::Uid;
use postern_model::record::Vanished;
use postern_policy::Refusal;
use postern_policy::mailbox::{expunge, merge, ranges};
use postern_storage::{Batch, StoreError, keys};

use super::folder::FolderRead;
use super::{INBOX, Inbox, MailboxActor, Receipt};
use crate::ground::refuse;
use crate::order::Lease;

/// Entries of a folder's log of vanished UIDs; beyond, the old ones are told as one (RFC 7162 §3.2.7 allows to say more
/// than was asked for).
const VANISHED_KEPT: usize = 256;

#[derive(Message)]
#[rtype(result = "Result<Option<Receipt>, Refusal>")]
pub(crate) struct CloseMaildrop {
    pub(crate) lease: Arc<Lease>,
    pub(crate) deletions: Vec<Uid>,
}

impl MailboxActor {
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
            gone = merge(read.vanished.into_iter().map(|(_, vanished)| vanished).chain([gone]));
        }
        batch.put(&keys::vanished(self.account, INBOX, mod_seq), &gone);
        self.count(&mut batch, before);
        Ok(Some(self.receipt(self.ground.store.commit(batch))))
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
