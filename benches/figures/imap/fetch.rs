//! FETCH of 10,000 letters of 10 KiB: their bodies, on one connection and on sixteen that share them out among accounts of
//! their own; and what a program shows in a list, once when the server has to find it out and once more.

use std::time::Instant;

use super::letters::{SIZE, fill};
use super::{Subject, accounts, beside, goals, many};
use crate::client::{Target, Wire};
use crate::load::{Done, all, millis};
use crate::table::{Figure, Mark, median};
use crate::{Bench, Outcome, times};

/// Letters in all.
const LETTERS: usize = 10_000;
/// Connections at once.
const CONNECTIONS: usize = 16;

/// All rows.
pub(crate) fn drive(bench: &mut Bench, subject: &mut dyn Subject) -> Outcome<()> {
    let letters = many(bench, LETTERS);
    let (one, shared) = (accounts("fetch", 1), accounts("shared", CONNECTIONS));
    subject.furnish(&[one.clone(), shared.clone()].concat())?;
    let target = subject.imap()?;
    bench.runtime.block_on(fill(&target, &one[0], letters, SIZE))?;
    let share = letters.div_ceil(CONNECTIONS);
    for account in &shared {
        bench.runtime.block_on(fill(&target, account, share, SIZE))?;
    }
    lists(bench, subject, &one[0], letters)?;
    bodies(bench, subject, &one, letters, (16_900.0, 1.0, 2.0))?;
    bodies(bench, subject, &shared, share, (20_700.0, 1.5, 3.0))
}

/// What a list of letters shows.
fn lists(bench: &mut Bench, subject: &mut dyn Subject, account: &str, letters: usize) -> Outcome<()> {
    let (mut first, mut again, mut used) = (vec![], vec![], vec![]);
    for _ in 0..bench.rounds.count {
        subject.forget(bench)?;
        let target = subject.imap()?;
        bench.runtime.block_on(async {
            let mut wire = target.imap(0, account).await?;
            wire.command("SELECT INBOX").await?;
            first.push(list(&mut wire, letters).await?);
            let before = subject.cpu()?;
            again.push(list(&mut wire, letters).await?);
            used.push((subject.cpu()? - before) * 1e3);
            Outcome::Ok(())
        })?;
    }
    let name = |when: &str| format!("IMAP FETCH of flags, envelope, structure of 10,000, {when}");
    bench.add(Figure::new(name("first"), median(first), "s").against(goals(0.47, 0.15, 0.05)));
    bench.add(Figure::new(name("again"), median(again), "s").against(goals(0.13, 0.1, 0.05)));
    bench.add(Figure::new("server CPU of it, again", median(used), "ms"));
    Ok(())
}

async fn list(wire: &mut Wire, letters: usize) -> Outcome<f64> {
    let begun = Instant::now();
    let answered = wire.command("FETCH 1:* (FLAGS ENVELOPE BODYSTRUCTURE)").await?;
    match answered.responses {
        told if told >= letters => Ok(begun.elapsed().as_secs_f64()),
        told => Err(format!("{told} letters of {letters} were told").into()),
    }
}

/// All bodies of each account in one command, again and again; `peer` is Dovecot's letters a second, then what is owed and
/// aimed at.
fn bodies(
    bench: &mut Bench,
    subject: &dyn Subject,
    accounts: &[String],
    letters: usize,
    (peer, owed, aim): (f64, f64, f64),
) -> Outcome<()> {
    let (mut rates, mut limits, mut cpu) = (vec![], vec![], vec![]);
    let target = subject.imap()?;
    for n in 0..=bench.rounds.count {
        let limit = bench.runtime.block_on(bench.bare.throughput(bench.limit_length()))?;
        let open = bench.runtime.block_on(open(&target, accounts))?;
        let before = subject.cpu()?;
        let done = bench.runtime.block_on(round(bench, open, letters))?;
        if n > 0 {
            let told = done.count() * letters as f64;
            limits.push(limit * 1e6 / SIZE as f64);
            cpu.push((subject.cpu()? - before) * 1e3 / told);
            rates.push(told / done.seconds);
        }
    }
    let name = |what: &str| format!("{what}, {} connections", accounts.len());
    let mark = Mark { peer_limit: Some(2_100e6 / SIZE as f64), ..times(peer, owed, aim) };
    bench
        .add(Figure::new(name("IMAP FETCH of bodies"), median(rates), "/s").of(median(limits)).against(mark));
    bench.add(Figure::new(name("server CPU a body"), median(cpu), "ms").against(beside(0.06)));
    Ok(())
}

/// Opens the connections of a round before it begins.
async fn open(target: &Target, accounts: &[String]) -> Outcome<Vec<Wire>> {
    let mut open = Vec::new();
    for (number, account) in accounts.iter().enumerate() {
        let mut wire = target.imap(number, account).await?;
        wire.command("SELECT INBOX").await?;
        open.push(wire);
    }
    Ok(open)
}

async fn round(bench: &Bench, open: Vec<Wire>, letters: usize) -> Outcome<Done> {
    let end = Instant::now() + bench.rounds.length;
    let work = move |mut wire: Wire| async move {
        let mut times = Vec::new();
        while Instant::now() < end {
            let begun = Instant::now();
            let answered = wire.command("FETCH 1:* (BODY.PEEK[])").await?;
            if answered.literals != letters * SIZE {
                return Err(format!("{} octets of {letters} letters came", answered.literals).into());
            }
            times.push(millis(begun));
        }
        Ok(times)
    };
    all(open, work).await
}
