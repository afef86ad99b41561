//! QUIT: what POP3 has deleted goes, or what else the user wants with it (SPEC C4).

use std::collections::BTreeSet;
use std::sync::Arc;

use actix::prelude::*;
use postern_model::record::{Block, Entry, Pop3Delete, Vanished};
use postern_model::{AccountId, MailboxId, ModSeq, Timestamp, Uid};
use postern_policy::Refusal;
use postern_policy::mailbox::{Folder, FolderFull, expunge, hide, merge, put_into, ranges};
use postern_storage::{Batch, Store, StoreError, keys};

use super::folder::{self, FolderRead};
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

/// What becomes of a letter that POP3 deletes.
enum Fate {
    Deleted,
    /// Not offered over POP3 again.
    Hidden,
    /// Put into this folder, as it is in the store.
    Moved(MailboxId, Box<Folder>),
}

/// All that the end of a session needs of the store.
struct Read {
    inbox: Inbox,
    fate: Fate,
    folder: FolderRead,
}

impl Read {
    async fn of(store: &Store, account: AccountId, now: Timestamp) -> Result<Read, StoreError> {
        let beginning = store.read(move |view| {
            let user = view.get(&keys::account(account))?.ok_or(StoreError::NotFound)?;
            let moved = |mailbox| {
                let folder = folder::read(view, account, mailbox)?.unwrap_or_else(|| Folder::new(now));
                Ok::<_, StoreError>(Fate::Moved(mailbox, Box::new(folder)))
            };
            let fate = match user.pop3_delete {
                Pop3Delete::Delete => Fate::Deleted,
                Pop3Delete::Keep => Fate::Hidden,
                Pop3Delete::Trash => moved(MailboxId::TRASH)?,
                Pop3Delete::Archive => moved(MailboxId::ARCHIVE)?,
            };
            Ok((Inbox::read(view, account, now)?, fate))
        });
        let (inbox, fate) = beginning.await?;
        Ok(Read { inbox, fate, folder: FolderRead::of(store, account).await? })
    }
}

impl MailboxActor {
    fn close(&mut self, close: &CloseMaildrop, read: Read) -> Result<Option<Receipt>, Refusal> {
        if !self.holds(&close.lease) {
            return Err(Refusal::InUse);
        }
        let Read { inbox, fate, folder } = read;
        let before = inbox.counted();
        let uids: BTreeSet<Uid> = close.deletions.iter().copied().collect();
        let mut leaving = Leaving { account: self.account, inbox, batch: Batch::new() };
        let changed = match fate {
            Fate::Hidden => leaving.hide(folder, &uids),
            fate => leaving.remove(folder, &uids, fate, self.ground.ticker.now()).map_err(|FolderFull| {
                tracing::error!(account = %self.account, "the folder for what POP3 deletes is full");
                Refusal::Unavailable
            })?,
        };
        let Leaving { inbox, mut batch, .. } = leaving;
        self.inbox = Some(inbox);
        if !changed {
            return Ok(None);
        }
        self.count(&mut batch, before);
        Ok(Some(self.receipt(self.ground.store.commit(batch))))
    }
}

/// An INBOX that letters leave, and the batch that this will be.
struct Leaving {
    account: AccountId,
    inbox: Inbox,
    batch: Batch,
}

impl Leaving {
    /// The letters stay for the web. Whether anything changed.
    fn hide(&mut self, read: FolderRead, uids: &BTreeSet<Uid>) -> bool {
        let Inbox { folder, usage, .. } = &mut self.inbox;
        let hidden = hide(&mut folder.header, usage, read.blocks, uids);
        self.put_blocks(hidden.blocks);
        hidden.mod_seq.is_some()
    }

    /// The letters leave the INBOX. Whether any did.
    fn remove(
        &mut self,
        read: FolderRead,
        uids: &BTreeSet<Uid>,
        fate: Fate,
        now: Timestamp,
    ) -> Result<bool, FolderFull> {
        let FolderRead { blocks, vanished, .. } = read;
        let Inbox { folder, usage, .. } = &mut self.inbox;
        let expunged = expunge(&mut folder.header, usage, blocks, uids);
        let Some(mod_seq) = expunged.mod_seq else { return Ok(false) };
        self.put_blocks(expunged.blocks);
        self.vanish(mod_seq, &expunged.gone, vanished);
        match fate {
            Fate::Moved(mailbox, folder) => self.put_into(mailbox, *folder, &expunged.gone, now)?,
            Fate::Deleted | Fate::Hidden => self.drop_bodies(&expunged.gone),
        }
        Ok(true)
    }

    fn put_blocks(&mut self, blocks: Vec<(u32, Block)>) {
        let folder = &mut self.inbox.folder;
        for (number, block) in blocks {
            let key = keys::block(self.account, INBOX, number);
            if block.entries.is_empty() {
                self.batch.delete(&key);
            } else {
                self.batch.put(&key, &block);
            }
            if number == folder.header.last_block {
                folder.last_block = block;
            }
        }
    }

    /// Who looks at the INBOX by IMAP learns what is no longer in it (RFC 7162 §3.2.6).
    fn vanish(&mut self, mod_seq: ModSeq, gone: &[Entry], before: Vec<(ModSeq, Vanished)>) {
        let mut told = Vanished { uids: ranges(gone.iter().map(|entry| entry.uid)) };
        if before.len() >= VANISHED_KEPT {
            for (at, _) in &before {
                self.batch.delete(&keys::vanished(self.account, INBOX, *at));
            }
            told = merge(before.into_iter().map(|(_, vanished)| vanished).chain([told]));
        }
        self.batch.put(&keys::vanished(self.account, INBOX, mod_seq), &told);
    }

    fn drop_bodies(&mut self, gone: &[Entry]) {
        for entry in gone {
            self.batch.drop_body(self.account, entry.letter);
            self.batch.delete(&keys::facts(self.account, entry.letter));
        }
    }

    /// The letters come into another folder, which is there from its first letter on; their bodies stay where they are.
    fn put_into(
        &mut self,
        mailbox: MailboxId,
        mut folder: Folder,
        letters: &[Entry],
        now: Timestamp,
    ) -> Result<(), FolderFull> {
        let Inbox { folder: inbox, usage, .. } = &mut self.inbox;
        let blocks = put_into(&mut folder, usage, letters, &inbox.header.keywords, now)?;
        for (number, block) in blocks {
            self.batch.put(&keys::block(self.account, mailbox, number), &block);
        }
        self.batch.put(&keys::mailbox(self.account, mailbox), &folder.header);
        Ok(())
    }
}

impl Handler<CloseMaildrop> for MailboxActor {
    type Result = AtomicResponse<Self, Result<Option<Receipt>, Refusal>>;

    fn handle(&mut self, close: CloseMaildrop, _: &mut Context<Self>) -> Self::Result {
        let (settled, store, account) = (self.settled(), self.ground.store.clone(), self.account);
        let now = self.ground.ticker.now();
        let read = async move {
            settled.await;
            Read::of(&store, account, now).await
        };
        AtomicResponse::new(Box::pin(
            read.into_actor(self)
                .map(move |read, actor, _| actor.close(&close, read.map_err(|error| refuse(&error))?)),
        ))
    }
}
