//! Who may come in by which protocol (SPEC A): each protocol of each account is a gate.
//!
//! ```text
//!            on (opens at once)          block
//!      ┌────────────────────────► On ─────────────┐
//!     Off ◄───────────────────────┘   off         ▼
//!      ▲  └──────────────────────────────────► Blocked
//!      └───────────────────────────────────────────┘  unblock
//! ```
//! `Pending` stands between `Off` and `On` where access opens after a delay (SPEC A2).

use postern_model::record::{Access, Account, Actor, Gate, GateState, Status};
use postern_model::{Protocol, Timestamp};

use crate::Refusal;

/// All that a login is judged by, after its password was found correct.
#[derive(Debug)]
pub struct Entry<'a> {
    /// The account.
    pub account: &'a Account,
    /// Its gates.
    pub access: &'a Access,
    /// The protocol asked for.
    pub protocol: Protocol,
    /// Whether the connection is encrypted.
    pub tls: bool,
    /// Sessions that the account has open already.
    pub sessions: usize,
    /// Sessions that it may have open.
    pub session_limit: u32,
}

/// May this login in, by this protocol, now? (SPEC A1, A4, P5)
///
/// # Errors
/// The first reason that keeps it out; what the user can't change comes before what they can.
pub fn admit(entry: &Entry<'_>) -> Result<(), Refusal> {
    let protocol = entry.protocol;
    if entry.account.status == Status::Suspended {
        return Err(Refusal::Suspended);
    }
    let gate = gate(entry.access, protocol);
    match gate.state {
        GateState::Blocked => {
            return Err(Refusal::AccessBlocked { protocol, reason: gate.reason.clone() });
        }
        GateState::Off => return Err(Refusal::AccessOff { protocol, reason: gate.reason.clone() }),
        GateState::Pending { opens_at } => return Err(Refusal::AccessPending { protocol, opens_at }),
        GateState::On => {}
    }
    if !entry.tls && !entry.account.legacy_plaintext {
        return Err(Refusal::PlaintextRefused);
    }
    if entry.sessions >= entry.session_limit as usize {
        return Err(Refusal::TooManySessions { limit: entry.session_limit });
    }
    Ok(())
}

/// What is to be done with a gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Switch on, at once.
    On,
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
}

/// The gate after `change`. Asking for what is there already keeps its history as it is.
///
/// # Errors
/// [`ChangeError`] where the state machine above has no such arrow.
pub fn change(
    gate: &Gate,
    change: Change,
    now: Timestamp,
    by: Actor,
    reason: Option<String>,
) -> Result<Gate, ChangeError> {
    let state = match (change, gate.state) {
        (Change::On, GateState::On) | (Change::Off, GateState::Off) => return Ok(gate.clone()),
        (Change::On | Change::Off, GateState::Blocked) => return Err(ChangeError::Blocked),
        (Change::On, _) => GateState::On,
        (Change::Off, _) => GateState::Off,
        (Change::Block, _) => GateState::Blocked,
        (Change::Unblock, GateState::Blocked) => GateState::Off,
        (Change::Unblock, _) => return Err(ChangeError::NotBlocked),
    };
    Ok(Gate { state, since: now, by, reason })
}

/// A new account's gates: all off (SPEC A1).
pub fn all_off(now: Timestamp) -> Access {
    let gate = Gate { state: GateState::Off, since: now, by: Actor::Operator, reason: None };
    Access { pop3: gate.clone(), imap: gate.clone(), smtp: gate }
}

/// The gate of one protocol.
pub fn gate(access: &Access, protocol: Protocol) -> &Gate {
    match protocol {
        Protocol::Pop3 => &access.pop3,
        Protocol::Imap => &access.imap,
        Protocol::Smtp => &access.smtp,
    }
}

/// The gate of one protocol, to be changed.
pub fn gate_mut(access: &mut Access, protocol: Protocol) -> &mut Gate {
    match protocol {
        Protocol::Pop3 => &mut access.pop3,
        Protocol::Imap => &mut access.imap,
        Protocol::Smtp => &mut access.smtp,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(status: Status, legacy_plaintext: bool) -> Account {
        Account {
            address: "alice@demo.test".into(),
            plan: "free".into(),
            status,
            language: "en".into(),
            created: Timestamp::default(),
            legacy_plaintext,
        }
    }

    fn with(state: GateState) -> Access {
        let mut access = all_off(Timestamp::default());
        access.pop3.state = state;
        access
    }

    /// state | status | tls | ticked "cannot do SSL" | open sessions -> answer
    #[test]
    fn a_login_meets_the_gate_as_it_stands() {
        use GateState::{Blocked, Off, On, Pending};
        use Status::{Active, Inactive, Suspended};
        let opens_at = Timestamp::from_seconds(900);
        let protocol = Protocol::Pop3;
        let off = Refusal::AccessOff { protocol, reason: None };
        let blocked = Refusal::AccessBlocked { protocol, reason: None };
        let pending = Refusal::AccessPending { protocol, opens_at };
        for (state, status, tls, ticked, sessions, answer) in [
            (On, Active, true, false, 0, Ok(())),
            (On, Inactive, true, false, 0, Ok(())),
            (Off, Active, true, false, 0, Err(off)),         // A1
            (Blocked, Active, true, false, 0, Err(blocked)), // A7
            (Pending { opens_at }, Active, true, false, 0, Err(pending)), // A2
            (On, Suspended, true, false, 0, Err(Refusal::Suspended)),
            (On, Active, false, false, 0, Err(Refusal::PlaintextRefused)), // P5
            (On, Active, false, true, 0, Ok(())),                          // P5
            (On, Active, true, false, 9, Ok(())),
            (On, Active, true, false, 10, Err(Refusal::TooManySessions { limit: 10 })),
        ] {
            let (account, access) = (account(status, ticked), with(state));
            let entry =
                Entry { account: &account, access: &access, protocol, tls, sessions, session_limit: 10 };
            assert_eq!(admit(&entry), answer, "{state:?} {status:?} tls={tls}");
        }
    }

    #[test]
    fn gates_move_only_along_the_arrows() {
        use GateState::{Blocked, Off, On};
        let opens = GateState::Pending { opens_at: Timestamp::from_seconds(900) };
        for (from, what, to) in [
            (Off, Change::On, Ok(On)),
            (opens, Change::On, Ok(On)),
            (opens, Change::Off, Ok(Off)),
            (On, Change::Off, Ok(Off)),
            (On, Change::Block, Ok(Blocked)),
            (Blocked, Change::On, Err(ChangeError::Blocked)),
            (Blocked, Change::Off, Err(ChangeError::Blocked)),
            (Blocked, Change::Unblock, Ok(Off)),
            (On, Change::Unblock, Err(ChangeError::NotBlocked)),
        ] {
            let gate = with(from).pop3;
            let after = change(&gate, what, Timestamp::from_seconds(1), Actor::Operator, None);
            assert_eq!(after.map(|g| g.state), to, "{from:?} {what:?}");
        }
    }

    #[test]
    fn asking_for_what_is_there_already_keeps_its_date() {
        let gate = with(GateState::On).pop3;
        let again = change(&gate, Change::On, Timestamp::from_seconds(5), Actor::User, None);
        assert_eq!(again, Ok(gate));
    }
}
