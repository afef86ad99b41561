//! Logins over new TLS connections: a POP3 session that logs in and quits, 16 at once, client and server on the same
//! cores. The first login of an account pays for Argon2, a repeated one for a keyed proof in memory alone (SPEC I3).

use std::time::{Duration, Instant};

use crate::bare::AT_ONCE;
use crate::client::{DOMAIN, Target};
use crate::load::{Done, all, millis};
use crate::server::Server;
use crate::table::{Figure, Mark, median};
use crate::{Bench, Outcome, times};

/// Accounts of each of the connections: two sessions on one maildrop would be refused (SPEC C1).
const OWN: usize = 4;

fn account(worker: usize, own: usize) -> String {
    format!("user{worker}.{own}@{DOMAIN}")
}

/// Accounts of one connection.
pub(crate) fn own(bench: &Bench) -> usize {
    if bench.quick { 1 } else { OWN }
}

/// All rows of logins.
pub(crate) fn measure(bench: &mut Bench) -> Outcome<()> {
    let server = Server::start(&bench.certificate, &[])?;
    server.add_domain()?;
    let own = own(bench);
    let accounts: Vec<_> =
        (0..AT_ONCE).flat_map(|worker| (0..own).map(move |own| account(worker, own))).collect();
    server.add_accounts(&accounts)?;
    // An imported password becomes Argon2id at the first login (SPEC I6); the proofs of those logins are forgotten with the process.
    let target = server.target("pop3s")?;
    bench.runtime.block_on(once(&target, own))?;
    let server = server.restart(&bench.certificate, &[])?;
    let target = server.target("pop3s")?;
    let before = server.cpu()?;
    let first = bench.runtime.block_on(once(&target, own))?;
    let first_cpu = (server.cpu()? - before) * 1e3 / first.count();

    drive(bench, &target, &|| server.cpu(), own)?;
    bench.add(Figure::new("POP3 logins, first (Argon2id), 16 at once", first.rate(), "/s"));
    bench.add(Figure::new("server CPU a first login", first_cpu, "ms"));
    server.stop()?;
    Ok(())
}

/// Repeated logins on any server; `cpu` is the CPU time it has used, in seconds.
pub(crate) fn drive(
    bench: &mut Bench,
    target: &Target,
    cpu: &dyn Fn() -> Outcome<f64>,
    own: usize,
) -> Outcome<()> {
    let (mut rates, mut limits, mut used) = (vec![], vec![], vec![]);
    for n in 0..=bench.rounds.count {
        let limit = bench.runtime.block_on(bench.bare.handshakes(bench.limit_length()))?;
        let before = cpu()?;
        let done = bench.runtime.block_on(repeated(target, own, bench.rounds.length))?;
        if n > 0 {
            limits.push(limit);
            used.push((cpu()? - before) * 1e3 / done.count());
            rates.push(done.rate());
        }
    }
    let mark = Mark { peer_limit: Some(1_700.0), ..times(953.0, 1.5, 3.0) };
    bench.add(
        Figure::new("POP3 logins, repeated, 16 at once", median(rates), "/s")
            .of(median(limits))
            .against(mark),
    );
    let mark = Mark { peer: Some(1.7), ..Mark::default() };
    bench.add(Figure::new("server CPU a repeated login", median(used), "ms").against(mark));
    Ok(())
}

/// Every account once.
async fn once(target: &Target, own: usize) -> Outcome<Done> {
    let workers = (0..AT_ONCE).map(|worker| (target.clone(), worker)).collect();
    let work = move |(target, worker): (Target, usize)| async move {
        let mut times = Vec::new();
        for own in 0..own {
            times.push(login(&target, worker, own).await?);
        }
        Ok(times)
    };
    all(workers, work).await
}

/// Each connection's own accounts in turn, again and again.
async fn repeated(target: &Target, own: usize, length: Duration) -> Outcome<Done> {
    let end = Instant::now() + length;
    let workers = (0..AT_ONCE).map(|worker| (target.clone(), worker)).collect();
    let work = move |(target, worker): (Target, usize)| async move {
        let mut times = Vec::new();
        for own in (0..own).cycle() {
            if Instant::now() >= end {
                break;
            }
            times.push(login(&target, worker, own).await?);
        }
        Ok(times)
    };
    all(workers, work).await
}

/// Connects, logs in and quits; answers how long it took, in milliseconds.
async fn login(target: &Target, worker: usize, own: usize) -> Outcome<f64> {
    let begun = Instant::now();
    let mut wire = target.pop3(worker * OWN + own, &account(worker, own)).await?;
    wire.quit().await?;
    Ok(millis(begun))
}
