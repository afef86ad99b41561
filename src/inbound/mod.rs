//! A letter that comes in is examined before it is accepted: who sends it (SPEC D4), what a filter says of it (SPEC D5).
//!
//! The session knows nothing of that. Its door asks the [`Gatekeeper`], which answers with a refusal, or with what the
//! letter gets in front and where it goes.

mod edits;
pub mod filter;

use std::net::IpAddr;

use postern_model::{AccountId, EmailAddress, LetterId, MailFrom, Timestamp};
use postern_policy::Refusal;

pub use edits::Edits;
pub use filter::{Filter, Opinion};

/// Examines letters; one for the whole server.
#[derive(Debug, Default)]
pub struct Gatekeeper {}

/// A letter's client and envelope.
#[derive(Clone, Debug)]
pub struct Visit {
    /// The letter's id.
    pub letter: LetterId,
    /// When it began.
    pub at: Timestamp,
    /// The client's address.
    pub peer: IpAddr,
    /// What the client called itself.
    pub client_name: String,
    /// TLS version and cipher suite.
    pub tls: Option<(&'static str, &'static str)>,
    /// The reverse path.
    pub mail_from: MailFrom,
    /// All forward paths.
    pub recipients: Vec<EmailAddress>,
    /// Who sends it, where they logged in.
    pub sender: Option<AccountId>,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Examined {
    /// How the letter changes.
    pub edits: Edits,
    /// It goes to Junk.
    pub junk: bool,
}

impl Gatekeeper {
    /// Whether a client may come in at all.
    ///
    /// # Errors
    /// [`Refusal::Unwanted`].
    pub async fn at_the_door(&self, _peer: IpAddr, _now: Timestamp) -> Result<(), Refusal> {
        Ok(())
    }

    /// Whether this client may send from there to here.
    ///
    /// # Errors
    /// [`Refusal::Unwanted`].
    pub async fn at_the_envelope(
        &self,
        _peer: IpAddr,
        _from: &MailFrom,
        _to: &EmailAddress,
        _now: Timestamp,
    ) -> Result<(), Refusal> {
        Ok(())
    }

    /// Examines a whole letter, whose octets begin with our own Return-Path and Received fields.
    ///
    /// # Errors
    /// [`Refusal::Unwanted`], or [`Refusal::Unavailable`] where it can't be examined now.
    pub async fn examine(&self, _visit: &Visit, _letter: &[u8]) -> Result<Examined, Refusal> {
        Ok(Examined::default())
    }
}
