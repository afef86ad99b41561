//! What users have arranged for their mail: forwarding, a vacation reply, a block list (SPEC D6).

use bincode::{Decode, Encode};

use super::Record;
use crate::time::Timestamp;

/// An account's rules; an account without this record has none.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Rules {
    /// Where letters go on to, at most [`Rules::FORWARDS`].
    pub forwards: Vec<ForwardTo>,
    /// Letters that went on stay here as well.
    pub keep: bool,
    /// When somebody was last asked to confirm a forward; those of the last day.
    pub asked: Vec<Timestamp>,
    /// The vacation reply.
    pub vacation: Vacation,
    /// Who may not write here, sorted: addresses as [`crate::EmailAddress::key`] spells them, and `@domain`.
    pub blocked: Vec<String>,
    /// Letters to `name+anything` come here as well (`POSTERN_DETAIL_SEPARATOR`).
    pub detail: bool,
}

impl Rules {
    /// Addresses that letters may go on to.
    pub const FORWARDS: usize = 10;
    /// Entries of a block list.
    pub const BLOCKED: usize = 1_000;
}

impl Default for Rules {
    /// What holds for an account that has arranged nothing.
    fn default() -> Rules {
        let (forwards, asked, blocked) = (Vec::new(), Vec::new(), Vec::new());
        Rules { forwards, keep: true, asked, vacation: Vacation::default(), blocked, detail: true }
    }
}

/// An address that letters go on to.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ForwardTo {
    /// The address, as it was written.
    pub address: String,
    /// Whether whoever reads there wants it.
    pub state: ForwardState,
    /// Days since 1970 (UTC) on which letters to it came back, the last few, ascending.
    pub failed: Vec<u32>,
}

/// Whether letters go on to an address.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum ForwardState {
    /// Not yet: who reads there was asked.
    Pending {
        /// SHA-256 of the word that confirms it.
        token: [u8; 32],
        /// When they were asked.
        since: Timestamp,
    },
    /// They do.
    Confirmed {
        /// Since when.
        at: Timestamp,
    },
    /// No more: letters came back day after day.
    Stopped {
        /// Since when.
        at: Timestamp,
    },
}

/// A reply to whoever writes (RFC 3834).
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Vacation {
    /// Switched on.
    pub on: bool,
    /// Its subject; `None`: `Auto: ` and that of the letter.
    pub subject: Option<String>,
    /// Its text.
    pub text: String,
    /// Nothing is answered before.
    pub from: Option<Timestamp>,
    /// Nothing is answered from then on.
    pub until: Option<Timestamp>,
    /// Days between two replies to the same correspondent.
    pub days: u16,
    /// More addresses by which letters reach the user, elsewhere.
    pub addresses: Vec<String>,
}

impl Vacation {
    /// Octets of a subject.
    pub const SUBJECT: usize = 200;
    /// Octets of a text.
    pub const TEXT: usize = 16 << 10;
    /// More addresses.
    pub const ADDRESSES: usize = 20;
}

impl Default for Vacation {
    fn default() -> Vacation {
        let (subject, text, addresses) = (None, String::new(), Vec::new());
        Vacation { on: false, subject, text, from: None, until: None, days: 7, addresses }
    }
}

/// Whom the vacation reply went to; at most [`Replies::MOST`], the latest last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Replies {
    /// A digest of each correspondent's address, and when it went to them.
    pub sent: Vec<(u64, Timestamp)>,
}

impl Replies {
    /// Correspondents that are remembered; of more, the earliest are forgotten.
    pub const MOST: usize = 1_000;
}

/// What users arrange for themselves, as events name it (SPEC A10).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Setting {
    /// Where letters go on to.
    Forward,
    /// Whether a copy stays.
    ForwardKeep,
    /// An address was confirmed: letters go on to it from now on.
    ForwardConfirmed,
    /// Letters go on to an address no more, since they came back.
    ForwardStopped,
    /// The vacation reply.
    Vacation,
    /// The block list.
    Block,
    /// Whether `name+anything` is theirs.
    Detail,
}

impl Setting {
    /// All of them.
    pub const ALL: [Setting; 7] = [
        Setting::Forward,
        Setting::ForwardKeep,
        Setting::ForwardConfirmed,
        Setting::ForwardStopped,
        Setting::Vacation,
        Setting::Block,
        Setting::Detail,
    ];

    /// Its name in the JSON documents.
    pub fn name(self) -> &'static str {
        match self {
            Setting::Forward => "forward",
            Setting::ForwardKeep => "forward-keep",
            Setting::ForwardConfirmed => "forward-confirmed",
            Setting::ForwardStopped => "forward-stopped",
            Setting::Vacation => "vacation",
            Setting::Block => "block",
            Setting::Detail => "detail",
        }
    }
}

record! {
    Rules = 1;
    Replies = 1;
}
