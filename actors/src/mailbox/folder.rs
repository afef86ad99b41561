//! Folders as the store has them.

use postern_model::record::{Block, MailboxHeader, Vanished};
use postern_model::{AccountId, MailboxId, ModSeq};
use postern_policy::mailbox::Folder;
use postern_storage::{Store, StoreError, View, keys};

use super::INBOX;

/// Blocks read at once: 8,192 letters. Nothing is committed for anybody while the store is looked at.
const BLOCKS_AT_ONCE: usize = 128;

/// A folder as its owner keeps it; `None` where it never held a letter.
pub(super) fn read(
    view: &View<'_>,
    account: AccountId,
    mailbox: MailboxId,
) -> Result<Option<Folder>, StoreError> {
    let Some(header) = view.get(&keys::mailbox(account, mailbox))? else { return Ok(None) };
    let last_block = view.get(&keys::block(account, mailbox, header.last_block))?.unwrap_or_default();
    Ok(Some(Folder { header, last_block }))
}

/// Everything of the INBOX. Only its MailboxActor changes it, and that does nothing else while it reads.
pub(super) struct FolderRead {
    pub(super) header: Option<MailboxHeader>,
    pub(super) blocks: Vec<(u32, Block)>,
    pub(super) vanished: Vec<(ModSeq, Vanished)>,
}

impl FolderRead {
    pub(super) async fn of(store: &Store, account: AccountId) -> Result<FolderRead, StoreError> {
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
}
