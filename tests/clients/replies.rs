//! What swaks hears at each door, reply by reply (RFC 5321 §4.2, RFC 3463).
//!
//! Not provoked here, since swaks says only what a well-behaved program says: 500 (unknown commands, bare line ends), 503
//! (commands out of order), 555 (unknown parameters), 421 (a server that stops, errors without end), 451 and 452 4.3.x (a
//! store that can't), 454 4.7.0 of TLS. The sessions' own tests and the transcripts have those.

use crate::rig::{ALICE, BOB, Server, Service, have, run};

const CAROL: (&str, &str) = ("carol@demo.test", "never came in");
const DORA: (&str, &str) = ("dora@demo.test", "once a minute");

struct Replies<'a> {
    server: &'a Server,
    lmtp: String,
}

impl Replies<'_> {
    /// Runs swaks at a door; returns the transcript.
    fn hear(&self, door: &str, more: &[&str]) -> String {
        let port = |service| self.server.address(service).port().to_string();
        let (port, how): (String, &[&str]) = match door {
            "25" => (port(Service::Smtp), &[]),
            "587" => (port(Service::Submission), &["--tls"]),
            "587 in the clear" => (port(Service::Submission), &[]),
            "465" => (port(Service::Submissions), &["--tlsc"]),
            _ => (self.lmtp.clone(), &["--protocol", "LMTP"]),
        };
        let args = [&["--server", "127.0.0.1", "--port", &port, "--hide-informational"], how, more].concat();
        run("swaks", &args, &self.server.scratch("swaks"), b"").stdout
    }

    fn login<'b>(&self, (user, password): (&'b str, &'b str)) -> Vec<&'b str> {
        vec!["--auth", "PLAIN", "--auth-user", user, "--auth-password", password, "--from", user]
    }
}

#[test]
fn swaks_hears_every_reply_that_a_program_can_provoke() {
    if !have(&["swaks"]) {
        return;
    }
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let lmtp = free.local_addr().expect("an address").port().to_string();
    drop(free);
    let server = Server::with_accounts(&[
        ("POSTERN_MESSAGE_SIZE", "64KiB"),
        ("POSTERN_PLAN_FREE_RECIPIENTS", "2"),
        ("POSTERN_PLAN_PLUS_SENDS_PER_MINUTE", "1"),
        ("POSTERN_PLAN_PLUS_STORAGE", "1MiB"),
        ("POSTERN_INACTIVE_MAIL", "refuse"),
        ("POSTERN_LISTEN_LMTP", &format!("127.0.0.1:{lmtp}")),
    ]);
    server.cli(&["account", "add", CAROL.0, "--password-stdin"], CAROL.1).expect_success("carol");
    server.add_account(DORA);
    server.ok(&["account", "set-plan", DORA.0, "plus"]);
    server.ok(&["account", "add", "idle@demo.test"]);
    server.ok(&["account", "set-status", "idle@demo.test", "inactive"]);
    server.ok(&["account", "set", BOB.0, "block", "@spam.test"]);
    let replies = Replies { server: &server, lmtp };
    let long = format!("x{}", "\\nlong line of a letter that is too long".repeat(2_000));
    let circles = "Received: from a by b\\n".repeat(51);
    let circles = format!("{circles}From: eve@other.test\\n\\nround and round\\n");
    let eve = ["--from", "eve@other.test"];
    let alice = replies.login(ALICE);
    let with = |first: &[&'static str], rest: &[&'static str]| [first, rest].concat();
    let outside: Vec<(&str, Vec<&str>, &str)> = vec![
        ("25", with(&eve, &["--to", "bob@demo.test"]), "250 2.0.0"),
        ("25", with(&eve, &["--to", "nobody@demo.test"]), "550 5.1.1"),
        ("25", with(&eve, &["--to", "bob@elsewhere.test"]), "550 5.7.1"),
        ("25", with(&eve, &["--to", "idle@demo.test"]), "550 5.2.1"),
        ("25", with(&["--from", "eve@spam.test"], &["--to", "bob@demo.test"]), "550 5.7.1"),
        ("25", with(&eve, &["--to", "a b@demo.test"]), "501 5.1.3"),
        ("25", with(&["--from", "a b@other.test"], &["--to", "bob@demo.test"]), "501 5.1.7"),
        ("25", with(&eve, &["--to", "j\u{101}nis@demo.test"]), "553 5.6.7"),
        ("25", with(&eve, &["--to", "bob@demo.test", "--ehlo", "a b"]), "501 5.5.4"),
        ("25", vec!["--from", "eve@other.test", "--to", "bob@demo.test", "--body", &long], "552 5.3.4"),
        ("25", vec!["--from", "eve@other.test", "--to", "bob@demo.test", "--data", &circles], "554 5.4.6"),
        ("lmtp", with(&eve, &["--to", "bob@demo.test,alice@demo.test"]), "250 2.0.0"),
        ("lmtp", with(&eve, &["--to", "nobody@demo.test"]), "550 5.1.1"),
        ("587 in the clear", with(&eve, &["--to", "bob@demo.test"]), "530 5.7.0"),
        ("465", with(&eve, &["--to", "bob@demo.test"]), "530 5.7.0"),
    ];
    let users: Vec<(&str, Vec<&str>, &str)> = vec![
        ("465", [&alice[..], &["--to", "bob@demo.test"]].concat(), "250 2.0.0"),
        ("587", [&alice[..], &["--to", "bob@demo.test"]].concat(), "250 2.0.0"),
        ("465", [&alice[..], &["--to", "nobody@demo.test"]].concat(), "550 5.1.1"),
        (
            "465",
            [&alice[..], &["--to", "bob@demo.test,alice@demo.test,dora@demo.test"]].concat(),
            "452 4.5.3",
        ),
        ("465", [&alice[..6], &["--from", "bob@demo.test", "--to", "bob@demo.test"]].concat(), "553 5.7.1"),
        ("465", [&alice[..], &["--to", "bob@demo.test", "--h-From", "bob@demo.test"]].concat(), "550 5.7.1"),
        ("465", [&replies.login((ALICE.0, "wrong"))[..], &["--to", "bob@demo.test"]].concat(), "535 5.7.8"),
        ("465", [&replies.login(CAROL)[..], &["--to", "bob@demo.test"]].concat(), "525 5.7.13"),
        ("465", [&replies.login(DORA)[..], &["--to", "bob@demo.test"]].concat(), "250 2.0.0"),
        ("465", [&replies.login(DORA)[..], &["--to", "bob@demo.test"]].concat(), "451 4.7.0"),
    ];
    for (door, args, reply) in outside.into_iter().chain(users) {
        let heard = replies.hear(door, &args);
        assert!(says(&heard, reply), "{door} {args:?}: no {reply} in\n{heard}");
    }
    // A gate that opens later, and sending that is locked.
    server.ok(&["account", "access", CAROL.0, "on"]);
    let heard = replies.hear("465", &[&replies.login(CAROL)[..], &["--to", "bob@demo.test"]].concat());
    assert!(says(&heard, "454 4.7.0"), "{heard}");
    server.ok(&["account", "lock-sending", ALICE.0]);
    let heard = replies.hear("465", &[&alice[..], &["--to", "bob@demo.test"]].concat());
    assert!(says(&heard, "550 5.7.1") && heard.contains("locked"), "{heard}");
}

/// Whether the server said it.
fn says(heard: &str, reply: &str) -> bool {
    heard.lines().any(|line| line.starts_with('<') && line.contains(&format!(" {reply}")))
}
