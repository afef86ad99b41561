//! Commands: their order, their arguments, what they announce.

use postern_model::record::{BodyKind, Notify, Ret};

use super::*;

#[test]
fn the_greeting_and_the_plain_commands() {
    let mut pump = Pump::new(Role::Mx);
    assert_eq!(pump.heard(), "220 foo.com ESMTP Postern\r\n");
    pump.expect("NOOP", "250 2.0.0");
    pump.expect("RSET", "250 2.0.0");
    pump.expect("VRFY alice", "252 2.0.0");
    pump.expect("VRFY", "501 5.5.4");
    pump.expect("EXPN staff", "502 5.5.1");
    pump.expect("HELO client.example", "250 foo.com");
    pump.expect("RSET now", "501 5.5.4");
    pump.expect("BOGUS", "500 5.5.1");
    assert!(pump.reply("HELP").starts_with("214-2.0.0 EHLO HELO"));
    pump.expect("quit", "221 2.0.0");
    assert!(pump.closed);
}

#[test]
fn each_role_announces_what_it_does() {
    let common = "250-foo.com\r\n250-PIPELINING\r\n250-SIZE 36700160\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n\
                  250-CHUNKING\r\n250-BINARYMIME\r\n250-DSN\r\n250-DELIVERBY\r\n250-ENHANCEDSTATUSCODES\r\n";
    let limits = "LIMITS MAILMAX=10000 RCPTMAX=100\r\n";
    let users = "250-FUTURERELEASE 2592000 2026-03-31T10:00:00Z\r\n250-MT-PRIORITY MIXER\r\n";
    let secret = "250-REQUIRETLS\r\n";
    let ehlo = |pump: &mut Pump| {
        pump.heard();
        pump.reply("EHLO client.example")
    };
    let mut mx = Pump::new(Role::Mx);
    assert_eq!(ehlo(&mut mx), format!("{common}250-{limits}250 STARTTLS\r\n"));
    mx.reply("STARTTLS");
    mx.secure();
    assert_eq!(ehlo(&mut mx), format!("{common}250-{limits}250 REQUIRETLS\r\n"));

    let mut submission = Pump::new(Role::Submission);
    let late = users.replace("250-MT-PRIORITY", "250 MT-PRIORITY");
    assert_eq!(ehlo(&mut submission), format!("{common}250-{limits}250-STARTTLS\r\n{late}"));
    submission.reply("STARTTLS");
    submission.secure();
    let auth = "250 AUTH SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN LOGIN\r\n";
    assert_eq!(ehlo(&mut submission), format!("{common}250-{limits}{secret}{users}{auth}"));

    let mut submissions = Pump::new(Role::Submissions);
    assert_eq!(ehlo(&mut submissions), format!("{common}250-{limits}{secret}{users}{auth}"));

    let mut legacy = Pump::with(Role::Submission, |settings| settings.legacy_plaintext = true);
    let heard = ehlo(&mut legacy);
    assert!(
        heard.contains("250-STARTTLS\r\n") && heard.contains("AUTH SCRAM-SHA-256 PLAIN LOGIN"),
        "{heard}"
    );
}

#[test]
fn commands_come_in_their_order() {
    let mut pump = Pump::new(Role::Mx);
    pump.heard();
    pump.expect("MAIL FROM:<x@y.test>", "503 5.5.1");
    pump.reply("EHLO client.example");
    pump.expect("RCPT TO:<alice@foo.com>", "503 5.5.1");
    pump.expect("DATA", "503 5.5.1");
    pump.expect("MAIL FROM:<x@y.test>", "250 2.1.0");
    pump.expect("MAIL FROM:<x@y.test>", "503 5.5.1");
    pump.expect("DATA", "554 5.5.1");
    pump.expect("RCPT TO:<alice@foo.com>", "250 2.1.5");
    pump.expect("STARTTLS", "503 5.5.1");
    pump.expect("RSET", "250 2.0.0");
    pump.expect("RCPT TO:<alice@foo.com>", "503 5.5.1");
    pump.expect("MAIL FROM:<x@y.test>", "250 2.1.0");
    pump.reply("EHLO client.example");
    pump.expect("RCPT TO:<alice@foo.com>", "503 5.5.1");
}

