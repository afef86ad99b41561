use proptest::prelude::*;

use super::*;
use crate::dated::{at, play};

/// SPEC's figures.
const FIGURES: Figures = Figures {
    interval: Duration::from_secs(300),
    burst: 1,
    grace: Duration::from_secs(10),
    takeover_after: Duration::from_secs(60),
};

fn told(answer: &Result<Opening, Refusal>) -> String {
    match answer {
        Ok(Opening::Free) => "opens".to_owned(),
        Ok(Opening::TakeOver) => "takes over".to_owned(),
        Err(Refusal::InUse) => "in use".to_owned(),
        Err(Refusal::TooSoon { retry_after, .. }) => format!("too soon, wait {retry_after:?}"),
        Err(other) => panic!("{other:?}"),
    }
}

/// A maildrop that its actor owns: who has it and when it was checked.
#[derive(Clone, Debug, Default)]
struct Maildrop {
    holder: Option<Holder>,
    checks: Checks,
}

impl Maildrop {
    fn login(&mut self, figures: &Figures, now: Timestamp) -> Result<Opening, Refusal> {
        settle(&mut self.checks, now);
        let opening = try_open(self.holder, &self.checks, figures, now)?;
        checked(&mut self.checks, opening, figures, now);
        self.holder = Some(Holder { last_byte: now });
        Ok(opening)
    }
}

/// Rows of `login`, `byte` (one moves on the holder's connection), `quit` and `breaks` (it ends well, or not).
fn play_maildrop(figures: &Figures, table: &str) -> Maildrop {
    let mut maildrop = Maildrop::default();
    play(table, |now, words| match words {
        ["login"] => told(&maildrop.login(figures, now)),
        ["byte"] => {
            maildrop.holder = Some(Holder { last_byte: now });
            "heard".to_owned()
        }
        ["quit" | "breaks"] => {
            maildrop.holder = None;
            "closed".to_owned()
        }
        other => panic!("{other:?}"),
    });
    maildrop
}

#[test]
fn c1_a_second_session_is_refused_while_one_is_open() {
    play_maildrop(
        &Figures { interval: Duration::ZERO, ..FIGURES },
        "2026-03-01 10:00:00 login -> opens
         2026-03-01 10:00:00 login -> in use
         2026-03-01 10:00:50 byte  -> heard
         2026-03-01 10:01:40 login -> in use
         2026-03-01 10:01:40 quit  -> closed
         2026-03-01 10:01:40 login -> opens",
    );
}

#[test]
fn c1_in_use_is_said_before_too_soon() {
    play_maildrop(
        &FIGURES,
        "2026-03-01 10:00:00 login -> opens
         2026-03-01 10:00:30 login -> in use
         2026-03-01 10:00:30 quit  -> closed
         2026-03-01 10:00:30 login -> too soon, wait 260s",
    );
}

#[test]
fn c2_a_holder_silent_for_a_minute_is_taken_over() {
    for figures in [FIGURES, Figures { interval: Duration::ZERO, ..FIGURES }] {
        play_maildrop(
            &figures,
            "2026-03-01 10:00:00        login -> opens
             2026-03-01 10:00:10        byte  -> heard
             2026-03-01 10:01:09        login -> in use
             2026-03-01 10:01:09.999999 login -> in use
             2026-03-01 10:01:10        login -> takes over
             2026-03-01 10:01:11        login -> in use",
        );
    }
}

#[test]
fn c2_a_take_over_is_free_of_the_interval_once_an_interval() {
    play_maildrop(
        &FIGURES,
        "2026-03-01 10:00:00 login -> opens
         2026-03-01 10:01:00 login -> takes over
         2026-03-01 10:02:00 login -> too soon, wait 230s
         2026-03-01 10:05:49 login -> too soon, wait 1s
         2026-03-01 10:05:50 login -> takes over
         2026-03-01 10:06:50 login -> takes over
         2026-03-01 10:07:50 login -> too soon, wait 230s",
    );
}

