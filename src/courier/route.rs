//! Where a domain's letters go, and what must hold of TLS there. A [`Router`] answers the first question: by MX records,
//! by a relay that the operator named, or, in tests, by a list. The client asks it once a trip and goes through the hops
//! in their order.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use postern_actors::courier::Local;
use postern_model::{Domain, Timestamp};
use rustls::client::danger::ServerCertVerifier;

/// Hops that are tried for one letter; a domain that names more has no say in the rest (RFC 5321 §5.1).
pub const MAX_HOPS: usize = 20;

/// Finds a domain's servers.
pub trait Router: Send + Sync + fmt::Debug {
    /// The servers to try, first things first; never empty where it is `Ok`. Every wait within has a limit.
    fn route<'a>(&'a self, domain: &'a Domain, now: Timestamp) -> Local<'a, Result<Vec<Hop>, RouteError>>;
}

/// One address of one server.
#[derive(Clone, Debug)]
pub struct Hop {
    /// Its name, which goes into SNI: a host name, or an address as text where it has none.
    pub name: String,
    /// Where it is.
    pub address: IpAddr,
    /// Its port: 25 but for relays.
    pub port: u16,
    /// TLS begins with the connection, not by STARTTLS (RFC 8314 §3.3): relays alone.
    pub implicit_tls: bool,
    /// What must hold of TLS.
    pub tls: TlsDemand,
}

impl Hop {
    /// A server on port 25 that is to be spoken to over TLS if that is possible.
    pub fn mx(name: impl Into<String>, address: IpAddr) -> Hop {
        Hop { name: name.into(), address, port: 25, implicit_tls: false, tls: TlsDemand::Opportunistic }
    }

    /// Where to connect to.
    pub fn socket(&self) -> SocketAddr {
        SocketAddr::new(self.address, self.port)
    }
}

impl fmt::Display for Hop {
    /// `mx.b.test [192.0.2.1]:25`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [{}]:{}", self.name, self.address, self.port)
    }
}

/// What must hold of TLS before a letter goes over a connection.
#[derive(Clone, Debug)]
pub enum TlsDemand {
    /// Clear text, even where STARTTLS is offered.
    Never,
    /// STARTTLS where it is offered, whatever the certificate; clear text where that fails (RFC 7435).
    Opportunistic,
    /// A certificate for one of these names that leads to a trusted root (RFC 8461 §4.1, relays).
    Verified {
        /// Names of which the certificate must have one.
        names: Vec<String>,
        /// Whether a letter waits where it doesn't hold; otherwise that is only recorded, and it goes as
        /// [`TlsDemand::Opportunistic`] (RFC 8461 §5, `mode: testing`).
        enforced: bool,
    },
    /// A certificate that fits the TLSA records of which this was made (RFC 7672).
    Dane(Arc<dyn ServerCertVerifier>),
}

impl TlsDemand {
    /// Whether a letter waits rather than go without TLS.
    pub fn is_strict(&self) -> bool {
        matches!(self, TlsDemand::Verified { enforced: true, .. } | TlsDemand::Dane(_))
    }
}

/// Why no server is known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{said}")]
pub struct RouteError {
    /// Whether it is of no use to ask again: no such domain, a null MX (RFC 7505), a loop.
    pub permanent: bool,
    /// RFC 3463; its class is set by `permanent`.
    pub enhanced: (u16, u16),
    /// What is wrong, for the sender's report and `queue show`.
    pub said: String,
}

impl RouteError {
    /// It may be otherwise later.
    pub fn temporary(enhanced: (u16, u16), said: impl Into<String>) -> RouteError {
        RouteError { permanent: false, enhanced, said: said.into() }
    }

    /// It will not change.
    pub fn permanent(enhanced: (u16, u16), said: impl Into<String>) -> RouteError {
        RouteError { permanent: true, enhanced, said: said.into() }
    }
}

/// The same hops for every domain, as they stand: a list for tests and trials.
#[derive(Clone, Debug)]
pub struct FixedRoute(pub Vec<Hop>);

impl Router for FixedRoute {
    fn route<'a>(&'a self, _: &'a Domain, _: Timestamp) -> Local<'a, Result<Vec<Hop>, RouteError>> {
        let hops = self.0.clone();
        Box::pin(async move {
            if hops.is_empty() {
                return Err(RouteError::temporary((4, 4), "no server is set"));
            }
            Ok(hops)
        })
    }
}
