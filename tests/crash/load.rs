//! Writers and readers that go on until the server is gone.

use std::io::{self, ErrorKind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use super::ACCOUNTS;
use super::folders::Keeper;
use super::ledger::{Ledger, Mailbox};
use super::story;
use crate::rig::{How, Pop3, Random, Server, Smtp};

/// Runs all writers and readers and an operator, and kills the server at the given time after their start. Returns how
/// many of the operator's changes were acknowledged; `changes` is how many there were before.
pub(super) fn until_killed(
    server: &mut Server,
    ledger: &Ledger,
    keepers: &[Keeper],
    random: &mut Random,
    moment: Duration,
    changes: usize,
) -> usize {
    let killed = AtomicBool::new(false);
    let mut child = server.detach();
    let server = &*server;
    thread::scope(|scope| {
        for mailbox in 0..ACCOUNTS.len() {
            let (mut writing, mut reading) = (Random::new(random.next()), Random::new(random.next()));
            let killed = &killed;
            scope.spawn(move || ended(write(server, ledger, mailbox, &mut writing), killed));
            scope.spawn(move || ended(read(server, ledger, mailbox, &mut reading), killed));
        }
        for keeper in keepers {
            let (mut filing, killed) = (Random::new(random.next()), &killed);
            scope.spawn(move || ended(keeper.work(server, &mut filing), killed));
        }
        let operator = scope.spawn(|| story::change(server.data(), changes));
        thread::sleep(moment);
        killed.store(true, Ordering::SeqCst);
        child.kill().expect("one's own child can be killed");
        child.wait().expect("a killed child ends");
        operator.join().expect("the operator's thread ends")
    })
}

/// Only a broken connection may end a thread, and only once the server is being killed.
fn ended(how: io::Result<()>, killed: &AtomicBool) {
    let error = how.expect_err("threads go on until the server is gone");
    assert!(error.kind() != ErrorKind::Other, "the server refused: {error}");
    assert!(killed.load(Ordering::SeqCst), "the connection broke before the server was killed: {error}");
}

fn write(server: &Server, ledger: &Ledger, mailbox: Mailbox, random: &mut Random) -> io::Result<()> {
    let (from, _) = ACCOUNTS[mailbox];
    let mut smtp = Smtp::login(server, ACCOUNTS[mailbox])?;
    loop {
        let size = if random.one_in(20) { 1 << 20 } else { 1 << (10 + random.below(7)) };
        let recipients: Vec<Mailbox> = match random.below(3) {
            0 => (0..ACCOUNTS.len()).collect(),
            1 => vec![mailbox, (mailbox + 1) % ACCOUNTS.len()],
            _ => vec![random.below(ACCOUNTS.len())],
        };
        let to: Vec<&str> = recipients.iter().map(|recipient| ACCOUNTS[*recipient].0).collect();
        let how = if random.one_in(2) { How::Data } else { How::Bdat(1 + random.below(2 * size)) };
        let letter = ledger.write(mailbox, &recipients, size);
        let reply = smtp.send(from, &to, &letter.bytes, how)?;
        assert_eq!(reply.code, 250, "{}", reply.text());
        ledger.acknowledged(letter.id);
    }
}

fn read(server: &Server, ledger: &Ledger, mailbox: Mailbox, random: &mut Random) -> io::Result<()> {
    loop {
        let mut pop3 = match Pop3::login(server, ACCOUNTS[mailbox]) {
            // The session before was left without QUIT; the server may not have seen that yet (SPEC C2).
            Err(error) if error.to_string().contains("[IN-USE]") => continue,
            login => login?,
        };
        let mut deleted = Vec::new();
        for number in 1..=pop3.count()? {
            let id = ledger.recognise(mailbox, &pop3.retr(number)?);
            if random.one_in(2) {
                pop3.command(&format!("DELE {number}"))?;
                deleted.push(id);
            }
        }
        if random.one_in(4) {
            continue;
        }
        ledger.deleting(mailbox, deleted.into_iter());
        pop3.quit()?;
        ledger.deleting_acknowledged(mailbox);
    }
}
