//! Writes down what a consignment has come to: in one batch with the report that is owed, and with the envelope and the
//! body where it was the last of them.
//!
//! Between the next server's 250 and this batch lies the one window in which a crash makes a letter go twice.

use std::sync::Arc;
use std::time::Duration;

use postern_model::record::{Consignment, Queued};
use postern_model::{AccountId, Domain, QueueId};
use postern_policy::Refusal;
use postern_policy::retry::After;
use postern_storage::{Batch, StoreError, View, keys};

use super::fate::Outcome;
use super::local::Local;
use super::post::Posted;
use super::report::Original;
use crate::Actors;
use crate::courier::Reported;
use crate::ground::refuse;

/// How long a batch that the store could not take waits before it is tried again: at first, and at most. What the other
/// server has must not be sent again, so there is no end of this but the store's.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(10));

/// A consignment as it was read.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub(super) id: QueueId,
    pub(super) domain: Arc<Domain>,
    pub(super) envelope: Arc<Queued>,
    pub(super) consignment: Consignment,
}

/// What a consignment shares with others.
enum Others {
    /// Another consignment of the same envelope.
    Envelope(Domain),
    /// Another envelope of the same letter.
    Letter(QueueId),
    /// Nothing.
    None,
}

impl Actors {
    /// Reads a consignment; `None` where it is gone.
    pub(super) async fn consignment(
        &self,
        id: QueueId,
        domain: Arc<Domain>,
    ) -> Result<Option<Stored>, StoreError> {
        let asked = Arc::clone(&domain);
        let read = self
            .store()
            .read(move |view| Ok((view.get(&keys::queued(id))?, view.get(&keys::consignment(id, &asked))?)));
        Ok(match read.await? {
            (Some(envelope), Some(consignment)) => {
                Some(Stored { id, domain, envelope: Arc::new(envelope), consignment })
            }
            _ => None,
        })
    }

    /// Writes an outcome down, however long the store takes for it. `local` is what is delivered here with it.
    ///
    /// # Errors
    /// [`StoreError::Closed`]: the server ends, and the consignment stays as it was.
    pub(super) async fn write_down(
        &self,
        stored: &Stored,
        outcome: Outcome,
        local: Option<Local>,
    ) -> Result<After, StoreError> {
        let Outcome { left, told, bounced } = outcome;
        let after = self.after(stored, left.as_ref());
        let mut pause = PAUSES.0;
        loop {
            match self.write_once(stored, left.as_ref(), &told, local.as_ref()).await {
                Ok(()) => break,
                // Another consignment of the letter went meanwhile.
                Err(Refusal::InUse) => {}
                Err(Refusal::Stopping) => return Err(StoreError::Closed),
                Err(refusal) => {
                    tracing::warn!(id = %stored.id, ?refusal, "what became of a letter can't be written yet");
                    tokio::time::sleep(pause).await;
                    pause = (2 * pause).min(PAUSES.1);
                }
            }
        }
        if bounced > 0 {
            self.note_bounces(&stored.envelope, bounced).await;
            self.note_failed_forward(&stored.envelope, &stored.consignment.recipients).await;
        }
        Ok(after)
    }

    /// What the schedule is told of it.
    pub(super) fn after(&self, stored: &Stored, left: Option<&Consignment>) -> After {
        match left {
            None => After::Gone,
            Some(left) if left.held => After::Held,
            Some(left) => {
                let figures = &self.ground().settings.queue;
                let terms = postern_policy::retry::Terms::of(&stored.envelope, left);
                After::Waits { next: left.next, deadline: terms.deadline(figures) }
            }
        }
    }

    async fn write_once(
        &self,
        stored: &Stored,
        left: Option<&Consignment>,
        told: &[Reported],
        local: Option<&Local>,
    ) -> Result<(), Refusal> {
        let (id, domain) = (stored.id, &stored.domain);
        let (asked, reading) = (Arc::clone(domain), self.store().clone());
        let others = reading.read(move |view| others(view, id, &asked)).await;
        let Some(others) = others.map_err(|error| refuse(&error))? else {
            // A batch that was thought to have failed was kept.
            return Ok(());
        };
        let mut batch = Batch::new();
        let key = keys::consignment(id, domain);
        batch.expect_present(&key);
        match left {
            Some(left) => drop(batch.put(&key, left)),
            None => {
                batch.delete(&key);
                leave(&mut batch, id, &others);
            }
        }
        let mut posted = vec![self.tell_of(stored, told, &mut batch).await?];
        if let Some(local) = local {
            posted.push(local.put(self, &mut batch).await?);
        }
        match self.store().commit(batch).await {
            Ok(()) => {
                for posted in posted {
                    self.posted(posted).await;
                }
                Ok(())
            }
            Err(StoreError::Conflict) => Err(Refusal::InUse),
            Err(error) => Err(refuse(&error)),
        }
    }
}

impl Actors {
    /// Owes the letter's sender a report, in the batch of what it tells.
    async fn tell_of(
        &self,
        stored: &Stored,
        told: &[Reported],
        batch: &mut Batch,
    ) -> Result<Posted, Refusal> {
        if told.is_empty() {
            return Ok(Posted::default());
        }
        let (id, envelope) = (stored.id, Arc::clone(&stored.envelope));
        let original = Original::read(self.store(), id, &envelope, told).await;
        let Some(report) = self.compose_report(id, envelope, told.to_vec(), original).await? else {
            return Ok(Posted::default());
        };
        tracing::info!(%id, domain = %stored.domain, report = %report.letter, "a letter's sender is told of its fate");
        self.post_in(batch, report).await
    }
}

/// The last consignment takes its envelope along, and the last envelope the body. What is still needed must still be
/// there when the batch comes to pass: of two that go at once the second looks again.
fn leave(batch: &mut Batch, id: QueueId, others: &Others) {
    match others {
        Others::Envelope(domain) => drop(batch.expect_present(&keys::consignment(id, domain))),
        Others::Letter(other) => {
            batch.expect_present(&keys::queued(*other));
            batch.delete(&keys::queued(id));
        }
        Others::None => {
            batch.delete(&keys::queued(id));
            batch.drop_body(AccountId::QUEUE, id.letter);
        }
    }
}

/// Who else needs what the consignment needs; `None` where it is gone itself.
fn others(view: &View<'_>, id: QueueId, domain: &Domain) -> Result<Option<Others>, StoreError> {
    if !view.contains(&keys::consignment(id, domain))? {
        return Ok(None);
    }
    let same = view.scan(&keys::consignments_of(id), 2)?;
    if let Some((other, _)) = same.into_iter().find(|(other, _)| other != domain) {
        return Ok(Some(Others::Envelope(other)));
    }
    // Of this envelope there are two keys; a third one is another's.
    let all = view.keys(&keys::queue_of(id.letter), 3)?;
    let other = all.iter().filter_map(keys::parse_queue).find(|(of, _)| *of != id);
    Ok(Some(other.map_or(Others::None, |(of, _)| Others::Letter(of))))
}
