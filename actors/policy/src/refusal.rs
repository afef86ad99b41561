//! Every "no", not yet worded: the doors' `wording` turns a [`Refusal`] into a line of POP3, IMAP, SMTP or the web.

use std::time::Duration;

use postern_model::imap::BadName;
use postern_model::record::Reason;
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
        /// Why, where it was not the user's wish.
        reason: Option<Reason>,
        /// Free text to it.
        text: Option<String>,
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
        reason: Option<Reason>,
        /// Free text to it.
        text: Option<String>,
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
    /// The account's own password came where a password made for mail programs is demanded (SPEC A12).
    ClientPasswordNeeded,
    /// Another POP3 session has the mailbox (SPEC C1).
    InUse,
    /// Mail was checked a moment ago (SPEC C3).
    TooSoon {
        /// How far apart checks have to be, as it is announced.
        interval: Duration,
        /// When the next may be.
        retry_after: Duration,
    },
    /// Sending is locked (SPEC Q4, Q5).
    SendingLocked {
        /// Why.
        reason: Reason,
        /// Free text to it.
        text: Option<String>,
        /// Until when; without it until somebody unlocks.
        until: Option<Timestamp>,
    },
    /// As many letters went out as may (SPEC Q3).
    SendLimit {
        /// So many letters
        limit: u32,
        /// in any stretch of this length.
        window: Duration,
        /// When the next may go.
        retry_after: Duration,
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
    /// The recipient's account is inactive, and takes no mail then (SPEC A9).
    InactiveMailbox,
    /// The recipient is elsewhere and no route leads there.
    NoRoute,
    /// No folder of this name, or it is gone.
    NoSuchFolder,
    /// There is a folder of this name.
    FolderExists,
    /// A folder's name that can't be.
    BadFolderName(BadName),
    /// A folder can't come to lie in itself.
    FolderInItself,
    /// The INBOX can't be removed.
    InboxStays,
    /// A name that only holds other folders can't be removed before them.
    HasChildren,
    /// As many folders or subscriptions as may be.
    TooManyFolders {
        /// How many may be.
        limit: u32,
    },
    /// Another folder has this special use, or there is none such here (RFC 6154 §3).
    UseTaken,
    /// More would be stored than may be (SPEC D8).
    OverQuota {
        /// Octets that may be.
        limit: u64,
    },
    /// A folder can't take any more: its numbers are used up.
    FolderFull,
    /// As many notes as may be (RFC 5464).
    TooManyAnnotations {
        /// How many may be.
        limit: u32,
    },
    /// A note that is too long (RFC 5464).
    AnnotationTooLong {
        /// Octets that it may have.
        limit: u32,
    },
    /// The recipient's mailbox has no room for the letter (SPEC D8).
    MailboxFull {
        /// It would not have room either if it were empty.
        ever: bool,
    },
    /// As many letters wait to leave as may.
    QueueFull,
    /// The letter is not wanted, and this is why (SPEC D4-D6).
    Unwanted {
        /// Who says so.
        why: Unwanted,
        /// Whether it is worth trying again.
        permanent: bool,
        /// What else there is to say: a filter's own words, a list's, a domain's policy.
        text: Option<String>,
    },
    /// No room on the disk.
    StoreFull,
    /// Something failed inside; nothing was done.
    Unavailable,
    /// The server is going down.
    Stopping,
}

/// Who does not want a letter from elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unwanted {
    /// The client did not wait for the greeting, or does not say who it is.
    Greeting,
    /// A list of bad addresses names the client (`POSTERN_DNSBL`).
    Listed,
    /// The client is new here and has to come back (`POSTERN_GREYLIST`).
    Greylisted,
    /// The client comes too often.
    TooOften,
    /// The SPF policy of the sender's domain (RFC 7208).
    Spf,
    /// The DMARC policy of the author's domain (RFC 7489).
    Dmarc,
    /// A filter (SPEC D5).
    Filter,
    /// The recipient has blocked the sender (SPEC D6).
    Blocked,
    /// It has octets that can't be kept in lines, as its readers need them.
    Binary,
}
