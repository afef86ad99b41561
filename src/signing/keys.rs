//! A DKIM key from its making to its use.

use std::sync::Arc;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use mail_auth::common::crypto::{Algorithm, DkimKey, Ed25519Key, RsaKey, Sha256, SigningKey};
use mail_auth::common::headers::Writable;
use postern_actors::keymaker::{KeyMaker, MadeKey};
use postern_model::Domain;
use postern_model::record::{DomainKey, KeyAlgorithm};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use zeroize::Zeroizing;

use super::Vault;

/// Makes keys, their secrets sealed where there is a key for that.
#[derive(Debug)]
pub struct Keysmith {
    vault: Arc<Vault>,
}

impl Keysmith {
    /// One that seals with `vault`.
    pub fn new(vault: Arc<Vault>) -> Keysmith {
        Keysmith { vault }
    }

    /// What secrets are sealed with.
    pub fn vault(&self) -> &Arc<Vault> {
        &self.vault
    }
}

impl KeyMaker for Keysmith {
    fn make(&self, domain: &Domain, selector: &str, algorithm: KeyAlgorithm) -> Result<MadeKey, String> {
        let (public, pkcs8) = match algorithm {
            KeyAlgorithm::Rsa => rsa(),
            KeyAlgorithm::Ed25519 => ed25519(),
        }
        .ok_or_else(|| format!("a key for {domain} can't be made: the system's random numbers fail"))?;
        let secret = self.vault.seal(&place(domain, selector), &pkcs8)?;
        Ok(MadeKey { public, secret })
    }
}

/// Where a key's secret is kept, as the vault names it.
pub(super) fn place(domain: &Domain, selector: &str) -> String {
    format!("DKIM key {selector} of {domain}")
}

/// 2,048 bits (RFC 8301 §3.2): more don't fit into DNS records that all providers take.
fn rsa() -> Option<(Vec<u8>, Zeroizing<Vec<u8>>)> {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).ok()?;
    let public: PublicKeyX509Der<'_> = pair.public_key().as_der().ok()?;
    let pkcs8: Pkcs8V1Der<'_> = pair.as_der().ok()?;
    Some((public.as_ref().to_vec(), Zeroizing::new(pkcs8.as_ref().to_vec())))
}

fn ed25519() -> Option<(Vec<u8>, Zeroizing<Vec<u8>>)> {
    let pkcs8 = Zeroizing::new(Ed25519Key::generate_pkcs8().ok()?);
    let key = Ed25519Key::from_pkcs8_der(&pkcs8).ok()?;
    Some((key.public_key(), pkcs8))
}

/// A key ready to sign.
///
/// # Errors
/// It does not open, or is none: a line that names the key.
pub(super) fn ready(
    vault: &Vault,
    domain: &Domain,
    selector: &str,
    kept: &DomainKey,
) -> Result<DkimKey, String> {
    let place = place(domain, selector);
    let pkcs8 = vault.unseal(&place, &kept.secret)?;
    let key = match kept.algorithm {
        KeyAlgorithm::Rsa => {
            let der = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(pkcs8.as_slice()));
            RsaKey::<Sha256>::from_key_der(der).map(DkimKey::from)
        }
        KeyAlgorithm::Ed25519 => Ed25519Key::from_pkcs8_der(&pkcs8).map(DkimKey::from),
    };
    key.map_err(|error| {
        format!("the {place} is damaged ({error}); make new ones with `postern domain rotate`")
    })
}

/// A key that several letters are signed with at once.
#[derive(Clone)]
pub(super) struct SharedKey(pub(super) Arc<DkimKey>);

impl SigningKey for SharedKey {
    type Hasher = Sha256;

    fn sign(&self, input: impl Writable) -> mail_auth::Result<Vec<u8>> {
        self.0.sign(input)
    }

    fn algorithm(&self) -> Algorithm {
        self.0.algorithm()
    }
}