#[test]
fn c2_a_take_over_that_had_waited_anyway_does_not_use_up_the_free_one() {
    let maildrop = play_maildrop(
        &FIGURES,
        "2026-03-01 10:00:00 login -> opens
         2026-03-01 10:10:00 login -> takes over",
    );
    assert_eq!(maildrop.checks.taken_over, None);
    play_maildrop(
        &FIGURES,
        "2026-03-01 10:00:00 login -> opens
         2026-03-01 10:10:00 login -> takes over
         2026-03-01 10:11:00 login -> takes over
         2026-03-01 10:12:00 login -> too soon, wait 230s",
    );
}

#[test]
fn c2_a_clock_put_back_takes_nothing_over() {
    play_maildrop(
        &FIGURES,
        "2026-03-01 10:00:00 login -> opens
         2026-03-01 09:00:00 login -> in use",
    );
}

#[test]
fn c3_mail_is_checked_once_in_five_minutes_less_ten_seconds() {
    play_maildrop(
        &FIGURES,
        "2026-03-01 10:00:00        login  -> opens
         2026-03-01 10:00:01        quit   -> closed
         2026-03-01 10:00:01        login  -> too soon, wait 289s
         2026-03-01 10:04:49        login  -> too soon, wait 1s
         2026-03-01 10:04:49.999999 login  -> too soon, wait 1µs
         2026-03-01 10:04:50        login  -> opens
         2026-03-01 10:04:50        breaks -> closed
         2026-03-01 10:09:39        login  -> too soon, wait 1s
         2026-03-01 10:09:40        login  -> opens",
    );
}

#[test]
fn c3_what_is_announced_goes_with_the_refusal() {
    let now = at("2026-03-01 10:00:00");
    let checks = Checks { recent: vec![now], taken_over: None };
    let (interval, retry_after) = (Duration::from_secs(300), Duration::from_secs(290));
    assert_eq!(try_open(None, &checks, &FIGURES, now), Err(Refusal::TooSoon { interval, retry_after }));
}

#[test]
fn c3_refused_attempts_do_not_restart_the_clock() {
    play_maildrop(
        &FIGURES,
        "2026-03-01 10:00:00 login -> opens
         2026-03-01 10:00:00 quit  -> closed
         2026-03-01 10:02:00 login -> too soon, wait 170s
         2026-03-01 10:04:00 login -> too soon, wait 50s
         2026-03-01 10:04:50 login -> opens",
    );
}

#[test]
fn c3_the_clock_runs_from_the_login_and_not_from_the_sessions_end() {
    play_maildrop(
        &FIGURES,
        "2026-03-01 10:00:00 login -> opens
         2026-03-01 10:04:50 quit  -> closed
         2026-03-01 10:04:50 login -> opens",
    );
}

#[test]
fn c3_a_burst_allows_so_many_checks_in_any_interval() {
    play_maildrop(
        &Figures { burst: 3, ..FIGURES },
        "2026-03-01 10:00:00 login -> opens
         2026-03-01 10:00:00 quit  -> closed
         2026-03-01 10:00:10 login -> opens
         2026-03-01 10:00:10 quit  -> closed
         2026-03-01 10:01:00 login -> opens
         2026-03-01 10:01:00 quit  -> closed
         2026-03-01 10:01:01 login -> too soon, wait 229s
         2026-03-01 10:04:50 login -> opens
         2026-03-01 10:04:50 quit  -> closed
         2026-03-01 10:04:50 login -> too soon, wait 10s
         2026-03-01 10:05:00 login -> opens",
    );
}

#[test]
fn c3_an_interval_of_zero_is_no_interval() {
    play_maildrop(
        &Figures { interval: Duration::ZERO, ..FIGURES },
        "2026-03-01 10:00:00 login -> opens
         2026-03-01 10:00:00 quit  -> closed
         2026-03-01 10:00:00 login -> opens",
    );
}

#[test]
fn c3_the_grace_never_exceeds_a_tenth_of_the_interval() {
    play_maildrop(
        &Figures { interval: Duration::from_secs(60), grace: Duration::from_secs(3600), ..FIGURES },
        "2026-03-01 10:00:00 login -> opens
         2026-03-01 10:00:00 quit  -> closed
         2026-03-01 10:00:53 login -> too soon, wait 1s
         2026-03-01 10:00:54 login -> opens",
    );
}

