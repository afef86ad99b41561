//! The command line and the running server as an operator meets them (SPEC K, O1, P9).

mod accounts;
mod certificates;
mod sessions;

use std::net::TcpListener;

use serde_json::Value;

use crate::rig::{ALICE, Outcome, Pop3, Server, Smtp, patiently};

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("not one JSON document ({error}): {text}"))
}

/// Failed with status 1 and a reason, and printed nothing that a script might take for an answer.
fn assert_failed(outcome: &Outcome, reasons: &[&str]) {
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    assert_eq!(outcome.stdout, "", "{outcome:?}");
    for reason in reasons {
        assert!(outcome.stderr.contains(reason), "{reason:?} is missing: {}", outcome.stderr);
    }
}

#[test]
fn exit_status_says_how_it_went() {
    let server = Server::with_accounts(&[]);
    assert_eq!(server.cli(&["account", "show", ALICE.0], "").code, Some(0));
    assert_failed(&server.cli(&["account", "show", "nobody@demo.test"], ""), &["nobody@demo.test"]);
    assert_failed(&server.cli(&["account", "add", ALICE.0], ""), &[ALICE.0]);
    for wrong in [&["fly"][..], &["account", "add"], &["account", "set-status", ALICE.0, "dead"]] {
        let outcome = server.cli(wrong, "");
        assert_eq!(outcome.code, Some(2), "{outcome:?}");
        assert_eq!(outcome.stdout, "", "{outcome:?}");
    }
}

/// A mistyped directory neither looks like an empty store nor becomes one.
#[test]
fn a_directory_without_a_store_is_named() {
    let mut server = Server::stopped(&[]);
    let elsewhere = server.scratch("elsewhere").join("mistyped");
    server.set("POSTERN_DATA_DIR", &elsewhere.to_string_lossy());
    let outcome = server.cli(&["account", "list"], "");
    assert_failed(&outcome, &["there is no store here", "POSTERN_DATA_DIR"]);
    assert!(!elsewhere.exists());
}

#[test]
fn json_is_one_document_with_and_without_a_server() {
    let mut server = Server::with_accounts(&[]);
    let ask = |server: &Server| {
        for args in [
            &["domain", "list", "--json"][..],
            &["account", "list", "--json"],
            &["account", "app-password", "list", ALICE.0, "--json"],
            &["clock", "show", "--json"],
            &["check", "--json"],
            &["config", "--json"],
        ] {
            json(&server.ok(args));
        }
        json(&server.ok(&["account", "show", ALICE.0, "--json"]))
    };
    let running = ask(&server);
    assert_eq!(running["address"], ALICE.0);
    assert_eq!(running["access"]["pop3"]["state"], "on");
    server.sigkill();
    assert_eq!(ask(&server)["access"], running["access"]);
}

#[test]
fn all_mistakes_are_reported_at_once() {
    let server = Server::stopped(&[
        ("POSTERN_WORKERS", "many"),
        ("POSTERN_POP3_AUTOLOGOUT", "soon"),
        ("POSTERN_LISTEN_POP3S", "995"),
        ("POSTERN_LISTNE_POP3", "off"),
        ("POSTERN_COFFEE", "black"),
        ("POSTERN_TLS", "perhaps"),
    ]);
    let outcome = server.cli(&["serve"], "");
    let names = ["WORKERS", "POP3_AUTOLOGOUT", "LISTEN_POP3S", "LISTNE_POP3", "COFFEE", "TLS"];
    assert_failed(&outcome, &names.map(|name| format!("POSTERN_{name}")).each_ref().map(String::as_str));
    assert_failed(&outcome, &["POSTERN_LISTEN_POP3?"]);
    assert!(!server.data().exists(), "a start that is refused leaves nothing behind");
}

#[test]
fn a_port_in_use_is_named_with_its_variable() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("a bound socket has an address");
    let server = Server::stopped(&[("POSTERN_LISTEN_SUBMISSIONS", &address.to_string())]);
    let outcome = server.cli(&["serve"], "");
    assert_failed(&outcome, &[&address.port().to_string(), "POSTERN_LISTEN_SUBMISSIONS"]);
    assert_eq!(outcome.stderr.lines().count(), 1, "one clear line (SPEC P9): {}", outcome.stderr);
}

#[test]
fn a_second_server_leaves_the_first_ones_store_alone() {
    let server = Server::with_accounts(&[]);
    let second = server.cli(&["serve"], "");
    assert_failed(&second, &[&server.data().to_string_lossy()]);
    // The first one still serves and still has its socket.
    assert!(server.ok(&["account", "list"]).contains(ALICE.0));
    Pop3::login(&server, ALICE).expect("the first server serves");
}

#[test]
fn a_change_without_a_server_holds_at_the_next_start() {
    let mut server = Server::with_accounts(&[]);
    server.sigkill();
    server.ok(&["account", "access", ALICE.0, "off", "--protocol", "pop3"]);
    server.restart();
    let refused = Pop3::login(&server, ALICE).err().expect("POP3 is off").to_string();
    assert!(refused.starts_with("-ERR [SYS/PERM]"), "{refused}");
    Smtp::login(&server, ALICE).expect("SMTP is on");
}

#[test]
fn a_store_of_a_newer_version_is_refused() {
    let mut server = Server::start(&[]);
    server.sigkill();
    let index =
        patiently("the killed server's lock is gone", || sled::open(server.data().join("index")).ok());
    // The format's record: its own version, then the number.
    let format = index.insert([0, 0], &[1, 2]).expect("the index is written");
    assert_eq!(format.as_deref(), Some(&[1, 1][..]), "the format that this version writes");
    index.flush().expect("the index is written");
    drop(index);
    for args in [&["serve"][..], &["account", "list"]] {
        let outcome = server.cli(args, "");
        assert_failed(&outcome, &["format 2", &server.data().to_string_lossy()]);
        assert_eq!(outcome.stderr.lines().count(), 1, "one clear line: {}", outcome.stderr);
    }
}
