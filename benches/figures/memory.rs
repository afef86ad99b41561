//! What an idle TLS connection costs: POP3 sessions in the TRANSACTION state, each on its own account with 100 letters.
//!
//! PSS grows from a server that has only just started, so whatever the sessions make the server load counts as theirs.
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

    let bare =
        series(bench, steps, Duration::from_millis(200), &bench.bare.target, false, &|| bench.bare.pss())?;
    let server = server.restart(&bench.certificate, &CHEAP)?;
    let target = server.target("pop3s")?;
    let held = series(bench, steps, settle, &target, true, &|| server.pss())?;
    for ((connections, held), bare) in steps.iter().zip(held).zip(bare) {
        let mark = Mark {
            peer: Some(580.0),
            peer_limit: None,
            owed: Some(Goal::Is(20.0)),
            aim: Some(Goal::Is(12.0)),
        };
        let name = format!("memory of an idle POP3 session over TLS, {connections} of them");
        bench.add(Figure::new(name, held, "KiB").of(bare).against(mark));
    }
    server.stop()?;
    Ok(())
}

/// Opens connections up to each of `steps` and answers how many KiB one costs there.
fn series(
    bench: &Bench,
    steps: &[usize],
    settle: Duration,
    target: &Target,
    login: bool,
    pss: &dyn Fn() -> Outcome<f64>,
) -> Outcome<Vec<f64>> {
    let mut held: Vec<Wire> = Vec::new();
    let mut costs = Vec::new();
    // What the first connection makes the process load belongs to none.
    bench.runtime.block_on(target.greeted(0))?;
    let before = pss()?;
    for &step in steps {
        bench.runtime.block_on(open(target, login, &mut held, step))?;
        std::thread::sleep(settle);
        costs.push((pss()? - before) / step as f64);
    }
    Ok(costs)
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
