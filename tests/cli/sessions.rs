//! What the operator does acts on open sessions at once (SPEC A2, O4, O6).

use rustix::process::Signal;

use super::{assert_failed, json};
use crate::rig::{ALICE, BOB, How, Letter, Pop3, Server, Service, Smtp, Wire, patiently};

#[test]
fn switching_access_off_closes_open_sessions() {
    let server = Server::with_accounts(&[]);
    let mut smtp = Smtp::login(&server, ALICE).expect("alice may send");
    let letter = Letter::new(ALICE.0, 1, 2_000);
    assert_eq!(smtp.send(ALICE.0, &[ALICE.0], &letter.bytes, How::Data).expect("a reply").code, 250);
    let mut pop3 = Pop3::login(&server, ALICE).expect("alice may fetch");
    let mut others = Pop3::login(&server, BOB).expect("bob may fetch");
    pop3.command("DELE 1").expect("DELE is answered");

    server.ok(&["account", "access", ALICE.0, "off"]);
    // POP3 can't speak unasked: the refusal answers the next command, and nothing is deleted.
    let answer = pop3.say("QUIT").expect("an answer");
    assert!(answer.starts_with("-ERR [SYS/PERM]"), "{answer}");
    assert!(pop3.0.is_closed());
    let reply = smtp.reply().expect("SMTP says it at once");
    assert_eq!(reply.code, 421, "{}", reply.text());
    assert!(smtp.0.is_closed());
    others.command("NOOP").expect("bob's session goes on");

    let refused = Smtp::login(&server, ALICE).err().expect("SMTP is off").to_string();
    assert!(refused.starts_with("525 5.7.13"), "{refused}");
    server.ok(&["account", "access", ALICE.0, "on", "--now"]);
    let mut pop3 = Pop3::login(&server, ALICE).expect("alice may fetch again");
    // Hers, and the notice that access was switched off.
    assert_eq!(pop3.count().expect("STAT is answered"), 2);
}

#[test]
fn a_letter_under_way_is_refused_at_its_end() {
    let server = Server::with_accounts(&[]);
    let mut smtp = Smtp::login(&server, ALICE).expect("alice may send");
    smtp.command(&format!("MAIL FROM:<{}>", ALICE.0)).expect("a sender");
    smtp.command(&format!("RCPT TO:<{}>", BOB.0)).expect("a recipient");
    smtp.command("DATA").expect("DATA is answered");
    smtp.0.send(format!("From: <{}>\r\n\r\nhalf of it\r\n", ALICE.0).as_bytes()).expect("half a letter");
    server.ok(&["account", "access", ALICE.0, "off"]);
    // The server may have ended the connection already.
    let _ = smtp.0.send(b"and the rest\r\n.\r\n");
    let reply = smtp.reply().expect("a reply");
    assert_eq!(reply.code, 421, "{}", reply.text());
    assert_eq!(Pop3::login(&server, BOB).expect("bob may fetch").count().expect("STAT is answered"), 0);
}

#[test]
fn the_manual_clock_moves_when_told() {
    let mut server = Server::with_accounts(&[("POSTERN_CLOCK", "manual")]);
    let now = |server: &Server| json(&server.ok(&["clock", "show", "--json"]))["now"].clone();
    let before = now(&server);
    assert_eq!(now(&server), before, "it stands still");

    // After a minute of silence another login takes the mailbox over, and not before (SPEC C2).
    let mut first = Pop3::login(&server, ALICE).expect("alice may fetch");
    server.ok(&["clock", "advance", "59s"]);
    let refused = Pop3::login(&server, ALICE).err().expect("the mailbox is in use").to_string();
    assert!(refused.starts_with("-ERR [IN-USE]"), "{refused}");
    server.ok(&["clock", "advance", "1s"]);
    let mut second = Pop3::login(&server, ALICE).expect("the mailbox is taken over");
    assert!(first.command("NOOP").is_err());

    // After ten minutes of silence a session ends.
    server.ok(&["clock", "advance", "10m"]);
    assert!(second.0.is_closed() || second.command("NOOP").is_err());

    let advanced = now(&server);
    assert_ne!(advanced, before);
    server.sigkill();
    server.restart();
    assert_eq!(now(&server), advanced, "it goes on where it stood");
}

#[test]
fn the_systems_clock_is_not_to_be_moved() {
    let server = Server::start(&[]);
    assert_failed(&server.cli(&["clock", "advance", "1h"], ""), &["POSTERN_CLOCK=manual"]);
}

#[test]
fn sigterm_tells_the_sessions_and_ends_well() {
    let mut server = Server::with_accounts(&[]);
    let mut smtp = Smtp::login(&server, ALICE).expect("alice may send");
    let letter = Letter::new(ALICE.0, 1, 2_000);
    assert_eq!(smtp.send(ALICE.0, &[BOB.0], &letter.bytes, How::Data).expect("a reply").code, 250);
    let mut pop3 = Pop3::login(&server, BOB).expect("bob may fetch");
    pop3.command("DELE 1").expect("DELE is answered");
    let mut greeted = Wire::plain(server.address(Service::Smtp)).expect("a connection");
    greeted.line().expect("a greeting");

    server.signal(Signal::TERM);
    let reply = smtp.reply().expect("SMTP is told");
    assert_eq!(reply.code, 421, "{}", reply.text());
    assert!(greeted.line().expect("so is who has not logged in").starts_with("421"));
    if let Ok(answer) = pop3.say("NOOP") {
        assert!(answer.starts_with("-ERR"), "{answer}");
    }
    drop((smtp, pop3, greeted));
    assert_eq!(server.ended().code(), Some(0), "{}", server.log());

    server.restart();
    let mut pop3 = Pop3::login(&server, BOB).expect("bob may fetch");
    assert_eq!(pop3.count().expect("STAT is answered"), 1, "a session that was ended deletes nothing");
}

#[test]
fn sigterm_ends_a_server_with_nobody_connected() {
    let mut server = Server::with_accounts(&[]);
    let address = server.address(Service::Pop3s);
    server.signal(Signal::TERM);
    assert_eq!(server.ended().code(), Some(0), "{}", server.log());
    assert!(!server.data().join("control.sock").exists(), "the socket is taken away");
    patiently("the port is free", || Wire::plain(address).is_err().then_some(()));
}
