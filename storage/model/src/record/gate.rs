//! Who may come in, and why not: gates, locks, last use (SPEC A, Q4, Q5).

use bincode::{Decode, Encode};
use serde::{Deserialize, Serialize};

use super::{Record, decode_frozen};
use crate::time::Timestamp;

/// Which protocols are open (SPEC A), and what the account's actor has to remember with that.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Access {
    /// The gate of POP3.
    pub pop3: Gate,
    /// The gate of IMAP.
    pub imap: Gate,
    /// The gate of SMTP submission.
    pub smtp: Gate,
    /// Closed for a suspected theft since then: the password has to be changed before anything is switched on (SPEC A14).
    pub theft: Option<Timestamp>,
    /// When the user was last warned of what will close by itself (SPEC A11).
    pub warned: Warned,
    /// Where the account's entry in the index of what falls due stands; `None`: it has none.
    pub due: Option<Timestamp>,
}

/// When warnings went out (SPEC A11). One from before the last use says nothing any more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Warned {
    /// That POP3 will close for want of use (SPEC A6).
    pub pop3: Option<Timestamp>,
    /// That IMAP will (SPEC A15).
    pub imap: Option<Timestamp>,
    /// That the account will become inactive (SPEC A9).
    pub inactive: Option<Timestamp>,
    /// That a password came without encryption (SPEC P5).
    pub plaintext: Option<Timestamp>,
}

/// One protocol's gate.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Gate {
    /// Where it stands.
    pub state: GateState,
    /// Since when.
    pub since: Timestamp,
    /// Who put it there.
    pub by: Actor,
    /// Why, where there is a reason beyond somebody's wish.
    pub reason: Option<Reason>,
    /// Free text to it, where somebody said something.
    pub text: Option<String>,
}

/// Where a gate stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum GateState {
    /// Shut; the user may switch it on.
    Off,
    /// Asked for; opens then (SPEC A2).
    Pending {
        /// When it opens.
        opens_at: Timestamp,
    },
    /// Open.
    On,
    /// Shut by the operator; the user can't switch it on (SPEC A7, A8).
    Blocked,
}

/// Who changed something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Actor {
    /// The account's owner.
    User,
    /// A deadline.
    Timer,
    /// The provider's staff.
    Operator,
    /// The abuse rules.
    Abuse,
}

/// The reasons that a user can meet (SPEC A7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode)]
pub enum Reason {
    /// Wilful pushing against the sending limits (SPEC Q4).
    Pushing,
    /// Suspected theft (SPEC A14).
    Theft,
    /// The account's status became inactive (SPEC A5).
    Inactive,
    /// Not used for long (SPEC A6, A15).
    Idle,
    /// Too many connections (SPEC A13).
    TooManyConnections,
    /// Violation of terms (SPEC Q5).
    Terms,
    /// The operator, with or without a word to it.
    Operator,
}

impl Reason {
    /// All of them.
    pub const ALL: [Reason; 7] = [
        Reason::Pushing,
        Reason::Theft,
        Reason::Inactive,
        Reason::Idle,
        Reason::TooManyConnections,
        Reason::Terms,
        Reason::Operator,
    ];

    /// The reason's name in the JSON documents, as SPEC A7 lists them.
    pub fn name(self) -> &'static str {
        match self {
            Reason::Pushing => "wilful pushing against the sending limits",
            Reason::Theft => "suspected theft",
            Reason::Inactive => "status inactive",
            Reason::Idle => "not used for two months",
            Reason::TooManyConnections => "too many connections",
            Reason::Terms => "violation of terms",
            Reason::Operator => "operator",
        }
    }

    /// Reads [`Reason::name`].
    pub fn parse(name: &str) -> Option<Reason> {
        Reason::ALL.into_iter().find(|reason| reason.name() == name)
    }
}

/// When an account was used last; written within a second, never waited for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Activity {
    /// Last successful login by any way.
    pub login: Option<Timestamp>,
    /// Last time POP3 reached the transaction state (SPEC A6).
    pub pop3: Option<Timestamp>,
    /// Last IMAP login.
    pub imap: Option<Timestamp>,
    /// Last SMTP login.
    pub smtp: Option<Timestamp>,
    /// Last login on the web, here or elsewhere (SPEC A9).
    pub web: Option<Timestamp>,
    /// Minutes of the last 24 hours in which POP3 was logged in to (SPEC A13).
    pub pop3_minutes: Minutes,
    /// The same for IMAP.
    pub imap_minutes: Minutes,
    /// Networks that logged in lately, the latest last, a few at most (SPEC A14).
    pub networks: Vec<SeenNetwork>,
    /// Events that were applied to the account's standing; says when the next checkpoint is due.
    pub events: u32,
}

/// The distinct minutes of the last 24 hours in which something happened: one bit each (SPEC A13).
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Minutes {
    /// The latest minute: minutes since the epoch.
    pub latest: i64,
    /// Bit `m % 1440` stands for minute `m` of (`latest - 1440`, `latest`]; empty where none is counted.
    pub bits: Vec<u64>,
}

