//! SEARCH in 10,000 letters, 100 MB: for a word in few texts, and for one in few subjects, once when the server has to find
//! the subjects out and once more.

use std::time::Instant;

use super::letters::{IN_SUBJECT, IN_TEXT, SIZE, SPARSE, fill};
use super::{Subject, accounts, goals, many};
use crate::client::Wire;
use crate::table::{Figure, median};
use crate::{Bench, Outcome};

/// Letters in the folder.
const LETTERS: usize = 10_000;

/// All rows.
pub(crate) fn drive(bench: &mut Bench, subject: &mut dyn Subject) -> Outcome<()> {
    let letters = many(bench, LETTERS);
    let account = accounts("search", 1).remove(0);
    subject.furnish(std::slice::from_ref(&account))?;
    bench.runtime.block_on(fill(&subject.imap()?, &account, letters, SIZE))?;
    let mut taken: [Vec<f64>; 4] = Default::default();
    for _ in 0..bench.rounds.count {
        subject.forget(bench)?;
        let target = subject.imap()?;
        bench.runtime.block_on(async {
            let mut wire = target.imap(0, &account).await?;
            wire.command("SELECT INBOX").await?;
            let (subjects, texts) = (hits(letters, 13), hits(letters, 7));
            taken[0].push(search(&mut wire, &format!("SUBJECT {IN_SUBJECT}"), subjects).await?);
            taken[1].push(search(&mut wire, &format!("SUBJECT {IN_SUBJECT}"), subjects).await?);
            taken[2].push(search(&mut wire, &format!("TEXT {IN_TEXT}"), texts).await?);
            taken[3].push(search(&mut wire, &format!("TEXT {IN_TEXT}"), texts).await?);
            Outcome::Ok(())
        })?;
    }
    let rows = [
        ("SUBJECT in 10,000, first", goals(0.22, 0.2, 0.02)),
        ("SUBJECT in 10,000, again", goals(0.023, 0.2, 0.02)),
        ("TEXT in 10,000 (100 MB), first", goals(1.05, 0.2, 0.02)),
        ("TEXT in 10,000 (100 MB), again", goals(1.05, 0.2, 0.02)),
    ];
    for ((what, mark), taken) in rows.into_iter().zip(taken) {
        bench.add(Figure::new(format!("IMAP SEARCH {what}"), median(taken), "s").against(mark));
    }
    Ok(())
}

/// How many of so many letters have a number that leaves `rest`.
fn hits(letters: usize, rest: usize) -> usize {
    (letters + SPARSE - 1 - rest) / SPARSE
}

async fn search(wire: &mut Wire, keys: &str, hits: usize) -> Outcome<f64> {
    let begun = Instant::now();
    match wire.search(keys).await? {
        found if found == hits => Ok(begun.elapsed().as_secs_f64()),
        found => Err(format!("SEARCH {keys}: {found} letters instead of {hits}").into()),
    }
}
