//! What each program that sends has to achieve.

use std::fs;

use super::{Send, Tls, Visit, programs, python};
use crate::rig::{ALICE, BOB, Letter, Pop3, Server, Service, behind_own_fields, have, with_lf};

#[test]
fn msmtp_sends() {
    scenario(&["msmtp"], programs::msmtp);
}

#[test]
fn swaks_sends() {
    scenario(&["swaks"], programs::swaks);
}

#[test]
fn curl_sends() {
    scenario(&["curl"], programs::curl_send);
}

#[test]
fn smtplib_sends() {
    scenario(&["python3"], python::smtplib);
}

/// A letter over 465, one over 587 with STARTTLS: both arrive as they were; with a wrong password none does.
fn scenario(needs: &[&str], send: Send) {
    if !have(needs) {
        return;
    }
    let server = Server::with_accounts(&[]);
    let home = server.scratch("home");
    let ways = [(Tls::Implicit, Service::Submissions), (Tls::Upgraded, Service::Submission)];
    for (id, (tls, service)) in (1..).zip(ways) {
        let letter = Letter::new(ALICE.0, id, 20_000);
        let file = home.join("letter");
        fs::write(&file, with_lf(&letter.bytes)).expect("a file in a temporary directory");
        let port = server.address(service).port();
        let visit = Visit { port, tls, ..Visit::new(&server, ALICE, &home) };
        send(&visit, &file.to_string_lossy()).expect_success("the program");
        let wrong = Visit { password: "wrong", ..visit };
        let refused = send(&wrong, &file.to_string_lossy());
        assert_ne!(refused.code, Some(0), "a wrong password was not noticed: {}", refused.stdout);

        let mut pop3 = Pop3::login(&server, BOB).expect("bob may fetch");
        let letters = pop3.all().expect("letters");
        assert_eq!(letters.len(), id as usize);
        behind_own_fields(&letters[id as usize - 1], &letter.bytes).expect("what was sent, unchanged");
        pop3.quit().expect("QUIT is answered");
    }
}
