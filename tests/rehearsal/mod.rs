//! Months of policy in a minute (SPEC O6): the real server on a manual clock, with people's programs at its doors.
//!
//! `year` is one account's life from its first switch on to its reactivation, with the server stopped and killed at
//! random points; the others look at one rule at the instant at which it turns.

mod checking;
mod sending;
mod stage;
mod story;
mod year;

use crate::clients::{Visit, programs, python};
use crate::rig::{Outcome, Service, have};
use stage::Stage;

/// Programs without which nothing is rehearsed.
const PROGRAMS: [&str; 5] = ["python3", "fetchmail", "curl", "msmtp", "swaks"];

/// An account's address and password.
type Account = (&'static str, &'static str);

/// Whether there is anything to rehearse with. Where not, says so; with `CI=true` that is a failure.
fn ready() -> bool {
    have(&PROGRAMS)
}

impl Stage {
    /// Python's poplib fetches what it has not seen; a letter that it got is a file in [`Stage::fetched`].
    fn poplib(&self, account: Account) -> Outcome {
        self.run("poplib", account, Service::Pop3s, python::poplib)
    }

    /// fetchmail fetches what it has not seen.
    fn fetchmail(&self, account: Account) -> Outcome {
        self.run("fetchmail", account, Service::Pop3s, programs::fetchmail)
    }

    /// curl lists the letters.
    fn curl(&self, account: Account) -> Outcome {
        let list = |visit: &Visit<'_>| programs::curl(visit, "pop3", "", &["--request", "LIST", "--verbose"]);
        self.run("curl", account, Service::Pop3s, list)
    }

    /// msmtp sends a letter to bob.
    fn msmtp(&self, account: Account) -> Outcome {
        let letter = self.letter(account);
        self.run("msmtp", account, Service::Submissions, |visit| programs::msmtp(visit, &letter))
    }

    /// msmtp sends a letter to anybody.
    fn msmtp_to(&self, account: Account, to: &str) -> Outcome {
        let letter = self.letter(account);
        self.run("msmtp", account, Service::Submissions, |visit| programs::msmtp_to(visit, &letter, to))
    }

    /// swaks sends a letter to bob, and prints the dialogue.
    fn swaks(&self, account: Account) -> Outcome {
        let letter = self.letter(account);
        self.run("swaks", account, Service::Submissions, |visit| programs::swaks(visit, &letter))
    }

    /// Python's smtplib sends a letter to bob.
    fn smtplib(&self, account: Account) -> Outcome {
        let letter = self.letter(account);
        self.run("smtplib", account, Service::Submissions, |visit| python::smtplib(visit, &letter))
    }
}

/// The program failed, and showed all of `words`: the server's own.
#[track_caller]
fn refused(outcome: &Outcome, words: &[&str]) {
    assert_ne!(outcome.code, Some(0), "not refused: {}{}", outcome.stdout, outcome.stderr);
    let said = format!("{}{}", outcome.stdout, outcome.stderr);
    let missing: Vec<_> = words.iter().filter(|word| !said.contains(**word)).collect();
    assert!(missing.is_empty(), "no word of {missing:?} in:\n{said}");
}

/// The program did what it was to do.
#[track_caller]
fn done(outcome: Outcome) {
    assert_eq!(outcome.code, Some(0), "{}{}", outcome.stdout, outcome.stderr);
}
