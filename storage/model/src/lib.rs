//! Postern's vocabulary: identifiers, addresses, times, replies and the records that are stored.
//!
//! Nothing here does I/O or reads a clock of its own accord, so every other crate may depend on it.

pub mod envelope;
pub mod ids;
pub mod imap;
pub mod mime;
pub mod record;
pub mod status;
pub mod time;

pub use envelope::{AddressError, Domain, EmailAddress, LocalPart, MailFrom};
pub use ids::{AccountId, AppPasswordId, LetterId, MailboxId, QueueId, SessionId};
pub use imap::{Flags, Keyword, MailboxName, ModSeq, SeqNo, SpecialUse, Uid, UidSet, UidValidity};
pub use status::{EnhancedStatusCode, Protocol, ReplyCode, Severity};
pub use time::{Clock, ManualClock, SystemClock, Timestamp};
