//! What is kept of other domains' demands on TLS.

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

record! {
    StsPolicy = 1;
}
