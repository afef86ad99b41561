//! What an operator does with a consignment that the command has the right to.

use std::sync::Arc;

use postern_model::record::{Consignment, Queued};
use postern_policy::retry::{After, Given, Terms};
use postern_storage::{Batch, StoreError, keys};

use super::fate::{Case, Outcome};
use super::settle::Stored;
use crate::Actors;
use crate::admin::QueueChange;

impl Actors {
    /// Does it, where the envelope is one that is meant; what becomes of the consignment is for the schedule.
    ///
    /// # Errors
    /// What the store can't do.
    pub(crate) async fn change_queued(
        &self,
        given: &Given,
        change: QueueChange,
        meant: impl Fn(&Queued) -> bool,
    ) -> Result<Option<After>, StoreError> {
        let Some(stored) = self.consignment(given.id, Arc::clone(&given.domain)).await? else {
            return Ok(Some(After::Gone));
        };
        if !meant(&stored.envelope) {
            return Ok(None);
        }
        let (now, old) = (self.now(), stored.consignment.clone());
        let after = match change {
            QueueChange::Hold => self.rewrite(&stored, Consignment { held: true, ..old }).await?,
            QueueChange::Release => {
                let next = if old.held { now } else { old.next };
                let after = self.rewrite(&stored, Consignment { held: false, next, ..old }).await?;
                self.once_more(&stored, after)
            }
            QueueChange::Retry if old.held => return Ok(None),
            QueueChange::Retry => {
                let after = self.rewrite(&stored, Consignment { next: now, ..old }).await?;
                self.once_more(&stored, after)
            }
            QueueChange::Remove => {
                let outcome = Outcome { left: None, told: Vec::new(), bounced: 0 };
                self.write_down(&stored, outcome, None).await?
            }
            QueueChange::Bounce => {
                let outcome = Case::of(self, &stored).removed(old);
                self.write_down(&stored, outcome, None).await?
            }
        };
        Ok(Some(after))
    }

    /// It is tried, although its time may have run out while it was held.
    fn once_more(&self, stored: &Stored, after: After) -> After {
        let terms = Terms::of(&stored.envelope, &stored.consignment);
        match after {
            After::Waits { next, .. } => {
                let deadline = terms.deadline_after_a_stop(&self.ground().settings.queue, self.now());
                After::Waits { next, deadline }
            }
            after => after,
        }
    }

    async fn rewrite(&self, stored: &Stored, new: Consignment) -> Result<After, StoreError> {
        let key = keys::consignment(stored.id, &stored.domain);
        let mut batch = Batch::new();
        batch.expect_present(&key).put(&key, &new);
        self.store().commit(batch).await?;
        Ok(self.after(stored, Some(&new)))
    }
}
