//! What a notice tells: N3.

use postern_model::record::{
    Actor, Event, LoginRefusal, NoticeKind, OwedNotice, Reason, Status, Warning, What,
};
use postern_model::{Protocol, Timestamp};

use crate::notice::owed;

use Protocol::{Imap, Pop3, Smtp};

fn by(by: Actor, what: What) -> Event {
    Event { at: Timestamp::from_seconds(100), by, from: Some([192, 0, 2, 7].into()), what }
}

fn closed(who: Actor, protocol: Protocol, reason: Option<Reason>) -> Event {
    by(who, What::AccessClosed { protocol, reason, text: None })
}

/// All that a notice of this kind says, where nothing more is known.
fn told(kind: NoticeKind, who: Actor, protocols: &[Protocol]) -> OwedNotice {
    let from = Some([192, 0, 2, 7].into());
    let (at, protocols) = (Timestamp::from_seconds(100), protocols.to_vec());
    OwedNotice { at, notice: kind, protocols, by: who, reason: None, text: None, then: None, from }
}

#[test]
fn n3_a_notice_names_what_when_why_and_until_when() {
    let at = Timestamp::from_seconds(1000);
    let then = Some(at);
    let text = Some(String::from("unpaid"));
    let (user, timer, operator, abuse) = (Actor::User, Actor::Timer, Actor::Operator, Actor::Abuse);
    let why = |reason, notice| OwedNotice { reason: Some(reason), ..notice };
    for (who, what, notice) in [
        (
            user,
            What::AccessRequested { protocol: Pop3, opens_at: at },
            OwedNotice { then, ..told(NoticeKind::AccessRequested, user, &[Pop3]) },
        ),
        (
            operator,
            What::AccessClosed { protocol: Imap, reason: Some(Reason::Operator), text: text.clone() },
            OwedNotice {
                text: text.clone(),
                ..why(Reason::Operator, told(NoticeKind::AccessClosed, operator, &[Imap]))
            },
        ),
        (
            operator,
            What::AccessBlocked { protocol: Smtp, reason: Reason::Terms, text: text.clone() },
            OwedNotice {
                text: text.clone(),
                ..why(Reason::Terms, told(NoticeKind::AccessBlocked, operator, &[Smtp]))
            },
        ),
        (
            operator,
            What::AccessUnblocked { protocol: Smtp },
            told(NoticeKind::AccessUnblocked, operator, &[Smtp]),
        ),
        (
            timer,
            What::Warned { of: Warning::Idle(Imap), acts_at: at },
            OwedNotice { then, ..why(Reason::Idle, told(NoticeKind::IdleWarning, timer, &[Imap])) },
        ),
        (
            timer,
            What::Warned { of: Warning::Inactive, acts_at: at },
            OwedNotice { then, ..why(Reason::Inactive, told(NoticeKind::InactiveWarning, timer, &[])) },
        ),
        (
            timer,
            What::Status { status: Status::Inactive },
            why(Reason::Inactive, told(NoticeKind::Inactive, timer, &[])),
        ),
        (
            abuse,
            What::SendingLocked {
                until: then,
                reason: Reason::Pushing,
                text: text.clone(),
                evidence: Vec::new(),
            },
            OwedNotice {
                then,
                text: text.clone(),
                ..why(Reason::Pushing, told(NoticeKind::SendingLocked, abuse, &[]))
            },
        ),
        (timer, What::SendingUnlocked, told(NoticeKind::SendingUnlocked, timer, &[])),
        (
            user,
            What::LoginRefused { protocol: Pop3, why: LoginRefusal::Plaintext },
            told(NoticeKind::PlaintextPassword, user, &[Pop3]),
        ),
    ] {
        assert_eq!(owed(&[by(who, what.clone())]), [notice], "{what:?}");
    }
}

#[test]
fn n3_what_the_user_does_or_nobody_needs_to_know_is_no_notice() {
    for (who, what) in [
        (Actor::User, What::AccessClosed { protocol: Pop3, reason: None, text: None }),
        (Actor::Timer, What::AccessOpened { protocol: Pop3 }),
        (Actor::Operator, What::AccessOpened { protocol: Pop3 }),
        (Actor::User, What::Login { protocol: Some(Pop3) }),
        (Actor::User, What::LoginRefused { protocol: Pop3, why: LoginRefusal::Off }),
        (Actor::User, What::Status { status: Status::Active }),
        (Actor::Operator, What::Status { status: Status::Inactive }),
        (Actor::Operator, What::Status { status: Status::Suspended }),
        (Actor::User, What::Password),
        (Actor::Operator, What::Plan { plan: "plus".into() }),
    ] {
        assert_eq!(owed(&[by(who, what.clone())]), [], "{what:?}");
    }
    assert_eq!(owed(&[]), []);
}

#[test]
fn n3_gates_that_close_together_for_one_reason_are_one_notice() {
    let abuse = Actor::Abuse;
    let notice = |protocols, reason| OwedNotice {
        reason: Some(reason),
        ..told(NoticeKind::AccessClosed, abuse, protocols)
    };
    let close = |protocol, reason| closed(abuse, protocol, Some(reason));
    assert_eq!(
        owed(&[close(Pop3, Reason::Theft), close(Imap, Reason::Idle), close(Smtp, Reason::Theft)]),
        [notice(&[Pop3, Smtp], Reason::Theft), notice(&[Imap], Reason::Idle)]
    );
}

#[test]
fn n3_inactivity_and_what_it_closes_are_one_notice() {
    let timer = Actor::Timer;
    let inactive = by(timer, What::Status { status: Status::Inactive });
    let close = closed(timer, Pop3, Some(Reason::Inactive));
    let reason = Some(Reason::Inactive);
    let whole = OwedNotice { reason, ..told(NoticeKind::Inactive, timer, &[Pop3]) };
    assert_eq!(owed(&[inactive.clone(), close]), [whole]);
    // What closes for another reason at that time is another matter.
    let idle = closed(timer, Imap, Some(Reason::Idle));
    let kinds: Vec<_> = owed(&[idle, inactive]).into_iter().map(|owed| owed.notice).collect();
    assert_eq!(kinds, [NoticeKind::AccessClosed, NoticeKind::Inactive]);
}
