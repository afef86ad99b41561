//! What happened to an account, and what it is told of it (SPEC A10, N).
//!
//! An account's records follow from its events: whoever applies them in order from a checkpoint on comes to the same
//! state. Variants are only appended.

use std::net::IpAddr;

use bincode::{Decode, Encode};

use super::{Access, Activity, Actor, Evidence, Reason, Record, SendingLock, Setting, Signal, Status};
use crate::ids::LetterId;
use crate::status::Protocol;
use crate::time::Timestamp;

/// One row of an account's list of events (SPEC A10).
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: Actor,
    /// From which address, where somebody was connected.
    pub from: Option<IpAddr>,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum What {
    /// Somebody switched access on; it opens later (SPEC A2).
    AccessRequested {
        /// Which gate.
        protocol: Protocol,
        /// When it opens.
        opens_at: Timestamp,
    },
    /// A gate opened.
    AccessOpened {
        /// Which gate.
        protocol: Protocol,
    },
    /// A gate was switched off, or what was asked for was taken back.
    AccessClosed {
        /// Which gate.
        protocol: Protocol,
        /// Why, where it was not the user's wish.
        reason: Option<Reason>,
        /// Free text to it.
        text: Option<String>,
    },
    /// A gate was blocked (SPEC A7).
    AccessBlocked {
        /// Which gate.
        protocol: Protocol,
        /// Why.
        reason: Reason,
        /// Free text to it.
        text: Option<String>,
    },
    /// The block was taken away; the gate is off.
    AccessUnblocked {
        /// Which gate.
        protocol: Protocol,
    },
    /// The user was told of what will close by itself (SPEC A11).
    Warned {
        /// Of what.
        of: Warning,
        /// When it will happen.
        acts_at: Timestamp,
    },
    /// Sending was locked (SPEC Q4, Q5).
    SendingLocked {
        /// Until when; without it until somebody unlocks.
        until: Option<Timestamp>,
        /// Why.
        reason: Reason,
        /// Free text to it.
        text: Option<String>,
        /// What the abuse rules saw.
        evidence: Vec<Evidence>,
    },
    /// Sending was unlocked, by somebody or by the lock's end.
    SendingUnlocked,
    /// Somebody came in.
    Login {
        /// By which protocol; `None`: on the web.
        protocol: Option<Protocol>,
    },
    /// Somebody with the right password did not come in.
    LoginRefused {
        /// By which protocol.
        protocol: Protocol,
        /// Why.
        why: LoginRefusal,
    },
    /// A letter was accepted from the user.
    Letter {
        /// Its id.
        letter: LetterId,
        /// Its recipients.
        recipients: u32,
        /// What of it is a sign of abuse, and how often (SPEC Q4).
        signals: Vec<(Signal, u32)>,
    },
    /// A letter of the user's, or one of its recipients, was not accepted.
    LetterRefused {
        /// Why.
        why: LetterRefusal,
        /// What of it is a sign of abuse, and how often (SPEC Q4).
        signals: Vec<(Signal, u32)>,
    },
    /// The account's status changed.
    Status {
        /// To what.
        status: Status,
    },
    /// The account's plan changed.
    Plan {
        /// To which.
        plan: String,
    },
    /// The account's password was set.
    Password,
    /// The user got a notice (SPEC N1).
    Notice {
        /// Which.
        notice: NoticeKind,
        /// The letter that it is.
        letter: LetterId,
    },
    /// An operator passed on a complaint about the account's letters (SPEC Q4).
    Reported {
        /// The operator's words.
        text: Option<String>,
    },
    /// All that earlier events made of the account's gates: replay may begin here.
    Standing(Box<Standing>),
    /// All that earlier events made of the account's abuse scores: replay may begin here.
    Scores(Vec<Score>),
    /// What the user arranged for their mail was changed (SPEC D6).
    Setting {
        /// Which setting.
        setting: Setting,
        /// To what, where that is short.
        text: Option<String>,
    },
}

/// What will close by itself (SPEC A11).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Warning {
    /// A protocol, for want of use (SPEC A6, A15).
    Idle(Protocol),
    /// The account becomes inactive (SPEC A9).
    Inactive,
}

/// Why a login with the right password was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum LoginRefusal {
    /// The protocol is off.
    Off,
    /// It opens later.
    Pending,
    /// It is blocked.
    Blocked,
    /// The account is suspended.
    Suspended,
    /// The password came without TLS (SPEC P5).
    Plaintext,
    /// The account's password came where a client password is demanded (SPEC A12).
    ClientPassword,
    /// Too many sessions are open.
    TooManySessions,
    /// Another POP3 session has the maildrop (SPEC C1).
    InUse,
    /// Mail was checked a moment ago (SPEC C3).
    TooSoon,
    /// Sending is locked.
    SendingLocked,
}

