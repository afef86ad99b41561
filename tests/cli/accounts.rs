//! Accounts from elsewhere, and passwords for single programs.

use std::fs;

use super::{assert_failed, json};
use crate::rig::{ALICE, BOB, Pop3, Server, Smtp};

/// Made by `openssl passwd -6` and `-5`, and by Python's hashlib.
const HASHES: [(&str, &str, &str); 4] = [
    (
        "sha512@demo.test",
        "Hello world!",
        "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1",
    ),
    ("sha256@demo.test", "Hello world!", "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5"),
    ("ssha@demo.test", "open sesame", "{SSHA}VHqQZNk1JlEyaVGSBcR8TQQL8qxOYUNs"),
    ("plain@demo.test", "as it is", "{PLAIN}as it is"),
];

fn csv(server: &Server, lines: &[String]) -> String {
    let file = server.scratch("import").join("accounts.csv");
    fs::write(&file, format!("address,plan,hash\n{}\n", lines.join("\n"))).expect("a file");
    file.to_string_lossy().into_owned()
}

#[test]
fn accounts_come_over_with_their_passwords() {
    let mut server = Server::start(&[]);
    server.ok(&["domain", "add", "demo.test"]);
    let lines = HASHES.map(|(address, _, hash)| format!("{address},free,{hash}"));
    let file = csv(&server, &lines);
    server.ok(&["account", "import", &file]);
    for (address, password, _) in HASHES {
        server.ok(&["account", "access", address, "on", "--now"]);
        assert!(Pop3::login(&server, (address, "wrong")).is_err());
        // The second time by the hash that took the foreign one's place.
        for _ in 0..2 {
            let pop3 = Pop3::login(&server, (address, password)).expect("the password from elsewhere");
            pop3.quit().expect("QUIT is answered");
        }
    }
    server.sigkill();
    server.restart();
    for (address, password, _) in HASHES {
        Pop3::login(&server, (address, password)).expect("the password, after a restart");
    }
}

#[test]
fn a_bad_line_stops_an_import_unless_told_otherwise() {
    let server = Server::start(&[]);
    server.ok(&["domain", "add", "demo.test"]);
    let lines = ["good@demo.test,free,{PLAIN}secret", "no address", "bad@demo.test,free,$9$what"];
    let file = csv(&server, &lines.map(str::to_owned));
    let refused = server.cli(&["account", "import", &file], "");
    assert_failed(&refused, &["line 3", "line 4"]);
    assert!(!refused.stderr.contains("secret") && !refused.stderr.contains("$9$"), "{}", refused.stderr);
    assert!(!server.ok(&["account", "list"]).contains("good@demo.test"));
    server.cli(&["account", "import", &file, "--keep-going"], "");
    let list = server.ok(&["account", "list"]);
    assert!(list.contains("good@demo.test") && !list.contains("bad@demo.test"), "{list}");
}

#[test]
fn an_app_password_opens_what_it_is_for_until_it_is_revoked() {
    let server = Server::with_accounts(&[]);
    let made =
        server.ok(&["account", "app-password", "add", ALICE.0, "phone", "--protocol", "pop3", "--json"]);
    let made = json(&made);
    let secret = made["password"].as_str().expect("the password, this once").to_owned();
    let id = made["id"].to_string();

    Pop3::login(&server, (ALICE.0, &secret)).expect("the app password").quit().expect("QUIT is answered");
    assert!(Smtp::login(&server, (ALICE.0, &secret)).is_err(), "it is for POP3 alone");
    assert!(Pop3::login(&server, (BOB.0, &secret)).is_err(), "it is Alice's");
    let list = server.ok(&["account", "app-password", "list", ALICE.0]);
    assert!(list.contains("phone") && !list.contains(&secret), "{list}");

    let mut open = Pop3::login(&server, (ALICE.0, &secret)).expect("the app password");
    server.ok(&["account", "app-password", "revoke", ALICE.0, &id]);
    assert!(open.command("STAT").is_err(), "sessions that used it are closed");
    drop(open);
    assert!(Pop3::login(&server, (ALICE.0, &secret)).is_err(), "it is void");
    Pop3::login(&server, ALICE).expect("the account's own password still holds");
}

#[test]
fn a_new_password_closes_sessions_and_the_old_one_is_void() {
    let server = Server::with_accounts(&[]);
    let mut open = Pop3::login(&server, ALICE).expect("the old password");
    let set = server.cli(&["account", "set-password", ALICE.0, "--password-stdin"], "a new one\n");
    set.expect_success("account set-password");
    assert!(open.command("STAT").is_err());
    drop(open);
    let refused = Pop3::login(&server, ALICE).err().expect("the old password is void").to_string();
    assert!(refused.starts_with("-ERR [AUTH]"), "{refused}");
    Pop3::login(&server, (ALICE.0, "a new one")).expect("the new password");
}
