use postern_model::record::{Actor, Reason};
use proptest::prelude::*;

use super::*;
use crate::dated::{at, play};

const PLUS: Figures = Figures { per_hour: None, ..Figures::FREE };

/// An account that sends: what is counted, and letters under way.
#[derive(Clone, Debug, Default)]
struct Sender {
    counted: Counted,
    under_way: u32,
}

impl Sender {
    /// MAIL FROM.
    fn mail(&mut self, figures: &Figures, now: Timestamp) -> Result<(), Refusal> {
        self.counted.settle(now);
        check(figures, self.under_way, |n| self.counted.last(n), now)?;
        self.under_way += 1;
        Ok(())
    }

    /// The final 250.
    fn accepted(&mut self, figures: &Figures, now: Timestamp) {
        self.under_way -= 1;
        self.counted.count(figures, now);
    }
}

fn told(answer: Result<(), Refusal>) -> String {
    match answer {
        Ok(()) => "goes".to_owned(),
        Err(Refusal::SendLimit { limit, window, retry_after }) => {
            format!("{limit} in {window:?}, wait {retry_after:?}")
        }
        Err(other) => panic!("{other:?}"),
    }
}

/// Rows of `N letters` (each accepted at once: how many went, and what the next was told), `mail`, `accepted` and
/// `rejected` (a reservation and what becomes of it).
fn play_sender(figures: &Figures, table: &str) {
    let mut sender = Sender::default();
    play(table, |now, words| match words {
        ["mail"] => told(sender.mail(figures, now)),
        ["accepted"] => {
            sender.accepted(figures, now);
            "counted".to_owned()
        }
        ["rejected"] => {
            sender.under_way -= 1;
            "given back".to_owned()
        }
        [letters, "letters"] => {
            let letters: u32 = letters.parse().expect("a number");
            for gone in 0..letters {
                if let Err(refusal) = sender.mail(figures, now) {
                    return format!("{gone} go, then {}", told(Err(refusal)));
                }
                sender.accepted(figures, now);
            }
            format!("{letters} go")
        }
        other => panic!("{other:?}"),
    });
}

#[test]
fn q1_five_letters_go_in_any_minute() {
    play_sender(
        &Figures::FREE,
        "2026-03-01 10:00:00        6 letters -> 5 go, then 5 in 60s, wait 60s
         2026-03-01 10:00:59        1 letters -> 0 go, then 5 in 60s, wait 1s
         2026-03-01 10:00:59.999999 1 letters -> 0 go, then 5 in 60s, wait 1µs
         2026-03-01 10:01:00        6 letters -> 5 go, then 5 in 60s, wait 60s",
    );
}

#[test]
fn q1_a_minute_slides_and_does_not_begin_with_the_clocks() {
    play_sender(
        &Figures::FREE,
        "2026-03-01 10:00:50 4 letters -> 4 go
         2026-03-01 10:00:55 1 letters -> 1 go
         2026-03-01 10:01:10 1 letters -> 0 go, then 5 in 60s, wait 40s
         2026-03-01 10:01:50 5 letters -> 4 go, then 5 in 60s, wait 5s
         2026-03-01 10:01:55 1 letters -> 1 go",
    );
}

#[test]
fn q1_fifteen_letters_go_in_any_hour() {
    play_sender(
        &Figures::FREE,
        "2026-03-01 10:00:00        5 letters -> 5 go
         2026-03-01 10:01:00        5 letters -> 5 go
         2026-03-01 10:30:00        6 letters -> 5 go, then 15 in 3600s, wait 1800s
         2026-03-01 10:59:59        1 letters -> 0 go, then 15 in 3600s, wait 1s
         2026-03-01 10:59:59.999999 1 letters -> 0 go, then 15 in 3600s, wait 1µs
         2026-03-01 11:00:00        5 letters -> 5 go
         2026-03-01 11:00:59.999999 1 letters -> 0 go, then 15 in 3600s, wait 1µs
         2026-03-01 11:01:00        1 letters -> 1 go",
    );
}

