//! Numbers that name things in the store and in the logs.

use std::fmt;

use bincode::{Decode, Encode};
use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, Serialize,
            Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:x}", self.0)
            }
        }
    };
}

id! {
    /// An account; addresses map to it, so that an address can be renamed.
    AccountId(u64)
}
id! {
    /// A folder of an account; [`MailboxId::INBOX`] always exists.
    MailboxId(u32)
}
id! {
    /// A letter as it was accepted: unique in the store, the same for all its local recipients.
    LetterId(u64)
}
id! {
    /// One connection of a client, unique while the process lives; stands in every log line.
    SessionId(u64)
}
id! {
    /// An app password of one account.
    AppPasswordId(u32)
}

impl AccountId {
    /// Nobody's: the bodies of letters that wait to leave are kept under it. The first account has number 1.
    pub const QUEUE: AccountId = AccountId(0);
}

/// A letter in the queue. One letter may leave in several envelopes, which share its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QueueId {
    /// The letter.
    pub letter: LetterId,
    /// Which of its envelopes: 0 is that in which it came, the others are those of forwarding.
    pub envelope: u16,
}

impl fmt::Display for QueueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.envelope {
            0 => write!(f, "{}", self.letter),
            envelope => write!(f, "{}.{envelope:x}", self.letter),
        }
    }
}

impl std::str::FromStr for QueueId {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<QueueId, Self::Err> {
        let (letter, envelope) = text.split_once('.').unwrap_or((text, "0"));
        let letter = LetterId(u64::from_str_radix(letter, 16)?);
        Ok(QueueId { letter, envelope: u16::from_str_radix(envelope, 16)? })
    }
}

impl MailboxId {
    /// The folder that POP3 shows and letters are delivered to.
    pub const INBOX: MailboxId = MailboxId(1);
    /// The folder for what was thrown away (RFC 6154 `\\Trash`); there once a letter is in it.
    pub const TRASH: MailboxId = MailboxId(2);
    /// The folder for what is kept (RFC 6154 `\\Archive`).
    pub const ARCHIVE: MailboxId = MailboxId(3);
    /// The folder for what was sent (RFC 6154 `\\Sent`).
    pub const SENT: MailboxId = MailboxId(4);
    /// The folder for what is not finished (RFC 6154 `\\Drafts`).
    pub const DRAFTS: MailboxId = MailboxId(5);
    /// The folder for unwanted letters (RFC 6154 `\\Junk`).
    pub const JUNK: MailboxId = MailboxId(6);
    /// The first folder that a user makes.
    pub const FIRST_OWN: MailboxId = MailboxId(16);
}
