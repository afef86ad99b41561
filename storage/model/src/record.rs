//! What is stored, as versioned records.
//!
//! A record's fields are positional on disk. A change makes a new version: the old structure stays beside it and is
//! read for ever ([`Record::decode_old`]); enum variants are only appended.

use bincode::{Decode, Encode};
use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, LetterId, MailboxId};
use crate::imap::{Flags, ModSeq, Uid, UidValidity};
use crate::status::Protocol;
use crate::time::Timestamp;

/// Something that the store keeps under a key.
pub trait Record: Encode + Decode<()> {
    /// The version that is written today; a byte before the record's own bytes.
    const VERSION: u8;
    /// What it is called in messages about a damaged store.
    const NAME: &'static str;

    /// Reads what an older version of Postern wrote; `None` for a version that never was.
    fn decode_old(_version: u8, _bytes: &[u8]) -> Option<Self> {
        None
    }
}

macro_rules! record {
    ($($name:ident = $version:literal;)*) => {
        $(impl Record for $name {
            const VERSION: u8 = $version;
            const NAME: &'static str = stringify!($name);
        })*
    };
}

record! {
    StoreMeta = 1;
    NextAccount = 1;
    ClockReading = 1;
    AddressEntry = 1;
    DomainEntry = 1;
    Account = 1;
    Credentials = 1;
    AppPassword = 1;
    Access = 1;
    Activity = 1;
    Usage = 1;
    SendingLock = 1;
    Removal = 1;
    MailboxHeader = 1;
    Block = 1;
    Vanished = 1;
    Pending = 1;
    Doomed = 1;
    FailedLogins = 1;
    StoreSecret = 1;
}

/// What is known of the store as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct StoreMeta {
    /// When the store was made.
    pub created: Timestamp,
}

/// The id that the next account gets; a record of its own, so that nothing else collides with a new account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct NextAccount(pub AccountId);

/// Where a manual clock stood last (SPEC O6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ClockReading(pub Timestamp);

/// Whose an address is.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct AddressEntry {
    /// The account that owns the address.
    pub account: AccountId,
    /// Whether it is the account's own name or one more address for it.
    pub kind: AddressKind,
}

/// What an address is to its account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum AddressKind {
    /// The user name (SPEC I1).
    Primary,
    /// One more address that it owns (SPEC I5).
    Alias,
}

/// A domain whose mail stays here.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct DomainEntry {
    /// When it was added.
    pub added: Timestamp,
}

/// Whether an account is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// In use.
    Active,
    /// Not used for long (SPEC A9).
    Inactive,
    /// Shut by an operator.
    Suspended,
}

/// Who an account belongs to and what it has agreed to.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Account {
    /// The full address as it is shown.
    pub address: String,
    /// The name of its plan (SPEC Q1).
    pub plan: String,
    /// Whether it is in use.
    pub status: Status,
    /// `en`, `lv` or `ru` (SPEC N2).
    pub language: String,
    /// When it was made.
    pub created: Timestamp,
    /// The user has said "my program cannot do SSL" (SPEC P5).
    pub legacy_plaintext: bool,
}

/// How an account proves who it is.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub struct Credentials {
    /// Hash of the password: a PHC string of Argon2id, or a foreign one until the first login (SPEC I6).
    pub hash: String,
    /// Salt that all of the account's SCRAM keys share (SPEC I3).
    pub scram_salt: Vec<u8>,
    /// SCRAM keys of the password, where they are kept.
    pub scram: Option<ScramKeys>,
    /// When the password was set.
    pub changed: Timestamp,
    /// Grows with every change of any of the account's passwords; a remembered proof of an older one is void.
    pub generation: u64,
}

/// What SCRAM-SHA-256 needs to know of one password (RFC 5802 §3).
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub struct ScramKeys {
    /// H(ClientKey)
    pub stored_key: [u8; 32],
    /// HMAC(SaltedPassword, "Server Key")
    pub server_key: [u8; 32],
    /// PBKDF2 iterations.
    pub iterations: u32,
}

/// A password for one program, made by Postern (SPEC I3).
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub struct AppPassword {
    /// The user's name for it.
    pub name: String,
    /// The protocols it opens.
    pub protocols: Vec<Protocol>,
    /// Hash, as in [`Credentials::hash`].
    pub hash: String,
    /// SCRAM keys, as in [`Credentials::scram`].
    pub scram: Option<ScramKeys>,
    /// When it was made.
    pub created: Timestamp,
    /// From when on it no longer opens anything.
    pub expires: Option<Timestamp>,
    /// When it was used last (kept within a second).
    pub last_used: Option<Timestamp>,
    /// The address it was used from last.
    pub last_from: Option<String>,
}

/// Which protocols are open (SPEC A).
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Access {
    /// The gate of POP3.
    pub pop3: Gate,
    /// The gate of IMAP.
    pub imap: Gate,
    /// The gate of SMTP submission.
    pub smtp: Gate,
}

