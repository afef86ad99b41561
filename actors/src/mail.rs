//! An account's mail as IMAP sees it: folders, the letters in them, and what becomes of both. Every change goes through
//! the account's MailboxActor, and every answer carries the folder as it is behind the change.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use postern_model::imap::{Keyword, SpecialUse};
use postern_model::mime::Facts;
use postern_model::record::{Annotation, Folders, MailboxHeader, Signature, Usage};
use postern_model::{AccountId, Flags, MailboxId, MailboxName, ModSeq, Uid, UidSet, UidValidity};
use postern_policy::Refusal;
use postern_policy::folder::{FlagMode, Folder};
use postern_storage::SealedBody;

use crate::actors::Actors;
use crate::mailbox::MailboxActor;
use crate::order::{Admitted, SessionRef};
use crate::registry::Seat;

/// One session's way to its account's mail. While it lives, the account's MailboxActor does; what the session may still
/// read stays readable (SPEC C1).
pub struct Mail {
    actors: Actors,
    account: AccountId,
    plan: Arc<str>,
    seat: Arc<Seat<MailboxActor>>,
    sight: Arc<Sight>,
}

/// What MailboxActor knows of one IMAP session. The session owns the `Arc`, MailboxActor keeps a `Weak`.
#[derive(Debug)]
pub struct Sight {
    pub(crate) session: SessionRef,
    /// The folder that is selected; 0 is none.
    pub(crate) selected: AtomicU64,
    /// The modification sequence up to which the session has been told of it.
    told: AtomicU64,
    /// What the session wants to be woken for.
    pub(crate) wants: AtomicU64,
    /// The session has been woken and has not looked since: it is not woken twice.
    pub(crate) woken: AtomicBool,
}

/// What a session wants to be woken for by [`crate::order::Tell::News`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wants {
    /// Nothing: it looks by itself, at its next command.
    Nothing,
    /// Changes in the selected folder (IDLE).
    Selected,
    /// Changes of any folder, of folders' names, subscriptions and notes (NOTIFY).
    Anything,
}

/// A folder, and what is to be done to the flags of letters in it.
#[derive(Clone, Debug)]
pub struct FlagChange {
    /// How.
    pub mode: FlagMode,
    /// System flags.
    pub flags: Flags,
    /// Keywords; unknown ones are made known to the folder while it has room ([`Keyword::MOST`]), else left out.
    pub keywords: Vec<Keyword>,
    /// Letters that changed behind this are left as they are (RFC 7162 §3.1.3).
    pub unchanged_since: Option<ModSeq>,
}

/// What a change of flags did.
#[derive(Clone, Debug)]
pub struct FlagsChanged {
    /// The folder behind it.
    pub folder: Arc<Folder>,
    /// Letters whose flags are other than before, and the modification sequence that they have now. A letter that had
    /// them already is not among them (RFC 7162 §3.1: no change, no new sequence).
    pub changed: UidSet,
    /// See `changed`; `None` where nothing changed.
    pub mod_seq: Option<ModSeq>,
    /// Letters that had changed behind `unchanged_since`.
    pub modified: UidSet,
}

/// What an expunge did.
#[derive(Clone, Debug)]
pub struct Expunged {
    /// The folder behind it.
    pub folder: Arc<Folder>,
    /// What went.
    pub gone: UidSet,
}

/// What COPY, MOVE did (RFC 4315 §3).
#[derive(Clone, Debug)]
pub struct Copied {
    /// UIDVALIDITY of the folder that the letters came to.
    pub uid_validity: UidValidity,
    /// The letters, by their UIDs where they were.
    pub from: UidSet,
    /// Their UIDs there, in the same order.
    pub to: UidSet,
    /// The folder that they were taken from, behind the change.
    pub folder: Arc<Folder>,
}

/// A letter for [`Mail::append`].
#[derive(Debug)]
pub struct Appending {
    /// Its octets.
    pub body: SealedBody,
    /// Its structure.
    pub facts: Facts,
    /// Its trigrams.
    pub signature: Signature,
    /// System flags.
    pub flags: Flags,
    /// Keywords.
    pub keywords: Vec<Keyword>,
    /// INTERNALDATE in seconds since the epoch; now, where it is not given.
    pub date: Option<i64>,
}

