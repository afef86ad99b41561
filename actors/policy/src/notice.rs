//! Which notices events owe to the user (SPEC A2, A7, A8, A11, N).

use std::time::Duration;

use postern_model::Protocol;
use postern_model::record::{
    Actor, Event, LoginRefusal, NoticeKind, OwedNotice, Reason, Setting, Standing, Status, Warning, What,
};

/// The notices that the events of one change owe; gates that close together for one reason are one notice.
pub fn owed(events: &[Event]) -> Vec<OwedNotice> {
    let mut notices = Vec::new();
    for event in events {
        if let Some((notice, protocol)) = of(event) {
            add(&mut notices, notice, protocol);
        }
    }
    notices
}

/// The notice that one event owes, and the protocol that it is about.
fn of(event: &Event) -> Option<(OwedNotice, Option<Protocol>)> {
    let blank = |notice| OwedNotice {
        at: event.at,
        notice,
        protocols: Vec::new(),
        by: event.by,
        reason: None,
        text: None,
        then: None,
        from: event.from,
    };
    Some(match &event.what {
        What::AccessRequested { protocol, opens_at } => {
            (OwedNotice { then: Some(*opens_at), ..blank(NoticeKind::AccessRequested) }, Some(*protocol))
        }
        What::AccessClosed { protocol, reason, text } if event.by != Actor::User => {
            let notice = blank(NoticeKind::AccessClosed);
            (OwedNotice { reason: *reason, text: text.clone(), ..notice }, Some(*protocol))
        }
        What::AccessBlocked { protocol, reason, text } => {
            let notice = blank(NoticeKind::AccessBlocked);
            (OwedNotice { reason: Some(*reason), text: text.clone(), ..notice }, Some(*protocol))
        }
        What::AccessUnblocked { protocol } => (blank(NoticeKind::AccessUnblocked), Some(*protocol)),
        What::Warned { of: Warning::Idle(protocol), acts_at } => {
            let (reason, then) = (Some(Reason::Idle), Some(*acts_at));
            (OwedNotice { reason, then, ..blank(NoticeKind::IdleWarning) }, Some(*protocol))
        }
        What::Warned { of: Warning::Inactive, acts_at } => {
            let (reason, then) = (Some(Reason::Inactive), Some(*acts_at));
            (OwedNotice { reason, then, ..blank(NoticeKind::InactiveWarning) }, None)
        }
        What::Status { status: Status::Inactive } if event.by == Actor::Timer => {
            (OwedNotice { reason: Some(Reason::Inactive), ..blank(NoticeKind::Inactive) }, None)
        }
        What::SendingLocked { until, reason, text, .. } => {
            let notice = blank(NoticeKind::SendingLocked);
            (OwedNotice { reason: Some(*reason), text: text.clone(), then: *until, ..notice }, None)
        }
        What::SendingUnlocked => (blank(NoticeKind::SendingUnlocked), None),
        What::LoginRefused { protocol, why: LoginRefusal::Plaintext } => {
            (blank(NoticeKind::PlaintextPassword), Some(*protocol))
        }
        What::Setting { setting: Setting::ForwardConfirmed, text } => {
            (OwedNotice { text: text.clone(), ..blank(NoticeKind::ForwardingOn) }, None)
        }
        What::Setting { setting: Setting::ForwardStopped, text } => {
            (OwedNotice { text: text.clone(), ..blank(NoticeKind::ForwardingStopped) }, None)
        }
        _ => return None,
    })
}

/// Adds a notice, or its protocol to one that says the same; what an account's inactivity closes stands in the notice
/// of the inactivity (SPEC A5).
fn add(notices: &mut Vec<OwedNotice>, notice: OwedNotice, protocol: Option<Protocol>) {
    let says = |one: &OwedNotice| match one.notice {
        NoticeKind::Inactive => notice.notice == NoticeKind::AccessClosed && notice.reason == one.reason,
        kind => kind == notice.notice && OwedNotice { protocols: Vec::new(), ..one.clone() } == notice,
    };
    match notices.iter_mut().find(|one| says(one)) {
        Some(same) => same.protocols.extend(protocol),
        None => notices.push(OwedNotice { protocols: protocol.into_iter().collect(), ..notice }),
    }
}

/// Whether the user was told the same a short while ago, and need not be told again: each login of a program that sends
/// its password without encryption would be a notice (SPEC P5).
pub fn is_repeated(notice: &OwedNotice, standing: &Standing) -> bool {
    let told = standing.access.warned.plaintext;
    notice.notice == NoticeKind::PlaintextPassword
        && told.is_some_and(|told| notice.at.since(told) < PLAINTEXT_EVERY)
}

/// A password without encryption is told once in that time.
pub const PLAINTEXT_EVERY: Duration = Duration::from_secs(24 * 60 * 60);
