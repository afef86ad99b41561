//! A folder of 100,000 letters: opened when the server has only just started, opened in a session that is alone with it,
//! opened again in that session; and the flags of all.

use std::time::Instant;

use super::letters::fill_by_copies;
use super::{Subject, accounts, goals, many};
use crate::client::Wire;
use crate::load::millis;
use crate::table::{Figure, median};
use crate::{Bench, Outcome};

/// Letters in the folder.
const LETTERS: usize = 100_000;
/// Sessions behind each start, one after the other.
const SESSIONS: usize = 4;
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
    let (mut started, mut first, mut later, mut flags) = (vec![], vec![], vec![], vec![]);
    for _ in 0..bench.rounds.count {
        subject.forget(bench)?;
        let target = subject.imap()?;
        bench.runtime.block_on(async {
            for session in 0..SESSIONS {
                let mut wire = target.imap(0, &account).await?;
                let selected = selects(&mut wire, AGAIN).await?;
                if session == 0 { &mut started } else { &mut first }.push(selected[0]);
                later.extend(&selected[1..]);
                wire.command("LOGOUT").await?;
            }
            let mut wire = target.imap(0, &account).await?;
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
    let first_of_all = Figure::new(name("SELECT, first behind a start,"), median(started), "ms");
    bench.add(first_of_all.against(goals(3.6, 10.0, 3.0)));
    bench.add(Figure::new(name("SELECT, first,"), median(first), "ms").against(goals(3.6, 10.0, 3.0)));
    bench.add(Figure::new(name("SELECT, later,"), median(later), "ms").against(goals(0.5, 1.0, 0.3)));
    bench.add(Figure::new(name("FETCH of flags"), median(flags), "s").against(goals(0.095, 0.1, 0.05)));
    bench.add(Figure::new("filling that folder, 1,000 by APPEND and the others by COPY", filled, "s"));
    Ok(())
}

/// Opens the folder and opens it again; answers how long each took, in milliseconds.
async fn selects(wire: &mut Wire, again: usize) -> Outcome<Vec<f64>> {
    let mut taken = Vec::new();
    for _ in 0..=again {
        let begun = Instant::now();
        wire.command("SELECT INBOX").await?;
        taken.push(millis(begun));
        wire.command("UNSELECT").await?;
    }
    Ok(taken)
}
