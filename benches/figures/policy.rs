//! Decisions of policy: pure functions, so what is measured is what a decision costs, without actors and without a store.

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use postern_model::record::{Abuse, Activity, Actor, Checks, Event, Standing, Status, What};
use postern_model::{LetterId, Protocol, Timestamp};
use postern_policy::access::{self, Asker, Attempt, Change, Closing};
use postern_policy::send_window::{self, Counted};
use postern_policy::{abuse, maildrop, standing};

use crate::table::{Figure, median};
use crate::{Bench, Outcome};

const FROM: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
/// Decisions between two looks at the time.
const LOT: u32 = 100;

/// All rows of policy.
pub(crate) fn measure(bench: &mut Bench) -> Outcome<()> {
    let begin = Timestamp::from_seconds(1_800_000_000);
    let used = used_standing(begin);
    let figures = access::Figures::default();

    let attempt = Attempt {
        protocol: Protocol::Smtp,
        from: FROM,
        tls: true,
        legacy_plaintext: false,
        needs_client_password: false,
        sessions: 1,
        session_limit: 20,
    };
    row(bench, "a login is admitted", |n| {
        access::admit(&used, &attempt, &figures, begin.plus(Duration::from_secs(n)))
    });
    row(bench, "nothing is due for an account", |_| {
        access::on_deadline(&used, &figures, Closing::Goes, begin)
    });
    let late = begin.plus(Duration::from_secs(300 * 86_400));
    row(bench, "two warnings are due", |_| access::on_deadline(&used, &figures, Closing::Held, late));
    let login = Event {
        at: begin,
        by: Actor::User,
        from: Some(FROM),
        what: What::Login { protocol: Some(Protocol::Pop3) },
    };
    let mut grown = used.clone();
    row(bench, "a login is applied to the standing", |n| {
        let at = begin.plus(Duration::from_secs(n));
        standing::apply(&mut grown, &Event { at, ..login.clone() });
    });

    let free = send_window::Figures::FREE;
    let letters = |count: i64| Counted::load((0..count).map(|n| Timestamp(begin.0 + n * 200_000_000)));
    for (name, counted) in [("a letter may go", letters(14)), ("a letter is refused", letters(1_000))] {
        let now = begin.plus(Duration::from_secs(200 * 999));
        row(bench, name, |_| send_window::check(&free, 0, |n| counted.last(n), now));
    }

    let figures = abuse::Figures::default();
    let mut memory = Abuse::default();
    row(bench, "a letter is observed, scored and judged", |n| {
        let at = begin.plus(Duration::from_secs(60 * n));
        let sample = abuse::Sample { recipients: vec![n, n ^ 77], body: n, from: Some(FROM) };
        let signals = abuse::observe(&mut memory, &sample, &figures, at);
        let what = What::Letter { letter: LetterId(n), recipients: 2, signals };
        abuse::apply(&mut memory, &Event { at, by: Actor::User, from: Some(FROM), what }, &figures);
        abuse::judge(&memory, &figures, at)
    });

    let figures = maildrop::Figures {
        interval: Duration::from_secs(300),
        burst: 1,
        grace: Duration::from_secs(10),
        takeover_after: Duration::from_secs(60),
    };
    let checks = Checks { recent: vec![begin], taken_over: None };
    row(bench, "a maildrop is asked for", |n| {
        maildrop::try_open(None, &checks, &figures, begin.plus(Duration::from_secs(n % 600)))
    });
    Ok(())
}

/// An account with everything open, logged in to from three networks.
fn used_standing(now: Timestamp) -> Standing {
    let created = now.minus(Duration::from_secs(86_400));
    let mut used = Standing {
        status: Status::Active,
        plan: "free".to_owned(),
        created,
        access: access::all_off(created),
        lock: None,
        activity: Activity::default(),
    };
    let operator = Asker { by: Actor::Operator, from: None, now: created };
    let (on, figures) = (Change::On { now: true }, access::Figures::default());
    let opened = access::change(&used, &on, &Protocol::ALL, None, operator, &figures).unwrap_or_default();
    opened.iter().for_each(|event| standing::apply(&mut used, event));
    for network in 1..=3 {
        let from = Some(IpAddr::V4(Ipv4Addr::new(192, 0, network, 1)));
        let user =
            Asker { by: Actor::User, from, now: now.minus(Duration::from_secs(u64::from(network) * 600)) };
        for event in access::came_in(&used, Some(Protocol::Pop3), user, &figures) {
            standing::apply(&mut used, &event);
        }
    }
    used
}

/// Decides for the length of each round; the decision gets its number.
fn row<T>(bench: &mut Bench, name: &str, mut decide: impl FnMut(u64) -> T) {
    let length = bench.limit_length();
    let mut number = 0;
    let round = |_| {
        let (begun, mut count) = (Instant::now(), 0.0);
        while begun.elapsed() < length {
            for _ in 0..LOT {
                number += 1;
                black_box(decide(black_box(number)));
            }
            count += f64::from(LOT);
        }
        count / begun.elapsed().as_secs_f64()
    };
    let rounds: Vec<f64> = (0..bench.rounds.count).map(round).collect();
    bench.add(Figure::new(format!("policy: {name}"), median(rounds), "/s"));
}
