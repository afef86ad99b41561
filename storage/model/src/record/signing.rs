//! The keys by which letters of our domains are signed (SPEC D4).

use std::fmt;

use bincode::{Decode, Encode};
use serde::{Deserialize, Serialize};

use super::Record;
use crate::time::Timestamp;

/// What a key signs with.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum KeyAlgorithm {
    /// RSA with 2048 bits (RFC 8301).
    Rsa,
    /// Ed25519 (RFC 8463).
    Ed25519,
}

impl KeyAlgorithm {
    /// All of them; each domain has a key of each.
    pub const ALL: [KeyAlgorithm; 2] = [KeyAlgorithm::Rsa, KeyAlgorithm::Ed25519];

    /// As `k=` of a key's record in the DNS says it (RFC 6376 §3.6.1, RFC 8463 §3).
    pub fn name(self) -> &'static str {
        match self {
            KeyAlgorithm::Rsa => "rsa",
            KeyAlgorithm::Ed25519 => "ed25519",
        }
    }
}

/// What a key is used for now.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum KeyState {
    /// To be published; it signs nothing yet.
    Next,
    /// It signs.
    Active,
    /// It signs no more, and stays published for what it signed.
    Retired,
}

impl KeyState {
    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            KeyState::Next => "next",
            KeyState::Active => "active",
            KeyState::Retired => "retired",
        }
    }
}

/// A secret as it is stored (SPEC O1). Neither form shows in a log.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub enum KeptSecret {
    /// As it is, where `POSTERN_SECRET_KEY_FILE` is not set.
    Clear(Vec<u8>),
    /// Sealed with AES-256-GCM.
    Sealed {
        /// Used once.
        nonce: [u8; 12],
        /// The ciphertext with its tag.
        octets: Vec<u8>,
    },
}

impl fmt::Debug for KeptSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            KeptSecret::Clear(_) => "Clear(…)",
            KeptSecret::Sealed { .. } => "Sealed(…)",
        })
    }
}

/// A DKIM key of a domain; its selector is in its key.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct DomainKey {
    /// What it signs with.
    pub algorithm: KeyAlgorithm,
    /// What it is used for.
    pub state: KeyState,
    /// Since when.
    pub since: Timestamp,
    /// When it was made.
    pub made: Timestamp,
    /// What `p=` says before base64: SubjectPublicKeyInfo of RSA, the 32 octets of Ed25519.
    pub public: Vec<u8>,
    /// The private key as PKCS#8.
    pub secret: KeptSecret,
}

record! {
    DomainKey = 1;
}
