//! Folders and the letters in them.

use bincode::{Decode, Encode};

use super::{Record, decode_frozen};
use crate::ids::{LetterId, MailboxId};
use crate::imap::{Flags, MailboxName, ModSeq, SpecialUse, Uid, UidValidity};

/// An account's folders by name. An account without this record has the INBOX and a folder for each special use, all of
/// them on paper: named in the account's language, and without a [`MailboxHeader`] until something is put there.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Folders {
    /// Grows with every change.
    pub version: u64,
    /// The id that the next folder gets; none is used twice.
    pub next: MailboxId,
    /// UIDVALIDITY is above this for every folder that is made from now on (RFC 9051 §2.3.1.1).
    pub last_uid_validity: UidValidity,
    /// In the order of their names.
    pub folders: Vec<NamedFolder>,
    /// Names that are subscribed, whether there is such a folder or not, in order.
    pub subscribed: Vec<MailboxName>,
}

impl Folders {
    /// Folders that an account may have, names that only hold others among them.
    pub const MOST: usize = 1_000;
    /// Names that an account may be subscribed to.
    pub const MOST_SUBSCRIBED: usize = 2_000;
}

/// One folder.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct NamedFolder {
    /// Its name.
    pub name: MailboxName,
    /// Its number; `None` for a name that only holds other folders (`\NoSelect`).
    pub id: Option<MailboxId>,
    /// What it is for.
    pub uses: Vec<SpecialUse>,
}

/// Notes on a folder, or on the account where the folder's number is 0 (RFC 5464).
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Annotations {
    /// In the order of their names.
    pub entries: Vec<Annotation>,
}

/// One note.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Annotation {
    /// In lower case: `/private/comment`.
    pub name: String,
    /// What it says.
    pub value: Vec<u8>,
}

/// Which letters can hold a text: see `postern_model::mime::signature`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Signature {
    /// A set of hashed trigrams as bits; a power of two of octets.
    pub bits: Vec<u8>,
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
    /// Letters with `\Deleted`.
    pub deleted: u32,
    /// Octets of the letters with `\Deleted`.
    pub deleted_octets: u64,
    /// Names of the keywords that the blocks' bits stand for.
    pub keywords: Vec<String>,
    /// Number of the block that the next letter goes to.
    pub last_block: u32,
    /// The lowest UID that no IMAP session has been told of: from here on letters are `\Recent` (RFC 3501 §2.3.2).
    pub recent: Uid,
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
    /// The letter: key of its body and its facts. A copy has a number of its own.
    pub letter: LetterId,
    /// EMAILID of a copy: the number of the letter that was first (RFC 8474 §5.1); `None` for that one itself.
    pub email: Option<LetterId>,
    /// Unique-id for POP3 where it came with the letter from elsewhere; else it is made of UIDVALIDITY and UID.
    pub pop3_uidl: Option<String>,
    /// No longer offered over POP3 (SPEC C4).
    pub pop3_hidden: bool,
}

impl Entry {
    /// EMAILID (RFC 8474 §5.1).
    pub fn email_id(&self) -> LetterId {
        self.email.unwrap_or(self.letter)
    }

    /// SAVEDATE in seconds since the epoch (RFC 8514).
    pub fn save_date(&self) -> i64 {
        self.internal_date.saturating_add(self.saved_after)
    }
}

/// UIDs that left a folder at one modification sequence (RFC 7162 §3.2.6).
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Vanished {
    /// Ranges of UIDs, both ends included, ascending.
    pub uids: Vec<(Uid, Uid)>,
}

impl Record for Folders {
    const VERSION: u8 = 1;
    const NAME: &'static str = "Folders";
}

impl Record for Annotations {
    const VERSION: u8 = 1;
    const NAME: &'static str = "Annotations";
}

impl Record for Signature {
    const VERSION: u8 = 1;
    const NAME: &'static str = "Signature";
}

impl Record for MailboxHeader {
    const VERSION: u8 = 2;
    const NAME: &'static str = "MailboxHeader";

    fn decode_old(version: u8, bytes: &[u8]) -> Option<MailboxHeader> {
        type Old = (UidValidity, Option<Uid>, ModSeq, u32, u64, u32, Vec<String>, u32);
        let old = (version == 1).then(|| decode_frozen::<Old>(bytes)).flatten()?;
        let (uid_validity, uid_next, highest_mod_seq, letters, octets, unseen, keywords, last_block) = old;
        Some(MailboxHeader {
            uid_validity,
            uid_next,
            highest_mod_seq,
            letters,
            octets,
            unseen,
            // POP3 alone wrote version 1, and that sets no flags.
            deleted: 0,
            deleted_octets: 0,
            keywords,
            last_block,
            recent: Uid(1),
        })
    }
}

/// An [`Entry`] of version 1.
type OldEntry = (Uid, ModSeq, Flags, u64, u32, i64, i64, LetterId, Option<String>, bool);

impl Record for Block {
    const VERSION: u8 = 2;
    const NAME: &'static str = "Block";

    fn decode_old(version: u8, bytes: &[u8]) -> Option<Block> {
        let old = (version == 1).then(|| decode_frozen::<Vec<OldEntry>>(bytes)).flatten()?;
        let entry = |old: OldEntry| {
            let (uid, mod_seq, flags, keywords, size, internal_date, saved_after, letter, uidl, hidden) = old;
            Entry {
                uid,
                mod_seq,
                flags,
                keywords,
                size,
                internal_date,
                saved_after,
                letter,
                email: None,
                pop3_uidl: uidl,
                pop3_hidden: hidden,
            }
        };
        Some(Block { entries: old.into_iter().map(entry).collect() })
    }
}

record! { Vanished = 1; }
