//! What holds in whatever order things happen, with a clock that also jumps.

use std::net::IpAddr;
use std::time::Duration;

use postern_model::record::{Actor, Event, LoginRefusal, Reason, Status, Warning, What};
use postern_model::{Protocol, Timestamp};
use proptest::prelude::*;
use proptest::sample::Index;

use super::run::{Login, Run};
use crate::access::{self, Change, Closing, Figures};
use crate::calendar::Span;
use crate::standing;

/// Something that is done to an account, or by itself.
#[derive(Clone, Debug)]
enum Deed {
    /// Time goes by.
    Pass(Duration),
    /// The clock jumps, or the server was down meanwhile.
    Jump(i64),
    Change(Actor, Change, Vec<Protocol>),
    Login(Protocol, u8, Option<LoginRefusal>),
    Web,
    Status(Status),
    Lock(Actor, Reason, Option<Duration>),
    Unlock,
    Password,
    Brake(Closing),
}

fn protocol() -> impl Strategy<Value = Protocol> {
    prop::sample::select(Protocol::ALL.to_vec())
}

fn protocols() -> impl Strategy<Value = Vec<Protocol>> {
    prop_oneof![Just(Protocol::ALL.to_vec()), protocol().prop_map(|one| vec![one])]
}

/// Seconds, minutes, days or months.
fn stretch() -> impl Strategy<Value = u64> {
    prop_oneof![0..120u64, 0..1800u64, 0..20 * 86_400u64, 0..120 * 86_400u64]
}

fn deed() -> impl Strategy<Value = Deed> {
    let change = prop_oneof![
        4 => any::<bool>().prop_map(|now| Change::On { now }),
        1 => Just(Change::Off),
        1 => Just(Change::Block),
        1 => Just(Change::Unblock),
    ];
    let by = || prop::sample::select(vec![Actor::User, Actor::User, Actor::Operator]);
    let locks = || prop::sample::select(vec![Actor::Abuse, Actor::Operator]);
    let reason = prop::sample::select(vec![Reason::Pushing, Reason::Theft, Reason::Terms]);
    let length = prop::option::of((0..100_000u64).prop_map(Duration::from_secs));
    let status = prop::sample::select(vec![Status::Active, Status::Inactive, Status::Suspended]);
    let refusals = [LoginRefusal::InUse, LoginRefusal::TooSoon];
    let maildrop = prop::option::weighted(0.2, prop::sample::select(refusals.to_vec()));
    prop_oneof![
        8 => stretch().prop_map(|seconds| Deed::Pass(Duration::from_secs(seconds))),
        1 => (any::<bool>(), stretch()).prop_map(|(back, seconds)| {
            let seconds = seconds as i64;
            Deed::Jump(if back { -seconds } else { seconds })
        }),
        5 => (by(), change, protocols()).prop_map(|(by, change, gates)| Deed::Change(by, change, gates)),
        6 => (protocol(), 0..4u8, maildrop).prop_map(|(p, from, maildrop)| Deed::Login(p, from, maildrop)),
        1 => Just(Deed::Web),
        1 => status.prop_map(Deed::Status),
        1 => (locks(), reason, length).prop_map(|(by, reason, length)| Deed::Lock(by, reason, length)),
        1 => Just(Deed::Unlock),
        1 => Just(Deed::Password),
        1 => prop_oneof![Just(Closing::Held), Just(Closing::Goes)].prop_map(Deed::Brake),
    ]
}

fn figures() -> impl Strategy<Value = Figures> {
    let idle = || prop_oneof![Just(None), Just(Some(Span::Months(2))), Just(Some(Span::Fixed(DAY)))];
    (
        (0..1000u64, idle(), idle(), any::<bool>(), any::<bool>()),
        (prop_oneof![Just(Duration::ZERO), Just(7 * DAY)], 2..10u32, any::<bool>()),
    )
        .prop_map(|((delay, pop3_idle, imap_idle, keeps, web), (warn_before, minutes, closes))| {
            Figures {
                activation_delay: Duration::from_secs(delay),
                pop3_idle,
                imap_idle,
                imap_keeps_pop3: keeps,
                inactive_after: Some(Span::Months(3)),
                web_logins_only: web,
                warn_before,
                pop3_minutes: Some(minutes),
                imap_minutes: Some(minutes),
                theft_networks: Some(4),
                theft_window: Duration::from_secs(3600),
                abuse_closes_access: closes,
                ..Figures::default()
            }
        })
}

