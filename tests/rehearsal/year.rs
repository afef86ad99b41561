//! One account's life, from December to December: every rule of access, checks and sending that a user meets, in the
//! order in which they meet them. Between any two steps, and in the middle of waiting, the server may be stopped or
//! killed: `POSTERN_REHEARSAL_SEED` says where, and nothing of the story may change by it.

use std::env;
use std::time::Duration;

use super::story::{NOTICES, STORY};
use super::{Account, Stage, done, ready, refused};
use crate::rig::{Outcome, Random, Smtp};

const ALICE: Account = crate::rig::ALICE;
const BOB: Account = crate::rig::BOB;
/// What a user waits for.
const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[test]
fn o6_a_year_of_one_account() {
    if !ready() {
        return;
    }
    let seed = env::var("POSTERN_REHEARSAL_SEED").ok().map_or(4, |text| text.parse().expect("a number"));
    eprintln!("POSTERN_REHEARSAL_SEED={seed} repeats this run");
    let mut life = Life::begin(seed);
    life.switches_on();
    life.fetches_for_an_hour();
    life.sends_sixteen_letters();
    life.pushes_and_is_locked();
    life.leaves_pop3_alone();
    life.switches_on_again();
    life.is_blocked();
    life.is_away_for_nine_months();
    life.is_told_as_it_was();
}

/// The account, what is expected of it, and chance.
struct Life {
    stage: Stage,
    random: Random,
    /// Letters that were sent and accepted.
    sent: usize,
    /// Notices that came.
    notices: usize,
    /// Letters that poplib has read.
    read: Vec<String>,
    restarts: usize,
}

impl Life {
    /// A new account. Bob writes to it now and then.
    fn begin(seed: u64) -> Life {
        let stage = Stage::at("2027-12-01T09:00:00Z");
        stage.add(ALICE, "free");
        stage.server.ok(&["account", "access", BOB.0, "on", "--now", "--protocol", "smtp"]);
        Life { stage, random: Random::new(seed), sent: 0, notices: 0, read: Vec::new(), restarts: 0 }
    }

    /// Here the server may go down.
    fn anything_may_happen(&mut self) {
        if self.random.one_in(3) {
            let kill = self.random.one_in(2);
            self.stage.restart(ALICE, kill);
            self.restarts += 1;
        }
    }

    /// Time goes by, at times with the server's end in the middle of it.
    fn wait(&mut self, by: Duration) {
        self.anything_may_happen();
        if self.random.one_in(4) {
            self.stage.settle(ALICE);
            self.stage.advance_and_kill(by, &mut self.random);
            self.restarts += 1;
        } else {
            self.stage.advance(by);
        }
        self.anything_may_happen();
    }

    fn wait_until(&mut self, at: &str) {
        self.wait(super::stage::time(at).since(self.stage.now()));
    }

    /// So many notices more are in the INBOX, and no other (SPEC N1, N3).
    fn is_told(&mut self, more: usize) {
        self.notices += more;
        self.stage.has_notices(ALICE, self.notices);
    }

    /// Reads what is new.
    fn fetches(&mut self) {
        done(self.stage.poplib(ALICE));
        self.read.extend(self.stage.fetched("poplib", ALICE));
    }

    fn sends(&mut self, program: fn(&Stage, Account) -> Outcome) {
        done(program(&self.stage, ALICE));
        self.sent += 1;
    }

    fn sends_five(&mut self) {
        for program in [Stage::smtplib, Stage::msmtp, Stage::swaks, Stage::msmtp, Stage::smtplib] {
            self.sends(program);
        }
    }

    fn gate(&self, protocol: &str) -> String {
        self.stage.show(ALICE)["access"][protocol]["state"].as_str().expect("a state").to_owned()
    }

