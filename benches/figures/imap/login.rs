//! What a program that only looks for new letters does: a new TLS connection, LOGIN, STATUS, LOGOUT; 16 at once, each with
//! accounts of its own, whose first login is behind them.

use std::time::{Duration, Instant};

use super::{Subject, accounts, beside};
use crate::bare::AT_ONCE;
use crate::client::Target;
use crate::load::{Done, all, millis};
use crate::table::{Figure, Mark, median};
use crate::{Bench, Outcome, times};

/// All rows.
pub(crate) fn drive(bench: &mut Bench, subject: &mut dyn Subject) -> Outcome<()> {
    subject.furnish(&accounts("login", AT_ONCE))?;
    let target = subject.imap()?;
    let (mut rates, mut limits, mut cpu) = (vec![], vec![], vec![]);
    for n in 0..=bench.rounds.count {
        let limit = bench.runtime.block_on(bench.bare.handshakes(bench.limit_length()))?;
        let before = subject.cpu()?;
        let done = bench.runtime.block_on(round(&target, bench.rounds.length))?;
        if n > 0 {
            limits.push(limit);
            cpu.push((subject.cpu()? - before) * 1e3 / done.count());
            rates.push(done.rate());
        }
    }
    let mark = Mark { peer_limit: Some(1_700.0), ..times(514.0, 1.5, 3.0) };
    let figure = Figure::new("IMAP logins with STATUS, repeated, 16 at once", median(rates), "/s");
    bench.add(figure.of(median(limits)).against(mark));
    bench.add(Figure::new("server CPU an IMAP login with STATUS", median(cpu), "ms").against(beside(3.4)));
    Ok(())
}

async fn round(target: &Target, length: Duration) -> Outcome<Done> {
    let end = Instant::now() + length;
    let workers = accounts("login", AT_ONCE).into_iter().enumerate();
    let workers = workers.map(|(number, account)| (target.clone(), number, account)).collect();
    let work = move |(target, number, account): (Target, usize, String)| async move {
        let mut times = Vec::new();
        while Instant::now() < end {
            let begun = Instant::now();
            let mut wire = target.imap(number, &account).await?;
            wire.command("STATUS INBOX (MESSAGES UNSEEN UIDNEXT)").await?;
            wire.command("LOGOUT").await?;
            times.push(millis(begun));
        }
        Ok(times)
    };
    all(workers, work).await
}
