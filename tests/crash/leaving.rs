//! A server killed while letters leave it (SPEC D3): whatever it acknowledged arrives elsewhere. Twice arrives only what
//! was on its way when the server was killed: the next server's 250 had come, and was not on disk yet.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use super::ACCOUNTS;
use crate::rig::{How, Letter, Random, Server, Sink, Smtp, behind_own_fields, patiently};

/// Domains elsewhere.
const DOMAINS: u64 = 12;

/// Letters that were acknowledged, by number: their sender, their octets, and to whom they go.
type Acknowledged = Mutex<BTreeMap<u64, (usize, usize, Vec<String>)>>;

#[test]
fn what_was_acknowledged_leaves_whatever_comes() {
    let rounds = super::number("POSTERN_CRASH_ROUNDS").unwrap_or(5);
    let seed = super::seed();
    let mut random = Random::new(seed);
    let sink = Sink::open();
    let relay = format!("smtp://{}?tls=none", sink.address());
    let mut server = Server::start(&[("POSTERN_RELAY", &relay), ("POSTERN_RESOLVER", "none")]);
    server.ok(&["domain", "add", "demo.test"]);
    ACCOUNTS.into_iter().for_each(|account| server.add_account(account));
    let (acknowledged, next) = (Acknowledged::default(), AtomicU64::new(1));
    let mut twice = 0;
    for round in 1..=rounds {
        sink.turn();
        let moment = Duration::from_micros(random.next() % 1_000_000);
        write_until_killed(&mut server, &acknowledged, &next, &mut random, moment);
        // What is answered from here on is another process's; some of them end while they begin.
        sink.turn();
        for _ in 0..random.below(4) {
            server.spawn();
            thread::sleep(Duration::from_micros(random.next() % 150_000));
            server.sigkill();
            sink.turn();
        }
        server.ok(&["check"]);
        server.restart();
        patiently("the queue is empty", || is_empty(&server).then_some(()));
        let now = judge(&acknowledged, &sink);
        let count = acknowledged.lock().expect("unpoisoned").len();
        eprintln!(
            "round {round} of {rounds}: killed after {moment:?}; {count} letters, all there, {} twice",
            now - twice
        );
        twice = now;
    }
    eprintln!(
        "in all {twice} copies too many, each of a letter that was on its way when the server was killed"
    );
}

fn is_empty(server: &Server) -> bool {
    let listed: Value = serde_json::from_str(&server.ok(&["queue", "list", "--json"])).expect("JSON");
    listed.as_array().expect("a list").is_empty()
}

fn write_until_killed(
    server: &mut Server,
    acknowledged: &Acknowledged,
    next: &AtomicU64,
    random: &mut Random,
    moment: Duration,
) {
    let killed = AtomicBool::new(false);
    let mut child = server.detach();
    let server = &*server;
    thread::scope(|scope| {
        for sender in 0..ACCOUNTS.len() {
            let (mut random, killed) = (Random::new(random.next()), &killed);
            scope.spawn(move || {
                let broken = write(server, acknowledged, next, sender, &mut random);
                let error = broken.expect_err("a writer goes on until the server is gone");
                assert!(error.kind() != std::io::ErrorKind::Other, "the server refused: {error}");
                assert!(killed.load(Ordering::SeqCst), "broken before the server was killed: {error}");
            });
        }
        thread::sleep(moment);
        killed.store(true, Ordering::SeqCst);
        child.kill().expect("one's own child can be killed");
        child.wait().expect("a killed child ends");
    });
}

fn write(
    server: &Server,
    acknowledged: &Acknowledged,
    next: &AtomicU64,
    sender: usize,
    random: &mut Random,
) -> std::io::Result<()> {
    let (from, _) = ACCOUNTS[sender];
    let mut smtp = Smtp::login(server, ACCOUNTS[sender])?;
    loop {
        let (id, size) = (next.fetch_add(1, Ordering::SeqCst), 1 << (10 + random.below(6)));
        let count = 1 + random.next() % 3;
        let mut to: Vec<String> =
            (0..count).map(|n| format!("n{n}@far{}.test", random.next() % DOMAINS)).collect();
        if random.one_in(4) {
            to.push("bruno@demo.test".to_owned());
        }
        let letter = Letter::new(from, id, size);
        let addresses: Vec<&str> = to.iter().map(String::as_str).collect();
        let reply = smtp.send(from, &addresses, &letter.bytes, How::Data)?;
        assert_eq!(reply.code, 250, "{}", reply.text());
        to.retain(|address| !address.ends_with("@demo.test"));
        acknowledged.lock().expect("unpoisoned").insert(id, (sender, size, to));
    }
}

/// Holds what arrived against what was acknowledged; returns how many copies were too many.
fn judge(acknowledged: &Acknowledged, sink: &Sink) -> usize {
    let taken = sink.taken();
    for (id, (sender, size, to)) in acknowledged.lock().expect("unpoisoned").iter() {
        for address in to {
            let copies = taken.get(&(*id, address.clone())).map_or(&[][..], Vec::as_slice);
            assert!(!copies.is_empty(), "letter {id} to {address} was acknowledged and is lost");
            let letter = Letter::new(ACCOUNTS[*sender].0, *id, *size);
            for copy in copies {
                behind_own_fields(&copy.bytes, &letter.bytes)
                    .unwrap_or_else(|error| panic!("letter {id}: {error}"));
            }
        }
    }
    let mut too_many = 0;
    for ((id, address), copies) in &taken {
        for pair in copies.windows(2) {
            assert!(
                pair[0].turn < pair[1].turn,
                "letter {id} to {address} left twice within one process's life"
            );
        }
        too_many += copies.len() - 1;
    }
    too_many
}
