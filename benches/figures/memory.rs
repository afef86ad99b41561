//! What an idle TLS connection costs: POP3 sessions in the TRANSACTION state, and IMAP sessions in IDLE at their INBOX, with
//! and without COMPRESS; each on its own account with 100 letters.
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

/// The cost of passwords, and no SCRAM keys, which cost tens of milliseconds each.
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

/// POP3's rows.
pub(crate) fn pop3(bench: &mut Bench) -> Outcome<()> {
    measure(bench, &[500, 2_000, 10_000], &[("POP3 session over TLS", Session::Pop3)])
}

/// IMAP's rows.
pub(crate) fn imap(bench: &mut Bench) -> Outcome<()> {
    let sessions = [
        ("IMAP session in IDLE over TLS", Session::Idle),
        ("IMAP session in IDLE over TLS with COMPRESS", Session::IdleCompressed),
    ];
    measure(bench, &[500, 2_000, 10_000, 18_000], &sessions)
}

/// A row for each step of each kind of session, against connections that have only been greeted by the bare server.
fn measure(bench: &mut Bench, steps: &[usize], sessions: &[(&str, Session)]) -> Outcome<()> {
    let (steps, letters, settle) = match bench.quick {
        true => (&[20][..], 2, Duration::from_millis(100)),
        // Longer than an account's actors are kept without use.
        false => (steps, LETTERS, Duration::from_secs(35)),
    };
    let bare = Series { steps, settle: Duration::from_millis(200), session: Session::Greeted };
    let bare = bare.run(bench, &bench.bare.target, &|| bench.bare.pss())?;
    let mut server = furnished(bench, steps.last().copied().unwrap_or_default(), letters)?;
    for &(what, session) in sessions {
        server = server.restart(&bench.certificate, &CHEAP)?;
        let held = Series { steps, settle, session };
        let held = held.run(bench, &server.target(session.listener())?, &|| server.pss())?;
        rows(bench, what, steps, &held, &bare);
    }
    server.stop()?;
    Ok(())
}

/// A server with so many accounts and so many letters in each.
fn furnished(bench: &Bench, accounts: usize, letters: usize) -> Outcome<Server> {
    let server = Server::start(&bench.certificate, &CHEAP)?;
    server.add_domain()?;
    let accounts: Vec<_> = (0..accounts).map(account).collect();
    let senders = senders(16);
    server.add_accounts(&[accounts.clone(), senders.clone()].concat())?;
    let envelopes = (0..letters).flat_map(|_| accounts.chunks(BATCH).map(<[String]>::to_vec)).collect();
    bench.runtime.block_on(fill(&server.target("submissions")?, senders, envelopes, 1_000))?;
    Ok(server)
}

/// By how many KiB `held` and `bare` grew at each step, told for one connection.
fn rows(bench: &mut Bench, what: &str, steps: &[usize], held: &[f64], bare: &[f64]) {
    for ((connections, held), bare) in steps.iter().zip(held).zip(bare) {
        let name = format!("memory of an idle {what}, {connections} of them");
        bench.add(
            Figure::new(name, held / *connections as f64, "KiB").of(bare / *connections as f64).against(IDLE),
        );
    }
    if let (&[.., from, to], &[.., held_from, held_to], &[.., bare_from, bare_to]) = (steps, held, bare) {
        let further = (to - from) as f64;
        let name = format!("memory of each further {what}, {from} to {to}");
        let figure = Figure::new(name, (held_to - held_from) / further, "KiB");
        bench.add(figure.of((bare_to - bare_from) / further));
    }
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
    /// What they do before they are left alone.
    session: Session,
}

/// What a connection is idle in.
#[derive(Clone, Copy)]
enum Session {
    /// Nothing: it has only been greeted.
    Greeted,
    /// The TRANSACTION state.
    Pop3,
    /// IDLE at the INBOX.
    Idle,
    /// The same, compressed.
    IdleCompressed,
}

impl Session {
    /// Where it connects to.
    fn listener(self) -> &'static str {
        match self {
            Session::Greeted | Session::Pop3 => "pop3s",
            Session::Idle | Session::IdleCompressed => "imaps",
        }
    }

    /// A connection that is in it.
    async fn begin(self, target: &Target, number: usize) -> Outcome<Wire> {
        let user = account(number);
        Ok(match self {
            Session::Greeted => target.greeted(number).await?,
            Session::Pop3 => target.pop3(number, &user).await?,
            Session::Idle => {
                let mut wire = target.imap(number, &user).await?;
                wire.command("SELECT INBOX").await?;
                wire.idle().await?;
                wire
            }
            Session::IdleCompressed => {
                let mut wire = target.imap(number, &user).await?;
                wire.idle_compressed("INBOX").await?;
                wire
            }
        })
    }
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
            bench.runtime.block_on(open(target, self.session, &mut held, step))?;
            std::thread::sleep(self.settle);
            grown.push(pss()? - before);
        }
        Ok(grown)
    }
}

/// Opens connections until `held` has `count`.
async fn open(target: &Target, session: Session, held: &mut Vec<Wire>, count: usize) -> Outcome<()> {
    let first = held.len();
    let (keep, mut kept) = tokio::sync::mpsc::unbounded_channel();
    let workers = (0..AT_ONCE).map(|worker| (target.clone(), worker, keep.clone())).collect();
    drop(keep);
    let work = move |(target, worker, keep): (Target, usize, tokio::sync::mpsc::UnboundedSender<Wire>)| async move {
        for number in (first + worker..count).step_by(AT_ONCE) {
            let mut wire = session.begin(&target, number).await?;
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
