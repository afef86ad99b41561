//! Reads the queue when the server begins.

use postern_model::record::Queued;
use postern_model::{Domain, LetterId, QueueId, Timestamp};
use postern_policy::retry::{Entry, Figures, Terms};
use postern_storage::{Store, StoreError, View, keys};

use super::post::entry;

/// Keys that are read at once. Nothing is committed meanwhile.
const PAGE: usize = 256;

/// All consignments of letters below `before`: what comes later is told.
pub(super) async fn load(
    store: &Store,
    before: LetterId,
    figures: &Figures,
    now: Timestamp,
) -> Result<Vec<(Domain, Entry)>, StoreError> {
    let (mut range, mut found, mut envelope) = (keys::whole_queue(), Vec::new(), None);
    loop {
        let (page, figures) = (range.clone(), figures.clone());
        let read = store.read(move |view| {
            let keys = view.keys(&page, PAGE)?;
            let mut entries = Vec::new();
            for key in keys.iter().filter_map(keys::parse_queue) {
                entries.extend(read_one(view, key, &mut envelope, &figures, now)?);
            }
            Ok((keys.into_iter().next_back(), entries, envelope))
        });
        let (last, entries, carried_on) = read.await?;
        envelope = carried_on;
        found.extend(entries.into_iter().filter(|(_, entry)| entry.id.letter < before));
        let Some(last) = last else { return Ok(found) };
        range = range.behind(&last);
    }
}

/// One key of the queue: an envelope is remembered for the consignments behind it.
fn read_one(
    view: &View<'_>,
    (id, domain): (QueueId, Option<Domain>),
    envelope: &mut Option<(QueueId, Queued)>,
    figures: &Figures,
    now: Timestamp,
) -> Result<Option<(Domain, Entry)>, StoreError> {
    let Some(domain) = domain else {
        *envelope = view.get(&keys::queued(id))?.map(|queued| (id, queued));
        return Ok(None);
    };
    let Some((_, queued)) = envelope.as_ref().filter(|(of, _)| *of == id) else {
        tracing::error!(%id, %domain, "there is a consignment without an envelope: see `postern check`");
        return Ok(None);
    };
    let consignment = view.get(&keys::consignment(id, &domain))?;
    Ok(consignment.map(|consignment| {
        let deadline = Terms::of(queued, &consignment).deadline_after_a_stop(figures, now);
        (domain, Entry { deadline, ..entry(id, queued, &consignment, figures) })
    }))
}