#[test]
fn q1_plus_has_no_hourly_limit() {
    let mut sender = Sender::default();
    for minute in 0..600 {
        let now = at("2026-03-01 10:00:00").plus(Duration::from_secs(60 * minute));
        for _ in 0..5 {
            assert_eq!(sender.mail(&PLUS, now), Ok(()), "{now}");
            sender.accepted(&PLUS, now);
        }
        assert_eq!(told(sender.mail(&PLUS, now)), "5 in 60s, wait 60s", "{now}");
    }
}

#[test]
fn q1_a_daily_limit_can_be_set() {
    play_sender(
        &Figures { per_minute: None, per_hour: None, per_day: Some(20), ..Figures::FREE },
        "2026-03-01 10:00:00        12 letters -> 12 go
         2026-03-01 20:00:00        9 letters  -> 8 go, then 20 in 86400s, wait 50400s
         2026-03-02 09:59:59.999999 1 letters  -> 0 go, then 20 in 86400s, wait 1µs
         2026-03-02 10:00:00        13 letters -> 12 go, then 20 in 86400s, wait 36000s",
    );
}

#[test]
fn q1_without_limits_any_number_goes_and_nothing_is_remembered() {
    let figures = Figures { per_minute: None, per_hour: None, per_day: None, recipients: 100 };
    let mut sender = Sender::default();
    for _ in 0..1000 {
        assert_eq!(sender.mail(&figures, Timestamp(0)), Ok(()));
        sender.accepted(&figures, Timestamp(0));
    }
    assert_eq!(sender.counted.last(1), None);
}

#[test]
fn q1_a_limit_of_none_at_all_lets_nothing_go() {
    play_sender(
        &Figures { per_minute: Some(0), per_hour: None, ..Figures::FREE },
        "2026-03-01 10:00:00 mail -> 0 in 60s, wait 60s",
    );
}

#[test]
fn q2_a_letter_counts_at_its_250_and_as_now_until_then() {
    play_sender(
        &Figures { per_minute: Some(2), ..Figures::FREE },
        "2026-03-01 10:00:00 mail      -> goes
         2026-03-01 10:00:00 mail      -> goes
         2026-03-01 10:00:30 mail      -> 2 in 60s, wait 60s
         2026-03-01 10:05:00 mail      -> 2 in 60s, wait 60s
         2026-03-01 10:05:00 accepted  -> counted
         2026-03-01 10:05:59 mail      -> 2 in 60s, wait 1s
         2026-03-01 10:06:00 mail      -> goes
         2026-03-01 10:06:00 mail      -> 2 in 60s, wait 60s",
    );
}

#[test]
fn q2_a_rejected_letter_does_not_count() {
    play_sender(
        &Figures { per_minute: Some(2), ..Figures::FREE },
        "2026-03-01 10:00:00 mail      -> goes
         2026-03-01 10:00:01 mail      -> goes
         2026-03-01 10:00:02 rejected  -> given back
         2026-03-01 10:00:02 mail      -> goes
         2026-03-01 10:00:03 mail      -> 2 in 60s, wait 60s
         2026-03-01 10:00:03 rejected  -> given back
         2026-03-01 10:00:03 rejected  -> given back
         2026-03-01 10:00:03 2 letters -> 2 go",
    );
}

#[test]
fn q2_a_clock_put_back_an_hour_keeps_nobody_waiting_for_longer_than_a_window() {
    play_sender(
        &PLUS,
        "2026-03-01 10:00:00        5 letters -> 5 go
         2026-03-01 09:00:00        1 letters -> 0 go, then 5 in 60s, wait 60s
         2026-03-01 09:00:59.999999 1 letters -> 0 go, then 5 in 60s, wait 1µs
         2026-03-01 09:01:00        6 letters -> 5 go, then 5 in 60s, wait 60s
         2026-03-01 09:02:00        5 letters -> 5 go
         2026-03-01 10:02:00        5 letters -> 5 go",
    );
}

