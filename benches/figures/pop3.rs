//! POP3 sessions on maildrops of 1,000 letters of 10 KiB: all letters fetched one by one, as most programs do, and nothing
//! deleted.

use std::time::{Duration, Instant};

use crate::client::{DOMAIN, Target};
use crate::letters::{SIZE, fill, senders};
use crate::load::{Done, all, millis};
use crate::server::Server;
use crate::table::{Figure, Goal, Mark, median};
use crate::{Bench, Outcome, times};

/// Maildrops, and sessions at once.
pub(crate) const ACCOUNTS: usize = 16;

/// The owner of a maildrop.
pub(crate) fn account(number: usize) -> String {
    format!("reader{number}@{DOMAIN}")
}

/// Letters in each maildrop.
pub(crate) fn letters(bench: &Bench) -> usize {
    if bench.quick { 20 } else { 1_000 }
}

/// All rows of POP3.
pub(crate) fn measure(bench: &mut Bench) -> Outcome<()> {
    let letters = letters(bench);
    let server = Server::start(&bench.certificate, &[])?;
    server.add_domain()?;
    let readers: Vec<_> = (0..ACCOUNTS).map(account).collect();
    let senders = senders(ACCOUNTS);
    server.add_accounts(&[readers.clone(), senders.clone()].concat())?;
    let envelopes = (0..letters).flat_map(|_| readers.iter().map(|reader| vec![reader.clone()])).collect();
    bench.runtime.block_on(fill(&server.target("submissions")?, senders, envelopes, SIZE))?;
    drive(bench, &server.target("pop3s")?, &|| server.cpu(), letters)?;
    server.stop()?;
    Ok(())
}

/// The same for any server whose maildrops hold `letters` letters each; `cpu` is the CPU time it has used, in seconds.
pub(crate) fn drive(
    bench: &mut Bench,
    target: &Target,
    cpu: &dyn Fn() -> Outcome<f64>,
    letters: usize,
) -> Outcome<()> {
    sessions(bench, target, cpu, letters, (1, 5.2))?;
    sessions(bench, target, cpu, letters, (ACCOUNTS, 9.4))?;
    pipelined(bench, target, letters)?;
    latencies(bench, target)
}

/// Whole sessions on `connections` maildrops at once, beside the peer's rate.
fn sessions(
    bench: &mut Bench,
    target: &Target,
    cpu: &dyn Fn() -> Outcome<f64>,
    letters: usize,
    (connections, peer): (usize, f64),
) -> Outcome<()> {
    let (mut rates, mut limits, mut used) = (vec![], vec![], vec![]);
    let volume = (letters * SIZE) as f64 / 1e6;
    for n in 0..=bench.rounds.count {
        let limit = bench.runtime.block_on(bench.bare.throughput(bench.limit_length()))?;
        let before = cpu()?;
        let done = bench.runtime.block_on(round(target, connections, letters, bench.rounds.length))?;
        if n > 0 {
            limits.push(limit);
            used.push((cpu()? - before) * 1e3 / done.count());
            rates.push(done.rate());
        }
    }
    let (rate, limit) = (median(rates), median(limits));
    let name = |what: &str| format!("{what} of 1,000 letters, {connections} connections");
    let mark = Mark { peer_limit: Some(2_100.0 / volume), ..times(peer, 2.0, 4.0) };
    bench.add(Figure::new(name("POP3 sessions"), rate, "/s").of(limit / volume).against(mark));
    let mark = Mark { peer_limit: Some(2_100.0), ..times(peer * 10.24, 2.0, 4.0) };
    bench.add(Figure::new(name("POP3 octets"), rate * volume, "MB/s").of(limit).against(mark));
    let mark = Mark { peer: Some(160.0), ..Mark::default() };
    bench.add(Figure::new(name("server CPU a POP3 session"), median(used), "ms").against(mark));
    Ok(())
}

/// Sessions one after the other, on a maildrop each.
async fn round(target: &Target, connections: usize, letters: usize, length: Duration) -> Outcome<Done> {
    let end = Instant::now() + length;
    let workers = (0..connections).map(|number| (target.clone(), number)).collect();
    let work = move |(target, number): (Target, usize)| async move {
        let mut times = Vec::new();
        while Instant::now() < end {
            let begun = Instant::now();
            session(&target, number, letters).await?;
            times.push(millis(begun));
        }
        Ok(times)
    };
    all(workers, work).await
}

/// Login, STAT, UIDL, every letter, QUIT.
async fn session(target: &Target, number: usize, letters: usize) -> Outcome<()> {
    let mut wire = target.pop3(number, &account(number)).await?;
    let stat = wire.ask("STAT\r\n").await?;
    if !stat.starts_with(&format!("+OK {letters} ")) {
        return Err(format!("expected {letters} letters: {stat}").into());
    }
    wire.send(b"UIDL\r\n").await?;
    wire.lines().await?;
    for letter in 1..=letters {
        wire.send(format!("RETR {letter}\r\n").as_bytes()).await?;
        let size = wire.lines().await?;
        if size < SIZE {
            return Err(format!("letter {letter} came with {size} octets").into());
        }
    }
    wire.quit().await
}

/// All letters asked for at once (RFC 2449 §6.8), on one connection.
fn pipelined(bench: &mut Bench, target: &Target, letters: usize) -> Outcome<()> {
    let commands: String = (1..=letters).map(|letter| format!("RETR {letter}\r\n")).collect();
    let mut rates = Vec::new();
    for n in 0..=bench.rounds.count * 2 {
        let taken = bench.runtime.block_on(async {
            let mut wire = target.pop3(0, &account(0)).await?;
            let begun = Instant::now();
            wire.send(commands.as_bytes()).await?;
            for _ in 0..letters {
                wire.lines().await?;
            }
            let taken = begun.elapsed().as_secs_f64();
            wire.quit().await?;
            Outcome::Ok(taken)
        })?;
        if n > 0 {
            rates.push(letters as f64 / taken);
        }
    }
    bench.add(
        Figure::new("POP3 RETR pipelined, letters", median(rates), "/s").against(times(17_300.0, 2.0, 4.0)),
    );
    Ok(())
}

/// What a program that only looks for new letters waits for.
fn latencies(bench: &mut Bench, target: &Target) -> Outcome<()> {
    let rounds = if bench.quick { 2 } else { 50 };
    let mut taken: [Vec<f64>; 3] = Default::default();
    for _ in 0..rounds {
        bench.runtime.block_on(async {
            let mut wire = target.greeted(0).await?;
            let begun = Instant::now();
            wire.login(&account(0)).await?;
            taken[0].push(millis(begun));
            let begun = Instant::now();
            wire.ask("STAT\r\n").await?;
            taken[1].push(millis(begun));
            let begun = Instant::now();
            wire.send(b"UIDL\r\n").await?;
            wire.lines().await?;
            taken[2].push(millis(begun));
            wire.quit().await
        })?;
    }
    let peers = [("login", 3.9), ("STAT", 1.8), ("UIDL", 1.3)];
    for ((what, peer), taken) in peers.into_iter().zip(taken) {
        let mark =
            Mark { owed: Some(Goal::Times(1.0)), aim: Some(Goal::Times(0.3)), ..times(peer, 1.0, 0.3) };
        let name = format!("POP3 {what} with 1,000 letters, p50");
        bench.add(Figure::new(name, median(taken), "ms").against(mark));
    }
    Ok(())
}