#[test]
fn mail_has_its_codes() {
    let mut pump = Pump::ready_with(Role::Mx, |settings| settings.errors = 99);
    for (line, code) in [
        ("MAIL FROM:alice@foo.com", "501 5.5.4"),
        ("MAIL FROM:<alice>", "501 5.1.7"),
        ("MAIL FROM:<x@y.test> SIZE=36700161", "552 5.3.4"),
        ("MAIL FROM:<x@y.test> SIZE=many", "501 5.5.4"),
        ("MAIL FROM:<x@y.test> BODY=9BIT", "501 5.5.4"),
        ("MAIL FROM:<x@y.test> RET=ALL", "501 5.5.4"),
        ("MAIL FROM:<x@y.test> HOLDFOR=60", "555 5.5.4"),
        ("MAIL FROM:<x@y.test> MT-PRIORITY=1", "555 5.5.4"),
        ("MAIL FROM:<x@y.test> REQUIRETLS", "555 5.5.4"),
        ("MAIL FROM:<x@y.test> AUTH=<>", "555 5.5.4"),
        ("MAIL FROM:<jānis@y.test>", "553 5.6.7"),
        ("MAIL FROM:<x@ēka.lv>", "553 5.6.7"),
        ("MAIL FROM:<x@y.test> SIZE=36700160 BODY=8BITMIME", "250 2.1.0"),
    ] {
        pump.expect(line, code);
    }
    for (line, code) in [
        ("RCPT TO:<jānis@foo.com>", "553 5.6.7"),
        ("RCPT TO:<nobody@foo.com>", "550 5.1.1"),
        ("RCPT TO:<x@elsewhere.test>", "550 5.7.1"),
        ("RCPT TO:<a b@foo.com>", "501 5.1.3"),
        ("RCPT TO:<>", "501 5.1.3"),
        ("RCPT TO:<alice@foo.com> NOTIFY=SOON", "501 5.5.4"),
        ("RCPT TO:<alice@foo.com> SIZE=1", "555 5.5.4"),
        ("RCPT TO:<@relay.test:alice@foo.com>", "250 2.1.5"),
        ("RCPT TO:<Postmaster>", "250 2.1.5"),
    ] {
        pump.expect(line, code);
    }
    pump.reply("RSET");
    pump.expect("MAIL FROM:<jānis@y.test> SMTPUTF8", "250 2.1.0");
    pump.expect("RCPT TO:<jānis@foo.com>", "250 2.1.5");
}

#[test]
fn helo_has_no_extensions() {
    let mut pump = Pump::new(Role::Mx);
    pump.reply("HELO client.example");
    pump.expect("MAIL FROM:<x@y.test> SIZE=10", "555 5.5.4");
    pump.expect("MAIL FROM:<x@y.test>", "250 2.1.0");
}

#[test]
fn a_postmaster_who_has_no_mailbox_is_unknown_and_no_route_is_told() {
    let mut pump = Pump::ready_with(Role::Mx, |settings| {
        settings.postmaster = EmailAddress::parse("postmaster@elsewhere.test").ok();
    });
    pump.reply("MAIL FROM:<>");
    pump.expect("RCPT TO:<postmaster>", "550 5.1.1");
    let mut pump = Pump::ready_with(Role::Mx, |settings| settings.postmaster = None);
    pump.reply("MAIL FROM:<>");
    pump.expect("RCPT TO:<postmaster>", "550 5.1.1");
}

#[test]
fn the_recipients_of_a_letter_are_limited() {
    let mut pump = Pump::ready(Role::Submissions);
    pump.reply("MAIL FROM:<alice@foo.com>");
    for to in ["alice", "bob", "bob"] {
        pump.expect(&format!("RCPT TO:<{to}@foo.com>"), "250 2.1.5");
    }
    pump.expect("RCPT TO:<carol@foo.com>", "452 4.5.3");
    let mut mx = Pump::ready_with(Role::Mx, |settings| settings.recipients = 1);
    mx.reply("MAIL FROM:<x@y.test>");
    mx.expect("RCPT TO:<alice@foo.com>", "250 2.1.5");
    mx.expect("RCPT TO:<bob@foo.com>", "452 4.5.3");
}

#[test]
fn a_client_may_send_everything_at_once() {
    for piece in [1, 2, 7, usize::MAX] {
        let mut pump = Pump::ready(Role::Mx);
        pump.piece = piece;
        pump.send(
            "MAIL FROM:<x@y.test>\r\nRCPT TO:<alice@foo.com>\r\nRCPT TO:<nobody@foo.com>\r\nDATA\r\n\
             A: b\r\n\r\n..\r\n.\r\nMAIL FROM:<>\r\nRSET\r\nQUIT\r\nNOOP\r\n",
        );
        let heard = pump.heard();
        let codes: Vec<_> = heard.lines().map(|line| &line[..3]).collect();
        assert_eq!(codes, ["250", "250", "550", "354", "250", "250", "250", "221"], "pieces of {piece}");
        assert_eq!(pump.letters[0].sent(), b"A: b\r\n\r\n.\r\n");
        assert!(pump.closed);
    }
}

#[test]
fn what_was_in_the_pipe_behind_a_refused_mail_is_no_error() {
    let mut pump = Pump::ready(Role::Submissions);
    let rest = "RCPT TO:<bob@foo.com>\r\n".repeat(30);
    pump.send(format!("MAIL FROM:<bob@foo.com>\r\n{rest}DATA\r\n"));
    let heard = pump.heard();
    assert!(heard.starts_with("553 5.7.1"), "{heard}");
    assert_eq!(heard.matches("503 5.5.1").count(), 31);
    assert!(!pump.closed);
    pump.expect("RSET", "250 2.0.0");
    assert!(pump.reply(&format!("{rest}NOOP")).contains("421 4.7.0"), "now it is one");
}

