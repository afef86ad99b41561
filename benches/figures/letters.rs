//! Letters by submission into local mailboxes: 250 means on disk, so the disk's own rate of synced appends is the limit.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::bare::{Sync, appends};
use crate::client::{DOMAIN, Letter, Target, Wire};
use crate::load::{Done, all};
use crate::server::Server;
use crate::table::{Figure, Goal, Mark, median, percentile};
use crate::{Bench, Outcome, times};

/// Octets of a letter.
pub(crate) const SIZE: usize = 10 << 10;
/// The most connections at once.
const MOST: usize = 64;

/// Numbers for Message-IDs.
static NUMBER: AtomicU64 = AtomicU64::new(1);

fn next_number() -> u64 {
    NUMBER.fetch_add(1, Ordering::Relaxed)
}

/// The accounts that bring letters in.
pub(crate) fn senders(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("sender{n}@{DOMAIN}")).collect()
}

/// What is known of a number of connections: it, the peer's letters a second, the disk's on that day, multiples owed and
/// aimed at.
const ROWS: [(usize, f64, f64, f64, f64); 3] =
    [(1, 323.0, 3_700.0, 2.0, 4.0), (16, 355.0, 19_700.0, 6.0, 12.0), (64, 319.0, 27_700.0, 10.0, 20.0)];

/// All rows of letters.
pub(crate) fn measure(bench: &mut Bench) -> Outcome<()> {
    let server = Server::start(&bench.certificate, &[])?;
    server.add_domain()?;
    let most = if bench.quick { 4 } else { MOST };
    server.add_accounts(&senders(most))?;
    let target = server.target("submissions")?;
    // A 250 of ours means delivered (SPEC D1, D2).
    drive(bench, &Subject { target, cpu: &|| server.cpu(), delivered: &|_| Ok(()) })?;
    server.stop()?;
    Ok(())
}

/// Who takes letters in.
pub(crate) struct Subject<'a> {
    /// Its submission listener.
    pub(crate) target: Target,
    /// CPU time that it has used, in seconds.
    pub(crate) cpu: &'a dyn Fn() -> Outcome<f64>,
    /// Waits until so many letters more than at the last call are in their mailboxes.
    pub(crate) delivered: &'a dyn Fn(usize) -> Outcome<()>,
}

/// All rows of letters for any server.
pub(crate) fn drive(bench: &mut Bench, subject: &Subject<'_>) -> Outcome<()> {
    let most = if bench.quick { 4 } else { MOST };
    for (connections, peer, peer_limit, owed, aim) in ROWS {
        let mark = Mark { peer_limit: Some(peer_limit), ..times(peer, owed, aim) };
        let own = |n: usize| vec![senders(n + 1)[n].clone()];
        rows(bench, subject, connections.min(most), "own mailboxes", mark, own)?;
    }
    rows(bench, subject, most, "one shared mailbox", Mark::default(), |_| senders(1))
}

/// The rows of one number of connections, each with the recipients that `to` names.
fn rows(
    bench: &mut Bench,
    subject: &Subject<'_>,
    connections: usize,
    mailboxes: &str,
    mark: Mark,
    to: impl Fn(usize) -> Vec<String>,
) -> Outcome<()> {
    let (mut rates, mut limits, mut cpu, mut times) = (vec![], vec![], vec![], vec![]);
    // The first round only warms up.
    for n in 0..=bench.rounds.count {
        let limit = appends(connections, Sync::Gathered, bench.limit_length())?;
        let workers: Vec<_> = (0..connections).map(|number| (number, to(number))).collect();
        let open = bench.runtime.block_on(open(&subject.target, workers))?;
        let before = (subject.cpu)()?;
        let begun = Instant::now();
        let mut done = bench.runtime.block_on(round(open, bench.rounds.length))?;
        (subject.delivered)(done.times.len())?;
        done.seconds = begun.elapsed().as_secs_f64();
        let used = (subject.cpu)()? - before;
        if n > 0 {
            limits.push(limit);
            rates.push(done.rate());
            cpu.push(used * 1e3 / done.count());
            times.extend(done.times);
        }
    }
    let name = |what: &str| format!("{what}, {connections} connections, {mailboxes}");
    bench.add(Figure::new(name("durable letters"), median(rates), "/s").of(median(limits)).against(mark));
    let mark = if mark.peer.is_some() { CPU } else { Mark::default() };
    bench.add(Figure::new(name("server CPU a letter"), median(cpu), "ms").against(mark));
    let mark = if connections == 1 { REPLY } else { Mark::default() };
    let p50 = percentile(times.iter().copied(), 0.5);
    bench.add(Figure::new(name("250 after the last octet, p50"), p50, "ms").against(mark));
    bench.add(Figure::new(name("250 after the last octet, p99"), percentile(times, 0.99), "ms"));
    Ok(())
}

/// CPU of a letter: Postfix and Dovecot together, and the aim at 64 connections.
const CPU: Mark = Mark { peer: Some(5.0), peer_limit: None, owed: None, aim: Some(Goal::Is(0.3)) };
/// From the last octet to the 250.
const REPLY: Mark =
    Mark { peer: Some(1.3), peer_limit: None, owed: Some(Goal::Is(2.0)), aim: Some(Goal::Is(1.0)) };

/// A connection that is logged in, the sender's address, and the recipients of its letters.
type Open = (Wire, String, Vec<String>);

/// Opens the connections of a round before it begins.
async fn open(target: &Target, workers: Vec<(usize, Vec<String>)>) -> Outcome<Vec<Open>> {
    let mut open = Vec::new();
    for (number, to) in workers {
        let from = senders(number + 1).swap_remove(number);
        open.push((target.submission(number, &from).await?, from, to));
    }
    Ok(open)
}

/// One round: letter after letter on each connection.
async fn round(open: Vec<Open>, length: Duration) -> Outcome<Done> {
    let end = Instant::now() + length;
    let work = move |(mut wire, from, to): Open| async move {
        let mut letter = Letter::new(&from, SIZE);
        let mut times = Vec::new();
        while Instant::now() < end {
            let taken = wire.submit(&from, &to, letter.numbered(next_number())).await?;
            times.push(taken.as_secs_f64() * 1e3);
        }
        Ok(times)
    };
    all(open, work).await
}

/// Brings in one letter of `size` octets for each entry of `envelopes`, over as many connections as there are senders.
pub(crate) async fn fill(
    target: &Target,
    senders: Vec<String>,
    envelopes: Vec<Vec<String>>,
    size: usize,
) -> Outcome<()> {
    let envelopes = Arc::new(envelopes);
    let next = Arc::new(AtomicU64::new(0));
    let workers = senders.into_iter().enumerate().map(|worker| (worker, target.clone())).collect();
    let work = move |((number, from), target): ((usize, String), Target)| {
        let (envelopes, next) = (Arc::clone(&envelopes), Arc::clone(&next));
        async move {
            // Fewer than the letters that one connection may bring (RFC 9422, MAILMAX).
            const ON_ONE: usize = 1_000;
            let mut letter = Letter::new(&from, size);
            loop {
                let mut wire = target.submission(number, &from).await?;
                for _ in 0..ON_ONE {
                    let at = usize::try_from(next.fetch_add(1, Ordering::Relaxed))?;
                    let Some(to) = envelopes.get(at) else { return Ok(Vec::new()) };
                    wire.submit(&from, to, letter.numbered(next_number())).await?;
                }
            }
        }
    };
    all(workers, work).await?;
    Ok(())
}