    /// A1, A2, A3: everything is off; 15 minutes after the switch it opens, and not sooner, whatever happens meanwhile.
    fn switches_on(&mut self) {
        refused(&self.stage.poplib(ALICE), &["-ERR [SYS/PERM]", "switched off"]);
        refused(&self.stage.smtplib(ALICE), &["525", "5.7.13", "switched off"]);
        self.stage.switch_on(ALICE);
        self.is_told(1); // At once, so that an owner who did not ask can cancel.
        self.wait(15 * MINUTE - Duration::from_micros(1));
        refused(&self.stage.poplib(ALICE), &["-ERR [SYS/TEMP]", "opens at 2027-12-01 09:15:00 UTC"]);
        refused(&self.stage.msmtp(ALICE), &["454", "4.7.0", "opens at 2027-12-01 09:15:00 UTC"]);
        assert_eq!(self.gate("pop3"), "pending");
        self.wait(Duration::from_micros(1));
        assert_eq!(self.gate("pop3"), "on");
        self.fetches();
        assert_eq!(self.read.len(), 1, "the notice, and nothing else");
    }

    /// C3, C5: every 5 minutes mail is there to be fetched, sooner it is refused, and a refusal changes nothing.
    fn fetches_for_an_hour(&mut self) {
        for round in 1..=12 {
            if round % 4 == 0 {
                done(self.stage.msmtp_to(BOB, ALICE.0));
            }
            self.wait(100 * Duration::from_secs(1));
            let sooner = [Stage::poplib, Stage::curl][round % 2];
            refused(&sooner(&self.stage, ALICE), &["[LOGIN-DELAY]", "in 190 seconds"]);
            self.wait(200 * Duration::from_secs(1));
            if round % 3 == 0 {
                done(self.stage.fetchmail(ALICE));
            } else {
                self.fetches();
            }
        }
        self.wait(5 * MINUTE);
        self.fetches();
        assert_eq!(self.read.len(), 4, "the notice and bob's three letters, once each");
        assert_eq!(self.stage.show(ALICE)["storage"]["messages"], 4, "all are still there");
    }

    /// Q1, Q2, Q3: 5 in a minute, 15 in an hour, a refused one counts for nothing.
    fn sends_sixteen_letters(&mut self) {
        for _ in 0..3 {
            self.sends_five();
            refused(&self.stage.msmtp(ALICE), &["451", "4.7.0"]);
            self.wait(MINUTE);
        }
        refused(&self.stage.swaks(ALICE), &["451", "4.7.0", "At most 15 letters", "in 3420 seconds"]);
        self.wait(57 * MINUTE);
        self.sends(Stage::swaks);
    }

    /// Q4: who goes on pushing is locked, is told, and is free again a day later.
    fn pushes_and_is_locked(&mut self) {
        for _ in 0..4 {
            self.sends(Stage::msmtp);
        }
        self.anything_may_happen();
        assert_eq!(self.pushes(), 34, "3 points each, and the lock at 100");
        refused(
            &self.stage.msmtp(ALICE),
            &["550", "5.7.1", "until 2027-12-02 11:20:00 UTC", "pushed against"],
        );
        self.is_told(1);
        let sending = &self.stage.show(ALICE)["sending"];
        assert_eq!(sending["locked"], true);
        assert_eq!(sending["reason"], "wilful pushing against the sending limits");
        assert_eq!(sending["evidence"][0]["signal"], "pushing");
        assert_eq!(sending["evidence"][0]["count"], 34);
        self.fetches(); // Sending alone is locked (SPEC A7).
        self.wait(DAY);
        self.is_told(1);
        self.sends(Stage::msmtp);
    }

    /// A program that knows no patience. Returns how often it was put off before it was shut out.
    fn pushes(&self) -> usize {
        let mut smtp = Smtp::login(&self.stage.server, ALICE).expect("not locked yet");
        for tries in 0..100 {
            let reply = smtp.say(&format!("MAIL FROM:<{}>", ALICE.0)).expect("a reply");
            match reply.code {
                451 => {}
                550 => return tries,
                421 => smtp = Smtp::login(&self.stage.server, ALICE).expect("not locked yet"),
                _ => panic!("{}", reply.text()),
            }
        }
        panic!("never locked")
    }

