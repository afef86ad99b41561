//! A server killed in the middle of mixed load, again and again (SPEC D1): whatever it acknowledged holds.
//!
//! Writers send letters to one and to several mailboxes, readers fetch and delete them, all note in a [`Ledger`] what
//! they tried and what the server acknowledged. After SIGKILL at a random moment `postern check` finds nothing, and what
//! is in the mailboxes agrees with the ledger, and so do the senders' counts; an operator's changes have a notice each, and
//! letters that IMAP files are where it was answered. `POSTERN_CRASH_ROUNDS` says how often, `POSTERN_CRASH_SEED` repeats
//! a run as far as two runs of several threads can be the same.

mod folders;
mod leaving;
mod ledger;
mod load;
mod story;

use std::env;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::rig::{Pop3, Random, Server};
use folders::Keeper;
use ledger::Ledger;

/// Mailboxes, each with a writer and a reader.
const ACCOUNTS: [(&str, &str); 4] = [
    ("anna@demo.test", "password of anna"),
    ("bruno@demo.test", "password of bruno"),
    ("clara@demo.test", "password of clara"),
    ("dora@demo.test", "password of dora"),
];

#[test]
fn what_was_acknowledged_survives_sigkill() {
    let rounds = number("POSTERN_CRASH_ROUNDS").unwrap_or(5);
    let seed = seed();
    let mut random = Random::new(seed);
    let mut server = Server::start(&[]);
    server.ok(&["domain", "add", "demo.test"]);
    for account in ACCOUNTS.into_iter().chain([story::EVE]).chain(folders::KEEPERS) {
        server.add_account(account);
    }
    let (ledger, keepers) = (Ledger::default(), Keeper::all(&server));
    let mut changes = 0;
    for round in 1..=rounds {
        let moment = Duration::from_micros(random.next() % 1_200_000);
        let acknowledged = load::until_killed(&mut server, &ledger, &keepers, &mut random, moment, changes);
        kill_while_starting(&mut server, &mut random);
        server.ok(&["check"]);
        server.restart();
        let found = settle(&server, &ledger, &mut random);
        let filed: usize = keepers.iter().map(|keeper| keeper.settle(&server)).sum();
        changes = story::settle(&server, changes + acknowledged);
        for (sender, (address, _)) in ACCOUNTS.into_iter().enumerate() {
            story::counted(&server, address, ledger.kept_of(sender));
        }
        eprintln!(
            "round {round} of {rounds}: killed after {moment:?}; {found}, {filed} filed, \
             {changes} changes with a notice each"
        );
    }
}

fn seed() -> u64 {
    let seed = number("POSTERN_CRASH_SEED").unwrap_or_else(|| {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64)
    });
    eprintln!("POSTERN_CRASH_SEED={seed} repeats this run");
    seed
}

fn number(variable: &str) -> Option<u64> {
    let text = env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable}={text} is not a number")))
}

/// What a crash left is put in order at the next start; that may be cut short too.
fn kill_while_starting(server: &mut Server, random: &mut Random) {
    for _ in 0..random.below(4) {
        server.spawn();
        thread::sleep(Duration::from_micros(random.next() % 150_000));
        server.sigkill();
    }
}

/// Compares all mailboxes with the ledger, and takes some letters away for the next round.
fn settle(server: &Server, ledger: &Ledger, random: &mut Random) -> String {
    let mut mailboxes = Vec::new();
    for (index, account) in ACCOUNTS.into_iter().enumerate() {
        let mut pop3 = Pop3::login(server, account).expect("the mailbox is free after a crash");
        let letters = pop3.all().expect("letters");
        let ids = letters.iter().map(|letter| ledger.recognise(index, letter)).collect::<Vec<_>>();
        mailboxes.push((pop3, ids));
    }
    let found = ledger.settle(mailboxes.iter().map(|(_, ids)| ids.as_slice()));
    for (index, (mut pop3, ids)) in mailboxes.into_iter().enumerate() {
        let away: Vec<_> = (1..).zip(ids).filter(|_| !random.one_in(3)).collect();
        for (number, _) in &away {
            pop3.command(&format!("DELE {number}")).expect("DELE is answered");
        }
        pop3.quit().expect("QUIT is answered");
        ledger.deleted(index, away.into_iter().map(|(_, id)| id));
    }
    found
}
