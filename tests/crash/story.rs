//! What a crash must leave of an account's story: each change with one notice (SPEC N3), each letter with one count (Q2).

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;

use serde_json::Value;

use crate::rig::{Pop3, Server, patiently};

/// An account that an operator blocks and unblocks while the server is killed; nobody writes to it.
pub(super) const EVE: (&str, &str) = ("eve@demo.test", "password of eve");

/// Changes in one round: all of them and their notices stay in the list of events.
const CHANGES: usize = 8;

/// Events that the lists keep.
const KEPT: usize = 1_000;

/// Blocks and unblocks until the server is gone or that is enough; returns how many were acknowledged.
pub(super) fn change(data: &Path, already: usize) -> usize {
    (0..CHANGES)
        .take_while(|n| ask(data, if (already + n).is_multiple_of(2) { "block" } else { "unblock" }).is_ok())
        .count()
}

fn ask(data: &Path, change: &str) -> io::Result<()> {
    let mut socket = UnixStream::connect(data.join("control.sock"))?;
    let request = format!(
        "{{\"ask\":\"set-access\",\"address\":\"{}\",\"change\":\"{change}\",\"protocols\":[\"imap\"],\"now\":false,\"reason\":null}}\n",
        EVE.0
    );
    socket.write_all(request.as_bytes())?;
    let mut answer = String::new();
    BufReader::new(socket).read_line(&mut answer)?;
    // What was not answered may have been done or not; a round begins where the one before has ended.
    if answer.starts_with("{\"ok\"") { Ok(()) } else { Err(io::Error::from(io::ErrorKind::UnexpectedEof)) }
}

/// After a crash: as many notices as changes, in the list and in the INBOX. Returns how many changes there were.
pub(super) fn settle(server: &Server, acknowledged: usize) -> usize {
    let count = |events: &[Value], kinds: &[&str]| {
        events.iter().filter(|event| kinds.iter().any(|kind| event["kind"] == *kind)).count()
    };
    let changes = patiently("each change's notice", || {
        let events = events(server, EVE.0);
        let changes = count(&events, &["access-blocked", "access-unblocked"]);
        (count(&events, &["notice"]) >= changes).then_some(changes)
    });
    assert!(
        changes >= acknowledged,
        "{acknowledged} changes were acknowledged, and {changes} are in the list"
    );
    assert_eq!(count(&events(server, EVE.0), &["notice"]), changes, "a notice was delivered twice");
    let mut pop3 = Pop3::login(server, EVE).expect("POP3 is never blocked here");
    let letters = pop3.count().expect("STAT is answered");
    assert_eq!(letters as usize, changes, "one letter for each change");
    changes
}

/// After a crash: each letter that is there was counted, and none that is not.
pub(super) fn counted(server: &Server, sender: &str, kept: usize) {
    let letters = events(server, sender).iter().filter(|event| event["kind"] == "letter").count();
    assert_eq!(letters, kept.min(KEPT), "letters counted for {sender}, of {kept} that are on disk");
}

fn events(server: &Server, address: &str) -> Vec<Value> {
    let text = server.ok(&["account", "events", address, "--json"]);
    serde_json::from_str(&text).expect("a list of events")
}
