//! What users have arranged for their mail (SPEC D6), with the actors around it.

use postern_model::{EmailAddress, LetterId, MailFrom, MailboxId};
use postern_storage::keys;
use serde_json::Value;

use super::*;
use crate::courier::{Carried, Courier, Fate, Health, Local, Parcel, Trip};
use postern_model::Domain;
use postern_model::record::Attempt;

mod addresses;
mod blocking;
mod forwarding;
mod vacation;

fn address(text: &str) -> EmailAddress {
    EmailAddress::parse(text).expect(text)
}

/// There is a way out, and it leads nowhere yet.
#[derive(Debug)]
struct Later;

impl Courier for Later {
    fn set_out(&self, _: &Domain) -> Box<dyn Trip> {
        Box::new(Later)
    }
}

impl Trip for Later {
    fn carry<'a>(&'a mut self, parcel: &'a Parcel) -> Local<'a, Carried> {
        let (at, said) = (parcel.now, "later".to_owned());
        let attempt = Attempt { at, remote: None, code: None, enhanced: (4, 4, 1), said, tls: None };
        let fates = parcel.recipients.iter().map(|_| Fate::Deferred(attempt.clone())).collect();
        Box::pin(std::future::ready(Carried { fates, health: Health::Bad }))
    }

    fn end(self: Box<Self>) -> Local<'static, ()> {
        Box::pin(std::future::ready(()))
    }
}

/// A house with a way out.
async fn open_house() -> House {
    House::with(Settings { courier: Some(Arc::new(Later)), ..Settings::for_tests() }).await
}

impl House {
    async fn set(&self, address: &str, name: &str, value: &str) -> Result<Value, String> {
        let (address, name, value) = (address.to_owned(), name.to_owned(), value.to_owned());
        let set = self.actors.admin(AdminRequest::Set { address, name, value }).await;
        set.map_err(|error| error.0)
    }

    /// A letter from outside to one account.
    async fn from(&self, mail_from: &str, text: &str, to: AccountId) -> Acceptance {
        let mut acceptance = self.acceptance(text, &[to]).await;
        if !mail_from.is_empty() {
            acceptance.mail_from = MailFrom::Address(address(mail_from));
        }
        acceptance
    }

    /// The letters in the INBOX, the latest last.
    async fn letters(&self, id: AccountId) -> Vec<String> {
        self.settled().await;
        let read = move |view: &postern_storage::View<'_>| {
            view.scan(&keys::blocks_of(id, MailboxId::INBOX), usize::MAX)
        };
        let blocks = self.actors.store().read(read).await.expect("readable");
        let letters: Vec<LetterId> =
            blocks.into_iter().flat_map(|(_, block)| block.entries).map(|entry| entry.letter).collect();
        let mut texts = Vec::new();
        for letter in letters {
            let mut body = self.actors.store().open_body(id, letter).await.expect("there");
            let mut text = Vec::new();
            while let Some(chunk) = body.chunk().await.expect("readable") {
                text.extend_from_slice(&chunk);
            }
            texts.push(String::from_utf8(text).expect("text"));
        }
        texts
    }

    /// Replies are written beside what they answer: when all that was begun is done, they are there.
    async fn settled(&self) {
        for _ in 0..3 {
            // Who is about to begin, begins.
            tokio::task::yield_now().await;
            self.actors.ground().rules.all_answered().await;
        }
        self.written().await;
    }

    /// Has letters to `from` sent on to `to`, whose owner agrees; what was in `reader`'s INBOX is nobody's business.
    async fn forward(&self, from: &str, to: &str, reader: AccountId) {
        self.set(from, "forward", to).await.expect("asked");
        let request = self.letters(reader).await.pop().expect("somebody was asked");
        let word = request.trim_end().lines().last().expect("a word");
        self.set(from, "forward-confirm", word).await.expect("confirmed");
    }
}