#[test]
fn c3_a_clock_put_back_an_hour_keeps_nobody_out_for_longer_than_the_interval() {
    play_maildrop(
        &FIGURES,
        "2026-03-01 10:00:00 login -> opens
         2026-03-01 10:00:00 quit  -> closed
         2026-03-01 09:00:00 login -> too soon, wait 290s
         2026-03-01 09:04:49 login -> too soon, wait 1s
         2026-03-01 09:04:50 login -> opens
         2026-03-01 09:04:50 quit  -> closed
         2026-03-01 10:04:50 login -> opens",
    );
}

#[test]
fn c3_times_in_the_future_settle_and_tell_whether_there_is_something_to_write() {
    let (now, later) = (Timestamp::from_seconds(100), Timestamp::from_seconds(101));
    let mut checks = Checks { recent: vec![now, later], taken_over: Some(later) };
    assert!(settle(&mut checks, now));
    assert_eq!(checks, Checks { recent: vec![now, now], taken_over: Some(now) });
    assert!(!settle(&mut checks, now));
    let mut checks = Checks { recent: vec![later], taken_over: Some(later) };
    checked(&mut checks, Opening::Free, &Figures { burst: 2, ..FIGURES }, now);
    assert_eq!(checks, Checks { recent: vec![now, now], taken_over: Some(now) });
}

#[test]
fn c3_sixteen_checks_are_remembered_at_most() {
    for (burst, remembered) in [(0, 1), (1, 1), (5, 5), (16, 16), (17, 16), (u32::MAX, 16)] {
        let figures = Figures { burst, ..FIGURES };
        let mut checks = Checks::default();
        for second in 0..40 {
            checked(&mut checks, Opening::Free, &figures, Timestamp::from_seconds(second));
        }
        let last: Vec<Timestamp> = (40 - remembered..40).map(Timestamp::from_seconds).collect();
        assert_eq!(checks.recent, last, "burst {burst}");
    }
}

proptest! {
    #[test]
    fn c3_no_interval_has_more_checks_than_the_burst_and_the_time_told_is_exact(
        burst in 1..5u32,
        interval in 0..400u64,
        waits in prop::collection::vec((0..200_000_000u64, any::<bool>()), 1..80),
    ) {
        let figures = Figures { burst, interval: Duration::from_secs(interval), ..FIGURES };
        let enforced = figures.interval - figures.grace.min(figures.interval / 10);
        let mut maildrop = Maildrop::default();
        let mut now = at("2026-03-01 10:00:00");
        let mut opened: Vec<Timestamp> = Vec::new();
        for (micros, quits) in waits {
            now = now.plus(Duration::from_micros(micros));
            let next = next_check(&maildrop.checks, &figures, now);
            match maildrop.login(&figures, now) {
                Ok(Opening::Free) => {
                    prop_assert_eq!(next, None);
                    opened.push(now);
                }
                Ok(Opening::TakeOver) => opened.push(now),
                Err(Refusal::TooSoon { retry_after, .. }) => {
                    let then = now.plus(retry_after);
                    prop_assert_eq!(next, Some(then));
                    maildrop.holder = None;
                    let before = then.minus(Duration::from_micros(1));
                    prop_assert!(maildrop.clone().login(&figures, before).is_err());
                    prop_assert_eq!(maildrop.clone().login(&figures, then), Ok(Opening::Free));
                }
                Err(_) => {}
            }
            if quits {
                maildrop.holder = None;
            }
            // One take-over an interval is free.
            let inside = opened.iter().filter(|time| now.since(**time) < enforced).count();
            prop_assert!(inside <= usize::try_from(burst + 1).expect("a small burst"));
        }
    }

    #[test]
    fn c3_no_clock_keeps_anybody_out_for_longer_than_the_interval(
        moves in prop::collection::vec(-7_200_000_000..7_200_000_000i64, 1..60),
    ) {
        let mut maildrop = Maildrop::default();
        let mut now = at("2026-03-01 10:00:00");
        for by in moves {
            now.0 += by;
            maildrop.holder = None;
            if let Err(Refusal::TooSoon { retry_after, .. }) = maildrop.login(&FIGURES, now) {
                prop_assert!(retry_after <= FIGURES.interval);
                prop_assert_eq!(maildrop.clone().login(&FIGURES, now.plus(retry_after)), Ok(Opening::Free));
            }
        }
    }
}
