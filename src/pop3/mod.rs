//! POP3 (SPEC M1): the door by which a mail program takes its letters away.
//!
//! [`Pop3`] is the whole protocol as a state machine without sockets: a line comes in, an answer goes out, and what
//! the protocol can't know (is this password right, are these deletions on disk) is asked as an [`Ask`]. A login opens
//! a snapshot of the INBOX; all of the session is about that snapshot, and QUIT alone changes anything.
//!
//! | file | what |
//! |---|---|
//! | `line` | lines out of a stream of bytes |
//! | `command` | a line's meaning |
//! | `language` | what the session says |
//! | `session` | who may say what when; logging in |
//! | `transaction` | the commands behind the login |
//! | `stuffing` | a letter's way onto the wire |
//! | `door` | the asks, performed by the actors |

mod command;
mod door;
mod language;
mod line;
mod reply;
mod session;
mod stuffing;
#[cfg(test)]
mod tests;
mod transaction;

use std::collections::BTreeMap;
use std::time::Duration;

pub use door::Held;
pub use language::Language;
pub use session::{Answer, Ask, Pop3};
pub use transaction::Opened;

use crate::wording::Places;

/// Protocol errors (not failed logins) after which a connection is closed.
pub const MAX_ERRORS: u32 = 10;
/// Refused logins after which a connection is closed.
pub const MAX_FAILED_LOGINS: u32 = 3;

/// The figures that a POP3 session goes by.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The name in the greeting (`POSTERN_HOSTNAME`).
    pub hostname: String,
    /// Addresses that refusals name.
    pub places: Places,
    /// P5's first switch (`POSTERN_LEGACY_PLAINTEXT`): without it nobody logs in without TLS.
    pub legacy_plaintext: bool,
    /// Whether STLS is offered, that is: there is a certificate.
    pub stls: bool,
    /// Whether SCRAM is offered (`POSTERN_SCRAM`).
    pub scram: bool,
    /// How long a logged-in client may be silent (`POSTERN_POP3_AUTOLOGOUT`; RFC 1939 §3: at least 10 minutes).
    pub autologout: Duration,
    /// How long a client may take from the greeting to its login. RFC 1939's ten minutes are for who has logged in;
    /// a stranger holds a connection only that long.
    pub login_timeout: Duration,
    /// The least time between two logins by the name of a plan, announced as LOGIN-DELAY (RFC 2449 §6.5); zero is none.
    pub login_delays: BTreeMap<String, Duration>,
    /// What the session speaks until LANG says otherwise, and after `LANG *`.
    pub language: Language,
}

impl Settings {
    /// The defaults under a host name.
    pub fn new(hostname: String, places: Places) -> Settings {
        Settings {
            hostname,
            places,
            legacy_plaintext: false,
            stls: true,
            scram: true,
            autologout: Duration::from_secs(600),
            login_timeout: Duration::from_secs(60),
            login_delays: BTreeMap::new(),
            language: Language::English,
        }
    }
}
