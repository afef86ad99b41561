//! What is kept of how TLS went with other servers, for their reports (RFC 8460).

use std::fmt;
use std::net::IpAddr;

use postern_model::{Domain, Timestamp};

use super::route::Hop;

/// Keeps the outcomes of TLS.
pub trait TlsJournal: Send + Sync + fmt::Debug {
    /// Told once for each connection that got as far as TLS or would have; must not wait.
    fn note(&self, entry: &TlsEntry<'_>);
}

/// How TLS went on one connection.
#[derive(Debug)]
pub struct TlsEntry<'a> {
    /// Whose mail it was.
    pub domain: &'a Domain,
    /// The server, and what was demanded there.
    pub hop: &'a Hop,
    /// This side's address.
    pub local: Option<IpAddr>,
    /// When.
    pub at: Timestamp,
    /// How it went.
    pub outcome: Result<(), TlsFault>,
}

/// What was wrong with TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFault {
    /// Which kind it is.
    pub kind: TlsFaultKind,
    /// More of it, for people.
    pub said: String,
}

/// RFC 8460 §4.3: what can go wrong with a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TlsFaultKind {
    /// `starttls-not-supported`
    StarttlsNotSupported,
    /// `certificate-host-mismatch`
    HostMismatch,
    /// `certificate-expired`
    Expired,
    /// `certificate-not-trusted`
    NotTrusted,
    /// `validation-failure`: anything else.
    Validation,
}

/// Keeps nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoJournal;

impl TlsJournal for NoJournal {
    fn note(&self, _: &TlsEntry<'_>) {}
}
