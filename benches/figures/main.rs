//! Postern's figures: how many letters and sessions a second, how much memory and CPU, each beside what this machine's
//! disk and TLS give in the same run and beside what the project owes (`cargo bench --bench figures`).
//!
//! Arguments choose groups ([`GROUPS`] and [`imap::GROUPS`] name them; all without one), `--peers` runs Dovecot under the same client as well, and `--quick` only shows that everything runs: its figures mean nothing. Client and server
//! share the machine. Rows are medians of several short rounds; a limit is measured between the rounds that it belongs to.

mod bare;
mod client;
mod imap;
mod letters;
mod load;
mod logins;
mod memory;
mod peers;
mod policy;
mod pop3;
mod postfix;
mod process;
mod server;
mod start;
mod table;
mod windows;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use crate::bare::{Bare, Sync, appends};
use crate::load::Rounds;
use crate::server::Certificate;
use crate::table::{Figure, Goal, Mark, median};

/// What may fail, with one line that says why.
pub(crate) type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + std::marker::Sync>>;

/// What all groups need.
pub(crate) struct Bench {
    /// The thread that all clients run on.
    pub(crate) runtime: tokio::runtime::Runtime,
    /// What the servers show and the clients trust.
    pub(crate) certificate: Certificate,
    /// The bare TLS server.
    pub(crate) bare: Bare,
    /// How long to measure.
    pub(crate) rounds: Rounds,
    /// Few accounts and letters: only to see that it runs.
    pub(crate) quick: bool,
    /// What has been measured.
    pub(crate) figures: Vec<Figure>,
    /// What the peers did in this run, by the names of figures.
    pub(crate) peers: BTreeMap<String, f64>,
}

impl Bench {
    fn new(quick: bool) -> Outcome<Bench> {
        let certificate = Certificate::make()?;
        let bare = Bare::start(&certificate)?;
        let (count, millis) = if quick { (1, 200) } else { (5, 1_500) };
        Ok(Bench {
            runtime: tokio::runtime::Builder::new_current_thread().enable_all().build()?,
            certificate,
            bare,
            rounds: Rounds { count, length: Duration::from_millis(millis) },
            quick,
            figures: Vec::new(),
            peers: BTreeMap::new(),
        })
    }

    /// Length of a round that only measures a limit.
    pub(crate) fn limit_length(&self) -> Duration {
        self.rounds.length / 3
    }

    /// Adds a figure to the table.
    pub(crate) fn add(&mut self, figure: Figure) {
        self.figures.push(figure);
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.as_slice() {
        [argument, dir] if argument == bare::ARGUMENT => bare::serve(Path::new(dir)),
        [argument, data] if argument == start::ARGUMENT => start::open(Path::new(data)),
        _ => run(&arguments),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("figures: {error}");
            ExitCode::FAILURE
        }
    }
}

/// A group of figures.
type Group = (&'static str, fn(&mut Bench) -> Outcome<()>);

/// The groups, but for those that IMAP has for every server.
const GROUPS: [Group; 9] = [
    ("limits", limits),
    ("letters", letters::measure),
    ("pop3", pop3::measure),
    ("logins", logins::measure),
    ("memory", memory::pop3),
    ("imap-memory", memory::imap),
    ("policy", policy::measure),
    ("windows", windows::measure),
    ("start", start::measure),
];

fn run(arguments: &[String]) -> Outcome<()> {
    // cargo bench adds --bench.
    let (options, chosen): (Vec<&str>, Vec<&str>) =
        arguments.iter().map(String::as_str).filter(|a| *a != "--bench").partition(|a| a.starts_with("--"));
    if let Some(unknown) = options.iter().find(|option| !["--quick", "--peers"].contains(option)) {
        return Err(format!("unknown option {unknown}; there are --quick and --peers").into());
    }
    let names: Vec<&str> =
        GROUPS.iter().map(|(name, _)| *name).chain(imap::GROUPS.iter().map(|(name, _)| *name)).collect();
    if let Some(unknown) = chosen.iter().find(|name| !names.contains(name)) {
        return Err(format!("unknown group {unknown}; there are {}", names.join(", ")).into());
    }
    process::raise_descriptor_limit()?;
    let mut bench = Bench::new(options.contains(&"--quick"))?;
    let is_chosen = |group: &str| chosen.is_empty() || chosen.contains(&group);
    let outcome = measure(&mut bench, options.contains(&"--peers"), is_chosen);
    // What was measured before a failure is worth reading.
    table::print(&bench.figures, &bench.peers);
    if bench.quick {
        println!("\n--quick: these figures show that it runs, and nothing else.");
    }
    outcome
}

fn measure(bench: &mut Bench, with_peers: bool, is_chosen: impl Fn(&str) -> bool) -> Outcome<()> {
    if with_peers {
        eprintln!("measuring peers …");
        peers::measure(bench, &is_chosen)?;
    }
    for (name, measure) in GROUPS {
        if is_chosen(name) {
            eprintln!("measuring {name} …");
            measure(bench)?;
        }
    }
    for (name, drive) in imap::GROUPS {
        if is_chosen(name) {
            eprintln!("measuring {name} …");
            imap::measure(bench, drive)?;
        }
    }
    Ok(())
}

/// What the machine gives.
fn limits(bench: &mut Bench) -> Outcome<()> {
    let (count, length) = (bench.rounds.count, bench.limit_length());
    for (sync, name) in [(Sync::Gathered, "gathered"), (Sync::Naive, "each for itself")] {
        for (threads, peer) in [(1, 3_700.0), (16, 19_700.0), (64, 27_700.0)] {
            let rounds = (0..count).map(|_| appends(threads, sync, length)).collect::<Outcome<Vec<_>>>()?;
            let figure = Figure::new(
                format!("append 10 KiB + fdatasync, {name}, {threads} threads"),
                median(rounds),
                "/s",
            );
            let peer = (sync == Sync::Gathered).then_some(peer);
            bench.add(figure.against(Mark { peer, ..Mark::default() }));
        }
    }
    let throughput = |_| bench.runtime.block_on(bench.bare.throughput(length));
    let rounds = (0..count).map(throughput).collect::<Outcome<Vec<_>>>()?;
    let mark = Mark { peer: Some(2_100.0), ..Mark::default() };
    bench.add(Figure::new("TLS on one loopback connection", median(rounds), "MB/s").against(mark));
    let handshakes = |_| bench.runtime.block_on(bench.bare.handshakes(length));
    let rounds = (0..count).map(handshakes).collect::<Outcome<Vec<_>>>()?;
    let mark = Mark { peer: Some(1_700.0), ..Mark::default() };
    bench.add(Figure::new("TLS handshakes, 16 at once", median(rounds), "/s").against(mark));
    Ok(())
}

/// Goals as multiples of the peer's figure.
pub(crate) fn times(peer: f64, owed: f64, aim: f64) -> Mark {
    Mark { peer: Some(peer), peer_limit: None, owed: Some(Goal::Times(owed)), aim: Some(Goal::Times(aim)) }
}
