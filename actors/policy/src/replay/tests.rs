use std::time::Duration;

use postern_model::record::GateState;

use super::*;
use crate::calendar::Span;
use crate::dated::at;

fn figures() -> Figures {
    let checks = maildrop::Figures {
        interval: Duration::from_secs(300),
        burst: 1,
        grace: Duration::from_secs(10),
        takeover_after: Duration::from_secs(60),
    };
    let free = Plan { sends: send_window::Figures::FREE, checks };
    let plus = Plan { sends: send_window::Figures { per_hour: None, ..free.sends }, checks };
    Figures {
        access: access::Figures::default(),
        abuse: abuse::Figures::default(),
        plans: [("free".to_owned(), free), ("plus".to_owned(), plus)].into(),
        default_plan: "free".to_owned(),
    }
}

fn input(time: &str, act: Act) -> Input {
    Input { at: at(time), act }
}

fn login(protocol: Protocol) -> Act {
    Act::Login { protocol: Some(protocol), from: None, refused: None }
}

fn letter() -> Act {
    Act::Letter { recipients: 1, signals: Box::default() }
}

fn switch(protocol: Protocol, change: Change) -> Act {
    Act::Switch { protocol, change, by: Actor::User }
}

/// Plays inputs from what they tell of the beginning, until late in the year.
fn play(figures: &Figures, inputs: &[Input]) -> Outcome {
    let mut life = Life::new(figures, assumed(inputs));
    inputs.iter().for_each(|input| life.play(input));
    life.settle(at("2026-11-15 00:00:00"));
    life.end()
}

/// What was refused: `Login(Pop3) too soon 2`.
fn refused(outcome: &Outcome) -> Vec<String> {
    outcome.refused.iter().map(|((wanted, why), tally)| format!("{wanted:?} {why} {}", tally.count)).collect()
}

/// What the timer and the rules did: `2026-03-01 10:00:00 pop3 closed`.
fn turns(outcome: &Outcome) -> Vec<String> {
    let turn = |event: &Event| {
        let what = match &event.what {
            What::AccessClosed { protocol, reason, .. } => {
                format!("{protocol} closed, {}", reason.map_or("-", |reason| reason.name()))
            }
            What::SendingLocked { reason, .. } => format!("locked, {}", reason.name()),
            What::Status { status } => format!("{status:?}"),
            other => format!("{other:?}"),
        };
        format!("{} {what}", event.at)
    };
    outcome.turns.iter().map(turn).collect()
}

#[test]
fn a_tighter_limit_of_an_hour_refuses_more() {
    let letters: Vec<Input> =
        (0..20).map(|n| input(&format!("2026-03-01 10:{:02}:00", 2 * n), letter())).collect();
    let today = play(&figures(), &letters);
    assert_eq!((today.letters, refused(&today)), (15, vec!["Letter limit of an hour 5".to_owned()]));
    let tally = today.refused[&(Wanted::Letter, "limit of an hour")];
    assert_eq!((tally.first, tally.last), (at("2026-03-01 10:30:00"), at("2026-03-01 10:38:00")));

    let mut tighter = figures();
    tighter.plans.entry("free".to_owned()).and_modify(|plan| plan.sends.per_hour = Some(10));
    let proposed = play(&tighter, &letters);
    assert_eq!((proposed.letters, refused(&proposed)), (10, vec!["Letter limit of an hour 10".to_owned()]));
}

#[test]
fn a_plan_is_the_one_of_its_time() {
    let mut inputs = vec![input("2026-03-01 10:00:00", Act::Plan("plus".into()))];
    inputs.extend((0..16).map(|n| input(&format!("2026-03-01 11:{:02}:00", 2 * n), letter())));
    inputs.push(input("2026-03-01 11:40:00", Act::Plan("free".into())));
    inputs.push(input("2026-03-01 11:41:00", letter()));
    let outcome = play(&figures(), &inputs);
    // The fifteenth last letter is still within the hour.
    assert_eq!((outcome.letters, refused(&outcome)), (16, vec!["Letter limit of an hour 1".to_owned()]));
}

#[test]
fn what_was_refused_then_may_be_let_in_now() {
    let too_soon = |time: &str| {
        let refused = Some(LoginRefusal::TooSoon);
        input(time, Act::Login { protocol: Some(Protocol::Pop3), from: None, refused })
    };
    let inputs = [
        input("2026-03-01 10:00:00", login(Protocol::Pop3)),
        too_soon("2026-03-01 10:02:00"),
        too_soon("2026-03-01 10:04:00"),
        input("2026-03-01 10:05:00", login(Protocol::Pop3)),
    ];
    let today = play(&figures(), &inputs);
    assert_eq!((today.logins, refused(&today)), (2, vec!["Login(Pop3) too soon 2".to_owned()]));
    let mut oftener = figures();
    oftener.plans.values_mut().for_each(|plan| plan.checks.interval = Duration::from_secs(60));
    assert_eq!((play(&oftener, &inputs).logins, play(&oftener, &inputs).refused.len()), (4, 0));
}

