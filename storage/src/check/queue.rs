//! Is the queue whole: each consignment with its envelope, each envelope with a consignment and a body, no body without?

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use postern_model::{AccountId, LetterId, QueueId};

use super::CheckReport;
use crate::blob::{BackRef, BodyRef};
use crate::error::StoreError;
use crate::keys;
use crate::keyspace::RawKey;
use crate::shared::Shared;
use crate::view::View;

/// Letters that are looked at together; each is judged in one look, so that letters may come and go meanwhile.
const PAGE: usize = 256;

/// The whole queue; blocks.
pub(super) fn check(shared: &Shared, report: &mut CheckReport) {
    let mut after = None;
    loop {
        match shared.view(|view| next_letters(view, after)) {
            Ok(letters) => {
                let Some(last) = letters.last() else { return };
                after = Some(*last);
                for letter in letters {
                    let outcome = shared.view(|view| one(view, report, letter));
                    report.note(&format!("queue, letter {letter}"), outcome);
                }
            }
            Err(error) => return report.note("queue", Err(error)),
        }
    }
}

/// The next letters behind `after` of which the queue has anything: records or a body.
fn next_letters(view: &View<'_>, after: Option<LetterId>) -> Result<Vec<LetterId>, StoreError> {
    let (mut range, mut bodies) = (keys::whole_queue(), keys::bodies_of(AccountId::QUEUE));
    if let Some(after) = after {
        range = keys::queue_behind(QueueId { letter: after, envelope: u16::MAX });
        bodies = bodies.after(&keys::body(AccountId::QUEUE, after));
    }
    let mut found = BTreeSet::new();
    let records = view.keys(&range, PAGE)?;
    let listed: Vec<LetterId> =
        records.iter().filter_map(keys::parse_queue).map(|(id, _)| id.letter).collect();
    let whole = records.len() < PAGE;
    let limit = if whole { None } else { listed.last().copied() };
    found.extend(&listed);
    view.visit(&bodies, &mut |letter, _: BodyRef| {
        // What lies behind the records that were listed is the next page's.
        if limit.is_some_and(|limit| letter > limit) || found.len() >= 2 * PAGE {
            return ControlFlow::Break(());
        }
        found.insert(letter);
        ControlFlow::Continue(())
    })?;
    Ok(found.into_iter().collect())
}

/// One letter, within one look.
fn one(view: &View<'_>, report: &mut CheckReport, letter: LetterId) -> Result<(), StoreError> {
    let (mut envelopes, mut served) = (BTreeSet::new(), BTreeSet::new());
    let mut records: Vec<RawKey> = view.keys(&keys::queue_of(letter), usize::MAX)?;
    for key in records.drain(..) {
        match keys::parse_queue(&key) {
            Some((id, None)) => {
                envelopes.insert(id);
                if view.get(&keys::queued(id))?.is_none() {
                    report.problem(format!("queue, letter {id}: its envelope went while it was looked at"));
                }
            }
            Some((id, Some(domain))) => {
                report.queued += 1;
                served.insert(id);
                let consignment = view.get(&keys::consignment(id, &domain))?;
                if consignment.is_none_or(|consignment| consignment.recipients.is_empty()) {
                    report.problem(format!("queue, letter {id}: nobody gets it in {domain}"));
                }
            }
            None => report.problem(format!("queue, letter {letter}: a key can't be read ({key:?})")),
        }
    }
    for id in served.difference(&envelopes) {
        report.problem(format!("queue, letter {id}: it has recipients and no envelope"));
    }
    for id in envelopes.difference(&served) {
        report.problem(format!("queue, letter {id}: it has an envelope and no recipients"));
    }
    body(view, report, letter, !envelopes.is_empty())
}

fn body(view: &View<'_>, report: &mut CheckReport, letter: LetterId, needed: bool) -> Result<(), StoreError> {
    let Some(place) = view.get(&keys::body(AccountId::QUEUE, letter))? else {
        if needed {
            report.problem(format!("queue, letter {letter}: there is no body"));
        }
        return Ok(());
    };
    report.bodies += 1;
    if !needed {
        report.problem(format!("queue, letter {letter}: there is a body, and nobody waits for it"));
    }
    let account = AccountId::QUEUE;
    let back = BackRef { segment: place.segment, offset: place.offset, account, letter };
    let known = view.get(&back.key())?;
    if known.is_none_or(|known| (known.length, known.frame) != (place.length, place.frame)) {
        report.problem(format!(
            "queue, letter {letter}: segment {}, offset {}: the frame does not know of the letter",
            place.segment, place.offset
        ));
    }
    Ok(())
}
