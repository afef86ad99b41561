//! Letters that wait to leave (SPEC D3): what was asked with them, to whom they still have to go, and what was tried.

use bincode::{Decode, Encode};

use super::Record;
use crate::ids::AccountId;
use crate::time::Timestamp;

/// What a letter's octets are (RFC 6152, RFC 3030).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
pub enum BodyKind {
    /// ASCII lines of at most 998 octets.
    #[default]
    SevenBit,
    /// Lines with octets beyond ASCII.
    EightBit,
    /// Any octets; a line end may be anything.
    Binary,
}

/// How much of the letter a report of its failure shows (RFC 3461 §4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Ret {
    /// All of it.
    Full,
    /// Its header.
    Headers,
}

/// When a recipient's fate is reported (RFC 3461 §4.1); all `false`: never.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Notify {
    /// When it was delivered.
    pub success: bool,
    /// When it can't be.
    pub failure: bool,
    /// When it is late.
    pub delay: bool,
}

impl Notify {
    /// What holds where nobody asked: failures, and delays at the server's discretion.
    pub const DEFAULT: Notify = Notify { success: false, failure: true, delay: true };
}

/// By when a letter must be there (RFC 2852).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct DeliverBy {
    /// By then.
    pub at: Timestamp,
    /// Whether it comes back then (`R`); otherwise its sender is told, and it goes on (`N`).
    pub returns: bool,
    /// Whether servers that don't know DELIVERBY are told of (`T`).
    pub trace: bool,
}

/// What was asked with MAIL.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct MailTerms {
    /// `BODY=`; what the letter really is where nobody said.
    pub body: BodyKind,
    /// `SMTPUTF8` (RFC 6531).
    pub utf8: bool,
    /// `RET=` (RFC 3461).
    pub ret: Option<Ret>,
    /// `ENVID=`, decoded (RFC 3461).
    pub envid: Option<String>,
    /// `REQUIRETLS` (RFC 8689).
    pub require_tls: bool,
    /// `HOLDFOR=`, `HOLDUNTIL=` (RFC 4865): not before.
    pub not_before: Option<Timestamp>,
    /// `BY=` (RFC 2852).
    pub deliver_by: Option<DeliverBy>,
    /// `MT-PRIORITY=` (RFC 6710): -9 to 9.
    pub priority: i8,
}

/// What was asked with RCPT (RFC 3461).
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct RcptTerms {
    /// `NOTIFY=`.
    pub notify: Option<Notify>,
    /// `ORCPT=`, decoded: `rfc822;a@b.test`.
    pub orcpt: Option<String>,
}

/// Why a letter is in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Origin {
    /// A user sent it.
    Submitted,
    /// A user has their mail forwarded (SPEC D6).
    Forwarded,
    /// This server wrote it: a report, a vacation reply, a request to confirm.
    Own,
}

/// The envelope of a letter in the queue. Written once; goes with the last of its consignments.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Queued {
    /// The reverse path; empty for the null one.
    pub mail_from: String,
    /// The account whose letter it is, for fairness and for SPEC Q4's bounces.
    pub sender: Option<AccountId>,
    /// When it was accepted.
    pub accepted: Timestamp,
    /// Octets of its body.
    pub size: u64,
    /// Why it is here.
    pub origin: Origin,
    /// What was asked with it.
    pub terms: MailTerms,
    /// Header fields that go in front of the body when it is sent; whole lines, CRLF. Empty where there are none.
    pub front: Vec<u8>,
}

/// A letter's recipients in one domain, which are served together.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Consignment {
    /// Who has not got it yet; never empty.
    pub recipients: Vec<QueuedRecipient>,
    /// Tries so far.
    pub attempts: u32,
    /// When the next is due.
    pub next: Timestamp,
    /// An operator holds it: it is not tried.
    pub held: bool,
    /// The sender was told that it is late.
    pub delay_told: bool,
    /// What the last try came to.
    pub last: Option<Attempt>,
}

/// A recipient elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct QueuedRecipient {
    /// The forward path.
    pub address: String,
    /// What was asked for it.
    pub terms: RcptTerms,
    /// What the last try said of this recipient, where it said anything of it alone.
    pub last: Option<Attempt>,
}

/// What one try came to. Texts of other servers are cut to [`Attempt::LONGEST`] octets and hold no control characters.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Attempt {
    /// When.
    pub at: Timestamp,
    /// With whom: `mx.b.test [192.0.2.1]:25`; `None` where nobody was reached.
    pub remote: Option<String>,
    /// The reply code, where a server answered.
    pub code: Option<u16>,
    /// Class, subject and detail (RFC 3463), the server's or ours.
    pub enhanced: (u8, u16, u16),
    /// What the server said, or what went wrong before it could.
    pub said: String,
    /// TLS version and cipher suite, where the connection was encrypted.
    pub tls: Option<String>,
}

impl Attempt {
    /// Octets that are kept of what a server said.
    pub const LONGEST: usize = 1_000;
}

record! {
    Queued = 1;
    Consignment = 1;
}
