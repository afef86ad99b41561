//! Reading ahead: a program that fetches a mailbox asks for letter after letter, and each would wait for a reader
//! thread to be woken. Once a client has asked for the letter that was guessed, the one behind it is read while this one
//! is on its way.

use std::time::Duration;

use postern_actors::Actors;
use postern_model::{AccountId, LetterId, Timestamp};
use postern_storage::{BodyReader, OpenBody, StoreError};

/// How long what was read ahead is kept for a client that does not ask for it.
const KEEP: Duration = Duration::from_secs(5);

/// The letter that is likely to be asked for next. Costs a word while there is none.
#[derive(Default)]
pub(crate) struct Ahead(Option<Box<Guess>>);

struct Guess {
    letter: LetterId,
    /// Begun only where the guess before was right: a client that wants one letter costs no second reading.
    reading: Option<Reading>,
}

struct Reading {
    body: OpenBody,
    until: Timestamp,
}

impl Ahead {
    /// Opens a letter's body, and begins to read `next` where this one had been guessed.
    pub(crate) async fn open(
        &mut self,
        actors: &Actors,
        account: AccountId,
        letter: LetterId,
        next: Option<LetterId>,
    ) -> Result<BodyReader, StoreError> {
        let guess = self.0.take().filter(|guess| guess.letter == letter);
        let was_right = guess.is_some();
        let read = match guess.and_then(|guess| guess.reading) {
            Some(reading) => reading.body.await.ok(),
            None => None,
        };
        let body = match read {
            Some(body) => Ok(body),
            // What could not be read ahead (the store was busy then) may be read now.
            None => actors.store().open_body(account, letter).await,
        };
        self.0 = next.map(|letter| {
            let reading = was_right.then(|| Reading::begin(actors, account, letter));
            Box::new(Guess { letter, reading })
        });
        body
    }

    /// Gives back what nobody has asked for in time.
    pub(crate) fn expire(&mut self, now: Timestamp) {
        if self.until() <= now {
            self.0 = None;
        }
    }

    /// When [`Ahead::expire`] is to be called.
    pub(crate) fn until(&self) -> Timestamp {
        let reading = self.0.as_ref().and_then(|guess| guess.reading.as_ref());
        reading.map_or(Timestamp::NEVER, |reading| reading.until)
    }
}

impl Reading {
    fn begin(actors: &Actors, account: AccountId, letter: LetterId) -> Reading {
        Reading { body: actors.store().open_body(account, letter), until: actors.now().plus(KEEP) }
    }
}
