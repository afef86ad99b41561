//! What goes between doors and actors: asked downward, told upward.
//!
//! Doors never meet an actor; they ask through [`crate::Actors`], and hand in a [`SessionRef`] by which an actor can
//! tell them something.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use actix::prelude::*;
use postern_model::record::{MailTerms, Origin, RcptTerms, ScramKeys};
use postern_model::{
    AccountId, AppPasswordId, EmailAddress, LetterId, MailFrom, MailboxId, Protocol, SessionId, Timestamp,
    Uid,
};
use postern_policy::Refusal;
use postern_storage::SealedBody;
use zeroize::Zeroizing;

use crate::mailbox::MailboxActor;
pub use crate::presence::Presence;
use crate::quota::QuotaActor;
use crate::registry::Seat;

/// Told to a session, never answered.
#[derive(Clone, Debug, PartialEq, Eq, Message)]
#[rtype(result = "()")]
pub enum Tell {
    /// The session's right to be here has ended: access was switched off, the account was shut (SPEC A2).
    Closed(Refusal),
    /// Another login has taken the mailbox over (SPEC C2); nothing may be deleted any more.
    TakenOver,
    /// Something that the session wanted to be woken for has happened ([`crate::mail::Wants`]); what, it finds when it
    /// looks.
    News,
    /// The server goes down.
    Stopping,
}

/// A session as actors see it: who it is, since when it is silent, and how to tell it something.
#[derive(Clone, Debug)]
pub struct SessionRef {
    /// Its number.
    pub id: SessionId,
    /// Where the client is.
    pub peer: IpAddr,
    /// When a byte moved last.
    pub activity: Arc<LastByte>,
    /// Where to tell it something.
    pub inbox: Recipient<Tell>,
}

/// When a byte last moved on a connection, either way (SPEC C2).
#[derive(Debug)]
pub struct LastByte(AtomicI64);

impl LastByte {
    /// A connection that was alive at `now`.
    pub fn new(now: Timestamp) -> LastByte {
        LastByte(AtomicI64::new(now.0))
    }

    /// A byte moved.
    pub fn touch(&self, now: Timestamp) {
        self.0.store(now.0, Ordering::Relaxed);
    }

    /// When a byte moved last.
    pub fn at(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::Relaxed))
    }
}

/// Which of an account's passwords was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CredentialRef {
    /// The account's own.
    Account,
    /// One made for a program.
    App(AppPasswordId),
}

/// How somebody proves who they are.
pub enum Proof {
    /// A user name and a password as the client sent them.
    Password {
        /// The user name, as given.
        user: String,
        /// The password; wiped when dropped.
        password: Zeroizing<String>,
    },
    /// A SCRAM exchange that the door has verified against keys it got from [`crate::Actors::scram_keys`].
    Scram {
        /// The user name, as given.
        user: String,
        /// Which password's keys fitted; `None` where none did.
        matched: Option<CredentialRef>,
    },
}

/// A login, asked of AuthActor and then of AccountActor.
pub struct Login {
    /// What the client proved.
    pub proof: Proof,
    /// The protocol it wants to use.
    pub protocol: Protocol,
    /// Whether the connection is encrypted (SPEC P5).
    pub tls: bool,
    /// Who asks.
    pub session: SessionRef,
}

/// Keys to try a SCRAM proof against; for an unknown user a stable fake (SPEC I2).
#[derive(Clone)]
pub struct ScramCandidates {
    /// The account's salt.
    pub salt: Vec<u8>,
    /// PBKDF2 iterations.
    pub iterations: u32,
    /// At most 20.
    pub keys: Vec<(CredentialRef, ScramKeys)>,
}

/// Who logged in, and the right to be here; ends when dropped.
#[derive(Debug)]
pub struct Admitted {
    /// The account.
    pub account: AccountId,
    /// Its address, as it is shown.
    pub address: Arc<str>,
    /// The name of its plan.
    pub plan: Arc<str>,
    /// Its language.
    pub language: Arc<str>,
    /// Which password it was.
    pub credential: CredentialRef,
    /// Keeps the session on AccountActor's list.
    pub presence: Presence,
}

/// The exclusive right to an account's maildrop (SPEC C1). It ends when its owner drops it; MailboxActor keeps a `Weak`.
#[derive(Debug)]
pub struct Lease {
    pub(crate) session: SessionRef,
    /// Keeps the MailboxActor that knows of the lease from being let go.
    pub(crate) seat: Arc<Seat<MailboxActor>>,
}

/// What a POP3 session sees: the INBOX as it was when the maildrop was opened.
#[derive(Debug)]
pub struct Maildrop {
    /// The right to it.
    pub lease: Arc<Lease>,
    /// The letters in the order of their message numbers.
    pub letters: Box<[Drop]>,
    /// UIDVALIDITY of the folder, for unique-ids.
    pub uid_validity: postern_model::UidValidity,
    /// Unique-ids that letters brought along, by index into `letters`, ascending.
    pub foreign_uidls: Vec<(u32, Box<str>)>,
}

/// One letter of a maildrop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drop {
    /// Its UID in the INBOX.
    pub uid: Uid,
    /// Its octets.
    pub size: u32,
    /// The key of its body.
    pub letter: LetterId,
}