#[test]
fn q2_a_clock_put_back_while_a_letter_is_under_way_leaves_the_times_in_order() {
    let mut counted = Counted::load([at("2026-03-01 10:00:00")]);
    let back = at("2026-03-01 09:00:00");
    counted.count(&PLUS, back);
    assert_eq!((counted.last(2), counted.last(1)), (Some(back), Some(back)));
}

#[test]
fn q2_a_stored_time_in_the_future_counts_as_now() {
    let now = at("2026-03-01 10:00:00");
    let tomorrow = at("2026-03-02 10:00:00");
    assert_eq!(told(check(&PLUS, 0, |_| Some(tomorrow), now)), "5 in 60s, wait 60s");
    let mut counted = Counted::load([tomorrow; 3]);
    assert_eq!(counted.last(3), Some(tomorrow));
    counted.settle(now);
    assert_eq!(counted, Counted::load([now; 3]));
}

#[test]
fn q2_stored_times_that_a_clock_put_back_left_out_of_order_are_set_right() {
    let counted = Counted::load([9, 10, 4, 12, 7, 8].map(Timestamp::from_seconds));
    assert_eq!(counted, Counted::load([4, 4, 4, 7, 7, 8].map(Timestamp::from_seconds)));
    assert_eq!((counted.last(0), counted.last(1)), (None, Some(Timestamp::from_seconds(8))));
    assert_eq!((counted.last(6), counted.last(7)), (Some(Timestamp::from_seconds(4)), None));
}

#[test]
fn q3_of_several_full_windows_the_one_that_opens_last_is_told() {
    let all = Figures { per_minute: Some(2), per_hour: Some(3), per_day: Some(4), recipients: 100 };
    play_sender(
        &all,
        "2026-03-01 10:00:00 2 letters -> 2 go
         2026-03-01 10:00:10 1 letters -> 0 go, then 2 in 60s, wait 50s
         2026-03-01 10:59:50 2 letters -> 1 go, then 3 in 3600s, wait 10s
         2026-03-01 11:00:00 1 letters -> 1 go
         2026-03-01 11:00:00 1 letters -> 0 go, then 4 in 86400s, wait 82800s
         2026-03-02 10:00:00 3 letters -> 2 go, then 4 in 86400s, wait 3590s",
    );
}

fn lock(until: Option<&str>, reason: Reason) -> SendingLock {
    SendingLock {
        since: at("2026-03-01 10:00:00"),
        by: Actor::Operator,
        until: until.map(at),
        reason,
        text: Some("said so".to_owned()),
        evidence: Vec::new(),
    }
}

#[test]
fn q4_a_lock_holds_until_it_expires() {
    let until = "2026-03-02 10:00:00";
    let lock = lock(Some(until), Reason::Pushing);
    play(
        "2026-03-01 10:00:00        mail -> locked
         2026-03-02 09:59:59.999999 mail -> locked
         2026-03-02 10:00:00        mail -> free
         2027-03-02 10:00:00        mail -> free",
        |now, _| match locked(Some(&lock), now) {
            Ok(()) => "free".to_owned(),
            Err(refusal) => {
                let text = Some("said so".to_owned());
                let until = Some(at(until));
                assert_eq!(refusal, Refusal::SendingLocked { reason: Reason::Pushing, text, until });
                "locked".to_owned()
            }
        },
    );
    assert_eq!(locked(None, at(until)), Ok(()));
}

#[test]
fn q5_an_operators_lock_has_its_own_reason_and_may_have_no_end() {
    let text = Some("said so".to_owned());
    assert_eq!(
        locked(Some(&lock(None, Reason::Terms)), at("2036-03-01 10:00:00")),
        Err(Refusal::SendingLocked { reason: Reason::Terms, text, until: None })
    );
}

