//! THREAD, UID THREAD (RFC 5256 §3).

use std::sync::Arc;

use postern_model::mime::Facts;
use postern_model::record::Entry;

use super::find::{self, Progress, Stop};
use super::sort::with_entries;
use crate::imap::command::Run;
use crate::imap::grammar::{Numbering, Search, Threading};
use crate::imap::reply::Done;
use crate::imap::search::Found;
use crate::imap::search::thread::Threader;
use crate::net::outlet::Cut;

pub(super) async fn run(
    run: &mut Run<'_, '_>,
    numbering: Numbering,
    how: Threading,
    search: Search,
) -> Result<Done, Cut> {
    Stop::ended(perform(run, numbering, how, search).await)
}

async fn perform(
    run: &mut Run<'_, '_>,
    numbering: Numbering,
    how: Threading,
    search: Search,
) -> Result<Done, Stop> {
    find::admit(run, numbering, &search)?;
    let (folder, plan) = find::plan(run, &search).await?;
    let plan = Arc::new(plan);
    let mut progress = Progress::new(run);
    let hits = find::find(run, &folder, &plan, &mut progress).await?;
    let letters = with_entries(&hits, &hits.found(&run.selected()?.view));
    let add = move |threader: &mut Threader, entry: &Entry, found: &Found, facts: Option<&Facts>| {
        threader.add(found.named(numbering), entry, facts);
    };
    let threader = find::with_facts(run, &letters, &mut progress, Threader::new(how), add).await?;
    let written = find::aside(run, move || {
        let mut out = Vec::new();
        threader.finish().write(&mut out);
        out
    });
    let written = written.await?;
    run.out.bytes.extend_from_slice(&written);
    run.out.relieve().await?;
    Ok(hits.completed("THREAD completed"))
}
