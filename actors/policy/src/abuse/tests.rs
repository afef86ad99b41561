use std::net::IpAddr;

use postern_model::record::{Actor, LetterRefusal, Recipients};
use postern_model::{LetterId, Protocol};
use proptest::prelude::*;

use super::*;
use crate::dated::{at, play};

fn noon() -> Timestamp {
    at("2026-03-01 12:00:00")
}

fn event(at: Timestamp, what: What) -> Event {
    Event { at, by: Actor::User, from: None, what }
}

fn letter(signals: Vec<(Signal, u32)>) -> What {
    What::Letter { letter: LetterId(1), recipients: 1, signals }
}

/// The event that brings signs of one kind.
fn signs(signal: Signal, count: u32) -> What {
    match signal {
        Signal::Report => What::Reported { text: None },
        Signal::Pushing => {
            What::LetterRefused { why: LetterRefusal::PerHour, signals: vec![(signal, count)] }
        }
        Signal::UnknownRecipient => {
            What::LetterRefused { why: LetterRefusal::UnknownRecipient, signals: vec![(signal, count)] }
        }
        _ => letter(vec![(signal, count)]),
    }
}

/// The `n`-th digest of an endless supply, evenly spread (SplitMix64).
fn digest(n: u64) -> u64 {
    let mut x = n.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// Letters to `recipients`, one text.
fn sample(recipients: impl IntoIterator<Item = u64>, body: u64, from: &str) -> Sample {
    let from = Some(from.parse::<IpAddr>().expect(from));
    Sample { recipients: recipients.into_iter().map(digest).collect(), body, from }
}

/// A letter is accepted; the verdict on it.
fn send(abuse: &mut Abuse, sample: &Sample, figures: &Figures, now: Timestamp) -> Option<Verdict> {
    let signals = observe(abuse, sample, figures, now);
    apply(abuse, &event(now, letter(signals)), figures);
    judge(abuse, figures, now)
}

const HOME: &str = "192.0.2.1";

/// What all scores come to, in thousandths of a point.
fn total(abuse: &Abuse, figures: &Figures, now: Timestamp) -> u64 {
    abuse.scores.iter().map(|score| u64::from(left(score, figures, now))).sum()
}

#[test]
fn q4_each_signal_alone_spares_the_harmless_and_locks_the_abuser() {
    let figures = Figures::default();
    // who | signal, how many in one event | every so many seconds, so many events -> locked at which
    for (who, signal, count, every, events, locked_at) in [
        ("a program that tries again each minute of a full hour", Signal::Pushing, 1, 60, 60, None),
        ("one that tries five letters every ten minutes", Signal::Pushing, 5, 600, 100, None),
        ("one that tries each ten seconds", Signal::Pushing, 1, 10, 360, Some(37)),
        ("one that tries each second", Signal::Pushing, 1, 1, 360, Some(34)),
        ("ten misspelt recipients in one letter", Signal::UnknownRecipient, 10, 0, 1, None),
        ("a misspelt recipient every five minutes", Signal::UnknownRecipient, 1, 300, 500, None),
        ("who guesses addresses, all at once", Signal::UnknownRecipient, 1, 0, 100, Some(20)),
        ("who guesses one each second", Signal::UnknownRecipient, 1, 1, 100, Some(21)),
        ("an old address book's returns within an hour", Signal::Bounce, 1, 120, 30, None),
        ("a bought list's returns", Signal::Bounce, 1, 0, 100, Some(34)),
        ("a circular to a hundred", Signal::NewRecipient, 100, 0, 1, None),
        ("a circular to a hundred each ten minutes", Signal::NewRecipient, 100, 600, 100, None),
        ("a hundred strangers each twelve seconds", Signal::NewRecipient, 100, 12, 60, Some(11)),
        ("six networks too many on a train ride", Signal::NewAddress, 1, 300, 6, None),
        ("a password used from everywhere", Signal::NewAddress, 1, 10, 20, Some(7)),
        ("fifty recipients too many of a circular", Signal::SameBody, 50, 0, 1, None),
        ("one text to a hundred each minute", Signal::SameBody, 100, 60, 20, Some(3)),
        ("a complaint", Signal::Report, 1, 0, 1, None),
        ("a complaint an hour", Signal::Report, 1, 3600, 24, None),
        ("two complaints within ten minutes", Signal::Report, 1, 600, 2, Some(2)),
    ] {
        let mut abuse = Abuse::default();
        let locked = (0..events).find(|n| {
            let now = noon().plus(Duration::from_secs(every * n));
            apply(&mut abuse, &event(now, signs(signal, count)), &figures);
            judge(&abuse, &figures, now).is_some()
        });
        assert_eq!(locked.map(|n| n + 1), locked_at, "{who}");
    }
}

#[test]
fn q4_a_circular_to_a_hundred_with_ten_addresses_gone_is_harmless() {
    let (figures, mut abuse) = (Figures::default(), Abuse::default());
    for _ in 0..10 {
        apply(&mut abuse, &event(noon(), signs(Signal::UnknownRecipient, 1)), &figures);
    }
    assert_eq!(send(&mut abuse, &sample(0..90, 1, HOME), &figures, noon()), None);
}

#[test]
fn q4_a_circular_sent_one_by_one_is_harmless() {
    let (figures, mut abuse) = (Figures::default(), Abuse::default());
    for n in 0..100 {
        // As fast as the window of a minute lets them go.
        let now = noon().plus(Duration::from_secs(12 * n));
        assert_eq!(send(&mut abuse, &sample([n], 1, HOME), &figures, now), None, "letter {n}");
    }
}

#[test]
fn q4_phone_laptop_and_home_all_day_are_harmless_and_leave_no_score() {
    let (figures, mut abuse) = (Figures::default(), Abuse::default());
    for n in 0..300 {
        let from = [HOME, "198.51.100.7", "2001:db8:1::7", "203.0.113.9"][(n % 4) as usize];
        let now = noon().plus(Duration::from_secs(240 * n));
        assert_eq!(send(&mut abuse, &sample([n % 7], n, from), &figures, now), None, "letter {n}");
    }
    let heaviest = abuse.scores.iter().map(|score| score.score).max();
    assert!(heaviest.is_none_or(|score| score <= 1_000), "{heaviest:?}");
}

#[test]
fn q4_a_text_to_many_is_locked_with_its_evidence() {
    let (figures, mut abuse) = (Figures::default(), Abuse::default());
    assert_eq!(send(&mut abuse, &sample(0..100, 1, HOME), &figures, noon()), None);
    let now = noon().plus(Duration::from_secs(12));
    assert_eq!(send(&mut abuse, &sample(100..200, 1, HOME), &figures, now), None);
    let now = noon().plus(Duration::from_secs(24));
    let verdict = send(&mut abuse, &sample(200..300, 1, HOME), &figures, now).expect("a lock");
    assert_eq!((verdict.reason, verdict.until), (Reason::Theft, at("2026-03-02 12:00:24")));
    let [text, recipients] = verdict.evidence.as_slice() else { panic!("{verdict:?}") };
    assert_eq!((text.signal, text.count, text.last), (Signal::SameBody, 250, now));
    assert_eq!(recipients.signal, Signal::NewRecipient);
    assert!((285..=315).contains(&recipients.count), "{recipients:?}");
}

#[test]
fn q4_bursts_to_many_recipients_are_locked_whatever_the_text() {
    let (figures, mut abuse) = (Figures::default(), Abuse::default());
    let locked = (0..60).find(|n| {
        let now = noon().plus(Duration::from_secs(12 * n));
        send(&mut abuse, &sample(n * 50..(n + 1) * 50, *n, HOME), &figures, now).is_some()
    });
    // 1,000 recipients and what drains in four minutes; how many are new is an estimate.
    assert!(locked.is_some_and(|n| (19..=23).contains(&n)), "{locked:?}");
}

#[test]
fn q4_many_networks_at_once_are_a_suspected_theft() {
    let (figures, mut abuse) = (Figures::default(), Abuse::default());
    for n in 0..10 {
        assert_eq!(send(&mut abuse, &sample([1], n, &format!("10.0.{n}.1")), &figures, noon()), None);
    }
    let verdict = send(&mut abuse, &sample([1], 10, "10.0.10.1"), &figures, noon()).expect("a lock");
    assert_eq!(verdict.reason, Reason::Theft);
    assert_eq!((verdict.evidence[0].signal, verdict.evidence[0].count), (Signal::NewAddress, 7));
}

#[test]
fn q4_the_reason_is_pushing_where_that_weighs_most() {
    let figures = Figures::default();
    for (pushing, unknown, reason) in
        [(34, 0, Reason::Pushing), (17, 10, Reason::Pushing), (16, 11, Reason::Theft)]
    {
        let mut abuse = Abuse::default();
        let signals = vec![(Signal::UnknownRecipient, unknown), (Signal::Pushing, pushing)];
        apply(&mut abuse, &event(noon(), letter(signals)), &figures);
        let verdict = judge(&abuse, &figures, noon()).expect("a lock");
        assert_eq!(verdict.reason, reason, "{pushing} {unknown}");
        assert!(verdict.evidence.is_sorted_by_key(|evidence| Reverse(evidence.score)));
    }
}

#[test]
fn q4_a_full_score_is_exact_at_the_boundary() {
    let figures = Figures { weights: [1; 7], ..Figures::default() };
    let mut abuse = Abuse::default();
    apply(&mut abuse, &event(noon(), signs(Signal::Bounce, 99_999)), &figures);
    assert_eq!(judge(&abuse, &figures, noon()), None);
    apply(&mut abuse, &event(noon(), signs(Signal::NewRecipient, 1)), &figures);
    assert!(judge(&abuse, &figures, noon()).is_some());
    // A thousandth of a point drains in 36 ms.
    assert!(judge(&abuse, &figures, noon().plus(Duration::from_micros(35_999))).is_some());
    assert_eq!(judge(&abuse, &figures, noon().plus(Duration::from_millis(36))), None);
}

/// Rows of `COUNT SIGNAL`: what the log says happened. What comes of it: count, points and time of the signal's score.
#[test]
fn q4_scores_drain_evenly_and_go_with_their_counts() {
    let (figures, mut abuse) = (Figures::default(), Abuse::default());
    play(
        "2026-03-01 10:00:00        10 bounce  -> 10 make 30000 since 10:00:00
         2026-03-01 10:09:00        1 bounce   -> 11 make 18000 since 10:09:00
         2026-03-01 10:19:47.999999 0 bounce   -> 11 make 18000 since 10:09:00
         2026-03-01 10:19:48        0 bounce   -> none
         2026-03-01 10:19:48        1 bounce   -> 1 make 3000 since 10:19:48
         2026-03-01 10:21:00        20 pushing -> 20 make 60000 since 10:21:00
         2026-03-01 10:21:36        0 bounce   -> none
         2026-03-01 10:57:00        0 pushing  -> none",
        |now, words| {
            let [count, name] = words else { panic!("{words:?}") };
            let signal = Signal::ALL.into_iter().find(|signal| signal.name() == *name).expect(name);
            apply(&mut abuse, &event(now, signs(signal, count.parse().expect(count))), &figures);
            match abuse.scores.iter().find(|score| score.signal == signal) {
                Some(row) => {
                    format!("{} make {} since {}", row.count, row.score, &row.at.rfc3339()[11..19])
                }
                None => "none".to_owned(),
            }
        },
    );
}

#[test]
fn q4_a_weight_of_zero_switches_a_signal_off() {
    for signal in Signal::ALL {
        let mut figures = Figures::default();
        figures.weights[signal as usize] = 0;
        let mut abuse = Abuse::default();
        apply(&mut abuse, &event(noon(), signs(signal, 1_000_000)), &figures);
        assert_eq!(abuse, Abuse::default(), "{}", signal.name());
    }
}

#[test]
fn q4_a_lock_clears_the_scores_and_a_checkpoint_sets_them() {
    let (figures, mut abuse) = (Figures::default(), Abuse::default());
    apply(&mut abuse, &event(noon(), signs(Signal::Pushing, 40)), &figures);
    let scores = abuse.scores.clone();
    assert_eq!(scores.len(), 1);
    let locked = What::SendingLocked { until: None, reason: Reason::Terms, text: None, evidence: Vec::new() };
    apply(&mut abuse, &event(noon(), locked), &figures);
    assert_eq!(abuse.scores, []);
    apply(&mut abuse, &event(noon(), What::Scores(scores.clone())), &figures);
    assert_eq!(abuse.scores, scores);
}

#[test]
fn q4_a_clock_put_back_stops_no_score_from_draining() {
    let (figures, mut abuse) = (Figures::default(), Abuse::default());
    apply(&mut abuse, &event(noon(), signs(Signal::Pushing, 20)), &figures);
    let back = at("2026-03-01 11:00:00");
    assert_eq!(total(&abuse, &figures, back), 60_000);
    let low = Figures { threshold: 60, ..figures.clone() };
    assert_eq!(judge(&abuse, &low, back).map(|verdict| verdict.evidence[0].last), Some(back));
    apply(&mut abuse, &event(back, signs(Signal::Bounce, 1)), &figures);
    assert_eq!(total(&abuse, &figures, back.plus(Duration::from_secs(36 * 60))), 0);
}

#[test]
fn q4_no_figure_overflows() {
    let figures = Figures {
        threshold: u32::MAX,
        weights: [u32::MAX; 7],
        decay: Duration::ZERO,
        lock: Duration::MAX,
        networks: u32::MAX,
        same_body: 0,
    };
    let mut abuse = Abuse::default();
    for signal in Signal::ALL {
        apply(&mut abuse, &event(Timestamp(i64::MIN), signs(signal, u32::MAX)), &figures);
    }
    assert_eq!(judge(&abuse, &figures, Timestamp::NEVER), None);
    let low = Figures { threshold: 0, ..figures };
    assert_eq!(judge(&abuse, &low, Timestamp(i64::MIN)).map(|verdict| verdict.evidence.len()), Some(7));
    assert_eq!(judge(&Abuse::default(), &low, noon()), None);
    assert!(judge(&abuse, &low, Timestamp::NEVER).is_some_and(|verdict| verdict.until == Timestamp::NEVER));
}

/// Rows of `FROM`: a letter comes from there. What comes of it: whether that is a sign.
#[test]
fn q4_networks_beyond_the_usual_of_an_hour_are_signs() {
    let (figures, mut abuse) = (Figures { networks: 2, ..Figures::default() }, Abuse::default());
    play(
        "2026-03-01 10:00:00        192.0.2.1        -> usual
         2026-03-01 10:00:01        198.51.100.1     -> usual
         2026-03-01 10:00:02        192.0.2.255      -> usual
         2026-03-01 10:00:03        192.0.3.1        -> new
         2026-03-01 10:00:04        192.0.3.2        -> usual
         2026-03-01 10:00:05        ::ffff:192.0.2.7 -> usual
         2026-03-01 10:00:06        2001:db8:1:2::1  -> new
         2026-03-01 10:00:07        2001:db8:1:3::1  -> usual
         2026-03-01 10:00:08        2001:db8:2:3::1  -> new
         2026-03-01 11:00:00.999999 198.51.100.1     -> usual
         2026-03-01 11:00:08        203.0.113.1      -> usual
         2026-03-01 11:00:09        203.0.114.1      -> new",
        |now, words| {
            let sample = Sample { from: words[0].parse().ok(), ..Sample::default() };
            assert!(sample.from.is_some(), "{words:?}");
            match observe(&mut abuse, &sample, &figures, now).as_slice() {
                [] => "usual".to_owned(),
                [(Signal::NewAddress, 1)] => "new".to_owned(),
                other => format!("{other:?}"),
            }
        },
    );
    let nobody = observe(&mut abuse, &Sample::default(), &figures, noon());
    assert_eq!(nobody, []);
}

/// Rows of `TEXT to COUNT`: a letter goes out. What comes of it: recipients too many of that text.
#[test]
fn q4_recipients_of_one_text_beyond_the_usual_of_a_day_are_signs() {
    let (figures, mut abuse) = (Figures::default(), Abuse::default());
    play(
        "2026-03-01 10:00:00        1 to 40  -> 0
         2026-03-01 10:00:00        2 to 51  -> 1
         2026-03-01 10:00:00        1 to 10  -> 0
         2026-03-01 10:00:00        1 to 100 -> 100
         2026-03-02 09:59:59.999999 1 to 2   -> 2
         2026-03-02 10:00:00        2 to 50  -> 0
         2026-03-02 10:00:00        1 to 1   -> 1
         2026-03-03 10:00:00        1 to 50  -> 0",
        |now, words| {
            let [text, "to", count] = words else { panic!("{words:?}") };
            let count: u64 = count.parse().expect(count);
            let sample = Sample { body: text.parse().expect(text), ..sample(0..count, 0, HOME) };
            let signals = observe(&mut abuse, &sample, &figures, now);
            let many = signals.iter().find(|(signal, _)| *signal == Signal::SameBody);
            many.map_or(0, |(_, count)| *count).to_string()
        },
    );
}

/// Rows of `FROM..TO`: a letter goes to these recipients. What comes of it: how many of them are new.
#[test]
fn q4_recipients_that_the_hour_had_not_seen_are_signs() {
    let (figures, mut abuse) = (Figures { same_body: u32::MAX, ..Figures::default() }, Abuse::default());
    play(
        "2026-03-01 10:00:00        0..10 -> 10
         2026-03-01 10:30:00        5..15 -> 5
         2026-03-01 10:59:59.999999 0..15 -> 0
         2026-03-01 11:00:00        0..15 -> 15
         2026-03-01 09:00:00        0..15 -> 0
         2026-03-01 09:59:59        0..15 -> 0
         2026-03-01 10:00:00        0..15 -> 15",
        |now, words| {
            let (from, to) = words[0].split_once("..").expect(words[0]);
            let digests = from.parse().expect(from)..to.parse().expect(to);
            let sample = Sample { recipients: digests.collect(), ..Sample::default() };
            match observe(&mut abuse, &sample, &figures, now).as_slice() {
                [] => "0".to_owned(),
                [(Signal::NewRecipient, count)] => count.to_string(),
                other => format!("{other:?}"),
            }
        },
    );
}

#[test]
fn q4_thousands_of_recipients_are_estimated_to_a_tenth() {
    let figures = Figures::default();
    for many in [50, 500, 1000, 2000, 3000] {
        let mut abuse = Abuse::default();
        let counted: u32 = (0..many)
            .flat_map(|n| observe(&mut abuse, &sample([n], n, HOME), &figures, noon()))
            .map(|(_, count)| count)
            .sum();
        let many = u32::try_from(many).expect("a small number");
        assert!(counted.abs_diff(many) * 10 <= many, "{counted} of {many}");
    }
}

fn any_letter() -> impl Strategy<Value = Sample> {
    (prop::collection::vec(any::<u64>(), 0..120), 0..20u64, prop::option::of(any::<IpAddr>()))
        .prop_map(|(recipients, body, from)| Sample { recipients, body, from })
}

fn any_event() -> impl Strategy<Value = What> {
    let count = || prop_oneof![0..50u32, any::<u32>()];
    prop_oneof![
        6 => (prop::sample::select(Signal::ALL.to_vec()), count()).prop_map(|(signal, n)| signs(signal, n)),
        2 => (count(), count())
            .prop_map(|(a, b)| letter(vec![(Signal::SameBody, a), (Signal::NewRecipient, b)])),
        1 => Just(letter(Vec::new())),
        1 => Just(What::Login { protocol: Some(Protocol::Smtp) }),
        1 => Just(What::SendingUnlocked),
        1 => Just(What::SendingLocked {
            until: None,
            reason: Reason::Terms,
            text: None,
            evidence: Vec::new(),
        }),
    ]
}

proptest! {
    #[test]
    fn q4_replay_from_any_checkpoint_comes_to_the_same_scores(
        happenings in prop::collection::vec((any_event(), -600_000_000..600_000_000i64), 1..60),
        checkpoint in any::<prop::sample::Index>(),
    ) {
        let figures = Figures::default();
        let (mut abuse, mut now, mut log) = (Abuse::default(), noon(), Vec::new());
        let checkpoint = checkpoint.index(happenings.len());
        for (n, (what, by)) in happenings.into_iter().enumerate() {
            now.0 += by;
            let what = event(now, what);
            apply(&mut abuse, &what, &figures);
            log.push(what);
            if n == checkpoint {
                log = vec![event(now, What::Scores(abuse.scores.clone()))];
            }
        }
        let mut replayed = Abuse::default();
        for event in &log {
            apply(&mut replayed, event, &figures);
        }
        prop_assert_eq!(judge(&replayed, &figures, now), judge(&abuse, &figures, now));
        prop_assert_eq!(replayed.scores, abuse.scores);
    }

    #[test]
    fn q4_scores_never_grow_without_signs_and_a_verdict_never_comes_with_time(
        happenings in prop::collection::vec((any_event(), 0..600_000_000i64), 1..60),
    ) {
        let figures = Figures::default();
        let (mut abuse, mut now) = (Abuse::default(), noon());
        for (what, by) in happenings {
            let before = (total(&abuse, &figures, now), judge(&abuse, &figures, now).is_some());
            now.0 += by;
            prop_assert!(total(&abuse, &figures, now) <= before.0);
            prop_assert!(before.1 || judge(&abuse, &figures, now).is_none());
            let still = total(&abuse, &figures, now);
            let quiet = [letter(Vec::new()), What::SendingUnlocked, What::Password].contains(&what)
                || matches!(what, What::Login { .. } | What::SendingLocked { .. });
            apply(&mut abuse, &event(now, what), &figures);
            prop_assert!(!quiet || total(&abuse, &figures, now) <= still);
            prop_assert!(abuse.scores.len() <= Signal::ALL.len());
        }
    }

    #[test]
    fn q4_what_is_remembered_of_letters_is_bounded_and_no_scores_come_of_looking(
        letters in prop::collection::vec((any_letter(), -3_600_000_000..3_600_000_000i64), 1..60),
    ) {
        let figures = Figures { networks: 3, ..Figures::default() };
        let (mut abuse, mut now) = (Abuse::default(), noon());
        for (letter, by) in letters {
            now.0 += by;
            let signals = observe(&mut abuse, &letter, &figures, now);
            prop_assert!(signals.iter().all(|(_, count)| *count > 0));
            prop_assert!(abuse.networks.len() <= 16 && abuse.bodies.len() <= 8);
            prop_assert!(abuse.recipients.bits.len() == 16 && abuse.scores.is_empty());
            prop_assert!(letter.from.is_none() || abuse.networks.iter().all(|seen| seen.at <= now));
            prop_assert!(abuse.bodies.iter().all(|seen| seen.at <= now));
            prop_assert!(abuse.recipients.since <= now);
            let again = observe(&mut abuse, &letter, &figures, now);
            prop_assert!(again.iter().all(|(signal, _)| *signal == Signal::SameBody), "{:?}", again);
        }
    }

    #[test]
    fn q4_any_stored_memory_is_survived(
        bits in prop::collection::vec(any::<u64>(), 0..40),
        since in any::<i64>(),
        letter in any_letter(),
    ) {
        let recipients = Recipients { since: Timestamp(since), bits };
        let mut abuse = Abuse { recipients, ..Abuse::default() };
        observe(&mut abuse, &letter, &Figures::default(), noon());
        prop_assert_eq!(abuse.recipients.bits.len(), 16);
    }
}
