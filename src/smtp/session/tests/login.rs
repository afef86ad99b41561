//! TLS and AUTH: what must come before what, and what is forgotten.

use super::*;

#[test]
fn submission_wants_tls_then_a_login() {
    let mut pump = Pump::new(Role::Submission);
    pump.reply("EHLO client.example");
    pump.expect("MAIL FROM:<alice@foo.com>", "530 5.7.0");
    pump.expect(ALICE, "530 5.7.0");
    assert!(pump.asked.is_empty(), "a password was looked at");
    pump.expect("STARTTLS", "220 2.0.0");
    pump.secure();
    pump.expect("STARTTLS", "503 5.5.1");
    pump.expect("MAIL FROM:<alice@foo.com>", "503 5.5.1");
    pump.reply("EHLO client.example");
    pump.expect("MAIL FROM:<alice@foo.com>", "530 5.7.0");
    pump.expect(ALICE, "235 2.7.0");
    pump.expect("MAIL FROM:<alice@foo.com>", "250 2.1.0");
}

#[test]
fn nothing_said_before_tls_counts_behind_it() {
    let mut pump = Pump::new(Role::Submission);
    pump.reply("EHLO client.example");
    pump.heard();
    // CVE-2011-0411: commands in the same segment as STARTTLS. The session does not touch them.
    let injected = b"STARTTLS\r\nEHLO evil.example\r\nAUTH PLAIN ";
    let mut out = Output::default();
    let taken = pump.session.input(pump.now, injected, &mut out);
    assert_eq!(taken, "STARTTLS\r\n".len());
    pump.done(out);
    assert_eq!(pump.heard().lines().count(), 1);
    pump.secure();
    pump.expect("MAIL FROM:<alice@foo.com>", "503 5.5.1");

    let mut legacy = Pump::with(Role::Submission, |settings| settings.legacy_plaintext = true);
    legacy.reply("EHLO client.example");
    legacy.heard();
    legacy.expect(ALICE, "235 2.7.0");
    legacy.expect("STARTTLS", "220 2.0.0");
    legacy.secure();
    legacy.reply("EHLO client.example");
    legacy.expect("MAIL FROM:<alice@foo.com>", "530 5.7.0");
}

#[test]
fn starttls_has_no_argument_and_is_not_offered_where_tls_is() {
    let mut pump = Pump::new(Role::Submission);
    pump.heard();
    pump.expect("STARTTLS now", "501 5.5.4");
    let mut pump = Pump::new(Role::Submissions);
    pump.heard();
    pump.expect("STARTTLS", "503 5.5.1");
}

#[test]
fn plain_and_login_in_all_their_forms() {
    let fresh = || {
        let mut pump = Pump::new(Role::Submissions);
        pump.reply("EHLO client.example");
        pump.heard();
        pump
    };
    let mut pump = fresh();
    assert_eq!(pump.reply("AUTH PLAIN"), "334 \r\n");
    pump.expect("AGFsaWNlQGZvby5jb20Ac2VjcmV0", "235 2.7.0");
    pump.expect(ALICE, "503 5.5.1");
    let mut pump = fresh();
    assert_eq!(pump.reply("auth login"), "334 VXNlcm5hbWU6\r\n");
    assert_eq!(pump.reply("YWxpY2VAZm9vLmNvbQ=="), "334 UGFzc3dvcmQ6\r\n");
    pump.expect("c2VjcmV0", "235 2.7.0");
    let mut pump = fresh();
    assert_eq!(pump.reply("AUTH LOGIN YWxpY2VAZm9vLmNvbQ=="), "334 UGFzc3dvcmQ6\r\n");
    pump.expect("*", "501 5.7.0");
    pump.expect("NOOP", "250 2.0.0");
    pump.expect("AUTH CRAM-MD5", "504 5.5.4");
    pump.expect("AUTH PLAIN ????", "501 5.5.2");
    pump.expect("AUTH PLAIN =", "501 5.5.2");
    pump.reply("AUTH PLAIN");
    pump.expect("no base64!", "501 5.5.2");
    pump.reply("AUTH PLAIN");
    assert!(pump.reply(&"A".repeat(12_288)).starts_with("500 5.5.6"));
    pump.expect("NOOP", "250 2.0.0");
}

#[test]
fn auth_has_its_place() {
    let mut mx = Pump::ready(Role::Mx);
    mx.expect(ALICE, "502 5.5.1");
    let mut pump = Pump::new(Role::Submissions);
    pump.heard();
    pump.expect(ALICE, "503 5.5.1");
    pump.reply("HELO client.example");
    pump.expect(ALICE, "503 5.5.1");
    assert!(pump.asked.is_empty());
}

#[test]
fn three_failed_logins_end_the_connection() {
    let mut pump = Pump::new(Role::Submissions);
    pump.reply("EHLO client.example");
    pump.heard();
    let wrong = "AUTH PLAIN AGFsaWNlQGZvby5jb20Ad3Jvbmc=";
    pump.expect(wrong, "535 5.7.8");
    pump.expect(wrong, "535 5.7.8");
    let heard = pump.reply(wrong);
    assert!(heard.starts_with("535 5.7.8") && heard.contains("\r\n421 4.7.0"), "{heard}");
    assert!(pump.closed);
}

#[test]
fn every_refused_login_has_its_code() {
    let off = Refusal::AccessOff { protocol: Protocol::Smtp, reason: None, text: None };
    let opens_at = Timestamp::from_seconds(0);
    for (refusal, code, closes) in [
        (off, "525 5.7.13", false),
        (Refusal::AccessPending { protocol: Protocol::Smtp, opens_at }, "454 4.7.0", false),
        (Refusal::PlaintextRefused, "525 5.7.13", false),
        (Refusal::TooManySessions { limit: 3 }, "421 4.7.0", true),
        (Refusal::Stopping, "421 4.3.2", true),
    ] {
        let mut pump = Pump::new(Role::Submissions);
        pump.reply("EHLO client.example");
        pump.heard();
        pump.refuse.insert("login", refusal);
        pump.expect(ALICE, code);
        assert_eq!(pump.closed, closes, "{code}");
    }
}

#[test]
fn scram_asks_for_keys() {
    let mut pump = Pump::new(Role::Submissions);
    pump.reply("EHLO client.example");
    pump.heard();
    pump.refuse.insert("keys", Refusal::BadCredentials { bare_name: false });
    // n,,n=alice@foo.com,r=abcdefghijklmnopqrst
    pump.expect("AUTH SCRAM-SHA-256 biwsbj1hbGljZUBmb28uY29tLHI9YWJjZGVmZ2hpamtsbW5vcHFyc3Q=", "535 5.7.8");
    assert_eq!(pump.asked, ["keys"]);
}
