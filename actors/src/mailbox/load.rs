//! What the store has of an account's mail.

use std::collections::BTreeSet;

use postern_model::mime::Facts;
use postern_model::record::{
    Account, Annotations, Block, Folders, MailboxHeader, Signature, Sms, Usage, Vanished,
};
use postern_model::{AccountId, LetterId, MailboxId, ModSeq};
use postern_policy::folder::{Folder, Tail};
use postern_policy::names;
use postern_storage::{Store, StoreError, View, keys};

/// Blocks read at once: 8,192 letters. Nothing is committed for anybody while the store is looked at.
const BLOCKS_AT_ONCE: usize = 128;
/// Counters of folders read at once.
const HEADERS_AT_ONCE: usize = 256;
/// Letters whose facts are read at once.
const FACTS_AT_ONCE: usize = 256;
/// Letters waiting to be dropped that are read at once.
pub(super) const DOOMED_AT_ONCE: usize = 4_096;
/// Folders that are looked at for leftovers: all that there may be, and as many that wait to be cleared.
const HEADERS_AT_MOST: usize = 2 * Folders::MOST;

/// What has to be read before something can be done.
pub(crate) enum Missing {
    /// The account's counters and the names of its folders; where `leftovers` says so, also what waits to be removed.
    Books { leftovers: bool },
    /// A folder's counters and last block.
    Tail(MailboxId),
    /// All of a folder.
    Whole(MailboxId),
    /// Counters of folders.
    Headers(Vec<MailboxId>),
    /// Facts and signatures of letters.
    Letters(Vec<LetterId>),
    /// Notes.
    Notes(Option<MailboxId>),
    /// Who the account belongs to, and what it has chosen.
    Account,
}

/// It.
pub(crate) enum Loaded {
    Books(Box<BooksRead>),
    Tail(MailboxId, Option<Tail>),
    Whole(MailboxId, Option<WholeRead>),
    Headers(Vec<(MailboxId, Option<MailboxHeader>)>),
    Letters(Vec<(LetterId, Known)>),
    Notes(Option<MailboxId>, Annotations),
    Account(Box<Account>),
}

/// What is known of a letter beside its body.
#[derive(Default)]
pub(crate) struct Known {
    pub(super) facts: Option<Facts>,
    pub(super) signature: Option<Signature>,
}

pub(crate) struct BooksRead {
    pub(super) account: Account,
    pub(super) sms: Option<Sms>,
    pub(super) usage: Option<Usage>,
    pub(super) folders: Folders,
    pub(super) leftovers: Option<Leftovers>,
}

/// What waits to be removed.
pub(crate) struct Leftovers {
    /// Folders without a name: what is left of one that was deleted.
    pub(super) orphans: Vec<MailboxId>,
    /// Letters that are gone and were still read.
    pub(super) doomed: Vec<LetterId>,
}

pub(crate) struct WholeRead {
    pub(super) folder: Folder,
    pub(super) log: Vec<(ModSeq, Vanished)>,
}

impl Missing {
    pub(super) async fn read(self, store: &Store, account: AccountId) -> Result<Loaded, StoreError> {
        match self {
            Missing::Books { leftovers } => store.read(move |view| books(view, account, leftovers)).await,
            Missing::Tail(mailbox) => {
                let tail = store.read(move |view| tail(view, account, mailbox)).await?;
                Ok(Loaded::Tail(mailbox, tail))
            }
            Missing::Whole(mailbox) => Ok(Loaded::Whole(mailbox, whole(store, account, mailbox).await?)),
            Missing::Headers(mailboxes) => Ok(Loaded::Headers(headers(store, account, mailboxes).await?)),
            Missing::Letters(letters) => Ok(Loaded::Letters(known(store, account, letters).await?)),
            Missing::Notes(mailbox) => {
                let notes = store.get(keys::annotations(account, mailbox)).await?;
                Ok(Loaded::Notes(mailbox, notes.unwrap_or_default()))
            }
            Missing::Account => {
                let found = store.get(keys::account(account)).await?;
                Ok(Loaded::Account(Box::new(found.ok_or(StoreError::NotFound)?)))
            }
        }
    }
}

