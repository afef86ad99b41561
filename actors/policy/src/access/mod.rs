//! Who may come in by which protocol (SPEC A): each protocol of each account is a gate.
//!
//! Nothing here changes anything: a decision is a list of [`Event`]s, and [`crate::standing::apply`] says what becomes
//! of an account's [`Standing`] by each of them. So the list of events is the account's whole story, and the stored
//! state is what it comes to.
//!
//! ```text
//!             request                      deadline (15 minutes later)
//!      ┌────────────────────────► Pending ─────────────┐
//!      │                          │  │ block           ▼
//!     Off ◄───────────────────────┘  │       ┌──────── On   ◄── request "now" (operator), from Off or Pending
//!      ▲ ▲          off              │ block │         │
//!      │ │                           ▼       ▼         │ off · idle · inactive · theft · too many connections
//!      │ └─────────────────────── Blocked              │
//!      │           unblock           ▲ block (from Off)│
//!      └───────────────────────────────────────────────┘
//! ```
//! A theft mark keeps every gate from being requested until the password is changed (SPEC A14).

mod admit;
mod change;
mod deadline;
pub(crate) mod minutes;
pub(crate) mod theft;

use std::net::IpAddr;
use std::time::Duration;

use postern_model::record::{Access, Actor, Event, Gate, GateState, Reason, Standing, Status, Warned, What};
use postern_model::{Protocol, Timestamp};

use crate::Refusal;
use crate::calendar::Span;

pub use admit::{admit, came_in, turned_away};
pub use change::{change, lock, set_status, unlock};
pub use deadline::{closes, closes_at, deadline, deadline_while_held, on_deadline};
pub use theft::MAX_NETWORKS;

/// The figures of SPEC A, from the environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figures {
    /// From the switch to the opening (A2).
    pub activation_delay: Duration,
    /// POP3 closes when it was not used for so long (A6); `None`: never.
    pub pop3_idle: Option<Span>,
    /// IMAP likewise (A15).
    pub imap_idle: Option<Span>,
    /// Whether IMAP counts as use of POP3 (A15).
    pub imap_keeps_pop3: bool,
    /// An account is inactive after so long without a login (A9); `None`: never.
    pub inactive_after: Option<Span>,
    /// Whether logins on the web alone count for that (A9).
    pub web_logins_only: bool,
    /// How long before it acts a warning goes out (A11); zero: none does.
    pub warn_before: Duration,
    /// Distinct minutes of 24 hours in which POP3 may be logged in to (A13); `None`: any.
    pub pop3_minutes: Option<u32>,
    /// The same for IMAP.
    pub imap_minutes: Option<u32>,
    /// Distinct networks within `theft_window` from which on a theft is suspected (A14); `None`: never. At least 2, at
    /// most [`MAX_NETWORKS`]: no more are remembered.
    pub theft_networks: Option<u32>,
    /// The time in which these are counted.
    pub theft_window: Duration,
    /// An abuse lock closes all external access, not sending alone (A7).
    pub abuse_closes_access: bool,
    /// How far apart IMAP logins may be (C3); zero: any time. A program that is in may open more connections.
    pub imap_check: Duration,
    /// So much earlier one is forgiven; a tenth of the interval at most.
    pub check_grace: Duration,
}

impl Default for Figures {
    /// SPEC's defaults.
    fn default() -> Figures {
        Figures {
            activation_delay: Duration::from_secs(15 * 60),
            pop3_idle: Some(Span::Months(2)),
            imap_idle: None,
            imap_keeps_pop3: false,
            inactive_after: Some(Span::Months(9)),
            web_logins_only: false,
            warn_before: Duration::from_secs(7 * 24 * 60 * 60),
            pop3_minutes: Some(1000),
            imap_minutes: None,
            theft_networks: Some(10),
            theft_window: Duration::from_secs(60 * 60),
            abuse_closes_access: false,
            imap_check: Duration::ZERO,
            check_grace: Duration::from_secs(10),
        }
    }
}

/// A login whose password was right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The protocol asked for.
    pub protocol: Protocol,
    /// Where it comes from.
    pub from: IpAddr,
    /// Whether the connection is encrypted.
    pub tls: bool,
    /// The user has said "my program cannot do SSL" (SPEC P5).
    pub legacy_plaintext: bool,
    /// The account's own password came where a client password is demanded (SPEC A12).
    pub needs_client_password: bool,
    /// Sessions that the account has open already.
    pub sessions: usize,
    /// Sessions that it may have open.
    pub session_limit: u32,
}