/// A network that logins came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct SeenNetwork {
    /// The leading bits of its addresses, by a rule of policy's.
    pub network: u64,
    /// When last.
    pub at: Timestamp,
}

/// Sending is locked (SPEC Q4, Q5).
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct SendingLock {
    /// Since when.
    pub since: Timestamp,
    /// Who locked it.
    pub by: Actor,
    /// Until when; without it until somebody unlocks.
    pub until: Option<Timestamp>,
    /// Why.
    pub reason: Reason,
    /// Free text to it, where somebody said something.
    pub text: Option<String>,
    /// What the abuse rules saw, one row per signal; empty where an operator locked.
    pub evidence: Vec<Evidence>,
}

/// A sign of abuse (SPEC Q4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
pub enum Signal {
    /// A letter was refused because a limit was reached.
    Pushing,
    /// A recipient does not exist here.
    UnknownRecipient,
    /// A letter came back from another server.
    Bounce,
    /// A recipient that the last hour had not seen.
    NewRecipient,
    /// A client address that the last hour had not seen.
    NewAddress,
    /// A recipient of a text that went out before.
    SameBody,
    /// An operator passed on a complaint.
    Report,
}

impl Signal {
    /// All of them.
    pub const ALL: [Signal; 7] = [
        Signal::Pushing,
        Signal::UnknownRecipient,
        Signal::Bounce,
        Signal::NewRecipient,
        Signal::NewAddress,
        Signal::SameBody,
        Signal::Report,
    ];

    /// Its name in the JSON documents and in `POSTERN_ABUSE_WEIGHTS`.
    pub fn name(self) -> &'static str {
        match self {
            Signal::Pushing => "pushing",
            Signal::UnknownRecipient => "unknown-recipient",
            Signal::Bounce => "bounce",
            Signal::NewRecipient => "new-recipient",
            Signal::NewAddress => "new-address",
            Signal::SameBody => "same-body",
            Signal::Report => "report",
        }
    }

    /// Reads [`Signal::name`].
    pub fn parse(name: &str) -> Option<Signal> {
        Signal::ALL.into_iter().find(|signal| signal.name() == name)
    }
}

/// What one signal added to a lock (SPEC Q4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Evidence {
    /// Which.
    pub signal: Signal,
    /// How often since its score was last zero.
    pub count: u32,
    /// Its score when the lock fell, in thousandths of a point.
    pub score: u32,
    /// When last.
    pub last: Timestamp,
}

impl Record for Access {
    const VERSION: u8 = 2;
    const NAME: &'static str = "Access";

    fn decode_old(version: u8, bytes: &[u8]) -> Option<Access> {
        #[derive(Decode)]
        struct Old {
            pop3: OldGate,
            imap: OldGate,
            smtp: OldGate,
        }
        let old: Old = (version == 1).then(|| decode_frozen(bytes)).flatten()?;
        Some(Access {
            pop3: old.pop3.into(),
            imap: old.imap.into(),
            smtp: old.smtp.into(),
            theft: None,
            warned: Warned::default(),
            due: None,
        })
    }
}

/// A gate as version 1 had it: its reason was free text.
#[derive(Decode)]
struct OldGate {
    state: GateState,
    since: Timestamp,
    by: Actor,
    reason: Option<String>,
}

impl From<OldGate> for Gate {
    fn from(old: OldGate) -> Gate {
        let OldGate { state, since, by, reason: text } = old;
        let said = text.is_some() || state == GateState::Blocked;
        let reason = (said && by == Actor::Operator).then_some(Reason::Operator);
        Gate { state, since, by, reason, text }
    }
}

impl Record for Activity {
    const VERSION: u8 = 2;
    const NAME: &'static str = "Activity";

    fn decode_old(version: u8, bytes: &[u8]) -> Option<Activity> {
        type Old = [Option<Timestamp>; 4];
        let [login, pop3, imap, smtp] = (version == 1).then(|| decode_frozen::<Old>(bytes)).flatten()?;
        Some(Activity { login, pop3, imap, smtp, ..Activity::default() })
    }
}

impl Record for SendingLock {
    const VERSION: u8 = 2;
    const NAME: &'static str = "SendingLock";

    fn decode_old(version: u8, bytes: &[u8]) -> Option<SendingLock> {
        type Old = (Timestamp, Actor, Option<Timestamp>, Option<String>);
        let (since, by, until, text) = (version == 1).then(|| decode_frozen::<Old>(bytes)).flatten()?;
        Some(SendingLock { since, by, until, reason: Reason::Operator, text, evidence: Vec::new() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_found_by_its_name_alone() {
        for reason in Reason::ALL {
            assert_eq!(Reason::parse(reason.name()), Some(reason));
        }
        for other in ["", "Operator", "operator ", "idle"] {
            assert_eq!(Reason::parse(other), None, "{other:?}");
        }
    }

    #[test]
    fn signals_have_names_of_their_own() {
        let names: std::collections::BTreeSet<_> = Signal::ALL.into_iter().map(Signal::name).collect();
        assert_eq!(names.len(), Signal::ALL.len());
    }
}
