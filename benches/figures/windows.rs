//! What the send windows cost: the server's CPU for a letter with windows on against off, in pairs of rounds that follow
//! each other on the same machine. On, the limits are such that nothing is refused and every letter is counted and held
//! against three windows; off, the plan has none, and letters are counted all the same (they are events).
//!
//! Twice: limits that the account's actor answers from memory, and the largest, for which it reads one time from the
//! store with each letter.

use crate::client::{Letter, Target, Wire};
use crate::letters::{SIZE, senders};
use crate::load::all;
use crate::server::{Server, UNLIMITED};
use crate::table::{Figure, Goal, Mark, median, percentile};
use crate::{Bench, Outcome};

/// Limits of a minute, an hour and a day; accounts; letters of each in a round; pairs of rounds behind the first. No
/// account reaches its limit in all rounds together.
struct Series {
    limit: &'static str,
    senders: usize,
    letters: u64,
    pairs: usize,
}

const SERIES: [Series; 2] = [
    Series { limit: "60", senders: 600, letters: 7, pairs: 7 },
    Series { limit: "1000", senders: 64, letters: 90, pairs: 9 },
];

/// Both rows.
pub(crate) fn measure(bench: &mut Bench) -> Outcome<()> {
    for series in SERIES {
        let Series { limit, letters, .. } = series;
        let (senders, pairs) = if bench.quick { (4, 1) } else { (series.senders, series.pairs) };
        let on = furnished(bench, senders, &limits(limit))?;
        let off = furnished(bench, senders, &UNLIMITED)?;
        let (mut ratios, mut costs) = (Vec::new(), Vec::new());
        for pair in 0..=pairs {
            // The one that goes first alternates; the first pair only warms up.
            let (with, without) = if pair % 2 == 0 {
                let with = on.round(bench, letters)?;
                (with, off.round(bench, letters)?)
            } else {
                let without = off.round(bench, letters)?;
                (on.round(bench, letters)?, without)
            };
            if pair > 0 {
                ratios.push(with / without);
                costs.push(with);
            }
        }
        let name = |what: &str| format!("{what}, windows of {limit}, {senders} senders");
        bench.add(Figure::new(name("server CPU a letter"), median(costs), "ms"));
        let aim = Mark { aim: Some(Goal::Is(1.03)), ..Mark::default() };
        let middle = median(ratios.iter().copied());
        bench.add(Figure::new(name("that against no windows, in pairs"), middle, "times").against(aim));
        for (what, part) in [("the lowest of these pairs", 0.0), ("the highest", 1.0)] {
            bench.add(Figure::new(name(what), percentile(ratios.iter().copied(), part), "times"));
        }
        on.server.stop()?;
        off.server.stop()?;
    }
    Ok(())
}

/// A server whose senders are logged in.
struct Subject {
    server: Server,
    target: Target,
    senders: usize,
}

fn furnished(bench: &Bench, count: usize, plan: &[(&str, &str)]) -> Outcome<Subject> {
    // Passwords cost nothing here: logins are not measured.
    let cheap = [("POSTERN_ARGON2", "m=8,t=1,p=1"), ("POSTERN_SCRAM", "off")];
    let server = Server::start(&bench.certificate, &[&cheap, plan].concat())?;
    server.add_domain()?;
    server.add_accounts(&senders(count))?;
    let target = server.target("submissions")?;
    Ok(Subject { server, target, senders: count })
}

fn limits(limit: &'static str) -> [(&'static str, &'static str); 3] {
    UNLIMITED.map(|(name, _)| (name, limit))
}

impl Subject {
    /// Each sender sends its letters to itself; returns the server's CPU for one, in milliseconds.
    fn round(&self, bench: &Bench, letters: u64) -> Outcome<f64> {
        let open = bench.runtime.block_on(self.open())?;
        let before = self.server.cpu()?;
        let work = move |(mut wire, from): (Wire, String)| async move {
            let mut letter = Letter::new(&from, SIZE);
            for number in 0..letters {
                wire.submit(&from, std::slice::from_ref(&from), letter.numbered(number)).await?;
            }
            Ok(vec![0.0; usize::try_from(letters)?])
        };
        let done = bench.runtime.block_on(all(open, work))?;
        Ok((self.server.cpu()? - before) * 1e3 / done.count())
    }

    async fn open(&self) -> Outcome<Vec<(Wire, String)>> {
        let mut open = Vec::new();
        for (number, from) in senders(self.senders).into_iter().enumerate() {
            open.push((self.target.submission(number, &from).await?, from));
        }
        Ok(open)
    }
}