/// What a question comes to: an answer, and what happened by it. The events hold whatever the answer is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision<T> {
    /// In the order in which they happened.
    pub events: Vec<Event>,
    /// The answer.
    pub answer: Result<T, Refusal>,
}

/// Who asks for something, when, and from where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asker {
    /// Who.
    pub by: Actor,
    /// From which address, where they are connected.
    pub from: Option<IpAddr>,
    /// When.
    pub now: Timestamp,
}

impl Asker {
    /// Something that is done by the one who asks, now.
    pub(crate) fn event(&self, what: What) -> Event {
        Event { at: self.now, by: self.by, from: self.from, what }
    }
}

/// What is to be done with a gate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Switch on: it opens after the delay (SPEC A2), or at once where the operator says so.
    On {
        /// At once.
        now: bool,
    },
    /// Switch off.
    Off,
    /// Shut against the user's will (SPEC A7).
    Block,
    /// Take the block away; the gate is off then (SPEC A8).
    Unblock,
}

/// Why a gate can't be changed so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeError {
    /// It is blocked: the block has to go first.
    Blocked,
    /// It is not blocked.
    NotBlocked,
    /// A theft is suspected: the password has to be changed first (SPEC A14).
    Theft,
    /// Sending is locked by the abuse rules, which closes access here (SPEC A8).
    Locked,
    /// The account is inactive or suspended: log in on the web, or set the status, first.
    Suspended,
}

impl ChangeError {
    /// Its name in the report of a replay.
    pub fn name(self) -> &'static str {
        match self {
            ChangeError::Blocked => "blocked",
            ChangeError::NotBlocked => "not blocked",
            ChangeError::Theft => "suspected theft",
            ChangeError::Locked => "sending locked",
            ChangeError::Suspended => "account not active",
        }
    }
}

/// Whether closings for want of use may go on (SPEC A16).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closing {
    /// They do.
    Goes,
    /// The brake holds them.
    Held,
}

/// A new account's gates: all off (SPEC A1).
pub fn all_off(now: Timestamp) -> Access {
    let gate = Gate { state: GateState::Off, since: now, by: Actor::Operator, reason: None, text: None };
    let (pop3, imap, smtp) = (gate.clone(), gate.clone(), gate);
    Access { pop3, imap, smtp, theft: None, warned: Warned::default(), due: None }
}

/// Whether a session of this protocol may go on as things stand (SPEC A2).
///
/// # Errors
/// Why not.
pub fn stands_open(standing: &Standing, protocol: Protocol) -> Result<(), Refusal> {
    if standing.status == Status::Suspended {
        return Err(Refusal::Suspended);
    }
    let Gate { state, reason, text, .. } = gate(&standing.access, protocol);
    let (reason, text) = (*reason, text.clone());
    match *state {
        GateState::On => Ok(()),
        GateState::Off => Err(Refusal::AccessOff { protocol, reason, text }),
        GateState::Blocked => Err(Refusal::AccessBlocked { protocol, reason, text }),
        GateState::Pending { opens_at } => Err(Refusal::AccessPending { protocol, opens_at }),
    }
}

/// Whether no gate is open or about to open.
pub fn all_shut(access: &Access) -> bool {
    Protocol::ALL
        .into_iter()
        .all(|protocol| matches!(gate(access, protocol).state, GateState::Off | GateState::Blocked))
}

/// The gate of one protocol.
pub fn gate(access: &Access, protocol: Protocol) -> &Gate {
    match protocol {
        Protocol::Pop3 => &access.pop3,
        Protocol::Imap => &access.imap,
        Protocol::Smtp => &access.smtp,
    }
}

/// The gate of one protocol, to be changed by an event.
pub(crate) fn gate_mut(access: &mut Access, protocol: Protocol) -> &mut Gate {
    match protocol {
        Protocol::Pop3 => &mut access.pop3,
        Protocol::Imap => &mut access.imap,
        Protocol::Smtp => &mut access.smtp,
    }
}

/// Closes those of the gates that stand open or are to open, for a reason.
fn close_all(standing: &Standing, protocols: &[Protocol], reason: Reason, asker: Asker) -> Vec<Event> {
    let opens = |protocol: Protocol| {
        matches!(gate(&standing.access, protocol).state, GateState::On | GateState::Pending { .. })
    };
    let close = |protocol| asker.event(What::AccessClosed { protocol, reason: Some(reason), text: None });
    protocols.iter().copied().filter(|protocol| opens(*protocol)).map(close).collect()
}
