//! Reports leave by the queue like other letters.

use std::fmt;

use postern_actors::Actors;
use postern_actors::courier::Local;
use postern_actors::order::OwnLetter;
use postern_model::record::{MailTerms, Origin};
use postern_model::{EmailAddress, LetterId, MailFrom};
use postern_policy::Refusal;
use postern_storage::Batch;

use crate::inbound::Post;

/// Posts letters of this server's own.
#[derive(Clone)]
pub struct Office(pub Actors);

impl fmt::Debug for Office {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Office")
    }
}

impl Post for Office {
    fn next_letter_id(&self) -> LetterId {
        self.0.store().next_letter_id()
    }

    fn post<'a>(
        &'a self,
        letter: LetterId,
        to: EmailAddress,
        octets: Vec<u8>,
        mut with: Batch,
    ) -> Local<'a, Result<(), Refusal>> {
        Box::pin(async move {
            let (mail_from, terms) = (MailFrom::Null, MailTerms::default());
            let own = OwnLetter { letter, mail_from, to, octets, terms, origin: Origin::Own };
            // Where nobody has the address any more, what goes with the letter still comes to pass.
            let posted = self.0.post_in(&mut with, own).await;
            self.0.store().commit(with).await.map_err(|error| {
                tracing::warn!(%error, "a report could not be posted");
                Refusal::Unavailable
            })?;
            self.0.posted(posted?).await;
            Ok(())
        })
    }
}