/// What APPEND did (RFC 4315 §3).
#[derive(Clone, Debug)]
pub struct Appended {
    /// UIDVALIDITY of the folder.
    pub uid_validity: UidValidity,
    /// The letters' UIDs, in their order.
    pub uids: UidSet,
}

/// What is stored and what may be (SPEC D8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Storage {
    /// What there is.
    pub used: Usage,
    /// Octets that there may be; `None` is without limit.
    pub limit: Option<u64>,
}

/// A folder as STATUS tells of it. One on paper has no letters, and the UIDVALIDITY that it will have.
#[derive(Clone, Debug)]
pub struct Standing {
    /// Which.
    pub mailbox: MailboxId,
    /// Its counters.
    pub header: MailboxHeader,
}

impl Sight {
    /// The session has been told of everything up to `mod_seq`: what went before need not stay readable for it.
    pub fn told(&self, mod_seq: ModSeq) {
        self.told.fetch_max(mod_seq.0, Ordering::Relaxed);
    }
}

impl Actors {
    /// The way of a session that was admitted to its account's mail.
    ///
    /// # Errors
    /// What the store can't do.
    pub async fn mail(&self, _admitted: &Admitted, _session: &SessionRef) -> Result<Mail, Refusal> {
        Err(Refusal::Unavailable)
    }
}

impl Mail {
    /// Whose mail it is.
    pub fn account(&self) -> AccountId {
        self.account
    }

    /// The store, for what is read without MailboxActor: facts, signatures, bodies.
    pub fn store(&self) -> &postern_storage::Store {
        self.actors.store()
    }

    /// What MailboxActor knows of this session.
    pub fn sight(&self) -> &Arc<Sight> {
        &self.sight
    }

    /// What the session wants to be woken for from now on. What happened since it looked last wakes it at once.
    pub fn wants(&self, _wants: Wants) {}

    /// All folders by name; on paper ones too.
    ///
    /// # Errors
    /// What the store can't do.
    pub async fn folders(&self) -> Result<Arc<Folders>, Refusal> {
        Err(Refusal::Unavailable)
    }

    /// Selects a folder (`None`: no longer any) and returns it as it is now. The `\Recent` letters of it are this
    /// session's where `claim_recent` says so: the first UID that is recent comes with it (RFC 3501 §2.3.2).
    ///
    /// # Errors
    /// [`Refusal::NoSuchFolder`], or what the store can't do.
    pub async fn select(
        &self,
        _mailbox: Option<MailboxId>,
        _claim_recent: bool,
    ) -> Result<Option<Selected>, Refusal> {
        Err(Refusal::Unavailable)
    }

    /// A folder as it is now. For the selected one this is what a session looks at before it tells news; cheap where
    /// nothing changed.
    ///
    /// # Errors
    /// [`Refusal::NoSuchFolder`] (deleted meanwhile), or what the store can't do.
    pub async fn look(&self, _mailbox: MailboxId) -> Result<Arc<Folder>, Refusal> {
        Err(Refusal::Unavailable)
    }

    /// Whether a look at the selected folder could show anything new: its highest modification sequence, without asking
    /// anybody.
    pub fn highest_mod_seq(&self) -> ModSeq {
        ModSeq(0)
    }

    /// What left a folder behind `mod_seq`, as far as it is remembered; more may be told than was asked for
    /// (RFC 7162 §3.2.7). UIDs above UIDNEXT are never among them.
    ///
    /// # Errors
    /// What the store can't do.
    pub async fn vanished(&self, _mailbox: MailboxId, _since: ModSeq) -> Result<UidSet, Refusal> {
        Err(Refusal::Unavailable)
    }

    /// Counters of folders, without opening them. One that is gone is left out.
    ///
    /// # Errors
    /// What the store can't do.
    pub async fn standings(&self, _mailboxes: Vec<MailboxId>) -> Result<Vec<Standing>, Refusal> {
        Err(Refusal::Unavailable)
    }

    /// Changes flags; on disk within a second.
    ///
    /// # Errors
    /// [`Refusal::NoSuchFolder`], or what the store can't do.
    pub async fn change_flags(
        &self,
        _mailbox: MailboxId,
        _uids: UidSet,
        _change: FlagChange,
    ) -> Result<FlagsChanged, Refusal> {
        Err(Refusal::Unavailable)
    }

