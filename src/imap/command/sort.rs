//! SORT, UID SORT (RFC 5256, RFC 5267 §3, RFC 5957).

use std::sync::Arc;

use postern_model::record::Entry;

use super::find::{self, Hits, Progress, Stop};
use super::search::{extended, settle};
use crate::imap::command::Run;
use crate::imap::grammar::{Numbering, Search, SortKey};
use crate::imap::reply::Done;
use crate::imap::search::Found;
use crate::imap::search::answer::{self, Head};
use crate::imap::search::sort::{Place, needs_facts, sort};
use crate::net::outlet::Cut;

pub(super) async fn run(
    run: &mut Run<'_, '_>,
    numbering: Numbering,
    keys: Vec<SortKey>,
    search: Search,
) -> Result<Done, Cut> {
    let returns = search.returns;
    let done = Stop::ended(perform(run, numbering, keys, search).await)?;
    Ok(settle(run, returns, done))
}

async fn perform(
    run: &mut Run<'_, '_>,
    numbering: Numbering,
    keys: Vec<SortKey>,
    search: Search,
) -> Result<Done, Stop> {
    find::admit(run, numbering, &search)?;
    let (folder, plan) = find::plan(run, &search).await?;
    let plan = Arc::new(plan);
    let mut progress = Progress::new(run);
    let hits = find::find(run, &folder, &plan, &mut progress).await?;
    let letters = with_entries(&hits, &hits.found(&run.selected()?.view));
    let sorted = sorted(run, letters, keys, &mut progress).await?;
    match &search.returns {
        None => answer::sort(run.out.bytes, &sorted, numbering, plan.mod_seq()),
        Some(returns) => {
            let head = Head { tag: run.tag.as_str(), mailbox: None, numbering, mod_seq: plan.mod_seq() };
            extended(run, &head, &sorted, returns);
        }
    }
    run.out.relieve().await?;
    Ok(hits.completed("SORT completed"))
}

/// Letters with what the client is told of them; both are in the order of UIDs.
pub(super) fn with_entries<'f>(hits: &Hits<'f>, found: &[Found]) -> Vec<(&'f Entry, Found)> {
    let mut found = found.iter().copied().peekable();
    let told = |entry: &&'f Entry| Some((*entry, found.next_if(|found| found.uid == entry.uid)?));
    hits.entries.iter().filter_map(told).collect()
}

async fn sorted(
    run: &mut Run<'_, '_>,
    letters: Vec<(&Entry, Found)>,
    keys: Vec<SortKey>,
    progress: &mut Progress,
) -> Result<Vec<Found>, Stop> {
    let placed: Vec<(Place, Found)> = if needs_facts(&keys) {
        let by = keys.clone();
        let place = move |placed: &mut Vec<_>, entry: &Entry, found: &Found, facts: Option<&_>| {
            placed.push((Place::of(&by, entry, facts), *found));
        };
        find::with_facts(run, &letters, progress, Vec::new(), place).await?
    } else {
        letters.iter().map(|(entry, found)| (Place::of(&keys, entry, None), *found)).collect()
    };
    let in_order = move || {
        let mut placed = placed;
        sort(&mut placed, &keys);
        placed.into_iter().map(|(_, found)| found).collect()
    };
    find::aside(run, in_order).await
}
