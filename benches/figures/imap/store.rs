//! STORE of flags: letter by letter, each answer awaited, and of 10,000 letters in one command. Every pass does away with
//! what the one before it did, so that each STORE changes something.

use std::time::{Duration, Instant};

use super::letters::fill_by_copies;
use super::{Subject, accounts, many};
use crate::client::{Target, Wire};
use crate::load::{Done, all, millis};
use crate::table::{Figure, median};
use crate::{Bench, Outcome, times};

/// Letters in the folder where all are changed at once.
const LETTERS: usize = 10_000;
/// Connections at once.
const CONNECTIONS: usize = 16;
/// Letters of each of them.
const SHARE: usize = 1_000;

/// All rows.
pub(crate) fn drive(bench: &mut Bench, subject: &mut dyn Subject) -> Outcome<()> {
    let (letters, share) = (many(bench, LETTERS), many(bench, SHARE));
    let names = accounts("store", CONNECTIONS);
    subject.furnish(&names)?;
    let target = subject.imap()?;
    for (number, account) in names.iter().enumerate() {
        let count = if number == 0 { letters } else { share };
        bench.runtime.block_on(fill_by_copies(&target, account, count))?;
    }
    for (connections, peer) in [(1, 5_550.0), (CONNECTIONS, 11_200.0)] {
        let (mut rates, mut cpu) = (vec![], vec![]);
        for n in 0..=bench.rounds.count {
            let open = bench.runtime.block_on(open(&target, &names[..connections]))?;
            let before = subject.cpu()?;
            let done = bench.runtime.block_on(one_by_one(open, share, bench.rounds.length))?;
            if n > 0 {
                cpu.push((subject.cpu()? - before) * 1e3 / done.count());
                rates.push(done.rate());
            }
        }
        let name = |what: &str| format!("{what}, {connections} connections");
        bench.add(Figure::new(name("IMAP STORE of one"), median(rates), "/s").against(times(peer, 1.0, 3.0)));
        bench.add(Figure::new(name("server CPU a STORE of one"), median(cpu), "ms"));
    }
    at_once(bench, &target, &names[0])
}

/// Opens the connections of a round before it begins.
async fn open(target: &Target, accounts: &[String]) -> Outcome<Vec<Wire>> {
    let mut open = Vec::new();
    for (number, account) in accounts.iter().enumerate() {
        let mut wire = target.imap(number, account).await?;
        wire.command("SELECT INBOX").await?;
        wire.command("STORE 1:* -FLAGS.SILENT (\\Flagged)").await?;
        open.push(wire);
    }
    Ok(open)
}

async fn one_by_one(open: Vec<Wire>, letters: usize, length: Duration) -> Outcome<Done> {
    let end = Instant::now() + length;
    let work = move |mut wire: Wire| async move {
        let mut times = Vec::new();
        for sign in ['+', '-'].into_iter().cycle() {
            for letter in 1..=letters {
                if Instant::now() >= end {
                    return Ok(times);
                }
                let begun = Instant::now();
                wire.command(&format!("STORE {letter} {sign}FLAGS (\\Flagged)")).await?;
                times.push(millis(begun));
            }
        }
        Ok(times)
    };
    all(open, work).await
}

fn at_once(bench: &mut Bench, target: &Target, account: &str) -> Outcome<()> {
    let taken = bench.runtime.block_on(async {
        let mut wire = open(target, &[account.to_owned()]).await?.remove(0);
        let mut taken = Vec::new();
        for sign in ['+', '-'].into_iter().cycle().take(4 * bench.rounds.count) {
            let begun = Instant::now();
            wire.command(&format!("STORE 1:* {sign}FLAGS.SILENT (\\Flagged)")).await?;
            taken.push(millis(begun));
        }
        Outcome::Ok(taken)
    })?;
    let figure = Figure::new("IMAP STORE of 10,000 at once, silent", median(taken), "ms");
    bench.add(figure.against(times(11.0, 1.0, 1.0 / 3.0)));
    Ok(())
}