#[test]
fn what_only_the_record_knows_stays_as_it_was() {
    let refused_as = |refused, minute: u32| {
        let act = Act::Login { protocol: Some(Protocol::Pop3), from: None, refused: Some(refused) };
        input(&format!("2026-03-01 10:{minute:02}:00"), act)
    };
    let inputs = [
        refused_as(LoginRefusal::Plaintext, 0),
        refused_as(LoginRefusal::ClientPassword, 10),
        refused_as(LoginRefusal::TooManySessions, 20),
        refused_as(LoginRefusal::InUse, 30),
    ];
    let expected = ["plaintext 1", "too many sessions 1", "client password 1", "in use 1"];
    let outcome = play(&figures(), &inputs);
    assert_eq!(outcome.logins, 0);
    for why in expected {
        assert!(refused(&outcome).contains(&format!("Login(Pop3) {why}")), "{why}: {outcome:?}");
    }
}

#[test]
fn what_is_not_used_closes_at_its_own_time() {
    let inputs = [
        input("2026-01-31 10:00:00", switch(Protocol::Pop3, Change::On { now: false })),
        input("2026-01-31 11:00:00", login(Protocol::Pop3)),
        input("2026-08-01 10:00:00", login(Protocol::Pop3)),
    ];
    let today = play(&figures(), &inputs);
    assert_eq!(
        turns(&today),
        ["2026-03-31T11:00:00Z pop3 closed, not used for two months", "2026-10-31T11:00:00Z Inactive"]
    );
    assert_eq!(refused(&today), ["Login(Pop3) off 1"]);

    let mut patient = figures();
    patient.access.pop3_idle = Some(Span::Months(7));
    let proposed = play(&patient, &inputs);
    assert_eq!((proposed.logins, refused(&proposed)), (2, Vec::new()));
    assert_eq!(turns(&proposed), Vec::<String>::new(), "neither seven nor nine months are over");
}

#[test]
fn a_switch_opens_after_the_delay_that_is_played() {
    let inputs = [
        input("2026-03-01 10:00:00", switch(Protocol::Imap, Change::On { now: false })),
        input("2026-03-01 10:05:00", login(Protocol::Imap)),
        input("2026-03-01 10:15:00", login(Protocol::Imap)),
    ];
    assert_eq!(refused(&play(&figures(), &inputs)), ["Login(Imap) pending 1"]);
    let mut slower = figures();
    slower.access.activation_delay = Duration::from_secs(3600);
    assert_eq!(refused(&play(&slower, &inputs)), ["Login(Imap) pending 2"]);
}

#[test]
fn pushing_against_a_limit_locks_and_the_lock_ends() {
    // Fifteen letters, and then one each second for a minute; the next day one more.
    let mut inputs: Vec<Input> =
        (0..15).map(|n| input(&format!("2026-03-01 10:{:02}:00", n), letter())).collect();
    inputs.extend((0..60).map(|n| input(&format!("2026-03-01 10:20:{n:02}"), letter())));
    inputs.push(input("2026-03-02 10:21:00", letter()));
    let today = play(&figures(), &inputs);
    assert_eq!(turns(&today), ["2026-03-01T10:20:33Z locked, wilful pushing against the sending limits"]);
    assert_eq!(refused(&today), ["Letter limit of an hour 34", "Letter sending locked 26"]);
    assert_eq!(today.letters, 16, "the lock ended after a day");

    let mut lenient = figures();
    lenient.abuse.weights[Signal::Pushing as usize] = 0;
    assert_eq!(turns(&play(&lenient, &inputs)), Vec::<String>::new());
}

#[test]
fn recorded_signs_weigh_by_the_figures_that_are_played() {
    let misses = (0..25).map(|n| {
        let signals = [(Signal::UnknownRecipient, 1)].into();
        input(&format!("2026-03-01 10:00:{n:02}"), Act::UnknownRecipient { signals })
    });
    let misses: Vec<Input> = misses.collect();
    let today = play(&figures(), &misses);
    assert_eq!(turns(&today)[0], "2026-03-01T10:00:20Z locked, suspected theft");
    assert_eq!(turns(&today)[1], "2026-03-01T10:00:20Z smtp closed, suspected theft");
    let mut lenient = figures();
    lenient.abuse.threshold = 1000;
    assert_eq!(turns(&play(&lenient, &misses)), Vec::<String>::new());
}

#[test]
fn the_beginning_follows_from_what_is_done_first() {
    let refused = |why| Act::Login { protocol: Some(Protocol::Pop3), from: None, refused: Some(why) };
    for (act, state) in [
        (login(Protocol::Pop3), GateState::On),
        (switch(Protocol::Pop3, Change::Off), GateState::On),
        (switch(Protocol::Pop3, Change::Block), GateState::On),
        (switch(Protocol::Pop3, Change::On { now: false }), GateState::Off),
        (switch(Protocol::Pop3, Change::Unblock), GateState::Blocked),
        (refused(LoginRefusal::TooSoon), GateState::On),
        (refused(LoginRefusal::Off), GateState::Off),
        (refused(LoginRefusal::Blocked), GateState::Blocked),
        (letter(), GateState::Off),
    ] {
        let inputs =
            [input("2026-03-01 10:00:00", act.clone()), input("2026-03-01 10:01:00", login(Protocol::Imap))];
        let standing = assumed(&inputs);
        assert_eq!(standing.access.pop3.state, state, "{act:?}");
        assert_eq!(standing.access.imap.state, GateState::On);
        let smtp = if act == letter() { GateState::On } else { GateState::Off };
        assert_eq!(standing.access.smtp.state, smtp, "{act:?}");
        assert_eq!(standing.created, at("2026-03-01 10:00:00"));
    }
    assert_eq!(assumed(&[]).access.pop3.state, GateState::Off);
}
