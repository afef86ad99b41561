//! SEARCH, UID SEARCH (RFC 9051 §6.4.4; RFC 4731, 5182, 7162, 9394).

use std::sync::Arc;

use postern_model::UidSet;

use super::find::{self, Hits, Progress, Stop};
use crate::imap::command::Run;
use crate::imap::grammar::{Numbering, Search, SearchReturn};
use crate::imap::reply::Done;
use crate::imap::search::answer::{self, Head};
use crate::imap::search::{Found, Plan};
use crate::net::outlet::Cut;

pub(super) async fn run(run: &mut Run<'_, '_>, numbering: Numbering, search: Search) -> Result<Done, Cut> {
    if run.state.enabled.utf8 && search.charset.is_some() {
        // RFC 6855 §3
        return Ok(Done::bad("UTF8=ACCEPT is enabled: texts are in UTF-8, no CHARSET is named."));
    }
    let returns = search.returns;
    let done = Stop::ended(perform(run, numbering, search).await)?;
    Ok(settle(run, returns, done))
}

/// A search that was to save and came to `NO` leaves nothing saved (RFC 5182 §2.1).
pub(super) fn settle(run: &mut Run<'_, '_>, returns: Option<SearchReturn>, done: Done) -> Done {
    let failed = !done.is_ok() && !done.is_bad();
    if failed && returns.is_some_and(|returns| returns.save) {
        save(run, UidSet::new());
    }
    done
}

async fn perform(run: &mut Run<'_, '_>, numbering: Numbering, search: Search) -> Result<Done, Stop> {
    find::admit(run, numbering, &search)?;
    let (folder, plan) = find::plan(run, &search).await?;
    let plan = Arc::new(plan);
    let mut progress = Progress::new(run);
    let hits = find::find(run, &folder, &plan, &mut progress).await?;
    let found = hits.found(&run.selected()?.view);
    // RFC 9051 §6.4.4: rev2 has no SEARCH response any more.
    let all = SearchReturn { all: true, ..SearchReturn::default() };
    let returns = search.returns.or(run.state.enabled.rev2.then_some(all));
    answer(run, numbering, &plan, &found, returns);
    run.out.relieve().await?;
    Ok(completed(&hits, numbering))
}

fn answer(
    run: &mut Run<'_, '_>,
    numbering: Numbering,
    plan: &Plan,
    found: &[Found],
    returns: Option<SearchReturn>,
) {
    match returns {
        None => answer::search(run.out.bytes, found, numbering, plan.mod_seq()),
        Some(returns) => {
            let head = Head { tag: run.tag.as_str(), mailbox: None, numbering, mod_seq: plan.mod_seq() };
            extended(run, &head, found, &returns);
        }
    }
}

/// An ESEARCH response, unless nothing but SAVE was asked for (RFC 5182 §2.1); and what it saves.
pub(super) fn extended(run: &mut Run<'_, '_>, head: &Head<'_>, found: &[Found], returns: &SearchReturn) {
    let SearchReturn { min, max, all, count, partial, save: saves } = *returns;
    if min || max || all || count || partial.is_some() {
        answer::esearch(run.out.bytes, head, found, returns);
    }
    if saves {
        save(run, answer::saved(found, returns));
    }
}

pub(super) fn save(run: &mut Run<'_, '_>, uids: UidSet) {
    if let Some(selected) = &mut run.state.selected {
        selected.saved = uids;
    }
}

fn completed(hits: &Hits<'_>, numbering: Numbering) -> Done {
    hits.completed(match numbering {
        Numbering::Sequence => "SEARCH completed",
        Numbering::Uid => "UID SEARCH completed",
    })
}
