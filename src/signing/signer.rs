//! Signs letters that leave with the keys of their author's domain (RFC 6376).

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use lru::LruCache;
use mail_auth::AuthenticatedMessage;
use mail_auth::common::headers::HeaderWriter as _;
use mail_auth::dkim::DkimSigner;
use postern_actors::courier::Local;
use postern_model::record::{DomainKey, KeptSecret, KeyAlgorithm, KeyState, Origin, Queued};
use postern_model::{Domain, EmailAddress};
use postern_storage::{Batch, Store, keys as store_keys};

use super::keys::{SharedKey, place, ready};
use super::{ArcSeal, Vault};
use crate::courier::seal::Seal;

/// Keys that are kept ready; an RSA key takes some 3 KiB.
const READY: NonZeroUsize = NonZeroUsize::new(1_000).expect("not zero");
/// Keys of a domain that are looked at for one that signs.
const MOST: usize = 1_000;
/// Keys that are opened at a time at the start.
const PAGE: usize = 256;

/// What a signature covers (RFC 6376 §5.4.1). Each is named once more than it is there, so that none can be added
/// behind the signature (§8.15): a second From would be shown by some programs.
const COVERED: [&str; 11] = [
    "From",
    "Subject",
    "Date",
    "To",
    "Cc",
    "Message-ID",
    "MIME-Version",
    "Content-Type",
    "Reply-To",
    "In-Reply-To",
    "References",
];

/// `COVERED`, each twice: the library signs all that are there for the first, and none for the second.
pub(super) fn covered() -> impl Iterator<Item = &'static str> {
    COVERED.into_iter().chain(COVERED)
}

/// A key by which a letter is signed.
#[derive(Clone)]
pub(super) struct Ready {
    pub(super) selector: String,
    pub(super) key: SharedKey,
}

/// A domain, a selector and the public key: a domain may go and come again.
type KeyName = (Domain, String, Vec<u8>);

/// Signs for all domains of ours; one for the whole server.
pub struct Signer {
    store: Store,
    vault: Arc<Vault>,
    ready: Mutex<LruCache<KeyName, SharedKey>>,
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signer")
    }
}

impl Signer {
    /// Opens every key once, so that a wrong `POSTERN_SECRET_KEY_FILE` shows at the start and not as letters without
    /// signatures; what lies in clear is sealed where it can be.
    ///
    /// # Errors
    /// A key that does not open, or what the store can't do: a line that names the cure.
    pub async fn open(store: Store, vault: Arc<Vault>) -> Result<Signer, String> {
        let mut range = store_keys::all_domain_keys();
        loop {
            let page = range.clone();
            let kept = store.read(move |view| view.scan(&page, PAGE)).await;
            let kept = kept.map_err(|error| format!("the keys of domains: {error}"))?;
            let Some(((domain, selector), _)) = kept.last() else { break };
            range = range.after(&store_keys::domain_key(domain, selector));
            let batch = looked_through(&vault, &kept)?;
            if !batch.is_empty() {
                store.commit(batch).await.map_err(|error| format!("the keys of domains: {error}"))?;
            }
        }
        Ok(Signer { store, vault, ready: Mutex::new(LruCache::new(READY)) })
    }

    /// The signature fields for a letter by `domain`; empty where it has no keys.
    ///
    /// # Errors
    /// Why a domain that has keys does not sign, in a line for the log.
    pub async fn sign(&self, domain: &Domain, octets: &[u8]) -> Result<Vec<u8>, String> {
        let keys = self.active(domain).await?;
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let (domain, octets) = (domain.clone(), octets.to_vec());
        // RSA and the hash of a large body take milliseconds, which an arbiter does not have.
        let signed = tokio::task::spawn_blocking(move || signatures(&domain, keys, &octets)).await;
        signed.map_err(|error| error.to_string())?
    }

    /// What seals forwarded letters for `domain` (RFC 8617); `None` where it has no key.
    ///
    /// # Errors
    /// Why a domain that has keys does not seal, in a line for the log.
    pub async fn arc_seal(&self, domain: &Domain) -> Result<Option<ArcSeal>, String> {
        // Few verify seals of Ed25519.
        let is_rsa = |ready: &Ready| matches!(*ready.key.0, mail_auth::common::crypto::DkimKey::Rsa(_));
        let key = self.active(domain).await?.into_iter().find(is_rsa);
        Ok(key.map(|ready| ArcSeal::new(domain.clone(), ready)))
    }

    /// The keys that sign for a domain, RSA first: some verifiers look at the topmost signature alone.
    async fn active(&self, domain: &Domain) -> Result<Vec<Ready>, String> {
        let range = store_keys::domain_keys_of(domain);
        let kept = self.store.read(move |view| view.scan(&range, MOST)).await;
        let kept = kept.map_err(|error| error.to_string())?;
        let mut active: Vec<((Domain, String), DomainKey)> =
            kept.into_iter().filter(|(_, key)| key.state == KeyState::Active).collect();
        active.sort_by_key(|(_, key)| key.algorithm != KeyAlgorithm::Rsa);
        active.into_iter().map(|((domain, selector), key)| self.ready(domain, selector, &key)).collect()
    }