impl LoginRefusal {
    /// All of them.
    pub const ALL: [LoginRefusal; 10] = [
        LoginRefusal::Off,
        LoginRefusal::Pending,
        LoginRefusal::Blocked,
        LoginRefusal::Suspended,
        LoginRefusal::Plaintext,
        LoginRefusal::ClientPassword,
        LoginRefusal::TooManySessions,
        LoginRefusal::InUse,
        LoginRefusal::TooSoon,
        LoginRefusal::SendingLocked,
    ];

    /// Its name in the JSON documents.
    pub fn name(self) -> &'static str {
        match self {
            LoginRefusal::Off => "off",
            LoginRefusal::Pending => "pending",
            LoginRefusal::Blocked => "blocked",
            LoginRefusal::Suspended => "suspended",
            LoginRefusal::Plaintext => "plaintext",
            LoginRefusal::ClientPassword => "client password",
            LoginRefusal::TooManySessions => "too many sessions",
            LoginRefusal::InUse => "in use",
            LoginRefusal::TooSoon => "too soon",
            LoginRefusal::SendingLocked => "sending locked",
        }
    }

    /// Reads [`LoginRefusal::name`].
    pub fn parse(name: &str) -> Option<LoginRefusal> {
        LoginRefusal::ALL.into_iter().find(|why| why.name() == name)
    }
}

/// Why a letter was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum LetterRefusal {
    /// The limit of a minute (SPEC Q1).
    PerMinute,
    /// The limit of an hour.
    PerHour,
    /// The limit of a day.
    PerDay,
    /// Sending is locked (SPEC Q4, Q5).
    Locked,
    /// One of its recipients does not exist.
    UnknownRecipient,
}

impl LetterRefusal {
    /// All of them.
    pub const ALL: [LetterRefusal; 5] = [
        LetterRefusal::PerMinute,
        LetterRefusal::PerHour,
        LetterRefusal::PerDay,
        LetterRefusal::Locked,
        LetterRefusal::UnknownRecipient,
    ];

    /// Its name in the JSON documents.
    pub fn name(self) -> &'static str {
        match self {
            LetterRefusal::PerMinute => "limit of a minute",
            LetterRefusal::PerHour => "limit of an hour",
            LetterRefusal::PerDay => "limit of a day",
            LetterRefusal::Locked => "sending locked",
            LetterRefusal::UnknownRecipient => "unknown recipient",
        }
    }

    /// Reads [`LetterRefusal::name`].
    pub fn parse(name: &str) -> Option<LetterRefusal> {
        LetterRefusal::ALL.into_iter().find(|why| why.name() == name)
    }
}

/// An account's gates and all that they hang on.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Standing {
    /// Its status.
    pub status: Status,
    /// Its plan.
    pub plan: String,
    /// When it was made.
    pub created: Timestamp,
    /// Its gates.
    pub access: Access,
    /// Its lock.
    pub lock: Option<SendingLock>,
    /// Its last use.
    pub activity: Activity,
}

/// How much one signal has come to (SPEC Q4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Score {
    /// Which.
    pub signal: Signal,
    /// Thousandths of a point, as they were at `at`.
    pub score: u32,
    /// How often since the score was last zero.
    pub count: u32,
    /// When it last grew.
    pub at: Timestamp,
}

/// The abuse rules' memory of an account (SPEC Q4); written within a second, never waited for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Abuse {
    /// One row per signal that still counts.
    pub scores: Vec<Score>,
    /// Client networks of the last hour, a few at most.
    pub networks: Vec<super::SeenNetwork>,
    /// Recipients of the current hour.
    pub recipients: Recipients,
    /// Texts that went out lately, a few at most.
    pub bodies: Vec<SeenBody>,
}

/// Which recipients an hour has seen: a bit each, picked by a digest of the address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Recipients {
    /// When the hour began.
    pub since: Timestamp,
    /// The bits.
    pub bits: Vec<u64>,
}

/// A text that went out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct SeenBody {
    /// Digest of the text without its header.
    pub digest: u64,
    /// Recipients that had it.
    pub recipients: u32,
    /// When last.
    pub at: Timestamp,
}

/// A notice that an account is owed; it goes with the letter that tells it (SPEC N3).
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct OwedNotice {
    /// When what it tells happened.
    pub at: Timestamp,
    /// What it tells.
    pub notice: NoticeKind,
    /// Which protocols it is about.
    pub protocols: Vec<Protocol>,
    /// By whom it happened.
    pub by: Actor,
    /// Why.
    pub reason: Option<Reason>,
    /// Free text to it.
    pub text: Option<String>,
    /// When something will happen that it announces: access opens, closes, or a lock ends.
    pub then: Option<Timestamp>,
    /// From which address it was done, where somebody was connected.
    pub from: Option<IpAddr>,
}

