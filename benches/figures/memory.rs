//! What an idle TLS connection costs: POP3 sessions in the TRANSACTION state, each on its own account with 100 letters.
//!
//! Measured twice. First PSS grows from a server that has only just started: what the sessions make it load of the store's
//! index, a cache, counts as theirs. Then every account has been in once before, so that the sessions alone are counted.
//! Passwords are made cheap here: Argon2id at its usual cost would take a quarter of an hour for 10,000 logins and leaves
//! nothing behind in a session.

use std::time::Duration;

use crate::client::{DOMAIN, Target, Wire};
use crate::letters::{fill, senders};
use crate::load::all;
use crate::server::Server;
use crate::table::{Figure, Goal, Mark};
use crate::{Bench, Outcome};

/// The cost of passwords, and no SCRAM keys, which cost 100,000 iterations each.
const CHEAP: [(&str, &str); 2] = [("POSTERN_ARGON2", "m=8,t=1,p=1"), ("POSTERN_SCRAM", "off")];
/// Letters in each account.
const LETTERS: usize = 100;
/// Recipients of one letter when the accounts are filled.
const BATCH: usize = 100;
/// Logins at once.
const AT_ONCE: usize = 32;

fn account(number: usize) -> String {
    format!("idle{number}@{DOMAIN}")
}

/// All rows of memory.
pub(crate) fn measure(bench: &mut Bench) -> Outcome<()> {
    let (steps, letters, settle): (&[usize], _, _) = match bench.quick {
        true => (&[20], 2, Duration::from_millis(100)),
        // Longer than an account's actors are kept without use.
        false => (&[500, 2_000, 10_000], LETTERS, Duration::from_secs(35)),
    };
    let most = steps.last().copied().unwrap_or_default();
    let server = Server::start(&bench.certificate, &CHEAP)?;
    server.add_domain()?;
    let accounts: Vec<_> = (0..most).map(account).collect();
    let senders = senders(16);
    server.add_accounts(&[accounts.clone(), senders.clone()].concat())?;
    let envelopes = (0..letters).flat_map(|_| accounts.chunks(BATCH).map(<[String]>::to_vec)).collect();
    bench.runtime.block_on(fill(&server.target("submissions")?, senders, envelopes, 1_000))?;

    let bare = Series { steps, settle: Duration::from_millis(200), login: false, warm: false };
    let bare = bare.run(bench, &bench.bare.target, &|| bench.bare.pss())?;
    let started = Series { steps: &steps[steps.len() - 1..], settle, login: true, warm: false };
    let server = server.restart(&bench.certificate, &CHEAP)?;
    let cold = started.run(bench, &server.target("pop3s")?, &|| server.pss())?;
    let server = server.restart(&bench.certificate, &CHEAP)?;
    let warmed = Series { steps, warm: true, ..started };
    let warm = warmed.run(bench, &server.target("pop3s")?, &|| server.pss())?;
    let name = |connections: usize, start: &str| {
        format!("memory of an idle POP3 session over TLS, {connections} of them, {start}")
    };
    for ((connections, warm), bare) in steps.iter().zip(warm).zip(&bare) {
        let figure = Figure::new(name(*connections, "index in memory"), warm, "KiB");
        bench.add(figure.of(*bare).against(IDLE));
    }
    for (cold, bare) in cold.iter().zip(bare.last()) {
        bench.add(Figure::new(name(most, "with the index they load"), *cold, "KiB").of(*bare));
    }
    server.stop()?;
    Ok(())
}

/// Dovecot's processes without hibernation, and what is owed for all of a connection.
const IDLE: Mark =
    Mark { peer: Some(580.0), peer_limit: None, owed: Some(Goal::Is(20.0)), aim: Some(Goal::Is(12.0)) };

/// Connections that are opened and held.
#[derive(Clone, Copy)]
struct Series<'a> {
    /// How many there are when memory is read.
    steps: &'a [usize],
    /// How long they are left alone before.
    settle: Duration,
    /// They log in.
    login: bool,
    /// Every account logs in and quits first.
    warm: bool,
}

impl Series<'_> {
    /// How many KiB one of them costs at each step.
    fn run(&self, bench: &Bench, target: &Target, pss: &dyn Fn() -> Outcome<f64>) -> Outcome<Vec<f64>> {
        let most = self.steps.last().copied().unwrap_or_default();
        if self.warm {
            bench.runtime.block_on(visit(target, most))?;
            std::thread::sleep(self.settle);
        } else {
            // What the first connection makes the process load belongs to none.
            bench.runtime.block_on(target.greeted(0))?;
        }
        let before = pss()?;
        let mut held: Vec<Wire> = Vec::new();
        let mut costs = Vec::new();
        for &step in self.steps {
            bench.runtime.block_on(open(target, self.login, &mut held, step))?;
            std::thread::sleep(self.settle);
            costs.push((pss()? - before) / step as f64);
        }
        Ok(costs)
    }
}

/// Logs in to each of the accounts once, and quits.
async fn visit(target: &Target, count: usize) -> Outcome<()> {
    let workers = (0..AT_ONCE).map(|worker| (target.clone(), worker)).collect();
    let work = move |(target, worker): (Target, usize)| async move {
        for number in (worker..count).step_by(AT_ONCE) {
            target.pop3(number, &account(number)).await?.quit().await?;
        }
        Ok(Vec::new())
    };
    all(workers, work).await?;
    Ok(())
}

/// Opens connections until `held` has `count`.
async fn open(target: &Target, login: bool, held: &mut Vec<Wire>, count: usize) -> Outcome<()> {
    let first = held.len();
    let (keep, mut kept) = tokio::sync::mpsc::unbounded_channel();
    let workers = (0..AT_ONCE).map(|worker| (target.clone(), worker, keep.clone())).collect();
    drop(keep);
    let work = move |(target, worker, keep): (Target, usize, tokio::sync::mpsc::UnboundedSender<Wire>)| async move {
        for number in (first + worker..count).step_by(AT_ONCE) {
            let mut wire = target.greeted(number).await?;
            if login {
                wire.login(&account(number)).await?;
            }
            wire.shed();
            keep.send(wire).map_err(|_| "nobody keeps the connections")?;
        }
        Ok(Vec::new())
    };
    all(workers, work).await?;
    while let Some(wire) = kept.recv().await {
        held.push(wire);
    }
    Ok(())
}
