//! The way out: one SMTP client for everything that leaves (SPEC D3).
//!
//! The queue decides what goes when and asks [`Client`] to carry it. A [`route::Router`] says where to: a domain's MX or the
//! operator's relay. `trip` goes from hop to hop, `session` brings a connection to where letters can be sent, `transaction`
//! sends one, and `outcome` keeps what became of each recipient, whatever happens meanwhile. What may be wrong with other
//! servers is theirs: each wait, line and buffer has a limit, and each failure is told in one line.
//!
//! One window stays, which SMTP leaves open itself (RFC 1047): where the connection breaks between the letter's end and its
//! answer, the server may have the letter, and gets it again. No other server is tried then.

mod capabilities;
mod command;
mod convert;
pub mod journal;
mod letter;
mod link;
mod login;
mod outcome;
mod patience;
pub mod relay;
mod reply;
pub mod route;
pub mod seal;
mod secure;
mod session;
mod start;
mod stuffing;
#[cfg(test)]
mod tests;
pub mod tls;
mod transaction;
mod trip;

use std::sync::Arc;

use postern_actors::courier::{Courier, Trip};
use postern_model::Domain;
use rustls::RootCertStore;

pub use self::journal::NoJournal;
use self::journal::TlsJournal;
use self::letter::Room;
pub use self::login::Login;
pub use self::patience::Patience;
use self::route::Router;
use self::seal::Seal;
use self::session::Manners;
pub use self::start::client;
use self::trip::Way;

/// A letter of any octets (BINARYMIME) as one of lines: parts that are none are encoded.
///
/// # Errors
/// Why it can't be: a signed part would have to change, for one.
pub fn in_lines(letter: &[u8]) -> Result<Vec<u8>, String> {
    convert::convert(letter, convert::Fit::Eight).map_err(|why| why.to_string())
}

/// What the client is told.
#[derive(Debug)]
pub struct Options {
    /// This server's name, for EHLO.
    pub hostname: String,
    /// How long servers may take.
    pub patience: Patience,
    /// Where letters go.
    pub router: Arc<dyn Router>,
    /// Who is trusted to vouch for servers.
    pub roots: Arc<RootCertStore>,
    /// Keeps how TLS went.
    pub journal: Arc<dyn TlsJournal>,
    /// Signs letters.
    pub seal: Option<Arc<dyn Seal>>,
    /// Who logs in, at whatever server the router names: relays alone.
    pub login: Option<Login>,
}

/// The SMTP client, shared by all trips.
#[derive(Clone, Debug)]
pub struct Client(Arc<Grounds>);

/// What all trips have in common.
#[derive(Debug)]
struct Grounds {
    router: Arc<dyn Router>,
    seal: Option<Arc<dyn Seal>>,
    room: Room,
    manners: Manners,
}

impl Client {
    /// A client that connects to nobody until it is asked to.
    pub fn new(options: Options) -> Client {
        let Options { hostname, patience, router, roots, journal, seal, login } = options;
        let manners = Manners { hostname, patience, roots, journal, login };
        Client(Arc::new(Grounds { router, seal, room: Room::new(), manners }))
    }
}

impl Courier for Client {
    fn set_out(&self, destination: &Domain) -> Box<dyn Trip> {
        Box::new(Way::new(Arc::clone(&self.0), destination.clone()))
    }
}
