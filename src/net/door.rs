//! The bridge from a session to the actors: the session says what it wants to ask, the door asks it.
//!
//! A [`Session`] does no I/O, so it can't talk to an actor. What it asks travels as a value through the driver to
//! [`Door::perform`], which runs beside the session and may wait; its answer goes back into the session.

use std::future::Future;

use postern_actors::Actors;
use postern_actors::order::SessionRef;
use postern_model::Protocol;
use postern_model::mime::{Facts, Scanner, signature};
use postern_model::record::Signature;
use postern_storage::{SealedBody, Spool, StoreError};
use tokio::sync::Semaphore;

use super::outlet::Outlet;
use super::session::Session;
use super::text_digest::TextDigest;

/// Letters whose signature is made beside the sockets: looking at more octets would keep other sessions waiting.
const LONG: u64 = 64 << 10;
/// So many of them are looked at at once, since each is in memory for that.
static LONG_ONES: Semaphore = Semaphore::const_new(2);

/// A session together with how its questions are put to the actors.
pub trait Door: Session {
    /// Puts one question and waits for the answer. A refusal is an answer too, so this can't fail. What the client is to
    /// read before the session has the answer goes to `outlet`.
    fn perform(
        ask: Self::Ask,
        link: &mut Link,
        outlet: &mut Outlet<'_>,
    ) -> impl Future<Output = Self::Answer>;
}

/// What a door has to ask with.
pub struct Link {
    /// The actors.
    pub actors: Actors,
    /// The session, as actors see it.
    pub session: SessionRef,
    /// What the session speaks.
    pub protocol: Protocol,
    /// Whether the connection is encrypted by now.
    pub tls: bool,
    /// The letter that comes in. A door takes it when the letter is accepted, and sets it to `None` before another
    /// begins, so that what was left of a refused one is not put in front of the next.
    pub inbound: Option<Box<Inbound>>,
}

impl Link {
    /// The letter that comes in; a new one where none had begun.
    pub fn inbound(&mut self) -> &mut Inbound {
        self.inbound.get_or_insert_with(|| Box::new(Inbound::of(self.actors.store().spool())))
    }

    /// Begins a letter of which not more than `memory` octets are kept in memory, in the place of what there was.
    pub fn begin_inbound(&mut self, memory: usize) -> &mut Inbound {
        let spool = self.actors.store().spool_within(memory);
        self.inbound.insert(Box::new(Inbound::of(spool)))
    }

    /// Writes who logged in into the connection's span, for every later line of the log (SPEC O4).
    pub fn logged_in(&self, address: &str) {
        tracing::Span::current().record("account", address);
    }
}

/// A letter on its way in: what the session puts out as `body` goes to both.
pub struct Inbound {
    spool: Spool,
    scanner: Scanner,
    text: TextDigest,
    /// Why the spool could not take everything.
    fault: Option<StoreError>,
}

/// A letter that has come in.
pub struct Sealed {
    /// Its octets, ready to be committed.
    pub body: SealedBody,
    /// Its structure.
    pub facts: Facts,
    /// Digest of what stands behind its header (SPEC Q4).
    pub text: u64,
    /// Its trigrams.
    pub signature: Signature,
}

impl Inbound {
    /// A letter that goes to `spool`, of which nothing has come yet.
    pub fn of(spool: Spool) -> Inbound {
        Inbound { spool, scanner: Scanner::new(), text: TextDigest::default(), fault: None }
    }

    /// Takes one more piece. Where the spool can't (the disk is full), the rest is let go by, and [`Inbound::seal`]
    /// says so: the client learns it at the letter's end, where the protocol has a reply for it.
    pub async fn write(&mut self, bytes: &[u8]) {
        if self.fault.is_some() {
            return;
        }
        self.scanner.feed(bytes);
        self.text.feed(bytes);
        if let Err(error) = self.spool.write(bytes).await {
            self.fault = Some(error);
        }
    }

    /// The letter is whole.
    ///
    /// # Errors
    /// The store had no room for it, or failed.
    pub async fn seal(self) -> Result<Sealed, StoreError> {
        if let Some(error) = self.fault {
            return Err(error);
        }
        let (body, facts) = (self.spool.seal().await?, self.scanner.finish());
        let (body, facts, signature) = signed(body, facts).await?;
        Ok(Sealed { body, facts, text: self.text.finish(), signature })
    }
}

/// A letter with its signature.
async fn signed(body: SealedBody, facts: Facts) -> Result<(SealedBody, Facts, Signature), StoreError> {
    let sign = |body: SealedBody, facts: Facts| {
        let signature = signature::of(&body.read_blocking()?, &facts);
        Ok((body, facts, signature))
    };
    if body.len() <= LONG && body.as_slice().is_some() {
        return sign(body, facts);
    }
    let _turn = LONG_ONES.acquire().await.map_err(|_| StoreError::Closed)?;
    // A thread that is gone says that the process ends.
    tokio::task::spawn_blocking(move || sign(body, facts)).await.map_err(|_| StoreError::Closed)?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_has_its_signature_wherever_that_is_made() {
        let long = usize::try_from(LONG).expect("it fits");
        for words in [1, long] {
            let letter = format!("Subject: greeting\r\n\r\n{}", "word ".repeat(words));
            let mut scanner = Scanner::new();
            scanner.feed(letter.as_bytes());
            let (body, facts) = (SealedBody::from_vec(letter.clone().into_bytes()), scanner.finish());
            let wanted = signature::of(letter.as_bytes(), &facts);
            let signed = actix_rt::System::new().block_on(signed(body, facts));
            let (body, _, found) = signed.expect("signed");
            assert_eq!((body.len(), found), (letter.len() as u64, wanted), "{words} words");
        }
    }
}
