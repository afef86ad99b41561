//! The limits of sending at the instant at which they turn (SPEC Q1-Q3), as msmtp and swaks meet them.

use std::time::Duration;

use super::{Account, Stage, done, ready, refused};
use crate::rig::Outcome;

/// A program's account, and how it sends.
type Sender = (Account, fn(&Stage, Account) -> Outcome);

const MSMTP: Sender = (("mia@demo.test", "password of mia"), Stage::msmtp);
const SWAKS: Sender = (("sara@demo.test", "password of sara"), Stage::swaks);
const MICROSECOND: Duration = Duration::from_micros(1);

#[test]
fn q1_the_sixth_letter_in_a_minute_by_msmtp_and_swaks() {
    if !ready() {
        return;
    }
    let mut stage = with_senders("free");
    let begin = stage.now();
    for second in [0, 7, 14, 21, 28] {
        turn(&mut stage, begin.plus(Duration::from_secs(second)));
        both(|send, account| done(send(&stage, account)));
    }
    // The first letter and the sixth are less than a minute apart, if only by a microsecond.
    turn(&mut stage, begin.plus(Duration::from_secs(60) - MICROSECOND));
    both(|send, account| {
        refused(&send(&stage, account), &["451", "4.7.0", "At most 5 letters", "60 seconds", "in 1 second."]);
    });
    turn(&mut stage, begin.plus(Duration::from_secs(60)));
    both(|send, account| done(send(&stage, account)));
    // Sliding: the seventh waits for the second.
    both(|send, account| refused(&send(&stage, account), &["451", "4.7.0", "in 7 seconds."]));
    turn(&mut stage, begin.plus(Duration::from_secs(67)));
    both(|send, account| done(send(&stage, account)));
    both(|_, account| assert_eq!(stage.show(account)["sending"]["minute"], used(5, Some(5))));
}

#[test]
fn q1_the_sixteenth_letter_in_an_hour_by_msmtp_and_swaks() {
    if !ready() {
        return;
    }
    let mut stage = with_senders("free");
    let begin = stage.now();
    for letter in 0..15 {
        turn(&mut stage, begin.plus(Duration::from_secs(230 * letter)));
        both(|send, account| done(send(&stage, account)));
        if letter == 7 {
            // What was counted is on disk with the letters (SPEC Q1).
            stage.restart(MSMTP.0, true);
        }
    }
    turn(&mut stage, begin.plus(Duration::from_secs(3600) - MICROSECOND));
    both(|send, account| {
        let words = ["451", "4.7.0", "At most 15 letters", "60 minutes", "in 1 second."];
        refused(&send(&stage, account), &words);
    });
    turn(&mut stage, begin.plus(Duration::from_secs(3600)));
    both(|send, account| done(send(&stage, account)));
    both(|send, account| refused(&send(&stage, account), &["451", "4.7.0", "in 230 seconds (4 minutes)."]));
    both(|_, account| assert_eq!(stage.show(account)["sending"]["hour"], used(15, Some(15))));
}

#[test]
fn q1_mail_plus_has_no_hourly_limit() {
    if !ready() {
        return;
    }
    let mut stage = with_senders("plus");
    let begin = stage.now();
    for minute in 0..4 {
        turn(&mut stage, begin.plus(Duration::from_secs(60 * minute)));
        for _ in 0..5 {
            both(|send, account| done(send(&stage, account)));
        }
        // That of a minute holds for Mail+ too.
        both(|send, account| refused(&send(&stage, account), &["451", "4.7.0", "At most 5 letters"]));
    }
    both(|_, account| {
        assert_eq!(stage.show(account)["sending"]["hour"], used(20, None));
        assert_eq!(stage.show(account)["sending"]["locked"], false);
    });
}

#[test]
fn q3_over_the_limit_the_refusal_comes_at_mail_from() {
    if !ready() {
        return;
    }
    let stage = with_senders("free");
    let (account, send) = SWAKS;
    for _ in 0..5 {
        done(send(&stage, account));
    }
    let dialogue = send(&stage, account);
    refused(&dialogue, &["451", "4.7.0", "The next may go in 60 seconds."]);
    let said: Vec<_> = dialogue
        .stdout
        .lines()
        .filter(|line| line.contains("MAIL FROM") || line.contains("451 4.7.0"))
        .collect();
    assert!(
        matches!(said[..], [mail, answer] if mail.contains("MAIL FROM") && answer.contains("451 4.7.0")),
        "{said:?}"
    );
    assert!(!dialogue.stdout.contains("RCPT TO"), "{}", dialogue.stdout);
}

fn with_senders(plan: &str) -> Stage {
    let stage = Stage::at("2028-02-29T23:30:00Z");
    both(|_, account| stage.add_open(account, plan));
    stage
}

/// The same for either program.
fn both(mut visit: impl FnMut(fn(&Stage, Account) -> Outcome, Account)) {
    for (account, send) in [MSMTP, SWAKS] {
        visit(send, account);
    }
}

fn turn(stage: &mut Stage, at: postern_model::Timestamp) {
    stage.advance(at.since(stage.now()));
}

fn used(used: u32, limit: Option<u32>) -> serde_json::Value {
    serde_json::json!({ "used": used, "limit": limit })
}
