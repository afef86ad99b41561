//! The certificates in use: read from files, chosen by the name a client asks for, read again when the files change.
//!
//! A name may have an ECDSA certificate and an RSA one; the first is offered to every client that can check it
//! (SPEC P10). A client that sends no name, or one we have no certificate for, gets the first of the list. New files
//! that can't be used leave the old certificates in place.

use std::collections::HashMap;
use std::fmt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use postern_actors::ticker::Ticker;
use postern_model::Timestamp;
use rustls::crypto::aws_lc_rs;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{InconsistentKeys, SignatureAlgorithm, SignatureScheme};
use rustls_pki_types::pem::{self, PemObject};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::x509;

/// How often the files are looked at.
const WATCH_INTERVAL: Duration = Duration::from_secs(30);

/// Why certificates can't be used: one line that names the variable, the file, the reason and the cure.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{variable}: {what}; {cure}")]
pub struct CertificateError {
    variable: &'static str,
    what: String,
    cure: &'static str,
}

impl CertificateError {
    pub(super) fn new(variable: &'static str, what: String, cure: &'static str) -> CertificateError {
        CertificateError { variable, what, cure }
    }
}

const CERT: &str = "POSTERN_TLS_CERT";
const KEY: &str = "POSTERN_TLS_KEY";

/// Files with certificates and their keys.
#[derive(Clone, Debug)]
pub struct CertificateFiles {
    pairs: Vec<Pair>,
}

#[derive(Clone, Debug)]
struct Pair {
    certificate: PathBuf,
    key: PathBuf,
}

impl CertificateFiles {
    /// The n-th key is that of the n-th certificate; the first pair is the default.
    ///
    /// # Errors
    /// There is none, or there are more of one than of the other.
    pub fn new(certificates: &[PathBuf], keys: &[PathBuf]) -> Result<CertificateFiles, CertificateError> {
        if certificates.is_empty() {
            let cure = "name a PEM file, or set POSTERN_TLS=self-signed for a trial";
            return Err(CertificateError::new(CERT, "no certificate is named".to_owned(), cure));
        }
        if certificates.len() != keys.len() {
            let what = format!("{} keys for {} certificates", keys.len(), certificates.len());
            let cure = "name one key for each certificate of POSTERN_TLS_CERT, in the same order";
            return Err(CertificateError::new(KEY, what, cure));
        }
        let pair = |(certificate, key): (&PathBuf, &PathBuf)| Pair {
            certificate: certificate.clone(),
            key: key.clone(),
        };
        Ok(CertificateFiles { pairs: certificates.iter().zip(keys).map(pair).collect() })
    }

    /// What tells whether a file was changed or replaced.
    fn fingerprint(&self) -> Fingerprint {
        let of = |path: &PathBuf| {
            std::fs::metadata(path).ok().map(|m| (m.ino(), m.size(), m.mtime(), m.mtime_nsec()))
        };
        self.pairs.iter().flat_map(|pair| [of(&pair.certificate), of(&pair.key)]).collect()
    }
}

type Fingerprint = Vec<Option<(u64, u64, i64, i64)>>;

/// The certificates in use.
pub struct Certificates {
    files: CertificateFiles,
    current: ArcSwap<Set>,
    /// The files as they were when they were last tried.
    tried: Mutex<Fingerprint>,
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificates").field("files", &self.files).finish_non_exhaustive()
    }
}

impl Certificates {
    /// Reads the files. One that has expired at `now` is used, with a warning in the log.
    ///
    /// # Errors
    /// A file can't be read, holds no certificate or key, or the key is another certificate's.
    pub fn load(files: CertificateFiles, now: Timestamp) -> Result<Arc<Certificates>, CertificateError> {
        let tried = Mutex::new(files.fingerprint());
        let current = ArcSwap::from_pointee(Set::load(&files, now)?);
        Ok(Arc::new(Certificates { files, current, tried }))
    }

    /// Reads the files again; what they hold serves from the next handshake on. Blocks on the disk.
    ///
    /// # Errors
    /// As [`Certificates::load`]; the old certificates stay in use.
    pub fn reload(&self, now: Timestamp) -> Result<(), CertificateError> {
        let fingerprint = self.files.fingerprint();
        *self.tried.lock().unwrap_or_else(PoisonError::into_inner) = fingerprint;
        self.current.store(Arc::new(Set::load(&self.files, now)?));
        tracing::info!("certificates read again");
        Ok(())
    }

    /// Reads the files again where they have changed since they were last tried; `None` where they have not.
    pub fn reload_if_changed(&self, now: Timestamp) -> Option<Result<(), CertificateError>> {
        let fingerprint = self.files.fingerprint();
        let changed = *self.tried.lock().unwrap_or_else(PoisonError::into_inner) != fingerprint;
        changed.then(|| self.reload(now))
    }

    /// Looks at the files from time to time, for ever.
    pub async fn watch(self: Arc<Certificates>, ticker: Ticker) {
        loop {
            let now = ticker.now();
            ticker.sleep_until(now.plus(WATCH_INTERVAL)).await;
            let certificates = self.clone();
            let now = ticker.now();
            match tokio::task::spawn_blocking(move || certificates.reload_if_changed(now)).await {
                // Between the replacing of a certificate and of its key the two don't fit; the next look settles it.
                Ok(Some(Err(error))) => tracing::warn!(%error, "the old certificates stay in use"),
                Ok(_) => {}
                Err(error) => tracing::error!(%error, "looking at the certificate files failed"),
            }
        }
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.current.load().choose(hello.server_name(), hello.signature_schemes())
    }
}

