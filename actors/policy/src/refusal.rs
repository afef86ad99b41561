//! Every "no", not yet worded: the doors' `wording` turns a [`Refusal`] into a line of POP3, IMAP, SMTP or the web.

use std::time::Duration;

use postern_model::{Protocol, Timestamp};

/// Why something was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Unknown user or wrong password, indistinguishably (SPEC I2).
    BadCredentials {
        /// The name given has no `@`: say to use the full address (SPEC I1; by spelling only).
        bare_name: bool,
    },
    /// Too many failed logins from here (SPEC I4).
    TooManyFailures {
        /// When the next try is looked at.
        retry_after: Duration,
    },
    /// The protocol is switched off (SPEC A1, A4).
    AccessOff {
        /// Which.
        protocol: Protocol,
        /// Why, where somebody said so.
        reason: Option<String>,
    },
    /// Switched on, not yet open (SPEC A2).
    AccessPending {
        /// Which.
        protocol: Protocol,
        /// When it opens.
        opens_at: Timestamp,
    },
    /// Shut by the operator or a rule (SPEC A7).
    AccessBlocked {
        /// Which.
        protocol: Protocol,
        /// Why.
        reason: Option<String>,
    },
    /// The account is shut as a whole.
    Suspended,
    /// A correct password that came without TLS, of a user who did not allow that (SPEC P5).
    PlaintextRefused,
    /// The account has too many connections open already.
    TooManySessions {
        /// How many it may have.
        limit: u32,
    },
    /// Another POP3 session has the mailbox (SPEC C1).
    InUse,
    /// Sending is locked (SPEC Q4, Q5).
    SendingLocked {
        /// Why.
        reason: Option<String>,
    },
    /// More recipients than a letter may have (SPEC Q2).
    TooManyRecipients {
        /// How many it may have.
        limit: u32,
    },
    /// The envelope sender is not the account's (SPEC I5).
    SenderNotOwned,
    /// A From: address is not the account's (SPEC I5).
    AuthorNotOwned,
    /// No such recipient here.
    NoSuchMailbox,
    /// The recipient is elsewhere and no route leads there.
    NoRoute,
    /// No room on the disk.
    StoreFull,
    /// Something failed inside; nothing was done.
    Unavailable,
    /// The server is going down.
    Stopping,
}
