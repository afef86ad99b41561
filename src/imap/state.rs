//! What a session has while it is logged in. It moves to whoever performs a command, and back.

use std::sync::Arc;

use postern_actors::mail::Mail;
use postern_actors::order::Presence;
use postern_model::{MailboxId, ModSeq, Uid, UidSet};
use postern_policy::view::View;

use super::Settings;
use super::command::notify::Watch;
use crate::net::door::Sealed;

/// A logged-in session.
pub struct State {
    /// The figures that it goes by.
    pub settings: Arc<Settings>,
    /// Its user's address.
    pub address: Arc<str>,
    /// Its account's mail.
    pub mail: Mail,
    /// Its place among the account's sessions.
    pub presence: Presence,
    /// What the client has said it understands.
    pub enabled: Enabled,
    /// The folder that is selected.
    pub selected: Option<Box<Selected>>,
    /// Letters of an APPEND that have come in and wait for the command's end.
    pub parked: Vec<Sealed>,
    /// What the client wants to be told unasked (RFC 5465).
    pub watch: Option<Box<Watch>>,
    /// An answer was begun that can't be ended: whatever were said now would be taken for a part of it, so the connection
    /// is closed without a word.
    pub broken: bool,
    /// The session is over: the folder that it had selected is gone, or something as bad. Said as BYE.
    pub bye: Option<String>,
}

/// Extensions that a client has switched on, by ENABLE or by using them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Enabled {
    /// CONDSTORE: tell MODSEQ (RFC 7162 §3.1).
    pub condstore: bool,
    /// QRESYNC: tell VANISHED (RFC 7162 §3.2.3).
    pub qresync: bool,
    /// UTF8=ACCEPT (RFC 6855).
    pub utf8: bool,
    /// IMAP4rev2 (RFC 9051).
    pub rev2: bool,
    /// UIDONLY: no sequence numbers either way (RFC 9586).
    pub uid_only: bool,
}

impl Enabled {
    /// Whether names and texts go as UTF-8 (RFC 9051 §5.1, RFC 6855 §3).
    pub fn wants_utf8(self) -> bool {
        self.utf8 || self.rev2
    }

    /// Whether EXPUNGE is told as VANISHED (RFC 7162 §3.2.10, RFC 9586 §3.4).
    pub fn wants_vanished(self) -> bool {
        self.qresync || self.uid_only
    }
}

/// A folder that is selected.
pub struct Selected {
    /// Which.
    pub mailbox: MailboxId,
    /// EXAMINE.
    pub read_only: bool,
    /// The letters that the client knows of.
    pub view: View,
    /// Flags of its letters have been told up to here.
    pub told: ModSeq,
    /// Letters went that it was not allowed to be told of yet.
    pub owes_expunge: bool,
    /// The first UID that is `\Recent` for this session.
    pub recent: Uid,
    /// What SEARCH saved (RFC 5182).
    pub saved: UidSet,
    /// Keywords of the folder that have been told.
    pub keywords: usize,
    /// Changes of its own that it asked not to hear of (`STORE .SILENT`).
    pub silent: Vec<ModSeq>,
}