/// What was read from the files at one time.
struct Set {
    names: HashMap<Box<str>, Choice>,
    default: Choice,
}

/// The certificates for one name.
#[derive(Clone, Default)]
struct Choice {
    /// ECDSA or Ed25519.
    small: Option<Arc<CertifiedKey>>,
    rsa: Option<Arc<CertifiedKey>>,
}

impl Choice {
    /// Adds one; the first of its kind stays.
    fn add(&mut self, key: &Arc<CertifiedKey>) {
        let place = match key.key.algorithm() {
            SignatureAlgorithm::RSA => &mut self.rsa,
            _ => &mut self.small,
        };
        place.get_or_insert_with(|| key.clone());
    }

    /// The best one that the client can check.
    fn pick(&self, schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        let usable = |key: &&Arc<CertifiedKey>| key.key.choose_scheme(schemes).is_some();
        self.small.iter().chain(&self.rsa).find(usable).cloned()
    }
}

impl Set {
    fn load(files: &CertificateFiles, now: Timestamp) -> Result<Set, CertificateError> {
        let mut set = Set { names: HashMap::new(), default: Choice::default() };
        let mut first_name = None;
        for (index, pair) in files.pairs.iter().enumerate() {
            let (key, facts) = pair.load()?;
            warn_of_dates(&pair.certificate, &facts, now);
            if index == 0 {
                first_name = facts.names.first().cloned();
                set.default.add(&key);
            }
            for name in facts.names {
                set.names.entry(name).or_default().add(&key);
            }
        }
        // The default is the first pair's name with all its certificates.
        if let Some(choice) = first_name.and_then(|name| set.names.get(&name)) {
            set.default = choice.clone();
        }
        Ok(set)
    }

    fn choose(&self, name: Option<&str>, schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        let by_name = name.and_then(|name| self.find(&name.to_ascii_lowercase())?.pick(schemes));
        by_name.or_else(|| self.default.pick(schemes))
    }

    /// The name itself, or the wildcard that stands for its first label (RFC 9525 §6.3).
    fn find(&self, name: &str) -> Option<&Choice> {
        self.names.get(name).or_else(|| {
            let (_, parent) = name.split_once('.')?;
            self.names.get(format!("*.{parent}").as_str())
        })
    }
}

fn warn_of_dates(file: &Path, facts: &x509::Facts, now: Timestamp) {
    let file = file.display();
    if facts.not_after < now {
        tracing::warn!(%file, expired = %facts.not_after, "the certificate has expired; programs will refuse it");
    } else if now < facts.not_before {
        tracing::warn!(%file, valid_from = %facts.not_before, "the certificate is not valid yet");
    }
}

impl Pair {
    fn load(&self) -> Result<(Arc<CertifiedKey>, x509::Facts), CertificateError> {
        let (file, key_file) = (self.certificate.display(), self.key.display());
        let chain = read_chain(&self.certificate)?;
        let facts = chain.first().and_then(|leaf| x509::read(leaf)).ok_or_else(|| {
            let what = format!("{file}: the first certificate in it is damaged");
            CertificateError::new(CERT, what, "put the server's own certificate first, in PEM")
        })?;
        let key = PrivateKeyDer::from_pem_file(&self.key).map_err(|error| match error {
            pem::Error::NoItemsFound => {
                let what = format!("{key_file}: there is no private key in it");
                CertificateError::new(KEY, what, "name a PEM file with an unencrypted private key")
            }
            error => unreadable(KEY, &self.key, &error),
        })?;
        let certified = CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider());
        let certified = certified.map_err(|error| match error {
            rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
                let what = format!("{key_file} is not the key of {file}");
                CertificateError::new(KEY, what, "name the keys in the order of their certificates")
            }
            error => {
                let what = format!("{file} and {key_file} can't be used ({error})");
                CertificateError::new(CERT, what, "use an ECDSA, Ed25519 or RSA (2048 bits or more) key")
            }
        })?;
        Ok((Arc::new(certified), facts))
    }
}

fn read_chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, CertificateError> {
    let read = |error| unreadable(CERT, path, &error);
    let chain: Result<Vec<_>, _> = CertificateDer::pem_file_iter(path).map_err(read)?.collect();
    let chain = chain.map_err(read)?;
    if chain.is_empty() {
        let what = format!("{}: there is no certificate in it", path.display());
        return Err(CertificateError::new(CERT, what, "name a PEM file with the certificate and its chain"));
    }
    Ok(chain)
}

fn unreadable(variable: &'static str, path: &Path, error: &pem::Error) -> CertificateError {
    let reason = match error {
        pem::Error::Io(error) => error.to_string(),
        other => other.to_string(),
    };
    let what = format!("{} can't be read ({reason})", path.display());
    CertificateError::new(variable, what, "correct the path, or let the server's user read the file")
}

#[cfg(test)]
#[path = "certificates_tests.rs"]
mod tests;
