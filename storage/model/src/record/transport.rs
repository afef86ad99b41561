//! What is kept of other domains' demands on TLS, and of how it went with their servers.

use std::net::IpAddr;

use bincode::{Decode, Encode};

use super::Record;
use crate::time::Timestamp;

/// A domain's policy on TLS as it published it on the web (RFC 8461 §3.2).
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct StsPolicy {
    /// The `id` that the DNS named when it was fetched; empty where it named none.
    pub id: String,
    /// What is demanded.
    pub mode: StsMode,
    /// Names of its servers: `mx.example.org`, or `*.example.org` for any with one label more.
    pub mx: Vec<String>,
    /// When it was fetched.
    pub fetched: Timestamp,
    /// How long it holds from then on, in seconds.
    pub max_age: u32,
}

/// What a policy demands (RFC 8461 §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum StsMode {
    /// Letters go to servers alone that it names and that prove it.
    Enforce,
    /// Failures are only reported.
    Testing,
    /// Nothing.
    None,
}

/// How TLS went in one UTC day with the servers of one domain (RFC 8460). It goes when all who want it have been told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct TlsDay {
    /// By the policies that were applied, each once.
    pub policies: Vec<TlsTally>,
    /// Where the report has gone already.
    pub told: Vec<String>,
}

/// How connections went under one policy.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct TlsTally {
    /// The policy.
    pub policy: TlsPolicy,
    /// Connections on which it held.
    pub good: u64,
    /// Those on which it did not, each kind once.
    pub failures: Vec<TlsFailure>,
    /// Failures that found no place there.
    pub lost: u64,
}

/// A policy as it was applied.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Encode, Decode)]
pub struct TlsPolicy {
    /// Where it comes from.
    pub kind: TlsPolicyKind,
    /// Its lines or records.
    pub text: Vec<String>,
    /// The servers that it names.
    pub hosts: Vec<String>,
}

/// Where a policy comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode)]
pub enum TlsPolicyKind {
    /// There is none.
    None,
    /// TLSA records (RFC 7672).
    Tlsa,
    /// The web (RFC 8461).
    Sts,
}

/// What went wrong with connections.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct TlsFailure {
    /// The kind of failure.
    pub kind: TlsFailureKind,
    /// This side's address.
    pub local: Option<IpAddr>,
    /// The server's name; empty where there was no server yet.
    pub host: String,
    /// The server's address.
    pub remote: Option<IpAddr>,
    /// More of it, for people; of several the first.
    pub said: String,
    /// How often.
    pub count: u64,
}

/// RFC 8460 §4.3: what can go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum TlsFailureKind {
    /// `starttls-not-supported`
    StarttlsNotSupported,
    /// `certificate-host-mismatch`
    HostMismatch,
    /// `certificate-expired`
    Expired,
    /// `certificate-not-trusted`
    NotTrusted,
    /// `validation-failure`
    Validation,
    /// `dnssec-invalid`
    Dnssec,
    /// `sts-policy-fetch-error`
    StsFetch,
    /// `sts-policy-invalid`
    StsInvalid,
}

record! {
    StsPolicy = 1;
    TlsDay = 1;
}