const DAY: Duration = Duration::from_secs(86_400);

fn lived(figures: Figures, deeds: &[Deed]) -> Run {
    let mut run = Run::new(figures, Timestamp::parse_rfc3339("2026-12-31T22:00:00Z").expect("a time"));
    for deed in deeds {
        run.settle();
        done(&mut run, deed);
        deadline_holds(&run);
    }
    run
}

fn done(run: &mut Run, deed: &Deed) {
    match deed {
        Deed::Pass(length) => drop(run.pass(run.now.plus(*length))),
        Deed::Jump(seconds) => {
            run.now = Timestamp(run.now.0 + seconds * 1_000_000);
            run.settle();
        }
        Deed::Change(by, change, protocols) => drop(run.change(*by, change, protocols, None)),
        Deed::Login(protocol, from, maildrop) => {
            let mut login = Login::plain(*protocol);
            login.attempt.from = IpAddr::from([10, 0, *from, 1]);
            login.maildrop = *maildrop;
            drop(run.login(login));
        }
        Deed::Web => drop(run.web()),
        Deed::Status(status) => drop(run.set_status(*status)),
        Deed::Lock(by, reason, length) => drop(run.lock(*by, *reason, *length)),
        Deed::Unlock => drop(run.unlock()),
        Deed::Password => drop(run.password()),
        Deed::Brake(closing) => run.closing = *closing,
    }
}

/// There is something to do at the deadline, nothing just before, and then nothing more at that time.
fn deadline_holds(run: &Run) {
    let at = |now| access::on_deadline(&run.standing, &run.figures, Closing::Goes, now);
    let Some(deadline) = access::deadline(&run.standing, &run.figures) else {
        assert_eq!(at(run.now.plus(3650 * DAY)), [], "without a deadline nothing is ever due");
        return;
    };
    assert_eq!(at(deadline.minus(Duration::from_micros(1))), []);
    for now in [deadline, deadline.max(run.now), deadline.plus(400 * DAY)] {
        let events = at(now);
        assert_ne!(events, []);
        let mut after = run.standing.clone();
        events.iter().for_each(|event| standing::apply(&mut after, event));
        let next = access::deadline(&after, &run.figures);
        assert!(next.is_none_or(|next| next > now), "{next:?} is left over at {now}: {events:?}");
    }
}

/// Whether an event is one of a gate, and which.
fn gate_of(event: &Event) -> Option<Protocol> {
    match event.what {
        What::AccessRequested { protocol, .. }
        | What::AccessOpened { protocol }
        | What::AccessClosed { protocol, .. }
        | What::AccessBlocked { protocol, .. }
        | What::AccessUnblocked { protocol } => Some(protocol),
        _ => None,
    }
}

/// Follows one gate through its events: it opens by the operator's word, or after the delay; logins find it open.
fn opens_in_time(run: &Run, protocol: Protocol) {
    let (mut asked, mut open) = (None, false);
    for event in &run.events {
        let told = format!("{protocol} {event:?}");
        if event.what == (What::Login { protocol: Some(protocol) }) {
            assert!(open, "{told}");
        }
        if gate_of(event) != Some(protocol) {
            continue;
        }
        open = matches!(event.what, What::AccessOpened { .. });
        if open && event.by != Actor::Operator {
            let asked: Timestamp = asked.expect(&told);
            assert!(event.at >= asked.plus(run.figures.activation_delay), "asked for at {asked}: {told}");
        }
        asked = matches!(event.what, What::AccessRequested { .. }).then_some(event.at);
    }
}

