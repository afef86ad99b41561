//! How tables write times, events and answers.

use postern_model::record::{Event, Gate, GateState, NoticeKind, Reason, Status, Warning, What};
use postern_model::{Protocol, Timestamp};

use crate::{Refusal, notice};

/// Reads `2026-03-01` and `10:00` or `10:00:59` or `10:00:59.999999`.
pub(super) fn parse_time(date: &str, time: &str) -> Timestamp {
    let seconds = if time.len() == 5 { ":00" } else { "" };
    Timestamp::parse_rfc3339(&format!("{date}T{time}{seconds}Z")).unwrap_or_else(|| panic!("{date} {time}"))
}

/// Writes a time as tables have it: seconds only where there are any.
pub(super) fn time(at: Timestamp) -> String {
    let text = at.rfc3339().replace('T', " ");
    let text = text.trim_end_matches('Z');
    let micros = at.0.rem_euclid(1_000_000);
    if micros != 0 { format!("{text}.{micros:06}") } else { text.strip_suffix(":00").unwrap_or(text).into() }
}

/// A time that may not come.
pub(super) fn time_or_never(at: Option<Timestamp>) -> String {
    at.map_or("never".into(), time)
}

pub(super) fn reason(reason: Reason) -> &'static str {
    match reason {
        Reason::Pushing => "pushing",
        Reason::Theft => "theft",
        Reason::Inactive => "inactive",
        Reason::Idle => "idle",
        Reason::TooManyConnections => "too many connections",
        Reason::Terms => "terms",
        Reason::Operator => "operator",
    }
}

pub(super) fn status(status: Status) -> &'static str {
    match status {
        Status::Active => "active",
        Status::Inactive => "inactive",
        Status::Suspended => "suspended",
    }
}

/// `word`, with the reason and the text to it behind, where there are any.
fn because(word: &str, why: Option<Reason>, text: Option<&String>) -> String {
    match (why.map(reason), text) {
        (Some(why), Some(text)) => format!("{word}({why}: {text})"),
        (Some(why), None) => format!("{word}({why})"),
        (None, Some(text)) => format!("{word}(: {text})"),
        (None, None) => word.into(),
    }
}

/// A gate as it stands; `closes_at` of one that is on.
pub(super) fn gate(gate: &Gate, closes_at: Option<Timestamp>) -> String {
    let because = |word| because(word, gate.reason, gate.text.as_ref());
    match gate.state {
        GateState::On => format!("on, closes {}", time_or_never(closes_at)),
        GateState::Pending { opens_at } => format!("off, opens {}", time(opens_at)),
        GateState::Off => because("off") + ", opens never",
        GateState::Blocked => because("blocked") + ", opens never",
    }
}

/// Why a login was refused.
pub(super) fn refusal(refusal: &Refusal) -> String {
    match refusal {
        Refusal::AccessOff { reason, text, .. } => because("off", *reason, text.as_ref()) + ", opens never",
        Refusal::AccessPending { opens_at, .. } => format!("off, opens {}", time(*opens_at)),
        Refusal::AccessBlocked { reason, text, .. } => {
            because("blocked", *reason, text.as_ref()) + ", opens never"
        }
        Refusal::Suspended => "suspended".into(),
        Refusal::PlaintextRefused => "plaintext refused".into(),
        Refusal::ClientPasswordNeeded => "client password needed".into(),
        Refusal::TooManySessions { limit } => format!("more than {limit} sessions"),
        Refusal::InUse => "in use".into(),
        Refusal::TooSoon { .. } => "too soon".into(),
        Refusal::SendingLocked { reason, text, until } => {
            let locked = because("sending locked", Some(*reason), text.as_ref());
            format!("{locked} until {}", time_or_never(*until))
        }
        other => format!("{other:?}"),
    }
}

/// What happened, and the notices owed for it. Logins and refusals of logins are the answer's to tell.
pub(super) fn events(events: &[Event]) -> String {
    let mut parts: Vec<String> = events.iter().filter_map(event).collect();
    if let Some(notices) = notices(events) {
        match parts.last_mut() {
            Some(last) => *last = format!("{last} {notices}"),
            None => parts.push(notices),
        }
    }
    parts.join(", ")
}

fn event(event: &Event) -> Option<String> {
    Some(match &event.what {
        What::AccessRequested { protocol, opens_at } => format!("{protocol} opens {}", time(*opens_at)),
        What::AccessOpened { protocol } => format!("{protocol} on"),
        What::AccessClosed { protocol, reason, text } => {
            format!("{protocol} {}", because("off", *reason, text.as_ref()))
        }
        What::AccessBlocked { protocol, reason, text } => {
            format!("{protocol} {}", because("blocked", Some(*reason), text.as_ref()))
        }
        What::AccessUnblocked { protocol } => format!("{protocol} unblocked"),
        What::Warned { of, acts_at } => {
            let of = match of {
                Warning::Idle(protocol) => protocol.name(),
                Warning::Inactive => "inactive",
            };
            format!("warned {of} acts {}", time(*acts_at))
        }
        What::SendingLocked { until, reason, text, .. } => {
            let locked = because("sending locked", Some(*reason), text.as_ref());
            format!("{locked} until {}", time_or_never(*until))
        }
        What::SendingUnlocked => "sending unlocked".into(),
        What::Status { status: to } => format!("status {}", status(*to)),
        What::Password => "password set".into(),
        What::Login { .. } | What::LoginRefused { .. } => return None,
        other => format!("{other:?}"),
    })
}

fn notices(events: &[Event]) -> Option<String> {
    let one = |kind: NoticeKind, protocols: &[Protocol]| match protocols {
        [] => format!("+{}", kind.name()),
        _ => {
            let names: Vec<_> = protocols.iter().map(|protocol| protocol.name()).collect();
            format!("+{}({})", kind.name(), names.join(" "))
        }
    };
    let notices: Vec<_> = notice::owed(events).iter().map(|owed| one(owed.notice, &owed.protocols)).collect();
    (!notices.is_empty()).then(|| notices.join(" "))
}
