//! A folder of 100,000 letters: opened when the server has nothing of it in memory, opened again, and the flags of all.

use std::time::Instant;

use super::letters::fill_by_copies;
use super::{Subject, accounts, goals, many};
use crate::load::millis;
use crate::table::{Figure, median};
use crate::{Bench, Outcome};

/// Letters in the folder.
const LETTERS: usize = 100_000;
/// How often it is opened again in each session.
const AGAIN: usize = 5;

/// All rows.
pub(crate) fn drive(bench: &mut Bench, subject: &mut dyn Subject) -> Outcome<()> {
    let letters = many(bench, LETTERS);
    let account = accounts("select", 1).remove(0);
    subject.furnish(std::slice::from_ref(&account))?;
    let begun = Instant::now();
    bench.runtime.block_on(fill_by_copies(&subject.imap()?, &account, letters))?;
    let filled = begun.elapsed().as_secs_f64();
    let (mut first, mut later, mut flags) = (vec![], vec![], vec![]);
    for _ in 0..bench.rounds.count {
        subject.forget(bench)?;
        let target = subject.imap()?;
        bench.runtime.block_on(async {
            let mut wire = target.imap(0, &account).await?;
            for n in 0..=AGAIN {
                let begun = Instant::now();
                wire.command("SELECT INBOX").await?;
                if n == 0 { &mut first } else { &mut later }.push(millis(begun));
                wire.command("UNSELECT").await?;
            }
            wire.command("SELECT INBOX").await?;
            let begun = Instant::now();
            let answered = wire.command("FETCH 1:* (FLAGS)").await?;
            flags.push(begun.elapsed().as_secs_f64());
            match answered.responses {
                told if told >= letters => Outcome::Ok(()),
                told => Err(format!("{told} letters of {letters} were told").into()),
            }
        })?;
    }
    let name = |what: &str| format!("IMAP {what} of 100,000");
    bench.add(Figure::new(name("SELECT, first,"), median(first), "ms").against(goals(3.6, 10.0, 3.0)));
    bench.add(Figure::new(name("SELECT, later,"), median(later), "ms").against(goals(0.5, 1.0, 0.3)));
    bench.add(Figure::new(name("FETCH of flags"), median(flags), "s").against(goals(0.095, 0.1, 0.05)));
    bench.add(Figure::new("filling that folder, 1,000 by APPEND and the others by COPY", filled, "s"));
    Ok(())
}