/// What a notice tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode)]
pub enum NoticeKind {
    /// Access was switched on and opens soon: who did not ask can cancel (SPEC A2).
    AccessRequested,
    /// Access was switched off by somebody else than the user (SPEC A8).
    AccessClosed,
    /// Access was blocked (SPEC A7).
    AccessBlocked,
    /// The block was taken away: the user may switch it on again.
    AccessUnblocked,
    /// A protocol will close for want of use (SPEC A11).
    IdleWarning,
    /// The account will become inactive (SPEC A11).
    InactiveWarning,
    /// The account became inactive (SPEC A9).
    Inactive,
    /// Sending was locked (SPEC Q4, Q5).
    SendingLocked,
    /// Sending was unlocked.
    SendingUnlocked,
    /// The password came without encryption (SPEC P5).
    PlaintextPassword,
    /// Most of what may be stored is used (SPEC D8).
    StorageLow,
    /// Nearly all of it is.
    StorageOut,
    /// Letters go on to another address from now on: who did not want that can stop it (SPEC D6).
    ForwardingOn,
    /// Letters go on to an address no more, since they came back (SPEC D6).
    ForwardingStopped,
}

impl NoticeKind {
    /// All of them.
    pub const ALL: [NoticeKind; 14] = [
        NoticeKind::AccessRequested,
        NoticeKind::AccessClosed,
        NoticeKind::AccessBlocked,
        NoticeKind::AccessUnblocked,
        NoticeKind::IdleWarning,
        NoticeKind::InactiveWarning,
        NoticeKind::Inactive,
        NoticeKind::SendingLocked,
        NoticeKind::SendingUnlocked,
        NoticeKind::PlaintextPassword,
        NoticeKind::StorageLow,
        NoticeKind::StorageOut,
        NoticeKind::ForwardingOn,
        NoticeKind::ForwardingStopped,
    ];

    /// Its name in events and template files.
    pub fn name(self) -> &'static str {
        match self {
            NoticeKind::AccessRequested => "access-requested",
            NoticeKind::AccessClosed => "access-closed",
            NoticeKind::AccessBlocked => "access-blocked",
            NoticeKind::AccessUnblocked => "access-unblocked",
            NoticeKind::IdleWarning => "idle-warning",
            NoticeKind::InactiveWarning => "inactive-warning",
            NoticeKind::Inactive => "inactive",
            NoticeKind::SendingLocked => "sending-locked",
            NoticeKind::SendingUnlocked => "sending-unlocked",
            NoticeKind::PlaintextPassword => "plaintext-password",
            NoticeKind::StorageLow => "storage-low",
            NoticeKind::StorageOut => "storage-out",
            NoticeKind::ForwardingOn => "forwarding-on",
            NoticeKind::ForwardingStopped => "forwarding-stopped",
        }
    }
}

/// An account's place in the index of what falls due; the key says when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Due {}

/// When an account's mail was checked over POP3 (SPEC C3).
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Checks {
    /// The last few times, the latest last.
    pub recent: Vec<Timestamp>,
    /// The last time that a session was taken over without waiting.
    pub taken_over: Option<Timestamp>,
}

/// The brake on mass closing (SPEC A16).
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Brake {
    /// Since when nothing closes by itself; `None`: it does.
    pub held: Option<Held>,
    /// What was released last: closings that fell due until then go on.
    pub released: Option<Timestamp>,
}

/// Why the brake holds.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Held {
    /// Since when.
    pub since: Timestamp,
    /// Accounts that one look would have closed; 0 where the clock jumped.
    pub accounts: u64,
}

/// The plans that accounts may have: one that disappears from the configuration has to be out of use.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct PlanNames(pub Vec<String>);

/// The index of what falls due holds every account's deadline.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Filed {
    /// The figures that the deadlines were made by, as text: where others are configured, all are made anew.
    pub by: String,
}

macro_rules! first_version {
    ($($name:ident)*) => {
        $(impl Record for $name {
            const VERSION: u8 = 1;
            const NAME: &'static str = stringify!($name);
        })*
    };
}

first_version! { Event Abuse OwedNotice Due Checks Brake PlanNames Filed }

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notices_have_names_of_their_own_that_a_file_may_bear() {
        let names = NoticeKind::ALL.map(NoticeKind::name);
        let distinct: std::collections::BTreeSet<_> = names.into_iter().collect();
        assert_eq!(distinct.len(), names.len());
        assert!(distinct.iter().all(|name| name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')));
    }
}
