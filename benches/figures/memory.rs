//! What an idle TLS connection costs: POP3 sessions in the TRANSACTION state, each on its own account with 100 letters.
//!
//! PSS grows from a server that has only just started, so whatever the sessions make it load of the store's index counts
//! as theirs. Letting every account in once before would leave that out, but also freed memory that the sessions then
//! take up again: measured so, a session seemed to cost less than bare TLS. What each further session costs between the
//! last two steps is shown as well: there the process's fixed costs are behind it.
//!
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
/// The index's cache has a bound of its own (256 MiB unless told otherwise) and is no connection's; a small one keeps it from
/// hiding what a connection costs.
const CHEAP: [(&str, &str); 3] =
    [("POSTERN_ARGON2", "m=8,t=1,p=1"), ("POSTERN_SCRAM", "off"), ("POSTERN_CACHE", "16MiB")];
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

    let bare = Series { steps, settle: Duration::from_millis(200), login: false };
    let bare = bare.run(bench, &bench.bare.target, &|| bench.bare.pss())?;
    let server = server.restart(&bench.certificate, &CHEAP)?;
    let held = Series { steps, settle, login: true };
    let held = held.run(bench, &server.target("pop3s")?, &|| server.pss())?;
    for ((connections, held), bare) in steps.iter().zip(&held).zip(&bare) {
        let name = format!("memory of an idle POP3 session over TLS, {connections} of them");
        bench.add(
            Figure::new(name, held / *connections as f64, "KiB").of(bare / *connections as f64).against(IDLE),
        );
    }
    if let (&[.., from, to], &[.., held_from, held_to], &[.., bare_from, bare_to]) = (steps, &*held, &*bare) {
        let further = (to - from) as f64;
        let name = format!("memory of each further one, {from} to {to}");
        let figure = Figure::new(name, (held_to - held_from) / further, "KiB");
        bench.add(figure.of((bare_to - bare_from) / further));
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
}

impl Series<'_> {
    /// By how many KiB the process has grown at each step.
    fn run(&self, bench: &Bench, target: &Target, pss: &dyn Fn() -> Outcome<f64>) -> Outcome<Vec<f64>> {
        // What the first connection makes the process load belongs to none.
        bench.runtime.block_on(target.greeted(0))?;
        let before = pss()?;
        let mut held: Vec<Wire> = Vec::new();
        let mut grown = Vec::new();
        for &step in self.steps {
            bench.runtime.block_on(open(target, self.login, &mut held, step))?;
            std::thread::sleep(self.settle);
            grown.push(pss()? - before);
        }
        Ok(grown)
    }
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