#[test]
fn lines_that_end_otherwise_are_refused() {
    let mut pump = Pump::ready_with(Role::Mx, |settings| settings.errors = 99);
    pump.send("NOOP\nNOOP\nQUIT\r\n");
    assert_eq!(pump.heard().lines().count(), 1, "one line, one reply");
    pump.send("NOOP\r\n");
    assert!(pump.heard().starts_with("250"));
    pump.send("NOOP\rQUIT\r\n");
    assert!(pump.heard().starts_with("500 5.5.2"));
    pump.send("NO\0OP\r\n");
    assert!(pump.heard().starts_with("500 5.5.2"));
    pump.send([&[b'x'; 600][..], b"\r\n"].concat());
    let heard = pump.heard();
    assert!(heard.starts_with("500 5.5.2") && heard.contains("512"), "{heard}");
    pump.send(b"NOOP \xff\r\n");
    assert!(pump.heard().starts_with("500 5.5.2"));
    assert!(!pump.closed);
    pump.send([b'x'; 100_000]);
    pump.send([b'x'; 100_000]);
    assert!(pump.heard().contains("421 4.5.2") && pump.closed);
}

#[test]
fn an_idle_session_is_small() {
    assert!(size_of::<SmtpSession>() <= 320, "{} octets", size_of::<SmtpSession>());
    let pump = Pump::ready(Role::Submissions);
    assert!(pump.session.transaction.is_none());
}

#[test]
fn what_is_asked_goes_with_the_letter() {
    let mut pump = Pump::ready(Role::Submissions);
    pump.expect("MAIL FROM:<alice@foo.com> HOLDFOR=2592001", "501 5.5.4");
    pump.expect(
        "MAIL FROM:<alice@foo.com> RET=HDRS ENVID=E+2B1 REQUIRETLS HOLDFOR=60 MT-PRIORITY=-2",
        "250 2.1.0",
    );
    pump.expect("RCPT TO:<bob@foo.com> NOTIFY=SUCCESS ORCPT=rfc822;B+2Bob@foo.com", "250 2.1.5");
    pump.reply("DATA");
    pump.send("From: alice@foo.com\r\n\r\n.\r\n");
    assert!(pump.heard().starts_with("250 2.0.0"));
    let delivery = &pump.letters[0].delivery;
    let terms = &delivery.terms;
    assert_eq!((terms.ret, terms.envid.as_deref()), (Some(Ret::Headers), Some("E+1")));
    assert!(terms.require_tls && terms.not_before.is_some() && terms.priority == -2);
    let asked = &delivery.locals[0].terms;
    assert_eq!(asked.notify, Some(Notify { success: true, failure: false, delay: false }));
    assert_eq!(asked.orcpt.as_deref(), Some("rfc822;B+ob@foo.com"));
}

#[test]
fn a_binary_letter_comes_by_bdat_alone() {
    let mut pump = Pump::ready(Role::Mx);
    pump.reply("MAIL FROM:<x@y.test> BODY=BINARYMIME");
    pump.reply("RCPT TO:<bob@foo.com>");
    pump.expect("DATA", "503 5.5.1");
    pump.send("BDAT 20 LAST\r\nA: b\r\n\r\n\0\r\0\nbare\n\r!\r");
    assert!(pump.heard().starts_with("250 2.0.0"));
    assert!(pump.letters[0].text.ends_with(b"\0\r\0\nbare\n\r!\r"));
    assert_eq!(pump.letters[0].delivery.terms.body, BodyKind::Binary);
}

#[test]
fn lmtp_answers_for_each_recipient() {
    let mut pump = Pump::new(Role::Lmtp);
    assert_eq!(pump.heard(), "220 foo.com LMTP Postern\r\n");
    pump.expect("EHLO front.example", "500 5.5.1");
    pump.expect("HELO front.example", "500 5.5.1");
    assert!(pump.reply("LHLO front.example").contains("250-DSN\r\n"));
    pump.reply("MAIL FROM:<x@y.test>");
    pump.expect("RCPT TO:<alice@foo.com>", "250 2.1.5");
    pump.expect("RCPT TO:<nobody@foo.com>", "550 5.1.1");
    pump.expect("RCPT TO:<bob@foo.com>", "250 2.1.5");
    pump.reply("DATA");
    pump.send("A: b\r\n\r\n.\r\n");
    assert_eq!(pump.heard().matches("250 2.0.0").count(), 2, "two were taken");
    assert!(pump.letters[0].front().contains("with LMTP id"));

    pump.refuse.insert("accept", Refusal::StoreFull);
    pump.reply("MAIL FROM:<>");
    pump.reply("RCPT TO:<alice@foo.com>");
    pump.reply("RCPT TO:<bob@foo.com>");
    pump.send("BDAT 8 LAST\r\nA: b\r\n\r\n");
    assert_eq!(pump.heard().matches("452 4.3.1").count(), 2);
    let mut smtp = Pump::new(Role::Mx);
    smtp.heard();
    smtp.expect("LHLO front.example", "500 5.5.1");
}