    /// Removes the letters that have `\Deleted` (of `uids` alone, where given); on disk when answered.
    ///
    /// # Errors
    /// [`Refusal::NoSuchFolder`], or what the store can't do.
    pub async fn expunge(&self, _mailbox: MailboxId, _uids: Option<UidSet>) -> Result<Expunged, Refusal> {
        Err(Refusal::Unavailable)
    }

    /// Copies letters, all or none; on disk when answered. Letters that are gone are left out.
    ///
    /// # Errors
    /// [`Refusal::NoSuchFolder`] (of either), [`Refusal::OverQuota`], or what the store can't do.
    pub async fn copy(&self, _from: MailboxId, _uids: UidSet, _to: MailboxId) -> Result<Copied, Refusal> {
        Err(Refusal::Unavailable)
    }

    /// Moves letters, all or none (RFC 6851); on disk when answered. Within one folder they get new UIDs.
    ///
    /// # Errors
    /// As [`Mail::copy`], but for the quota.
    pub async fn move_to(&self, _from: MailboxId, _uids: UidSet, _to: MailboxId) -> Result<Copied, Refusal> {
        Err(Refusal::Unavailable)
    }

    /// Puts letters into a folder, all or none (RFC 3502); on disk when answered. Where `replaces` names a letter of a
    /// folder, that goes in the same batch (RFC 8508).
    ///
    /// # Errors
    /// [`Refusal::NoSuchFolder`], [`Refusal::OverQuota`], or what the store can't do.
    pub async fn append(
        &self,
        _mailbox: MailboxId,
        _letters: Vec<Appending>,
        _replaces: Option<(MailboxId, Uid)>,
    ) -> Result<Appended, Refusal> {
        Err(Refusal::Unavailable)
    }

    /// Makes a folder, and those above it that are not there; returns its number.
    ///
    /// # Errors
    /// [`Refusal::FolderExists`], [`Refusal::TooManyFolders`], [`Refusal::UseTaken`], or what the store can't do.
    pub async fn create(&self, _name: MailboxName, _uses: Vec<SpecialUse>) -> Result<MailboxId, Refusal> {
        Err(Refusal::Unavailable)
    }

    /// Removes a folder and its letters; one that holds others becomes a name without a folder (RFC 9051 §6.3.5).
    ///
    /// # Errors
    /// [`Refusal::NoSuchFolder`], [`Refusal::InboxStays`], [`Refusal::HasChildren`] for a name that only holds others.
    pub async fn delete(&self, _name: MailboxName) -> Result<(), Refusal> {
        Err(Refusal::Unavailable)
    }

    /// Renames a folder and all in it; of the INBOX the letters move into a new folder, and it stays (RFC 9051 §6.3.6).
    ///
    /// # Errors
    /// [`Refusal::NoSuchFolder`], [`Refusal::FolderExists`], [`Refusal::BadFolderName`] (into itself, too deep).
    pub async fn rename(&self, _from: MailboxName, _to: MailboxName) -> Result<(), Refusal> {
        Err(Refusal::Unavailable)
    }

    /// Subscribes to a name, or not any more, whether there is such a folder or not.
    ///
    /// # Errors
    /// [`Refusal::TooManyFolders`], or what the store can't do.
    pub async fn subscribe(&self, _name: MailboxName, _subscribe: bool) -> Result<(), Refusal> {
        Err(Refusal::Unavailable)
    }

    /// Notes on a folder, or on the account.
    ///
    /// # Errors
    /// What the store can't do.
    pub async fn annotations(&self, _mailbox: Option<MailboxId>) -> Result<Vec<Annotation>, Refusal> {
        Err(Refusal::Unavailable)
    }

    /// Sets notes; `None` removes. All or none.
    ///
    /// # Errors
    /// [`Refusal::TooManyAnnotations`], [`Refusal::AnnotationTooLong`], or what the store can't do.
    pub async fn annotate(
        &self,
        _mailbox: Option<MailboxId>,
        _entries: Vec<(String, Option<Vec<u8>>)>,
    ) -> Result<(), Refusal> {
        Err(Refusal::Unavailable)
    }

    /// What is stored and what may be.
    ///
    /// # Errors
    /// What the store can't do.
    pub async fn storage(&self) -> Result<Storage, Refusal> {
        Err(Refusal::Unavailable)
    }
}

/// A folder that was selected.
#[derive(Clone, Debug)]
pub struct Selected {
    /// The folder.
    pub folder: Arc<Folder>,
    /// The first UID that is `\Recent` for this session.
    pub recent: Uid,
}