    fn ready(&self, domain: Domain, selector: String, kept: &DomainKey) -> Result<Ready, String> {
        let name = (domain, selector, kept.public.clone());
        let known = self.ready.lock().unwrap_or_else(PoisonError::into_inner).get(&name).cloned();
        let key = match known {
            Some(key) => key,
            None => {
                let key = SharedKey(Arc::new(ready(&self.vault, &name.0, &name.1, kept)?));
                let mut ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
                ready.put(name.clone(), key.clone());
                key
            }
        };
        Ok(Ready { selector: name.1, key })
    }

    async fn signed(&self, envelope: &Queued, octets: &[u8]) -> Vec<u8> {
        // Of what is forwarded nobody here knows whether its author wrote it: our name on a forgery would make it good.
        if envelope.origin == Origin::Forwarded {
            return Vec::new();
        }
        let Some(domain) = author_domain(octets) else { return Vec::new() };
        self.sign(&domain, octets).await.unwrap_or_else(|error| {
            tracing::warn!(%domain, %error, "a letter leaves without a signature");
            Vec::new()
        })
    }
}

impl Seal for Signer {
    fn signature<'a>(&'a self, envelope: &'a Queued, octets: &'a [u8]) -> Local<'a, Vec<u8>> {
        Box::pin(self.signed(envelope, octets))
    }
}

/// The domain that From names, which DMARC wants to see signed (RFC 7489 §3.1.1). None where there is none or several.
fn author_domain(octets: &[u8]) -> Option<Domain> {
    let letter = AuthenticatedMessage::parse(octets)?;
    let [author] = letter.froms() else { return None };
    EmailAddress::parse(author).ok().map(|author| author.domain().clone())
}

fn signatures(domain: &Domain, keys: Vec<Ready>, octets: &[u8]) -> Result<Vec<u8>, String> {
    let octets = &octets[..end_of_text(octets)];
    let mut fields = Vec::new();
    for Ready { selector, key } in keys {
        let signer = DkimSigner::from_key(key).domain(domain.as_str()).selector(selector).headers(covered());
        let signature = signer.sign(octets).map_err(|error| error.to_string())?;
        fields.extend_from_slice(signature.to_header().as_bytes());
    }
    Ok(fields)
}

/// That each key opens; the batch seals those that lie in clear.
fn looked_through(vault: &Vault, kept: &[((Domain, String), DomainKey)]) -> Result<Batch, String> {
    let mut batch = Batch::new();
    for ((domain, selector), key) in kept {
        ready(vault, domain, selector, key)?;
        if let KeptSecret::Clear(clear) = &key.secret
            && vault.seals()
        {
            let secret = vault.seal(&place(domain, selector), clear)?;
            let at = store_keys::domain_key(domain, selector);
            batch.expect(&at, key).put(&at, &DomainKey { secret, ..key.clone() });
        }
    }
    Ok(batch)
}

/// Where a letter ends for a signature whose body is canonicalized as "relaxed" (RFC 6376 §3.4.4): lines at its end that
/// are empty or all white space don't count. mail-auth counts those with white space, and nobody else does.
pub fn end_of_text(letter: &[u8]) -> usize {
    let Some(header) = memchr::memmem::find(letter, b"\r\n\r\n") else { return letter.len() };
    let body = header + 4;
    let mut end = letter.len();
    while let Some(line) = letter[body..end].strip_suffix(b"\r\n") {
        let blank = line.iter().rev().take_while(|octet| matches!(octet, b' ' | b'\t')).count();
        let before = &line[..line.len() - blank];
        if !before.is_empty() && !before.ends_with(b"\r\n") {
            break;
        }
        end = body + before.len();
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blank_lines_at_the_end_do_not_count() {
        for (body, counts) in [
            ("", ""),
            ("x", "x"),
            ("x\r\n", "x\r\n"),
            ("x\r\n\r\n", "x\r\n"),
            ("x\r\n \t\r\n\r\n \r\n", "x\r\n"),
            ("x\r\n \r\ny\r\n", "x\r\n \r\ny\r\n"),
            ("x \r\n", "x \r\n"),
            ("\r\n \r\n", ""),
            (" \t", " \t"),
            ("x\n \r\n", "x\n \r\n"),
        ] {
            let letter = format!("A: b\r\n\r\n{body}");
            let end = end_of_text(letter.as_bytes());
            assert_eq!(&letter[..end], format!("A: b\r\n\r\n{counts}"), "{body:?}");
        }
        assert_eq!(end_of_text(b"A: b\r\n \r\n"), 9, "no body at all");
    }
}