/// What one of several connections does next; each has at most one letter under way.
#[derive(Clone, Copy, Debug)]
enum Step {
    Mail(usize),
    Accepted(usize),
    Rejected(usize),
    Wait(Duration),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0..5usize).prop_map(Step::Mail),
        3 => (0..5usize).prop_map(Step::Accepted),
        1 => (0..5usize).prop_map(Step::Rejected),
        2 => (0..40_000_000u64).prop_map(|micros| Step::Wait(Duration::from_micros(micros))),
        1 => prop_oneof![Just(60u64), Just(3600), Just(86_400)].prop_map(|s| Step::Wait(Duration::from_secs(s))),
    ];
    prop::collection::vec(step, 1..200)
}

fn limits() -> impl Strategy<Value = Figures> {
    let limit = || prop::option::of(0..8u32);
    (limit(), limit(), limit()).prop_map(|(per_minute, per_hour, per_day)| Figures {
        per_minute,
        per_hour,
        per_day,
        recipients: 100,
    })
}

/// The rule as SPEC says it, by counting.
fn may_go(figures: &Figures, under_way: usize, counted: &[Timestamp], now: Timestamp) -> bool {
    figures.windows().all(|window| {
        let inside = counted.iter().filter(|time| now.since(**time) < window.span).count();
        inside + under_way < usize::try_from(window.limit).expect("a small limit")
    })
}

proptest! {
    #[test]
    fn q2_no_interleaving_of_connections_exceeds_a_window(figures in limits(), steps in steps()) {
        let mut now = at("2026-03-01 10:00:00");
        let mut sender = Sender::default();
        let mut under_way = [false; 5];
        let mut times: Vec<Timestamp> = Vec::new();
        for step in steps {
            match step {
                Step::Wait(duration) => now = now.plus(duration),
                Step::Mail(connection) if !under_way[connection] => {
                    let reserved = under_way.iter().filter(|busy| **busy).count();
                    let goes = sender.mail(&figures, now).is_ok();
                    prop_assert_eq!(goes, may_go(&figures, reserved, &times, now));
                    under_way[connection] = goes;
                }
                Step::Accepted(connection) if under_way[connection] => {
                    under_way[connection] = false;
                    sender.accepted(&figures, now);
                    times.push(now);
                }
                Step::Rejected(connection) if under_way[connection] => {
                    under_way[connection] = false;
                    sender.under_way -= 1;
                }
                _ => {}
            }
            for window in figures.windows() {
                let inside = times.iter().filter(|time| now.since(**time) < window.span).count();
                prop_assert!(inside <= usize::try_from(window.limit).expect("a small limit"));
                prop_assert_eq!(usize::try_from(sender.counted.used(window, now)).expect("a count"), inside);
            }
        }
    }

    #[test]
    fn q3_the_seconds_told_are_exact_also_after_the_clock_was_put_back(
        figures in limits(),
        moves in prop::collection::vec(-90_000_000_000..90_000_000_000i64, 1..60),
    ) {
        let mut now = at("2026-03-01 10:00:00");
        let mut sender = Sender::default();
        for by in moves {
            // Mostly steps of seconds, so that the short windows are met too.
            now.0 += if by % 4 == 0 { by } else { by % 30_000_000 };
            match sender.mail(&figures, now) {
                Ok(()) => sender.accepted(&figures, now),
                Err(Refusal::SendLimit { limit, window, retry_after }) => {
                    prop_assert!(retry_after > Duration::ZERO && retry_after <= window);
                    let then = now.plus(retry_after);
                    let before = then.minus(Duration::from_micros(1));
                    prop_assert!(sender.clone().mail(&figures, before).is_err());
                    prop_assert_eq!(sender.clone().mail(&figures, then).is_ok(), limit > 0);
                }
                Err(other) => panic!("{other:?}"),
            }
        }
    }
}
