//! APPEND of letters of 10 KiB, one after the other on each connection, into INBOXes of their own: `OK` means on disk.

use std::time::{Duration, Instant};

use super::letters::{SIZE, Writer};
use super::{Subject, accounts, beside};
use crate::bare::{Sync, appends};
use crate::client::{Target, Wire};
use crate::load::{Done, all, millis};
use crate::table::{Figure, Mark, median, percentile};
use crate::{Bench, Outcome, times};

/// The most connections at once.
const MOST: usize = 64;

/// Connections, Dovecot's APPENDs a second, the disk's appends on that day, multiples owed and aimed at.
const ROWS: [(usize, f64, f64, f64, f64); 3] =
    [(1, 689.0, 3_700.0, 1.0, 2.0), (16, 1_678.0, 19_700.0, 3.0, 6.0), (64, 1_559.0, 27_700.0, 5.0, 10.0)];

/// All rows.
pub(crate) fn drive(bench: &mut Bench, subject: &mut dyn Subject) -> Outcome<()> {
    let most = if bench.quick { 4 } else { MOST };
    subject.furnish(&accounts("append", most))?;
    for (connections, peer, peer_limit, owed, aim) in ROWS {
        let mark = Mark { peer_limit: Some(peer_limit), ..times(peer, owed, aim) };
        rows(bench, subject, connections.min(most), mark)?;
    }
    Ok(())
}

fn rows(bench: &mut Bench, subject: &dyn Subject, connections: usize, mark: Mark) -> Outcome<()> {
    let (mut rates, mut limits, mut cpu, mut taken) = (vec![], vec![], vec![], vec![]);
    // The first round only warms up.
    for n in 0..=bench.rounds.count {
        let limit = appends(connections, Sync::Gathered, bench.limit_length())?;
        let open = bench.runtime.block_on(open(&subject.imap()?, connections))?;
        let before = subject.cpu()?;
        let done = bench.runtime.block_on(round(open, bench.rounds.length))?;
        if n > 0 {
            limits.push(limit);
            cpu.push((subject.cpu()? - before) * 1e3 / done.count());
            rates.push(done.rate());
            taken.extend(done.times);
        }
    }
    let name = |what: &str| format!("{what}, {connections} connections");
    bench.add(Figure::new(name("IMAP APPEND durable"), median(rates), "/s").of(median(limits)).against(mark));
    bench.add(Figure::new(name("server CPU an APPEND"), median(cpu), "ms").against(beside(1.0)));
    bench.add(Figure::new(name("IMAP APPEND, p50"), percentile(taken.iter().copied(), 0.5), "ms"));
    bench.add(Figure::new(name("IMAP APPEND, p99"), percentile(taken, 0.99), "ms"));
    Ok(())
}

/// Opens the connections of a round before it begins.
async fn open(target: &Target, connections: usize) -> Outcome<Vec<(usize, Wire)>> {
    let mut open = Vec::new();
    for (number, account) in accounts("append", connections).into_iter().enumerate() {
        open.push((number, target.imap(number, &account).await?));
    }
    Ok(open)
}

async fn round(open: Vec<(usize, Wire)>, length: Duration) -> Outcome<Done> {
    let end = Instant::now() + length;
    let work = move |(worker, mut wire): (usize, Wire)| async move {
        // Written once: the client's own work is no part of the figure.
        let letter = [Writer::new().letter(worker, SIZE)];
        let mut times = Vec::new();
        while Instant::now() < end {
            let begun = Instant::now();
            wire.append("INBOX", &letter).await?;
            times.push(millis(begun));
        }
        Ok(times)
    };
    all(open, work).await
}
