//! What events make of an account: its gates, its lock, its last use. Actors change their state by [`apply`] and by
//! nothing else, so whoever applies the logged events from a checkpoint on comes to what is stored.
//!
//! One field is not of that kind: `Access.due`, the account's place in the index of what falls due, is its actor's to
//! keep. No event touches it.

use postern_model::record::{
    Access, Event, Gate, GateState, LoginRefusal, Minutes, Reason, SendingLock, Standing, Warned, Warning,
    What,
};
use postern_model::{Protocol, Timestamp};

use crate::access::{gate_mut, minutes, theft};
use crate::notice::PLAINTEXT_EVERY;

/// What becomes of the standing by an event. Events that don't concern it leave it as it is.
pub fn apply(standing: &mut Standing, event: &Event) {
    let at = event.at;
    // Says when the next checkpoint is due. What others log of an account counts for nothing, nor does a checkpoint: who
    // replays the whole log comes to the same number as the actor that sees its own events alone.
    if !is_others(&event.what) {
        standing.activity.events = standing.activity.events.wrapping_add(1);
    }
    let access = &mut standing.access;
    match &event.what {
        What::AccessRequested { protocol, opens_at } => {
            put(access, event, *protocol, GateState::Pending { opens_at: *opens_at }, None, None);
        }
        What::AccessOpened { protocol } => {
            put(access, event, *protocol, GateState::On, None, None);
            forget_later(&mut access.warned, at);
            // SPEC A8: who has mended their program and switched on again is not closed for the minutes before.
            match protocol {
                Protocol::Pop3 => standing.activity.pop3_minutes = Minutes::default(),
                Protocol::Imap => standing.activity.imap_minutes = Minutes::default(),
                Protocol::Smtp => {}
            }
        }
        What::AccessClosed { protocol, reason, text } => {
            put(access, event, *protocol, GateState::Off, *reason, text.clone());
            if *reason == Some(Reason::Theft) {
                access.theft = Some(at); // SPEC A14
            }
        }
        What::AccessBlocked { protocol, reason, text } => {
            put(access, event, *protocol, GateState::Blocked, Some(*reason), text.clone());
        }
        What::AccessUnblocked { protocol } => put(access, event, *protocol, GateState::Off, None, None),
        What::Warned { of, .. } => *warned_mut(access, *of) = Some(at),
        What::SendingLocked { until, reason, text, evidence } => {
            let (until, reason, text, evidence) = (*until, *reason, text.clone(), evidence.clone());
            standing.lock = Some(SendingLock { since: at, by: event.by, until, reason, text, evidence });
            if reason == Reason::Theft {
                access.theft = Some(at); // SPEC A14, also where no gate was open that could be closed
            }
        }
        What::SendingUnlocked => standing.lock = None,
        What::Login { protocol } => {
            came_in(standing, *protocol, at);
            forget_later(&mut standing.access.warned, at);
            seen(standing, *protocol, event);
        }
        // Told once in a while, not at each login (SPEC P5).
        What::LoginRefused { why: LoginRefusal::Plaintext, .. }
            if access.warned.plaintext.is_none_or(|told| at.since(told) >= PLAINTEXT_EVERY) =>
        {
            access.warned.plaintext = Some(at);
        }
        // The password was right, so it counts as a login where many of them do harm (SPEC A13, A14).
        What::LoginRefused { protocol, why: LoginRefusal::InUse | LoginRefusal::TooSoon } => {
            seen(standing, Some(*protocol), event);
        }
        What::Status { status } => {
            standing.status = *status;
            // An account that is taken up again is warned again before anything closes (SPEC A11).
            access.warned = Warned { plaintext: access.warned.plaintext, ..Warned::default() };
        }
        What::Plan { plan } => standing.plan.clone_from(plan),
        What::Password => {
            access.theft = None;
            // They knew the old password.
            standing.activity.networks.clear();
        }
        What::Standing(checkpoint) => {
            let due = access.due;
            standing.clone_from(checkpoint);
            standing.access.due = due;
        }
        What::LoginRefused { .. }
        | What::Letter { .. }
        | What::LetterRefused { .. }
        | What::Notice { .. }
        | What::Reported { .. }
        | What::Setting { .. }
        | What::Scores(_) => {}
    }
}

/// Whether an event is not one of the account's gates, lock and use, but of its letters and scores.
fn is_others(what: &What) -> bool {
    matches!(
        what,
        What::Standing(_)
            | What::Letter { .. }
            | What::LetterRefused { .. }
            | What::Notice { .. }
            | What::Scores(_)
    )
}

/// Puts a gate where an event says that it is.
fn put(
    access: &mut Access,
    event: &Event,
    protocol: Protocol,
    state: GateState,
    reason: Option<Reason>,
    text: Option<String>,
) {
    *gate_mut(access, protocol) = Gate { state, since: event.at, by: event.by, reason, text };
}

fn warned_mut(access: &mut Access, of: Warning) -> &mut Option<Timestamp> {
    match of {
        Warning::Idle(Protocol::Imap) => &mut access.warned.imap,
        // SMTP does not close for want of use, so nobody is warned of it.
        Warning::Idle(Protocol::Pop3 | Protocol::Smtp) => &mut access.warned.pop3,
        Warning::Inactive => &mut access.warned.inactive,
    }
}

/// Forgets warnings that a clock that was put back has left in the future: they were given before this, so that they
/// say nothing any more, and compared by their times they would seem to follow it (SPEC A11).
fn forget_later(warned: &mut Warned, at: Timestamp) {
    for warning in [&mut warned.pop3, &mut warned.imap, &mut warned.inactive] {
        *warning = warning.filter(|given| *given <= at);
    }
}

/// The account was used (SPEC A6, A9).
fn came_in(standing: &mut Standing, protocol: Option<Protocol>, at: Timestamp) {
    let activity = &mut standing.activity;
    activity.login = Some(at);
    let last = match protocol {
        Some(Protocol::Pop3) => &mut activity.pop3,
        Some(Protocol::Imap) => &mut activity.imap,
        Some(Protocol::Smtp) => &mut activity.smtp,
        None => &mut activity.web,
    };
    *last = Some(at);
}

/// Somebody with the right password was there: in this minute, from that network.
fn seen(standing: &mut Standing, protocol: Option<Protocol>, event: &Event) {
    let activity = &mut standing.activity;
    match protocol {
        Some(Protocol::Pop3) => minutes::mark(&mut activity.pop3_minutes, event.at),
        Some(Protocol::Imap) => minutes::mark(&mut activity.imap_minutes, event.at),
        Some(Protocol::Smtp) | None => {}
    }
    if let Some(from) = event.from {
        theft::saw(&mut activity.networks, from, event.at);
    }
}
