//! Numbers and marks of a letter in a folder (RFC 9051 §2.3), shared by POP3 and IMAP; sets of numbers; names of folders.

mod keyword;
mod name;
mod set;

use bincode::{Decode, Encode};
use serde::{Deserialize, Serialize};

pub use keyword::{BadKeyword, Keyword};
pub use name::{BadName, MailboxName, SpecialUse};
pub use set::{SeqEnd, SeqSet, UidSet};

/// Message sequence number: a letter's place among those that one session knows of (RFC 9051 §2.3.1.2), never 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeqNo(pub u32);

/// Unique identifier of a letter in a folder (RFC 9051 §2.3.1.1); strictly ascending, never 0.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, Serialize, Deserialize,
)]
pub struct Uid(pub u32);

/// The UIDVALIDITY of a folder (RFC 9051 §2.3.1.1), never 0.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, Serialize, Deserialize,
)]
pub struct UidValidity(pub u32);

/// A modification sequence (RFC 7162 §3.1); one counter serves all folders of an account.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, Serialize, Deserialize,
)]
pub struct ModSeq(pub u64);

/// The system flags of a letter (RFC 9051 §2.3.2) as a set of bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Flags(pub u8);

impl Flags {
    /// `\Seen`
    pub const SEEN: Flags = Flags(1);
    /// `\Answered`
    pub const ANSWERED: Flags = Flags(2);
    /// `\Flagged`
    pub const FLAGGED: Flags = Flags(4);
    /// `\Deleted`
    pub const DELETED: Flags = Flags(8);
    /// `\Draft`
    pub const DRAFT: Flags = Flags(16);

    /// Each with its name (RFC 9051 §2.3.2), in the order in which they are shown.
    pub const NAMES: [(Flags, &'static str); 5] = [
        (Flags::ANSWERED, "\\Answered"),
        (Flags::FLAGGED, "\\Flagged"),
        (Flags::DELETED, "\\Deleted"),
        (Flags::SEEN, "\\Seen"),
        (Flags::DRAFT, "\\Draft"),
    ];

    /// Whether every flag of `other` is set here.
    pub fn contains(self, other: Flags) -> bool {
        self.0 & other.0 == other.0
    }

    /// Both sets together.
    pub fn with(self, other: Flags) -> Flags {
        Flags(self.0 | other.0)
    }

    /// What is left without those of `other`.
    pub fn without(self, other: Flags) -> Flags {
        Flags(self.0 & !other.0)
    }

    /// Whether no flag is set.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl Uid {
    /// The UID that follows, or `None` where the folder's UIDs are used up (2^32 − 1).
    pub fn next(self) -> Option<Uid> {
        self.0.checked_add(1).map(Uid)
    }
}

impl ModSeq {
    /// The modification sequence that follows.
    pub fn next(self) -> ModSeq {
        ModSeq(self.0 + 1)
    }
}
