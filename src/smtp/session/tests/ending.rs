//! How a session ends: told to, out of patience, or by the clock.

use super::*;

fn closed() -> Tell {
    Tell::Closed(Refusal::AccessOff { protocol: Protocol::Smtp, reason: None, text: None })
}

/// Behind DATA, in the body.
fn in_a_letter() -> Pump {
    let mut pump = Pump::ready(Role::Submissions);
    pump.reply("MAIL FROM:<alice@foo.com>");
    pump.reply("RCPT TO:<bob@foo.com>");
    pump.reply("DATA");
    pump.send("From: alice@foo.com\r\n\r\nbody\r\n");
    pump
}

#[test]
fn an_idle_session_ends_when_it_is_told() {
    for (tell, code) in [(closed(), "421 4.7.0"), (Tell::Stopping, "421 4.3.2")] {
        let mut pump = Pump::ready(Role::Submissions);
        pump.tell(tell);
        let heard = pump.heard();
        assert!(heard.starts_with(code) && heard.lines().count() == 1, "{heard}");
        assert!(pump.closed);
    }
    let mut pump = Pump::ready(Role::Submissions);
    pump.tell(Tell::TakenOver);
    pump.expect("NOOP", "250 2.0.0");
}

#[test]
fn a_letter_under_way_is_refused_at_its_end_when_access_is_shut() {
    let mut pump = in_a_letter();
    pump.tell(closed());
    assert!(pump.heard().is_empty() && !pump.closed);
    pump.send(".\r\nNOOP\r\n");
    let heard = pump.heard();
    assert!(heard.starts_with("421 4.7.0") && heard.lines().count() == 1, "{heard}");
    assert!(pump.closed && pump.letters.is_empty());

    let mut pump = Pump::ready(Role::Submissions);
    pump.reply("MAIL FROM:<alice@foo.com>");
    pump.reply("RCPT TO:<bob@foo.com>");
    pump.send("BDAT 4 LAST\r\n\r\n");
    pump.tell(closed());
    pump.send("\r\n");
    assert!(pump.heard().starts_with("421 4.7.0") && pump.letters.is_empty());
}

#[test]
fn a_letter_under_way_is_taken_when_the_server_stops() {
    let mut pump = in_a_letter();
    pump.tell(Tell::Stopping);
    pump.send(".\r\n");
    let heard = pump.heard();
    assert!(heard.starts_with("250 2.0.0") && heard.contains("\r\n421 4.3.2"), "{heard}");
    assert!(pump.closed && pump.letters.len() == 1);
    // Shut while it stops: shut holds.
    let mut pump = in_a_letter();
    pump.tell(closed());
    pump.tell(Tell::Stopping);
    pump.send(".\r\n");
    assert!(pump.heard().starts_with("421 4.7.0") && pump.letters.is_empty());
}

#[test]
fn what_is_asked_is_answered_before_the_session_ends() {
    for (question, first) in [
        ("recipient", "250 2.1.5"),
        ("begin", "421 4.7.0"),
        ("accept", "250 2.0.0"),
        ("authors", "421 4.7.0"),
    ] {
        let mut pump = Pump::ready(Role::Submissions);
        pump.tell_during = Some((question, closed()));
        pump.send(
            "MAIL FROM:<alice@foo.com>\r\nRCPT TO:<bob@foo.com>\r\nDATA\r\nFrom: alice@foo.com\r\n\r\n.\r\n",
        );
        let heard = pump.heard();
        let said: Vec<_> = heard.lines().filter(|line| !line.starts_with("354")).collect();
        let place = match question {
            "recipient" => 1,
            _ => 2,
        };
        assert!(said[place].starts_with(first), "{question}: {heard}");
        assert!(said.last().is_some_and(|line| line.starts_with("421 4.7.0")), "{question}: {heard}");
        assert!(pump.closed);
        assert_eq!(pump.letters.len(), usize::from(question == "accept"), "{question}");
    }
}

#[test]
fn told_during_the_handshake() {
    let mut pump = Pump::new(Role::Submission);
    pump.reply("EHLO client.example");
    pump.reply("STARTTLS");
    pump.tell(Tell::Stopping);
    assert!(pump.heard().is_empty());
    pump.secure();
    assert!(pump.heard().starts_with("421 4.3.2") && pump.closed);
}

#[test]
fn too_many_errors_end_the_connection() {
    let mut pump = Pump::ready(Role::Mx);
    for _ in 0..9 {
        pump.expect("BOGUS", "500 5.5.1");
    }
    let heard = pump.reply("BOGUS");
    assert!(heard.starts_with("500 5.5.1") && heard.contains("\r\n421 4.7.0"), "{heard}");
    assert!(pump.closed);
}

#[test]
fn an_accepted_letter_makes_good_for_errors() {
    let mut pump = Pump::ready(Role::Mx);
    for _ in 0..3 {
        for _ in 0..9 {
            pump.expect("BOGUS", "500 5.5.1");
        }
        pump.send("MAIL FROM:<x@y.test>\r\nRCPT TO:<alice@foo.com>\r\nBDAT 2 LAST\r\n\r\n");
        assert!(pump.heard().contains("On disk"));
    }
    assert!(!pump.closed);
}

#[test]
fn too_many_unknown_recipients_end_the_connection() {
    let mut pump = Pump::ready(Role::Mx);
    pump.reply("MAIL FROM:<x@y.test>");
    for n in 0..24 {
        let to = if n % 2 == 0 { "nobody@foo.com" } else { "x@elsewhere.test" };
        pump.expect(&format!("RCPT TO:<{to}>"), "550 5.");
    }
    assert!(pump.reply("RCPT TO:<nobody@foo.com>").contains("\r\n421 4.7.0"));
    assert!(pump.closed);
}

#[test]
fn letters_on_one_connection_are_limited() {
    let mut pump = Pump::ready_with(Role::Mx, |settings| settings.letters = 2);
    for _ in 0..2 {
        pump.expect("MAIL FROM:<x@y.test>", "250 2.1.0");
        pump.reply("RSET");
    }
    pump.expect("MAIL FROM:<x@y.test>", "421 4.7.0");
    assert!(pump.closed);
}

#[test]
fn silence_ends_the_connection_sooner_within_a_letter() {
    let mut pump = Pump::ready(Role::Submissions);
    assert!(!pump.wait(299));
    assert!(pump.wait(300));
    assert!(pump.heard().starts_with("421 4.4.2") && pump.closed);
    assert!(!pump.wait(9999), "a closed session waits for nothing");
    let mut pump = in_a_letter();
    pump.heard();
    assert!(!pump.wait(179));
    assert!(pump.wait(180));
    assert!(pump.heard().starts_with("421 4.4.2") && pump.closed);
}

#[test]
fn a_login_must_come_soon() {
    let mut pump = Pump::new(Role::Submissions);
    pump.heard();
    assert!(!pump.wait(30));
    pump.reply("EHLO client.example");
    assert!(!pump.wait(29));
    assert!(pump.wait(1));
    assert!(pump.heard().starts_with("421 4.7.0") && pump.closed);
    let mut mx = Pump::new(Role::Mx);
    assert!(!mx.wait(299), "nobody logs in there");
}
