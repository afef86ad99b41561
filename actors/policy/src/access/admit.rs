//! Whether a login is let in (SPEC A4), and what becomes known by it: use, minutes, networks.

use postern_model::record::{Actor, Event, GateState, LoginRefusal, Reason, Standing, Status, What};
use postern_model::{Protocol, Timestamp};

use super::{Asker, Attempt, Decision, Figures, close_all, gate, minutes, theft};
use crate::{Refusal, send_window};

/// May this login in, by this protocol, now? (SPEC A1, A4, A13, A14, P5). What is due is expected to be done already
/// ([`super::on_deadline`]). A POP3 login that is let in is not yet one: [`came_in`] or [`turned_away`] follows.
pub fn admit(standing: &Standing, attempt: &Attempt, figures: &Figures, now: Timestamp) -> Decision<()> {
    let protocol = attempt.protocol;
    let user = Asker { by: Actor::User, from: Some(attempt.from), now };
    let rules = Asker { by: Actor::Abuse, ..user };
    let mut events = Vec::new();
    let mut answer = stands_open(standing, attempt, now)
        .and_then(|()| imap_in_time(standing.activity.imap, attempt, figures, now));
    if answer.is_ok()
        && let Some(reason) = suspicion(standing, attempt, figures, now)
    {
        let gates = if reason == Reason::Theft { Protocol::ALL.as_slice() } else { &[protocol] };
        events = close_all(standing, gates, reason, rules);
        answer = Err(Refusal::AccessOff { protocol, reason: Some(reason), text: None });
    }
    match &answer {
        Err(refusal) => events.extend(turned_away(standing, protocol, refusal, user)),
        // POP3 asks for the maildrop first (SPEC C1, C3).
        Ok(()) if protocol == Protocol::Pop3 => {}
        Ok(()) => events.extend(came_in(standing, Some(protocol), user, figures)),
    }
    Decision { events, answer }
}

/// What keeps it out as things stand, before it is looked at how often and from where the account is used.
fn stands_open(standing: &Standing, attempt: &Attempt, now: Timestamp) -> Result<(), Refusal> {
    let protocol = attempt.protocol;
    if standing.status == Status::Suspended {
        return Err(Refusal::Suspended);
    }
    // SPEC P5, and A12: these come before the gate, since the password is at risk whatever the gate says.
    if !attempt.tls && !attempt.legacy_plaintext {
        return Err(Refusal::PlaintextRefused);
    }
    if attempt.needs_client_password {
        return Err(Refusal::ClientPasswordNeeded);
    }
    let gate = gate(&standing.access, protocol);
    let (reason, text) = (gate.reason, gate.text.clone());
    match gate.state {
        GateState::Blocked => return Err(Refusal::AccessBlocked { protocol, reason, text }),
        GateState::Off => return Err(Refusal::AccessOff { protocol, reason, text }),
        GateState::Pending { opens_at } if now < opens_at => {
            return Err(Refusal::AccessPending { protocol, opens_at });
        }
        GateState::Pending { .. } | GateState::On => {}
    }
    if protocol == Protocol::Smtp {
        send_window::locked(standing.lock.as_ref(), now)?;
    }
    if attempt.sessions >= attempt.session_limit as usize {
        return Err(Refusal::TooManySessions { limit: attempt.session_limit });
    }
    Ok(())
}

/// SPEC C3 for IMAP, where the operator wants it. A program that is logged in opens more connections at will.
fn imap_in_time(
    last: Option<Timestamp>,
    attempt: &Attempt,
    figures: &Figures,
    now: Timestamp,
) -> Result<(), Refusal> {
    let interval = figures.imap_check;
    let (Protocol::Imap, Some(last), 0) = (attempt.protocol, last, attempt.sessions) else { return Ok(()) };
    let open_at = last.plus(interval.saturating_sub(figures.check_grace.min(interval / 10)));
    // A last login in the future tells of a clock that was wrong, and of nothing else.
    if last <= now && now < open_at {
        let retry_after = last.plus(interval).since(now);
        return Err(Refusal::TooSoon { interval, retry_after });
    }
    Ok(())
}

/// Why access is to be closed at the sight of this login.
fn suspicion(standing: &Standing, attempt: &Attempt, figures: &Figures, now: Timestamp) -> Option<Reason> {
    let activity = &standing.activity;
    let (counted, limit) = match attempt.protocol {
        Protocol::Pop3 => (&activity.pop3_minutes, figures.pop3_minutes),
        Protocol::Imap => (&activity.imap_minutes, figures.imap_minutes),
        Protocol::Smtp => (&activity.imap_minutes, None),
    };
    if limit.is_some_and(|limit| minutes::count_with(counted, now) > limit) {
        return Some(Reason::TooManyConnections); // SPEC A13
    }
    let networks = theft::count_with(&activity.networks, attempt.from, figures.theft_window, now);
    if figures.theft_networks.is_some_and(|figure| networks >= figure as usize) {
        return Some(Reason::Theft); // SPEC A14
    }
    None
}

/// A login is complete: POP3 has the maildrop, IMAP and SMTP are authenticated; `None`: the web (SPEC A6, A9).
pub fn came_in(
    standing: &Standing,
    protocol: Option<Protocol>,
    asker: Asker,
    figures: &Figures,
) -> Vec<Event> {
    let mut events = vec![asker.event(What::Login { protocol })];
    let counts = protocol.is_none() || !figures.web_logins_only;
    if standing.status == Status::Inactive && counts {
        // The gates stay as they are (SPEC A9).
        let user = Asker { by: Actor::User, ..asker };
        events.push(user.event(What::Status { status: Status::Active }));
    }
    events
}

/// A login that [`admit`] let in was refused further on, by the maildrop (SPEC C1, C3).
pub fn turned_away(_standing: &Standing, protocol: Protocol, refusal: &Refusal, asker: Asker) -> Vec<Event> {
    let refused = |why| asker.event(What::LoginRefused { protocol, why });
    why(refusal).map(refused).into_iter().collect()
}

/// How events name a refusal; `None` for those that say nothing of the account, such as a full disk.
fn why(refusal: &Refusal) -> Option<LoginRefusal> {
    Some(match refusal {
        Refusal::AccessOff { .. } => LoginRefusal::Off,
        Refusal::AccessPending { .. } => LoginRefusal::Pending,
        Refusal::AccessBlocked { .. } => LoginRefusal::Blocked,
        Refusal::Suspended => LoginRefusal::Suspended,
        Refusal::PlaintextRefused => LoginRefusal::Plaintext,
        Refusal::ClientPasswordNeeded => LoginRefusal::ClientPassword,
        Refusal::TooManySessions { .. } => LoginRefusal::TooManySessions,
        Refusal::InUse => LoginRefusal::InUse,
        Refusal::TooSoon { .. } => LoginRefusal::TooSoon,
        Refusal::SendingLocked { .. } => LoginRefusal::SendingLocked,
        _ => return None,
    })
}
