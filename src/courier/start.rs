//! The client that the configuration asks for.

use std::sync::Arc;

use postern_actors::courier::Courier;
use postern_storage::Store;
use rustls::RootCertStore;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use super::route::Router;
use super::seal::Seal;
use super::tls::Safety;
use super::{Client, NoJournal, Options, Patience};
use crate::config::{Config, Out};
use crate::dns::{Dns, MxRouter};

/// The way out, and what has to be looked after on it.
#[derive(Debug)]
pub struct Outgoing {
    /// Carries letters.
    pub courier: Arc<dyn Courier>,
    /// Knows what other servers demand of TLS; [`Safety::run`] is to be called. Relays demand nothing.
    pub safety: Option<Safety>,
}

/// The way out; `None` where there is none: neither a relay nor anybody who knows other servers.
///
/// # Errors
/// Nobody is trusted to vouch for the relay, or the trusted ones can't be read, in a line that names the cure.
pub fn client(
    config: &Config,
    dns: Option<&Dns>,
    store: &Store,
    seal: Arc<dyn Seal>,
) -> Result<Option<Outgoing>, String> {
    let roots = Arc::new(roots(&config.out)?);
    let mut safety = None;
    let router: Arc<dyn Router> = match (&config.out.relay, dns) {
        (Some(relay), _) if roots.is_empty() && relay.is_verified() => {
            return Err("POSTERN_RELAY: the system has no trusted certificates to verify the relay by; \
                        install ca-certificates, or name a POSTERN_CA_FILE"
                .to_owned());
        }
        (Some(relay), _) => Arc::new(relay.clone()),
        (None, Some(dns)) => {
            let found =
                Safety::new(dns.clone(), store.clone(), &roots).map_err(|error| format!("TLS: {error}"))?;
            safety = Some(found.clone());
            Arc::new(MxRouter::new(dns.clone(), found, &config.hostname))
        }
        (None, None) => return Ok(None),
    };
    let courier = Arc::new(Client::new(Options {
        hostname: config.hostname.clone(),
        patience: Patience::STANDARD,
        router,
        roots,
        journal: Arc::new(NoJournal),
        seal: Some(seal),
        login: config.out.relay.as_ref().and_then(|relay| relay.login.clone()),
    }));
    Ok(Some(Outgoing { courier, safety }))
}

/// Who is trusted to vouch for others: those that the system trusts, and those of `POSTERN_CA_FILE`.
///
/// # Errors
/// What is wrong with that file.
fn roots(out: &Out) -> Result<RootCertStore, String> {
    let mut roots = system_roots();
    if let Some(path) = &out.ca_file {
        let wrong = |why: String| format!("POSTERN_CA_FILE: {}: {why}", path.display());
        let found = CertificateDer::pem_file_iter(path).map_err(|error| wrong(error.to_string()))?;
        let mut count = 0;
        for certificate in found {
            let certificate = certificate.map_err(|error| wrong(error.to_string()))?;
            roots.add(certificate).map_err(|error| wrong(error.to_string()))?;
            count += 1;
        }
        if count == 0 {
            return Err(wrong("it holds no certificate".to_owned()));
        }
    }
    Ok(roots)
}

/// The roots that the system trusts (`SSL_CERT_FILE` and `SSL_CERT_DIR` where they are set); those that can't be read are
/// left out.
fn system_roots() -> RootCertStore {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::warn!(%error, "a trusted certificate can't be read");
    }
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    roots
}
