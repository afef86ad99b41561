//! How soon an idling program hears of a letter: from the first octet of what hands the letter in on another connection, to
//! the `EXISTS`. By submission where the server itself delivers, and by APPEND for every server.

use std::time::{Duration, Instant};

use super::letters::{SIZE, Writer};
use super::{Subject, accounts, goals};
use crate::client::{Letter, Wire};
use crate::load::millis;
use crate::table::{Figure, percentile};
use crate::{Bench, Outcome};

/// Letters whose way is timed.
const LETTERS: usize = 200;
/// How long a letter may take until it is told.
const PATIENCE: Duration = Duration::from_secs(10);

/// All rows.
pub(crate) fn drive(bench: &mut Bench, subject: &mut dyn Subject) -> Outcome<()> {
    let names = accounts("push", 2);
    subject.furnish(&names)?;
    let letters = many(bench);
    let target = subject.imap()?;
    let appended = bench.runtime.block_on(async {
        let (mut idle, mut other) = (target.imap(0, &names[0]).await?, target.imap(1, &names[0]).await?);
        let mut writer = Writer::new();
        let mut taken = Vec::new();
        waiting(&mut idle).await?;
        for number in 0..letters {
            let letter = [writer.letter(number, SIZE)];
            let begun = Instant::now();
            let (answered, told) = tokio::join!(other.append("INBOX", &letter), told(&mut idle, begun));
            answered?;
            taken.push(told?);
        }
        idle.done().await?;
        Outcome::Ok(taken)
    })?;
    rows(bench, "an APPEND", &appended);
    let Some(submission) = subject.submission()? else { return Ok(()) };
    let delivered = bench.runtime.block_on(async {
        let mut idle = target.imap(0, &names[0]).await?;
        let mut other = submission.submission(1, &names[1]).await?;
        let mut letter = Letter::new(&names[1], SIZE);
        let mut taken = Vec::new();
        waiting(&mut idle).await?;
        for number in 0..letters as u64 {
            let begun = Instant::now();
            let submitted = other.submit(&names[1], &names[..1], letter.numbered(number));
            let (submitted, told) = tokio::join!(submitted, told(&mut idle, begun));
            submitted?;
            taken.push(told?);
        }
        idle.done().await?;
        Outcome::Ok(taken)
    })?;
    rows(bench, "a letter by SMTP", &delivered);
    Ok(())
}

fn rows(bench: &mut Bench, what: &str, taken: &[f64]) {
    let name = |part: &str| format!("IMAP IDLE push after {what}, {part}");
    let part = |part| percentile(taken.iter().copied(), part);
    bench.add(Figure::new(name("p50"), part(0.5), "ms").against(goals(504.0, 5.0, 2.0)));
    bench.add(Figure::new(name("p99"), part(0.99), "ms").against(goals(511.0, 20.0, 5.0)));
}

fn many(bench: &Bench) -> usize {
    if bench.quick { 2 } else { LETTERS }
}

async fn waiting(wire: &mut Wire) -> Outcome<()> {
    wire.command("SELECT INBOX").await?;
    wire.idle().await
}

/// Waits for the next EXISTS, and answers how long it took.
async fn told(wire: &mut Wire, begun: Instant) -> Outcome<f64> {
    let heard = async {
        while !wire.line().await?.ends_with(" EXISTS") {}
        Outcome::Ok(millis(begun))
    };
    tokio::time::timeout(PATIENCE, heard).await?
}