/// A letter that is to be accepted for local recipients (SPEC D1, D2).
pub struct Acceptance {
    /// The letter's id, as it stands in its Received field.
    pub letter: LetterId,
    /// Its bytes, header fields in front included.
    pub body: SealedBody,
    /// What IMAP will want to know of it.
    pub facts: postern_model::mime::Facts,
    /// Its trigrams, for searches.
    pub signature: postern_model::record::Signature,
    /// Who gets it here; there is at least one recipient, here or elsewhere.
    pub locals: Vec<LocalRcpt>,
    /// Who gets it elsewhere.
    pub remotes: Vec<RemoteRcpt>,
    /// Who sent it, where that was an account of ours.
    pub sent: Option<Sent>,
    /// Its reverse path.
    pub mail_from: MailFrom,
    /// What was asked with MAIL.
    pub terms: MailTerms,
    /// What was found when it was examined.
    pub judged: Judged,
    /// To whom its recipients here have it sent on (SPEC D6).
    pub forwards: Vec<Forward>,
}

/// A letter that a user has sent on (SPEC D6): an envelope of its own around the same body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forward {
    /// The reverse path that it leaves with, by SRS rewritten.
    pub mail_from: MailFrom,
    /// Header fields that go in front of the body; whole lines, CRLF.
    pub front: Vec<u8>,
    /// Where it goes, here or elsewhere; nothing is sent where this is empty.
    pub to: Vec<EmailAddress>,
    /// What the sender asked for these (RFC 3461 §6.2.7).
    pub terms: RcptTerms,
    /// The account that sends it on.
    pub sender: Option<AccountId>,
}

/// A letter that this server writes: a report, a vacation reply, a request to confirm. It is never counted (SPEC Q).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnLetter {
    /// Its id, as it stands in its Message-ID ([`crate::Actors::next_letter_id`]).
    pub letter: LetterId,
    /// Its reverse path: mostly the null one, so that it is never reported on.
    pub mail_from: MailFrom,
    /// Who gets it, here or elsewhere.
    pub to: EmailAddress,
    /// The whole letter with its header, lines ended by CRLF; Return-Path is put in front.
    pub octets: Vec<u8>,
    /// What is asked with MAIL.
    pub terms: MailTerms,
    /// Why it is sent.
    pub origin: Origin,
}

/// Where a recipient's mail goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// To a mailbox here.
    Here(AccountId),
    /// To another server, through the queue.
    Elsewhere,
}

/// A recipient whose mailbox is here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalRcpt {
    /// The account.
    pub account: AccountId,
    /// The forward path, as it was written.
    pub address: EmailAddress,
    /// What was asked with RCPT.
    pub terms: RcptTerms,
}

impl LocalRcpt {
    /// A recipient with nothing asked for it.
    pub fn plain(account: AccountId, address: EmailAddress) -> LocalRcpt {
        LocalRcpt { account, address, terms: RcptTerms::default() }
    }
}

/// A recipient elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteRcpt {
    /// The forward path.
    pub address: EmailAddress,
    /// What was asked with RCPT.
    pub terms: RcptTerms,
}

/// What checks and filters found (SPEC D4, D5).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judged {
    /// It goes to Junk.
    pub junk: bool,
    /// It goes to Junk for these accounts: they have blocked who wrote it (SPEC D6).
    pub junk_for: Vec<AccountId>,
    /// The client's address, where it came from another server.
    pub peer: Option<IpAddr>,
    /// The body of its Authentication-Results field, where it was checked; a seal on what is sent on repeats it.
    pub results: Option<Arc<str>>,
    /// Whether the ARC seals that it came with hold (RFC 8617 §4.4).
    pub arc: ArcChain,
}

/// Whether a letter's chain of ARC seals holds, which the next seal has to say (RFC 8617 §4.1.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ArcChain {
    /// It has none (`cv=none`).
    #[default]
    None,
    /// It holds, and has so many seals (`cv=pass`).
    Pass(u32),
    /// It does not hold (`cv=fail`).
    Fail,
    /// That can't be found out now: such a letter is better not sealed.
    Unknown,
}

impl Judged {
    /// Whether it goes to an account's Junk.
    pub fn is_junk_for(&self, account: AccountId) -> bool {
        self.junk || self.junk_for.contains(&account)
    }
}

impl Judged {
    /// The folder that it is for. Where an account has no Junk any more, it comes to the INBOX.
    pub(crate) fn mailbox(&self) -> MailboxId {
        if self.junk { MailboxId::JUNK } else { MailboxId::INBOX }
    }
}

/// A letter that may come (SPEC Q): counted as sent now, until it is accepted or this is dropped.
#[derive(Clone, Debug)]
pub struct Granted {
    /// Recipients that it may have.
    pub recipients: u32,
    /// The place that is kept for it.
    pub reservation: Arc<Reservation>,
}

/// A place in the send windows (SPEC Q2). Given back when dropped; QuotaActor keeps a `Weak`.
#[derive(Debug)]
pub struct Reservation {
    /// Keeps the QuotaActor that knows of it from being let go.
    pub(crate) seat: Arc<Seat<QuotaActor>>,
}

/// What is counted of a letter that was accepted (SPEC Q2, Q4).
#[derive(Debug)]
pub struct Sent {
    /// Who sent it.
    pub account: AccountId,
    /// From which address.
    pub from: IpAddr,
    /// The place that was kept for it.
    pub reservation: Arc<Reservation>,
    /// Digests of all its recipients' addresses.
    pub recipients: Vec<u64>,
    /// Digest of its text without the header.
    pub body: u64,
}