/// Follows what closes for want of use: between the warning and that there is time, and no use.
fn closes_after_a_warning(run: &Run, of: Warning) {
    let mut warned = None;
    for event in &run.events {
        match (&event.what, of) {
            (What::Warned { of: what, acts_at }, _) if *what == of => warned = Some((event.at, *acts_at)),
            (What::Login { protocol }, Warning::Idle(idle)) if *protocol == Some(idle) => warned = None,
            (What::AccessOpened { protocol }, Warning::Idle(idle)) if *protocol == idle => warned = None,
            (What::Login { protocol: None }, Warning::Inactive) => warned = None,
            (What::Login { .. }, Warning::Inactive) if !run.figures.web_logins_only => warned = None,
            _ => {}
        }
        let closes = match (&event.what, of) {
            (What::AccessClosed { protocol, reason: Some(Reason::Idle), .. }, Warning::Idle(idle)) => {
                *protocol == idle
            }
            (What::Status { status: Status::Inactive }, Warning::Inactive) => event.by == Actor::Timer,
            _ => false,
        };
        if closes && !run.figures.warn_before.is_zero() {
            let (at, acts_at) = warned.unwrap_or_else(|| panic!("unwarned: {event:?}"));
            assert!(event.at >= at.plus(run.figures.warn_before), "warned at {at}: {event:?}");
            assert!(event.at >= acts_at, "announced for {acts_at}: {event:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// But for the operator's "now", in whatever order things happen (SPEC A2).
    #[test]
    fn a2_no_order_of_events_opens_a_gate_early(
        figures in figures(),
        deeds in prop::collection::vec(deed(), 1..80),
    ) {
        let run = lived(figures, &deeds);
        for protocol in Protocol::ALL {
            opens_in_time(&run, protocol);
        }
    }

    #[test]
    fn a10_replay_from_any_checkpoint_gives_the_standing(
        figures in figures(),
        deeds in prop::collection::vec(deed(), 1..80),
        cut in any::<Index>(),
    ) {
        let run = lived(figures.clone(), &deeds);
        run.replayed();
        let (before, after) = run.events.split_at(cut.index(run.events.len() + 1));
        let mut then = run.began.clone();
        before.iter().for_each(|event| standing::apply(&mut then, event));
        let checkpoint = run.asker(Actor::Timer).event(What::Standing(Box::new(then)));
        // Whatever was known before, the checkpoint holds it all.
        let mut replayed = Run::new(figures, Timestamp(0)).standing;
        standing::apply(&mut replayed, &checkpoint);
        after.iter().for_each(|event| standing::apply(&mut replayed, event));
        prop_assert_eq!(replayed, run.standing);
    }

    #[test]
    fn a11_nothing_closes_for_want_of_use_unwarned(
        figures in figures(),
        deeds in prop::collection::vec(deed(), 1..80),
    ) {
        let run = lived(figures, &deeds);
        let idle = Protocol::ALL.map(Warning::Idle);
        for of in idle.into_iter().chain([Warning::Inactive]) {
            closes_after_a_warning(&run, of);
        }
    }

    /// Nothing opens between the suspicion and the new password, whoever asks.
    #[test]
    fn a14_nothing_opens_under_a_suspicion(
        figures in figures(),
        deeds in prop::collection::vec(deed(), 1..80),
    ) {
        let run = lived(figures, &deeds);
        let mut suspected = false;
        for event in &run.events {
            match &event.what {
                What::AccessClosed { reason: Some(Reason::Theft), .. }
                | What::SendingLocked { reason: Reason::Theft, .. } => suspected = true,
                What::Password => suspected = false,
                What::AccessOpened { .. } | What::AccessRequested { .. } | What::Login { protocol: Some(_) } => {
                    prop_assert!(!suspected, "{:?}", event);
                }
                _ => {}
            }
        }
    }
}

/// The index's place is the actor's to keep: no event moves it, a checkpoint neither.
#[test]
fn a10_a_checkpoint_leaves_the_place_in_the_due_index() {
    let run = Run::new(Figures::default(), Timestamp(0));
    let mut standing = run.standing.clone();
    standing.access.due = Some(Timestamp(7));
    let checkpoint = run.asker(Actor::Timer).event(What::Standing(Box::new(run.standing)));
    standing::apply(&mut standing, &checkpoint);
    assert_eq!(standing.access.due, Some(Timestamp(7)));
}
