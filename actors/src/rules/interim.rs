//! Own letters to mailboxes here, until the queue takes them.

use postern_model::mime::Scanner;
use postern_model::record::{Pending, Signature};
use postern_model::{AccountId, LetterId, MailboxId};
use postern_policy::Refusal;
use postern_storage::{Batch, SealedBody, keys};

use crate::Actors;
use crate::ground::refuse;
use crate::order::OwnLetter;

#[derive(Debug, Default)]
pub struct Posted(Option<(LetterId, AccountId, Pending)>);

impl Actors {
    pub async fn post(&self, own: OwnLetter) -> Result<(), Refusal> {
        let mut batch = Batch::new();
        let posted = self.post_in(&mut batch, own).await?;
        self.store().commit(batch).await.map_err(|error| refuse(&error))?;
        self.posted(posted).await;
        Ok(())
    }

    pub async fn post_in(&self, batch: &mut Batch, own: OwnLetter) -> Result<Posted, Refusal> {
        let Ok(account) = self.find_recipient(&own.to).await else { return Ok(Posted(None)) };
        let octets = [format!("Return-Path: <{}>\r\n", own.mail_from).as_bytes(), &own.octets].concat();
        let mut scanner = Scanner::new();
        scanner.feed(&octets);
        let size = u32::try_from(octets.len()).map_err(|_| Refusal::Unavailable)?;
        let pending = Pending { mailbox: MailboxId::INBOX, accepted: self.now(), size };
        batch.append_body(
            &[account],
            own.letter,
            MailboxId::INBOX,
            pending.accepted,
            SealedBody::from_vec(octets),
        );
        batch.put(&keys::facts(account, own.letter), &scanner.finish());
        batch.put(&keys::signature(account, own.letter), &Signature::default());
        batch.put(&keys::pending(own.letter, account), &pending);
        Ok(Posted(Some((own.letter, account, pending))))
    }

    pub async fn posted(&self, posted: Posted) {
        self.pay_all(posted.0.into_iter(), self.now()).await;
    }
}
