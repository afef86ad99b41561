//! What each program that fetches has to achieve.

use std::fs;
use std::path::Path;

use super::{Fetch, Tls, Visit, perl, programs, python};
use crate::rig::{
    ALICE, BOB, Cut, How, Letter, Pop3, Server, Service, Smtp, behind_own_fields, have, rig_id, with_lf,
};

#[test]
fn fetchmail_fetches() {
    scenario(&["fetchmail"], programs::fetchmail, &[Tls::Implicit, Tls::Upgraded]);
}

#[test]
fn mpop_fetches() {
    scenario(&["mpop"], programs::mpop, &[Tls::Implicit, Tls::Upgraded]);
}

#[test]
fn getmail_fetches() {
    scenario(&["getmail"], programs::getmail, &[Tls::Implicit]);
}

#[test]
fn curl_fetches() {
    scenario(&["curl"], programs::curl_fetch, &[Tls::Implicit, Tls::Upgraded]);
}

#[test]
fn poplib_fetches() {
    scenario(&["python3"], python::poplib, &[Tls::Implicit, Tls::Upgraded]);
}

#[test]
fn net_pop3_fetches() {
    if perl::has_net_pop3_with_tls() {
        scenario(&["perl"], perl::net_pop3, &[Tls::Implicit, Tls::Upgraded]);
    }
}

/// Each way of TLS with a mailbox of its own.
fn scenario(needs: &[&str], fetch: Fetch, ways: &[Tls]) {
    if !have(needs) {
        return;
    }
    let server = Server::with_accounts(&[]);
    for (tls, account) in ways.iter().zip([BOB, ALICE]) {
        let home = server.scratch(&format!("home-{tls:?}"));
        let service = if *tls == Tls::Implicit { Service::Pop3s } else { Service::Pop3 };
        let cable = Cut::new(server.address(service));
        let visit = Visit { port: cable.port(), tls: *tls, ..Visit::new(&server, account, &home) };
        leave_on_server(&server, &visit, account, fetch);
        resume(&server, &visit, account, fetch, &cable);
        delete(&server, &Visit { keep: false, ..visit }, account, fetch);
    }
}

/// All letters come once, later the new ones alone, and all of them stay.
fn leave_on_server(server: &Server, visit: &Visit<'_>, account: (&str, &str), fetch: Fetch) {
    let sent = send(server, account.0, &[(1, 2_000), (2, 30_000), (3, 300_000)]);
    succeed(fetch, visit);
    assert_fetched(&take_inbox(visit.home), &sent, &[1, 2, 3]);
    fetch(visit);
    assert_fetched(&take_inbox(visit.home), &sent, &[]);
    let newer = send(server, account.0, &[(4, 2_000)]);
    succeed(fetch, visit);
    assert_fetched(&take_inbox(visit.home), &newer, &[4]);
    let mut pop3 = Pop3::login(server, account).expect("nobody else has the mailbox");
    assert_eq!(pop3.count().expect("STAT is answered"), 4);
    pop3.quit().expect("QUIT is answered");
}

/// A connection that breaks in the middle of a letter costs nothing: the next one brings what is missing.
fn resume(server: &Server, visit: &Visit<'_>, account: (&str, &str), fetch: Fetch, cable: &Cut) {
    let sent = send(server, account.0, &[(5, 100_000), (6, 400_000), (7, 100_000)]);
    cable.after(300_000);
    let broken = fetch(visit);
    assert_ne!(broken.code, Some(0), "a broken connection was not noticed: {}", broken.stdout);
    let mut whole: Vec<_> =
        take_inbox(visit.home).into_iter().filter(|letter| letter.ends_with(b"the end of it\n")).collect();
    cable.never();
    succeed(fetch, visit);
    whole.extend(take_inbox(visit.home));
    // Programs differ in whether they note a letter at once or at the end of the session, so one may come twice.
    whole.sort();
    whole.dedup();
    assert_fetched(&whole, &sent, &[5, 6, 7]);
}

/// Deleting letters empties the mailbox.
fn delete(server: &Server, visit: &Visit<'_>, account: (&str, &str), fetch: Fetch) {
    let sent = send(server, account.0, &[(8, 2_000)]);
    succeed(fetch, visit);
    let fetched = take_inbox(visit.home);
    assert!(fetched.iter().any(|letter| same(letter, &sent[0])), "the new letter was not fetched");
    let mut pop3 = Pop3::login(server, account).expect("nobody else has the mailbox");
    assert_eq!(pop3.count().expect("STAT is answered"), 0);
    pop3.quit().expect("QUIT is answered");
}

fn send(server: &Server, to: &str, letters: &[(u64, usize)]) -> Vec<Letter> {
    let mut smtp = Smtp::login(server, ALICE).expect("alice may send");
    let letters: Vec<_> = letters.iter().map(|(id, size)| Letter::new(ALICE.0, *id, *size)).collect();
    for letter in &letters {
        let reply = smtp.send(ALICE.0, &[to], &letter.bytes, How::Data).expect("a reply");
        assert_eq!(reply.code, 250, "{}", reply.text());
    }
    letters
}

fn succeed(fetch: Fetch, visit: &Visit<'_>) {
    fetch(visit).expect_success("the program");
}

/// Takes the files out of the inbox, letters in whatever form the program keeps them, and makes LF their line end.
fn take_inbox(home: &Path) -> Vec<Vec<u8>> {
    let dir = home.join("inbox").join("new");
    let entries = fs::read_dir(&dir).expect("the inbox is there");
    entries
        .map(|entry| {
            let path = entry.expect("an entry").path();
            let bytes = fs::read(&path).expect("a letter");
            fs::remove_file(&path).expect("one's own file");
            String::from_utf8(bytes).expect("rig letters are UTF-8").replace("\r\n", "\n").into_bytes()
        })
        .collect()
}

fn same(fetched: &[u8], sent: &Letter) -> bool {
    behind_own_fields(fetched, &with_lf(&sent.bytes)).is_ok()
}

/// `fetched` are the letters of `sent` with these ids, each once and byte for byte.
fn assert_fetched(fetched: &[Vec<u8>], sent: &[Letter], ids: &[u64]) {
    let mut found: Vec<_> = fetched.iter().map(|letter| rig_id(letter)).collect();
    found.sort();
    assert_eq!(found, ids.iter().map(|id| Some(*id)).collect::<Vec<_>>());
    for letter in fetched {
        let id = rig_id(letter);
        let original = sent.iter().find(|sent| Some(sent.id) == id).expect("an id of those sent");
        behind_own_fields(letter, &with_lf(&original.bytes)).expect("what was sent, unchanged");
    }
}
