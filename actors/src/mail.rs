//! An account's mail as IMAP sees it: folders, the letters in them, and what becomes of both. Every change goes through
//! the account's MailboxActor, and every answer carries the folder as it is behind the change.

mod asks;
mod sight;

use std::sync::Arc;

use postern_model::imap::Keyword;
use postern_model::mime::Facts;
use postern_model::record::{MailboxHeader, Signature, Usage};
use postern_model::{AccountId, Flags, MailboxId, ModSeq, Uid, UidSet, UidValidity};
use postern_policy::Refusal;
use postern_policy::folder::Folder;
use postern_storage::SealedBody;

use crate::actors::Actors;
use crate::mailbox::{Join, Left, MailboxActor};
use crate::order::{Admitted, SessionRef};
use crate::registry::Seat;

pub use postern_policy::folder::FlagChange;
pub(crate) use sight::News;
pub use sight::{Sight, Wants};

/// One session's way to its account's mail. While it lives, the account's MailboxActor does; what the session may still
/// read stays readable (SPEC C1).
pub struct Mail {
    actors: Actors,
    account: AccountId,
    seat: Arc<Seat<MailboxActor>>,
    sight: Arc<Sight>,
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

/// The most notes that a folder, or the account, may have (RFC 5464).
pub const ANNOTATIONS_MOST: u32 = 64;
/// The most octets that a note may have, or its name (RFC 5464).
pub const ANNOTATION_LONGEST: u32 = 16 << 10;

impl Actors {
    /// The way of a session that was admitted to its account's mail.
    ///
    /// # Errors
    /// What the store can't do.
    pub async fn mail(&self, admitted: &Admitted, session: &SessionRef) -> Result<Mail, Refusal> {
        let account = admitted.account;
        let (seat, sight) = (self.mailboxes().seat(account), Arc::new(Sight::new(session.clone())));
        let mail = Mail { actors: self.clone(), account, seat, sight };
        mail.ask(Join(Arc::clone(&mail.sight))).await?;
        Ok(mail)
    }
}

impl Drop for Mail {
    fn drop(&mut self) {
        // What only this session could still read may go. Where the actor is gone, it finds that at its next start.
        self.seat.addr().do_send(Left);
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
