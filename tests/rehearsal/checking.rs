//! Checking mail at the instant at which it may be checked again (SPEC C3), and what programs show of a closed gate
//! (SPEC A4).

use std::time::Duration;

use super::{Account, Stage, done, ready, refused};
use crate::rig::Pop3;

const ALICE: Account = crate::rig::ALICE;
const MICROSECOND: Duration = Duration::from_micros(1);
/// What is enforced: the interval of 300 seconds less the grace.
const ENFORCED: Duration = Duration::from_secs(290);

#[test]
fn c3_fetchmail_and_curl_twice_within_five_minutes() {
    if !ready() {
        return;
    }
    let mut stage = Stage::at("2028-02-29T23:55:00Z");
    stage.add_open(ALICE, "free");
    let mut pop3 = Pop3::connect(&stage.server).expect("a greeting");
    let capa = String::from_utf8(pop3.long_command("CAPA").expect("CAPA is answered")).expect("ASCII");
    assert!(capa.contains("LOGIN-DELAY 300 USER\r\n"), "{capa}");
    drop(pop3);

    // 1 is fetchmail's "no mail", which is a check like any other.
    assert_eq!(stage.fetchmail(ALICE).code, Some(1));
    for program in [Stage::fetchmail, Stage::curl] {
        let early = program(&stage, ALICE);
        assert!(![Some(0), Some(1)].contains(&early.code), "{}{}", early.stdout, early.stderr);
        stage.advance(ENFORCED - MICROSECOND);
        refused(&stage.curl(ALICE), &["[LOGIN-DELAY]", "once in 5 minutes", "Check again in 1 second"]);
        // What was refused does not restart the clock.
        stage.advance(MICROSECOND);
        done(stage.curl(ALICE));
    }
    // However the session ended, also with its server (SPEC C3).
    stage.restart(ALICE, true);
    stage.advance(ENFORCED - MICROSECOND);
    refused(&stage.poplib(ALICE), &["[LOGIN-DELAY]"]);
    stage.advance(MICROSECOND);
    done(stage.poplib(ALICE));
    let check = &stage.show(ALICE)["check"];
    assert_eq!(check["next"], stage.now().plus(ENFORCED).rfc3339(), "{check}");
}

#[test]
fn a4_programs_are_told_why_a_correct_password_does_not_do() {
    if !ready() {
        return;
    }
    let mut stage = Stage::at("2028-02-29T23:55:00Z");
    stage.add(ALICE, "free");
    // A wrong password says nothing of the gate.
    let wrong = (ALICE.0, "wrong");
    refused(&stage.poplib(wrong), &["-ERR [AUTH]"]);
    refused(&stage.smtplib(wrong), &["535", "5.7.8"]);
    // Off (SPEC A1).
    all_pop3(&stage, &["-ERR [SYS/PERM]", "switched off", "https://"]);
    all_smtp(&stage, &["525", "5.7.13", "switched off", "https://"]);
    // Pending (SPEC A2): until when.
    stage.switch_on(ALICE);
    all_pop3(&stage, &["-ERR [SYS/TEMP]", "opens at 2028-03-01 00:10:00 UTC"]);
    all_smtp(&stage, &["454", "4.7.0", "opens at 2028-03-01 00:10:00 UTC"]);
    // Blocked (SPEC A7): the operator's words.
    stage.server.ok(&["account", "access", ALICE.0, "block", "--reason", "see our letter"]);
    all_pop3(&stage, &["-ERR [SYS/PERM]", "blocked", "see our letter"]);
    all_smtp(&stage, &["525", "5.7.13", "blocked", "see our letter"]);
    // Locked (SPEC Q5): sending alone.
    stage.server.ok(&["account", "access", ALICE.0, "unblock"]);
    stage.server.ok(&["account", "access", ALICE.0, "on", "--now"]);
    stage.server.ok(&["account", "lock-sending", ALICE.0, "--reason", "a circular"]);
    all_smtp(&stage, &["550", "5.7.1", "violation of the terms", "a circular"]);
    done(stage.poplib(ALICE));
    // Open again.
    stage.server.ok(&["account", "unlock-sending", ALICE.0]);
    done(stage.msmtp(ALICE));
    stage.advance(ENFORCED);
    done(stage.curl(ALICE));
}

fn all_pop3(stage: &Stage, words: &[&str]) {
    for program in [Stage::poplib, Stage::curl] {
        refused(&program(stage, ALICE), words);
    }
}

fn all_smtp(stage: &Stage, words: &[&str]) {
    for program in [Stage::smtplib, Stage::msmtp, Stage::swaks] {
        refused(&program(stage, ALICE), words);
    }
}
