//! How keys for signing come to be: the doors' side knows the cryptography, the administration knows which keys are due.

use std::fmt;

use postern_model::Domain;
use postern_model::record::{KeptSecret, KeyAlgorithm};

/// Makes keys for signing (SPEC D4).
pub trait KeyMaker: Send + Sync + fmt::Debug {
    /// Makes a key, whose secret is sealed where secrets are (SPEC O1). Blocks: RSA takes a tenth of a second and more.
    ///
    /// # Errors
    /// Why there is none, in a line for the operator.
    fn make(&self, domain: &Domain, selector: &str, algorithm: KeyAlgorithm) -> Result<MadeKey, String>;
}

/// A new key.
#[derive(Debug)]
pub struct MadeKey {
    /// As [`postern_model::record::DomainKey::public`] has it.
    pub public: Vec<u8>,
    /// As [`postern_model::record::DomainKey::secret`] has it.
    pub secret: KeptSecret,
}