    /// A6, A11: two months from 31 December end on 29 February; a week before, the user is warned.
    fn leaves_pop3_alone(&mut self) {
        self.wait_until("2027-12-31T12:00:00Z");
        self.fetches();
        self.wait_until("2028-02-29T11:59:59Z");
        assert_eq!(self.gate("pop3"), "on");
        self.is_told(1);
        self.wait_until("2028-03-01T12:00:00Z");
        assert_eq!(self.gate("pop3"), "off");
        self.is_told(1);
        refused(&self.stage.fetchmail(ALICE), &[]);
        refused(&self.stage.poplib(ALICE), &["-ERR [SYS/PERM]", "not used for a long time"]);
        self.sends(Stage::msmtp); // SMTP does not close for want of use.
    }

    /// A8: the user can switch it on again, and reads by POP3 what happened meanwhile (SPEC N1).
    fn switches_on_again(&mut self) {
        self.stage.switch_on(ALICE);
        self.is_told(1);
        self.wait(15 * MINUTE);
        self.fetches();
    }

    /// A7, A8: a block is the operator's to take away.
    fn is_blocked(&mut self) {
        let access = ["account", "access", ALICE.0];
        self.stage.server.ok(&[&access[..], &["block", "--reason", "unpaid"]].concat());
        self.is_told(1);
        self.anything_may_happen();
        refused(&self.stage.poplib(ALICE), &["-ERR [SYS/PERM]", "blocked", "unpaid"]);
        refused(&self.stage.swaks(ALICE), &["525", "5.7.13", "blocked", "unpaid"]);
        let tried = self.stage.server.cli(&[&access[..], &["on", "--as-user"]].concat(), "");
        assert_eq!(tried.code, Some(1), "{}", tried.stdout);
        self.stage.server.ok(&[&access[..], &["unblock"]].concat());
        self.is_told(1);
        assert_eq!(self.gate("smtp"), "off");
        self.stage.switch_on(ALICE);
        self.is_told(1);
        self.wait(15 * MINUTE);
        self.fetches();
    }

    /// A6 once more, and A9: nine months without any login. A login makes the account active, and POP3 stays off.
    fn is_away_for_nine_months(&mut self) {
        self.wait_until("2028-12-01T12:30:00Z");
        self.is_told(4); // Two warnings, POP3's end, the account's inactivity.
        assert_eq!(self.stage.show(ALICE)["status"], "inactive");
        self.sends(Stage::swaks);
        assert_eq!(self.stage.show(ALICE)["status"], "active");
        refused(&self.stage.poplib(ALICE), &["-ERR [SYS/PERM]"]);
        self.stage.switch_on(ALICE);
        self.is_told(1);
        self.wait(15 * MINUTE);
        self.fetches();
    }

    /// A10, N3, Q2: the account's events are this story and nothing else, each notice came once, each letter counts
    /// once, and is in bob's INBOX once.
    fn is_told_as_it_was(&mut self) {
        let events = self.stage.events(ALICE);
        let text = |value: &serde_json::Value| value.as_str().unwrap_or("-").to_owned();
        let words = |event: &serde_json::Value| {
            let [at, kind, protocol, by] = ["at", "kind", "protocol", "by"].map(|name| text(&event[name]));
            format!("{at} {kind} {protocol} {by}")
        };
        let aside = ["login", "login-refused", "letter", "letter-refused", "notice", "checkpoint"];
        let told: Vec<_> = events
            .iter()
            .filter(|event| !aside.contains(&text(&event["kind"]).as_str()))
            .map(words)
            .collect();
        assert_eq!(told, STORY);
        let of_kind = |kind| events.iter().filter(move |event| event["kind"] == kind);
        let notices: Vec<_> = of_kind("notice").map(|event| text(&event["detail"]["notice"])).collect();
        assert_eq!(notices, NOTICES);
        let by_postern = |letter: &&String| letter.contains("\nAuto-Submitted: auto-generated");
        assert_eq!(self.read.iter().filter(by_postern).count(), NOTICES.len());
        assert_eq!(of_kind("letter").count(), self.sent);
        // Bob was away for nine months too: a warning and the notice of it.
        assert_eq!(self.stage.show(BOB)["storage"]["messages"], self.sent + 2);
        self.stage.server.ok(&["check"]);
        eprintln!("a year, {} events and {} restarts", events.len(), self.restarts);
    }
}
