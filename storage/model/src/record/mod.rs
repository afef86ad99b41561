//! What is stored, as versioned records.
//!
//! A record's fields are positional on disk. A change makes a new version: the old structure stays beside it and is
//! read for ever ([`Record::decode_old`]); enum variants are only appended.

/// [`Record`] for those that have had one version only, or read their old ones elsewhere.
macro_rules! record {
    ($($name:ident = $version:literal;)*) => {
        $(impl Record for $name {
            const VERSION: u8 = $version;
            const NAME: &'static str = stringify!($name);
        })*
    };
}

mod event;
mod folder;
mod gate;
mod inbound;
mod queue;
mod rules;
mod signing;
mod sms;
mod transport;

use bincode::{Decode, Encode};
use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, MailboxId};
use crate::imap::ModSeq;
use crate::status::Protocol;
use crate::time::Timestamp;
pub use event::{
    Abuse, Brake, Checks, Due, Event, Filed, Held, LetterRefusal, LoginRefusal, NoticeKind, OwedNotice,
    PlanNames, Recipients, Score, SeenBody, Standing, Warning, What,
};
pub use folder::{
    Annotation, Annotations, Block, Entry, Folders, MailboxHeader, NamedFolder, Signature, Vanished,
};
pub use gate::{
    Access, Activity, Actor, Evidence, Gate, GateState, Minutes, Reason, SeenNetwork, SendingLock, Signal,
    Warned,
};

pub use inbound::{
    AuthResult, DmarcAction, DmarcAddress, DmarcDay, DmarcPolicy, DmarcRequest, DmarcRow, Greylisted,
};
pub use queue::{
    Attempt, BodyKind, Consignment, DeliverBy, MailTerms, Notify, Origin, Queued, QueuedRecipient, RcptTerms,
    Ret,
};
pub use rules::{ForwardState, ForwardTo, Replies, Rules, Setting, Vacation};
pub use signing::{DomainKey, KeptSecret, KeyAlgorithm, KeyState};
pub use sms::{OwedSms, Sms};
pub use transport::{
    StsMode, StsPolicy, TlsDay, TlsFailure, TlsFailureKind, TlsPolicy, TlsPolicyKind, TlsTally,
};

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

/// The most that a record takes, in octets; what is longer is neither written nor read.
pub const MAX_RECORD: usize = 4 << 20;

/// How records become bytes. Frozen: every stored byte depends on it.
pub const CODING: bincode::config::Configuration<
    bincode::config::LittleEndian,
    bincode::config::Varint,
    bincode::config::Limit<MAX_RECORD>,
> = bincode::config::standard().with_limit::<MAX_RECORD>();

/// Reads what an older version wrote, all of it.
fn decode_frozen<T: Decode<()>>(bytes: &[u8]) -> Option<T> {
    let (record, read) = bincode::decode_from_slice(bytes, CODING).ok()?;
    (read == bytes.len()).then_some(record)
}

record! {
    StoreMeta = 1;
    NextAccount = 1;
    ClockReading = 1;
    AddressEntry = 1;
    Credentials = 1;
    AppPassword = 1;
    Removal = 1;

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
    /// Who gets what is for no address of it (SPEC D6).
    pub catch_all: Option<AccountId>,
}

impl Record for DomainEntry {
    const VERSION: u8 = 2;
    const NAME: &'static str = "DomainEntry";

    fn decode_old(version: u8, bytes: &[u8]) -> Option<DomainEntry> {
        let added = (version == 1).then(|| decode_frozen::<Timestamp>(bytes)).flatten()?;
        Some(DomainEntry { added, catch_all: None })
    }
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
    /// What becomes of what POP3 deletes (SPEC C4).
    pub pop3_delete: Pop3Delete,
}

/// What QUIT does with what POP3 deleted (SPEC C4). Under all but `Delete` nothing is lost; it is not offered over POP3
/// again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pop3Delete {
    /// It is deleted.
    #[default]
    Delete,
    /// It stays where it is, for the web interface.
    Keep,
    /// It goes to the Trash.
    Trash,
    /// It goes to the Archive.
    Archive,
}

impl Record for Account {
    const VERSION: u8 = 2;
    const NAME: &'static str = "Account";

    fn decode_old(version: u8, bytes: &[u8]) -> Option<Account> {
        type Old = (String, String, Status, String, Timestamp, bool);
        let old = (version == 1).then(|| decode_frozen::<Old>(bytes)).flatten()?;
        let (address, plan, status, language, created, legacy_plaintext) = old;
        let pop3_delete = Pop3Delete::default();
        Some(Account { address, plan, status, language, created, legacy_plaintext, pop3_delete })
    }
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

/// What an account stores (SPEC D8), and how far its changes have counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Usage {
    /// Letters in all folders.
    pub letters: u64,
    /// Their octets as a mail program sees them.
    pub octets: u64,
    /// The account's modification sequence: of the last change in any folder.
    pub mod_seq: ModSeq,
    /// The share of what may be stored, in percent, of which the user was told last that it is used (SPEC D8); 0: of none.
    pub told: u8,
}

impl Record for Usage {
    const VERSION: u8 = 2;
    const NAME: &'static str = "Usage";

    fn decode_old(version: u8, bytes: &[u8]) -> Option<Usage> {
        let (letters, octets, mod_seq) = (version == 1).then(|| decode_frozen(bytes)).flatten()?;
        Some(Usage { letters, octets, mod_seq, told: 0 })
    }
}

/// An account that is being removed: its addresses are gone, its mail goes piece by piece, also across a restart.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Removal {
    /// Since when.
    pub since: Timestamp,
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
