//! Times as dated tables, and what holds of the schedule in whatever order things happen.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use postern_model::record::DeliverBy;
use postern_model::{AccountId, Domain, LetterId, QueueId, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::dated::{at, play};

fn id(letter: u64) -> QueueId {
    QueueId { letter: LetterId(letter), envelope: 0 }
}

fn domain(name: &str) -> Domain {
    Domain::parse(name).expect("a domain")
}

fn entry(letter: u64, sender: u64, next: Timestamp) -> Entry {
    let sender = Some(AccountId(sender));
    Entry { id: id(letter), sender, priority: 0, next, deadline: Timestamp::NEVER, held: false }
}

/// One letter that is deferred at each try; the rows say when something is done with it.
fn story(terms: Terms, table: &str) {
    let (figures, mut terms) = (Figures::default(), terms);
    play(table, |now, words| match words {
        ["judge"] => match terms.judge(&figures, now) {
            Verdict::Waits { tell } => {
                terms.delay_told |= tell;
                let told = if tell { "told, " } else { "" };
                format!("{told}until {}", &terms.deadline(&figures).rfc3339()[..16])
            }
            Verdict::GivenUp(late) => format!("{late:?}"),
        },
        other => panic!("{other:?}"),
    });
}

#[test]
fn a_letter_is_tried_for_five_days_and_its_sender_told_after_four_hours() {
    let terms = Terms { begins: at("2026-03-01 10:00:00"), deliver_by: None, delay_told: false };
    story(
        terms,
        "2026-03-01 10:00:00 judge -> until 2026-03-01T14:00
         2026-03-01 13:59:59 judge -> until 2026-03-01T14:00
         2026-03-01 14:00:00 judge -> told, until 2026-03-06T10:00
         2026-03-02 10:00:00 judge -> until 2026-03-06T10:00
         2026-03-06 09:59:59 judge -> until 2026-03-06T10:00
         2026-03-06 10:00:00 judge -> Lifetime",
    );
}

#[test]
fn deliver_by_comes_back_or_tells_at_its_time() {
    let by = |returns| DeliverBy { at: at("2026-03-01 11:00:00"), returns, trace: false };
    let terms = |by| Terms { begins: at("2026-03-01 10:00:00"), deliver_by: Some(by), delay_told: false };
    story(
        terms(by(true)),
        "2026-03-01 10:59:59 judge -> until 2026-03-01T11:00
         2026-03-01 11:00:00 judge -> DeliverBy",
    );
    story(
        terms(by(false)),
        "2026-03-01 10:59:59 judge -> until 2026-03-01T11:00
         2026-03-01 11:00:00 judge -> told, until 2026-03-06T10:00
         2026-03-06 10:00:00 judge -> Lifetime",
    );
}

#[test]
fn pauses_grow_to_four_hours_and_no_two_letters_pause_alike() {
    let now = at("2026-03-01 10:00:00");
    let minutes = |attempts| next_try(id(7), attempts, now).since(now).as_secs_f64() / 60.0;
    for (attempts, pause) in [(1, 5), (2, 10), (3, 20), (4, 40), (5, 60), (6, 120), (7, 240), (99, 240)] {
        let (found, pause) = (minutes(attempts), f64::from(pause));
        assert!((pause..=pause * 1.125).contains(&found), "{attempts}: {found}");
    }
    let times: BTreeSet<Timestamp> = (0..1_000).map(|letter| next_try(id(letter), 1, now)).collect();
    assert!(times.len() > 990, "spread");
}

/// A trip to each destination that may be visited, and what it is given, until nothing more goes.
fn drain(schedule: &mut Schedule, now: Timestamp) -> Vec<QueueId> {
    let mut found = Vec::new();
    while let Some(outing) = schedule.set_out(now) {
        while let Some(given) = schedule.next_of(outing.trip, now) {
            found.push(given.id);
            schedule.tell(outing.trip, Health::Good, None, now);
            schedule.done(given.ticket, After::Gone, now);
        }
        schedule.come_home(outing.trip, now);
    }
    found
}

#[test]
fn ten_thousand_letters_of_one_sender_dont_delay_anothers_one() {
    let (mut schedule, now) = (Schedule::new(Figures::default()), at("2026-03-01 10:00:00"));
    let to = domain("b.test");
    for letter in 0..10_000 {
        schedule.add(&to, entry(letter, 1, now), now);
    }
    schedule.add(&to, entry(77_777, 2, now), now);
    let order = drain(&mut schedule, now);
    assert_eq!(order.len(), 10_001);
    let place = order.iter().position(|found| *found == id(77_777));
    assert!(place < Some(3), "{place:?}");
    assert!(schedule.is_empty());
}

#[test]
fn who_comes_anew_each_time_waits_as_well() {
    let (mut schedule, now) = (Schedule::new(Figures::default()), at("2026-03-01 10:00:00"));
    let to = domain("b.test");
    for letter in 0..10 {
        schedule.add(&to, entry(letter, 1, now), now);
    }
    let trip = schedule.set_out(now).expect("a trip").trip;
    let mut of_the_first = 0;
    for letter in 100..120 {
        schedule.add(&to, entry(letter, 2, now), now);
        let given = schedule.next_of(trip, now).expect("a letter");
        of_the_first += u32::from(given.id.letter.0 < 100);
        schedule.done(given.ticket, After::Gone, now);
    }
    assert!(of_the_first >= 9, "{of_the_first}");
}

#[test]
fn what_is_urgent_comes_first_and_nothing_waits_for_ever() {
    let (mut schedule, now) = (Schedule::new(Figures::default()), at("2026-03-01 10:00:00"));
    let to = domain("b.test");
    for letter in 0..5 {
        schedule.add(&to, entry(letter, 1, now), now);
    }
    schedule.add(&to, Entry { priority: 9, ..entry(50, 1, now) }, now);
    schedule.add(&to, Entry { priority: -9, ..entry(60, 1, now) }, now);
    // Urgent letters that come two hours later don't overtake what has waited so long.
    let later = now.plus(Duration::from_secs(2 * 60 * 60));
    schedule.add(&to, Entry { priority: 9, ..entry(70, 1, later) }, later);
    let order: Vec<u64> = drain(&mut schedule, later).iter().map(|id| id.letter.0).collect();
    assert_eq!(order, [50, 0, 1, 2, 3, 4, 70, 60]);
}

#[test]
fn a_dead_domain_is_visited_once_for_all_its_letters() {
    let (mut schedule, mut now) = (Schedule::new(Figures::default()), at("2026-03-01 10:00:00"));
    let to = domain("dead.test");
    for letter in 0..1_000 {
        schedule.add(&to, entry(letter, letter, now), now);
    }
    let (mut visits, end) = (0, now.plus(Duration::from_secs(24 * 60 * 60)));
    while now < end {
        schedule.wake(now);
        while let Some(outing) = schedule.set_out(now) {
            visits += 1;
            let given = schedule.next_of(outing.trip, now).expect("a letter");
            schedule.tell(outing.trip, Health::Bad, None, now);
            schedule.done(given.ticket, After::Waits { next: now, deadline: Timestamp::NEVER }, now);
            assert!(schedule.next_of(outing.trip, now).is_none(), "no second one");
            schedule.come_home(outing.trip, now);
        }
        now = schedule.next_wake().max(now.plus(Duration::from_secs(1)));
    }
    // 5, 10, 20, 40 minutes and then every hour.
    assert!((24..=30).contains(&visits), "{visits}");
    schedule.wake(now);
    let order = drain(&mut schedule, now);
    assert_eq!(order.len(), 1_000, "it is back, and all go at once");
}

#[test]
fn connections_grow_by_success_and_halve_by_trouble() {
    let (mut schedule, now) = (Schedule::new(Figures::default()), at("2026-03-01 10:00:00"));
    let to = domain("b.test");
    for letter in 0..10_000 {
        schedule.add(&to, entry(letter, 1, now), now);
    }
    let mut trips = Vec::new();
    let mut grown = Vec::new();
    for _ in 0..60 {
        while let Some(outing) = schedule.set_out(now) {
            trips.push(outing.trip);
        }
        grown.push(trips.len());
        for trip in &trips {
            let given = schedule.next_of(*trip, now).expect("a letter");
            schedule.tell(*trip, Health::Good, None, now);
            schedule.done(given.ticket, After::Gone, now);
        }
    }
    assert_eq!((grown[0], grown[1], *grown.last().expect("some")), (2, 3, 20));
    schedule.tell(trips[0], Health::Tired, None, now);
    let mut left = 0;
    for trip in &trips {
        match schedule.next_of(*trip, now) {
            Some(given) => {
                left += 1;
                schedule.done(given.ticket, After::Gone, now);
            }
            None => schedule.come_home(*trip, now),
        }
    }
    assert_eq!(left, 10);
}

#[test]
fn a_deadline_is_kept_also_where_nobody_goes() {
    let (mut schedule, now) = (Schedule::new(Figures::default()), at("2026-03-01 10:00:00"));
    let to = domain("dead.test");
    let deadline = now.plus(Duration::from_secs(600));
    for letter in 0..3 {
        schedule.add(&to, Entry { deadline, ..entry(letter, 1, now) }, now);
    }
    schedule.add(&to, Entry { deadline, held: true, ..entry(9, 1, now) }, now);
    let outing = schedule.set_out(now).expect("a trip");
    let given = schedule.next_of(outing.trip, now).expect("a letter");
    // For ever out of reach, as far as this goes.
    for _ in 0..6 {
        schedule.tell(outing.trip, Health::Bad, None, now);
    }
    schedule.done(given.ticket, After::Waits { next: now, deadline }, now);
    schedule.come_home(outing.trip, now);
    let mut clock = now;
    let mut overdue = Vec::new();
    while clock < now.plus(Duration::from_secs(700)) {
        clock = schedule.next_wake();
        schedule.wake(clock);
        while let Some(outing) = schedule.set_out(clock) {
            schedule.tell(outing.trip, Health::Bad, None, clock);
            schedule.come_home(outing.trip, clock);
        }
        while let Some(given) = schedule.overdue() {
            assert!(clock >= deadline && clock <= deadline.plus(Duration::from_secs(60)));
            overdue.push(given.id.letter.0);
            schedule.done(given.ticket, After::Gone, clock);
        }
        if overdue.len() == 3 {
            break;
        }
    }
    overdue.sort_unstable();
    assert_eq!(overdue, [0, 1, 2], "what is held has no deadline");
}

/// Something that happens to a schedule.
#[derive(Clone, Debug)]
enum Deed {
    Add { to: u8, sender: u8, priority: i8, delay: u16, deadline: u16, held: bool },
    Pass(u16),
    SetOut,
    Next(prop::sample::Index),
    Tell(prop::sample::Index, u8),
    Home(prop::sample::Index),
    Done(prop::sample::Index, u8, u16),
    Overdue,
    Claim(u8, u8),
    Forgive(u8),
}

fn deed() -> impl Strategy<Value = Deed> {
    use prop::sample::Index;
    prop_oneof![
        4 => (0..4u8, 0..3u8, -9..=9i8, 0..900u16, 0..9_000u16, prop::bool::weighted(0.1)).prop_map(
            |(to, sender, priority, delay, deadline, held)| Deed::Add { to, sender, priority, delay, deadline, held }
        ),
        2 => (0..2_000u16).prop_map(Deed::Pass),
        2 => Just(Deed::SetOut),
        4 => any::<Index>().prop_map(Deed::Next),
        2 => (any::<Index>(), 0..3u8).prop_map(|(trip, health)| Deed::Tell(trip, health)),
        1 => any::<Index>().prop_map(Deed::Home),
        4 => (any::<Index>(), 0..4u8, 0..900u16).prop_map(|(n, after, delay)| Deed::Done(n, after, delay)),
        1 => Just(Deed::Overdue),
        1 => (0..4u8, 0..5u8).prop_map(|(to, limit)| Deed::Claim(to, limit)),
        1 => (0..4u8).prop_map(Deed::Forgive),
    ]
}

fn nth(to: u8) -> Domain {
    domain(&format!("d{to}.test"))
}

fn pick<T: Copy>(index: &prop::sample::Index, of: &[T]) -> Option<T> {
    if of.is_empty() { None } else { Some(of[index.index(of.len())]) }
}

proptest! {
    /// Nothing is lost, nothing is given to two, no limit is exceeded, and whatever is left gets out in the end.
    #[test]
    fn every_consignment_is_given_to_one_at_a_time_and_none_is_lost(deeds in prop::collection::vec(deed(), 0..200)) {
        let figures = Figures { connections: 4, per_domain: 3, ..Figures::default() };
        let mut schedule = Schedule::new(figures);
        let mut now = at("2026-03-01 10:00:00");
        let (mut here, mut out): (BTreeMap<QueueId, bool>, Vec<Given>) = (BTreeMap::new(), Vec::new());
        let (mut trips, mut letter) = (Vec::new(), 0);
        let secs = |n: u16| Duration::from_secs(n.into());
        for deed in deeds {
            let mut given = Vec::new();
            match deed {
                Deed::Add { to, sender, priority, delay, deadline, held } => {
                    letter += 1;
                    let deadline = now.plus(secs(deadline));
                    let next = now.plus(secs(delay));
                    let entry = Entry { priority, deadline, held, ..entry(letter, sender.into(), next) };
                    schedule.add(&nth(to), entry, now);
                    here.insert(id(letter), held);
                }
                Deed::Pass(time) => {
                    now = now.plus(secs(time));
                    schedule.wake(now);
                    prop_assert!(schedule.next_wake() > now);
                }
                Deed::SetOut => trips.extend(schedule.set_out(now).map(|outing| outing.trip)),
                Deed::Next(n) => {
                    given.extend(pick(&n, &trips).and_then(|trip| schedule.next_of(trip, now)));
                }
                Deed::Tell(n, health) => {
                    let health = [Health::Good, Health::Tired, Health::Bad][usize::from(health)];
                    if let Some(trip) = pick(&n, &trips) {
                        schedule.tell(trip, health, None, now);
                    }
                }
                Deed::Home(n) => {
                    if let Some(trip) = pick(&n, &trips) {
                        schedule.come_home(trip, now);
                        trips.retain(|other| *other != trip);
                    }
                }
                Deed::Done(n, after, delay) if !out.is_empty() => {
                    let given = out.swap_remove(n.index(out.len()));
                    let next = now.plus(secs(delay));
                    let deadline = next.plus(secs(delay));
                    let after = [After::Gone, After::Waits { next, deadline }, After::Held, After::AsBefore][usize::from(after)];
                    match after {
                        After::Gone => drop(here.remove(&given.id)),
                        After::Held => drop(here.insert(given.id, true)),
                        After::Waits { .. } => drop(here.insert(given.id, false)),
                        After::AsBefore => {}
                    }
                    schedule.done(given.ticket, after, now);
                }
                Deed::Done(..) => {}
                Deed::Overdue => given.extend(schedule.overdue()),
                Deed::Claim(to, limit) => {
                    given.extend(schedule.claim(0, limit.into(), |_, domain| *domain == nth(to)).given);
                }
                Deed::Forgive(to) => schedule.forgive(&nth(to), now),
            }
            for given in given {
                prop_assert!(here.contains_key(&given.id));
                prop_assert!(out.iter().all(|other| other.id != given.id), "given twice");
                out.push(given);
            }
            prop_assert_eq!(schedule.len(), here.len());
            prop_assert!(schedule.trips() <= 4);
        }
        for trip in trips {
            schedule.come_home(trip, now);
        }
        for given in out {
            schedule.done(given.ticket, After::Gone, now);
            here.remove(&given.id);
        }
        here.retain(|_, held| !*held);
        for _ in 0..200 {
            let found = drain(&mut schedule, now);
            here.retain(|id, _| !found.contains(id));
            while let Some(given) = schedule.overdue() {
                here.remove(&given.id);
                schedule.done(given.ticket, After::Gone, now);
            }
            now = schedule.next_wake().min(now.plus(Duration::from_secs(3_600))).max(now);
            schedule.wake(now);
        }
        prop_assert!(here.is_empty(), "left: {:?}", here);
    }
}