/// One protocol's gate.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Gate {
    /// Where it stands.
    pub state: GateState,
    /// Since when.
    pub since: Timestamp,
    /// Who put it there.
    pub by: Actor,
    /// Why, where somebody said so.
    pub reason: Option<String>,
}

/// Where a gate stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum GateState {
    /// Shut; the user may switch it on.
    Off,
    /// Asked for; opens then (SPEC A2).
    Pending {
        /// When it opens.
        opens_at: Timestamp,
    },
    /// Open.
    On,
    /// Shut by the operator or a rule; the user can't switch it on (SPEC A7).
    Blocked,
}

/// Who changed something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Actor {
    /// The account's owner.
    User,
    /// A deadline.
    Timer,
    /// The provider's staff.
    Operator,
    /// The abuse rules.
    Abuse,
}

/// When an account was used last; written within a second, never waited for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Activity {
    /// Last successful login by any way.
    pub login: Option<Timestamp>,
    /// Last time POP3 reached the transaction state (SPEC A6).
    pub pop3: Option<Timestamp>,
    /// Last IMAP login.
    pub imap: Option<Timestamp>,
    /// Last SMTP login.
    pub smtp: Option<Timestamp>,
}

/// What an account stores (SPEC D8), and how far its changes have counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Usage {
    /// Letters in all folders.
    pub letters: u64,
    /// Their octets as a mail program sees them.
    pub octets: u64,
    /// The account's modification sequence: of the last change in any folder.
    pub mod_seq: ModSeq,
}

/// Sending is locked (SPEC Q4, Q5).
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct SendingLock {
    /// Since when.
    pub since: Timestamp,
    /// Who locked it.
    pub by: Actor,
    /// Until when; without it until somebody unlocks.
    pub until: Option<Timestamp>,
    /// Why, where somebody said so.
    pub reason: Option<String>,
}

/// An account that is being removed: its addresses are gone, its mail goes piece by piece, also across a restart.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Removal {
    /// Since when.
    pub since: Timestamp,
}

/// Counters of one folder.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct MailboxHeader {
    /// UIDVALIDITY.
    pub uid_validity: UidValidity,
    /// The UID that the next letter gets; `None` when all are used up.
    pub uid_next: Option<Uid>,
    /// The highest modification sequence of the folder.
    pub highest_mod_seq: ModSeq,
    /// Letters in it.
    pub letters: u32,
    /// Their octets.
    pub octets: u64,
    /// Letters without `\Seen`.
    pub unseen: u32,
    /// Names of the keywords that the blocks' bits stand for.
    pub keywords: Vec<String>,
    /// Number of the block that the next letter goes to.
    pub last_block: u32,
}

/// Up to [`Block::CAPACITY`] letters of a folder, in the order of their UIDs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Block {
    /// The letters.
    pub entries: Vec<Entry>,
}

impl Block {
    /// Letters that one block holds at most: 64 stay under 2 KiB.
    pub const CAPACITY: usize = 64;
}

/// One letter of a folder.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Entry {
    /// Its number in the folder.
    pub uid: Uid,
    /// When it changed last.
    pub mod_seq: ModSeq,
    /// System flags.
    pub flags: Flags,
    /// Bit n: the folder's keyword n.
    pub keywords: u64,
    /// Octets as a mail program sees them.
    pub size: u32,
    /// INTERNALDATE in seconds since the epoch.
    pub internal_date: i64,
    /// SAVEDATE (RFC 8514) as seconds behind `internal_date`.
    pub saved_after: i64,
    /// The letter: key of its body and its facts.
    pub letter: LetterId,
    /// Unique-id for POP3 where it came with the letter from elsewhere; else it is made of UIDVALIDITY and UID.
    pub pop3_uidl: Option<String>,
    /// No longer offered over POP3 (SPEC C4).
    pub pop3_hidden: bool,
}

/// UIDs that left a folder at one modification sequence (RFC 7162 §3.2.6).
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Vanished {
    /// Ranges of UIDs, both ends included, ascending.
    pub uids: Vec<(Uid, Uid)>,
}

/// A letter that is accepted and on disk, and still owed to this recipient's folder.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Pending {
    /// Where it goes.
    pub mailbox: MailboxId,
    /// When it was accepted.
    pub accepted: Timestamp,
    /// Its octets.
    pub size: u32,
}

/// A body whose last entry is gone while a snapshot may still read it; dropped when none is left.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Doomed {
    /// When the last entry went.
    pub since: Timestamp,
}

/// Failed logins of a source, an account, or a pair of both (SPEC I4).
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct FailedLogins {
    /// Failures that still count, as a figure that decays.
    pub score: u32,
    /// When `score` was set.
    pub at: Timestamp,
    /// Refused until then.
    pub locked_until: Option<Timestamp>,
}

/// Random octets that the store was given when it was made: what must look random and stay the same across restarts is
/// derived from them, such as the SCRAM salt of a name that no account has (SPEC I2).
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub struct StoreSecret {
    /// 256 random bits.
    pub key: [u8; 32],
}
