//! IMAP (SPEC M2): many programs at one mailbox, each with a true view.
//!
//! [`Imap`] is the protocol as a state machine without sockets: [`grammar`] makes commands out of bytes, and what
//! concerns the connection itself (logging in, TLS, IDLE) happens in it. Every other command is one small file under
//! [`command`], performed by the [`door`](self) beside the session: it has the session's [`State`] while it runs, asks the actors, and
//! writes its answer piece by piece. Behind it [`sync`] tells what changed meanwhile, as far as the command allows.
//!
//! | file | what |
//! |---|---|
//! | `grammar/` | bytes to commands |
//! | `session/` | who may say what when; logging in, IDLE, good-bye |
//! | `state` | what a session has while it is logged in |
//! | `command/` | one file a command, and the table of them |
//! | `sync` | what the session does not know yet |
//! | `data/` | envelopes, structures, sections |
//! | `search/` | SEARCH, SORT, THREAD |
//! | `door` | the session's questions, put to the actors |

mod alert;
mod capability;
pub mod command;
pub mod data;
mod door;
pub mod grammar;
mod reply;
pub mod search;
mod session;
pub mod state;
pub mod sync;

use std::sync::Arc;
use std::time::Duration;

pub use reply::Done;
pub use session::{Answer, Ask, Imap};
pub use state::State;

use crate::wording::Places;

/// Commands that made no sense after which a connection is closed.
pub const MAX_ERRORS: u32 = 20;
/// Refused logins after which a connection is closed.
pub const MAX_FAILED_LOGINS: u32 = 3;
/// Octets of a command with its literals, once logged in.
pub const MAX_COMMAND: usize = 256 * 1024;
/// Letters that one APPEND, COPY or MOVE may take (SAVELIMIT, RFC 9738).
pub const SAVE_LIMIT: u32 = 100_000;
/// Letters that one command may be about (MESSAGELIMIT, RFC 9738).
pub const MESSAGE_LIMIT: u32 = 1_000_000;

/// The figures that an IMAP session goes by.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The name in the greeting (`POSTERN_HOSTNAME`).
    pub hostname: String,
    /// Addresses that refusals name.
    pub places: Places,
    /// P5's first switch (`POSTERN_LEGACY_PLAINTEXT`): without it nobody logs in without TLS.
    pub legacy_plaintext: bool,
    /// Whether SCRAM is offered (`POSTERN_SCRAM`).
    pub scram: bool,
    /// How long a logged-in client may be silent (RFC 9051 §5.4: at least 30 minutes).
    pub autologout: Duration,
    /// How long a client may take from the greeting to its login.
    pub login_timeout: Duration,
    /// Octets of one letter (`POSTERN_MESSAGE_SIZE`; APPENDLIMIT).
    pub message_size: u64,
    /// Who has been shown an ALERT.
    pub alerts: Arc<alert::Alerts>,
}

impl Settings {
    /// The defaults under a host name.
    pub fn new(hostname: String, places: Places) -> Settings {
        Settings {
            hostname,
            places,
            legacy_plaintext: false,
            scram: true,
            autologout: Duration::from_secs(30 * 60),
            login_timeout: Duration::from_secs(60),
            message_size: 35 << 20,
            alerts: Arc::default(),
        }
    }
}
