//! What the user, the operator and the abuse rules do to an account's gates, status and lock (SPEC A2, A5, A7, A8, Q5).

use postern_model::Protocol;
use postern_model::record::{Actor, Event, Gate, GateState, Reason, SendingLock, Standing, Status, What};

use super::{Asker, Change, ChangeError, Figures, close_all, gate};
use crate::send_window;

/// Changes gates. Asking for what is there already keeps its history as it is. What shuts several gates or takes several
/// blocks away passes over those to which it does not apply, as long as there is one to which it does: who types `off`
/// or `unblock` means those that can be.
///
/// # Errors
/// The gate that can't be changed so, and why; then none is.
pub fn change(
    standing: &Standing,
    change: &Change,
    protocols: &[Protocol],
    text: Option<String>,
    asker: Asker,
    figures: &Figures,
) -> Result<Vec<Event>, (Protocol, ChangeError)> {
    let mut events = Vec::new();
    let applies = |protocol: &Protocol| {
        let blocked = gate(&standing.access, *protocol).state == GateState::Blocked;
        match change {
            Change::Off => !blocked,
            Change::Unblock => blocked,
            Change::On { .. } | Change::Block => true,
        }
    };
    let lenient = protocols.iter().any(applies);
    for &protocol in protocols {
        let gate = gate(&standing.access, protocol);
        if lenient && !applies(&protocol) {
            continue;
        }
        let whats = match change {
            Change::On { now } => {
                // At once is the operator's to say (SPEC A2).
                let now = *now && asker.by == Actor::Operator;
                switch_on(standing, gate, protocol, now, asker, figures)
            }
            Change::Off => switch_off(gate, protocol, text.clone(), asker.by),
            Change::Block => Ok(block(gate, protocol, text.clone())),
            Change::Unblock => unblock(gate, protocol, asker.by),
        };
        let whats = whats.map_err(|error| (protocol, error))?;
        events.extend(whats.into_iter().map(|what| asker.event(what)));
    }
    Ok(events)
}

fn switch_on(
    standing: &Standing,
    gate: &Gate,
    protocol: Protocol,
    now: bool,
    asker: Asker,
    figures: &Figures,
) -> Result<Vec<What>, ChangeError> {
    match gate.state {
        GateState::On => return Ok(Vec::new()),
        GateState::Pending { .. } if !now => return Ok(Vec::new()),
        GateState::Blocked => return Err(ChangeError::Blocked),
        GateState::Pending { .. } | GateState::Off => may_open(standing, asker, figures)?,
    }
    let opened = What::AccessOpened { protocol };
    if now {
        return Ok(vec![opened]);
    }
    let opens_at = asker.now.plus(figures.activation_delay);
    let requested = What::AccessRequested { protocol, opens_at };
    Ok(if figures.activation_delay.is_zero() { vec![requested, opened] } else { vec![requested] })
}

/// What of the account as a whole keeps a gate from being switched on (SPEC A8, A14).
fn may_open(standing: &Standing, asker: Asker, figures: &Figures) -> Result<(), ChangeError> {
    if standing.access.theft.is_some() {
        return Err(ChangeError::Theft);
    }
    let lock = standing.lock.as_ref().filter(|lock| lock.by == Actor::Abuse);
    let closes = lock.is_some_and(|lock| lock.reason == Reason::Theft || figures.abuse_closes_access);
    if closes && send_window::locked(lock, asker.now).is_err() {
        return Err(ChangeError::Locked);
    }
    match standing.status {
        Status::Active => Ok(()),
        Status::Inactive | Status::Suspended => Err(ChangeError::Suspended),
    }
}

fn switch_off(
    gate: &Gate,
    protocol: Protocol,
    text: Option<String>,
    by: Actor,
) -> Result<Vec<What>, ChangeError> {
    match gate.state {
        GateState::Off => Ok(Vec::new()),
        GateState::Blocked => Err(ChangeError::Blocked),
        GateState::Pending { .. } | GateState::On => {
            let reason = (by != Actor::User).then_some(Reason::Operator);
            Ok(vec![What::AccessClosed { protocol, reason, text }])
        }
    }
}

fn block(gate: &Gate, protocol: Protocol, text: Option<String>) -> Vec<What> {
    match gate.state {
        // Another word to it is worth a line of the story, and the user's reading.
        GateState::Blocked if text.is_none() || gate.text == text => Vec::new(),
        _ => vec![What::AccessBlocked { protocol, reason: Reason::Operator, text }],
    }
}

fn unblock(gate: &Gate, protocol: Protocol, by: Actor) -> Result<Vec<What>, ChangeError> {
    match gate.state {
        // A block is against the user's will (SPEC A8).
        GateState::Blocked if by == Actor::User => Err(ChangeError::Blocked),
        GateState::Blocked => Ok(vec![What::AccessUnblocked { protocol }]),
        _ => Err(ChangeError::NotBlocked),
    }
}

/// Sets the status (SPEC A5, A9).
pub fn set_status(standing: &Standing, status: Status, asker: Asker) -> Vec<Event> {
    if standing.status == status {
        return Vec::new();
    }
    let mut events = vec![asker.event(What::Status { status })];
    if status == Status::Inactive {
        events.extend(close_all(standing, &[Protocol::Pop3], Reason::Inactive, asker)); // SPEC A5
    }
    events
}

/// Locks sending (SPEC Q4, Q5), and where the reason or the figures say so closes access (SPEC A7, A14). An operator's
/// lock replaces one that stands, any other leaves it as it is. Since when and by whom is the asker's to say.
pub fn lock(standing: &Standing, lock: SendingLock, asker: Asker, figures: &Figures) -> Vec<Event> {
    let stands = send_window::locked(standing.lock.as_ref(), asker.now).is_err();
    if stands && asker.by != Actor::Operator {
        return Vec::new();
    }
    let SendingLock { until, reason, text, evidence, .. } = lock;
    let mut events = vec![asker.event(What::SendingLocked { until, reason, text, evidence })];
    if reason == Reason::Theft || figures.abuse_closes_access && asker.by == Actor::Abuse {
        events.extend(close_all(standing, &Protocol::ALL, reason, asker));
    }
    events
}

/// Unlocks it.
pub fn unlock(standing: &Standing, asker: Asker) -> Vec<Event> {
    standing.lock.iter().map(|_| asker.event(What::SendingUnlocked)).collect()
}