fn books(view: &View<'_>, id: AccountId, leftovers: bool) -> Result<Loaded, StoreError> {
    let account = view.get(&keys::account(id))?.ok_or(StoreError::NotFound)?;
    let folders = view.get(&keys::folders(id))?;
    let folders = folders.unwrap_or_else(|| names::on_paper(&account.language, account.created));
    let usage = view.get(&keys::usage(id))?;
    let sms = view.get(&keys::sms(id))?;
    let leftovers = if leftovers { Some(self::leftovers(view, id, &folders)?) } else { None };
    Ok(Loaded::Books(Box::new(BooksRead { account, sms, usage, folders, leftovers })))
}

fn leftovers(view: &View<'_>, id: AccountId, folders: &Folders) -> Result<Leftovers, StoreError> {
    let named: BTreeSet<MailboxId> = folders.folders.iter().filter_map(|folder| folder.id).collect();
    let headers = view.scan(&keys::mailboxes_of(id), HEADERS_AT_MOST)?;
    let orphans = headers.into_iter().map(|(mailbox, _)| mailbox).filter(|id| !named.contains(id)).collect();
    let doomed = view.scan(&keys::doomed_of(id), DOOMED_AT_ONCE)?;
    Ok(Leftovers { orphans, doomed: doomed.into_iter().map(|((_, letter), _)| letter).collect() })
}

fn tail(view: &View<'_>, account: AccountId, mailbox: MailboxId) -> Result<Option<Tail>, StoreError> {
    let Some(header) = view.get(&keys::mailbox(account, mailbox))? else { return Ok(None) };
    let last = view.get(&keys::block(account, mailbox, header.last_block))?;
    Ok(Some(Tail::of(header, last)))
}

/// Everything of a folder, in pages. Only its MailboxActor changes it, and that does nothing else while it reads.
pub(super) async fn whole(
    store: &Store,
    account: AccountId,
    mailbox: MailboxId,
) -> Result<Option<WholeRead>, StoreError> {
    let mut range = keys::blocks_of(account, mailbox);
    let first = range.clone();
    let read = store.read(move |view| {
        let Some(header) = view.get(&keys::mailbox(account, mailbox))? else { return Ok(None) };
        let log = view.scan(&keys::vanished_of(account, mailbox), usize::MAX)?;
        Ok(Some((header, log, view.scan(&first, BLOCKS_AT_ONCE)?)))
    });
    let Some((header, log, mut blocks)) = read.await? else { return Ok(None) };
    let mut found = blocks.len();
    while let (BLOCKS_AT_ONCE, Some((last, _))) = (found, blocks.last()) {
        range = range.after(&keys::block(account, mailbox, *last));
        let next = range.clone();
        let page: Vec<(u32, Block)> = store.read(move |view| view.scan(&next, BLOCKS_AT_ONCE)).await?;
        found = page.len();
        blocks.extend(page);
    }
    Ok(Some(WholeRead { folder: Folder::of(header, blocks), log }))
}

async fn headers(
    store: &Store,
    account: AccountId,
    mailboxes: Vec<MailboxId>,
) -> Result<Vec<(MailboxId, Option<MailboxHeader>)>, StoreError> {
    let mut found = Vec::with_capacity(mailboxes.len());
    for page in mailboxes.chunks(HEADERS_AT_ONCE) {
        let page = page.to_vec();
        let read = store.read(move |view| {
            let header = |id| Ok((id, view.get(&keys::mailbox(account, id))?));
            page.into_iter().map(header).collect::<Result<Vec<_>, StoreError>>()
        });
        found.extend(read.await?);
    }
    Ok(found)
}

async fn known(
    store: &Store,
    account: AccountId,
    letters: Vec<LetterId>,
) -> Result<Vec<(LetterId, Known)>, StoreError> {
    let mut found = Vec::with_capacity(letters.len());
    for page in letters.chunks(FACTS_AT_ONCE) {
        let page = page.to_vec();
        let read = store.read(move |view| {
            let one = |letter| {
                let facts = view.get(&keys::facts(account, letter))?;
                let signature = view.get(&keys::signature(account, letter))?;
                Ok((letter, Known { facts, signature }))
            };
            page.into_iter().map(one).collect::<Result<Vec<_>, StoreError>>()
        });
        found.extend(read.await?);
    }
    Ok(found)
}
