//! The client that the configuration asks for.

use std::sync::Arc;

use postern_actors::courier::Courier;
use rustls::RootCertStore;

use super::seal::Seal;
use super::{Client, NoJournal, Options, Patience};
use crate::config::Config;

/// The way out; `None` where there is none.
///
/// # Errors
/// Nobody is trusted to vouch for the relay, in a line that names the cure.
pub fn client(config: &Config, seal: Arc<dyn Seal>) -> Result<Option<Arc<dyn Courier>>, String> {
    let Some(relay) = config.out.relay.clone() else { return Ok(None) };
    let roots = system_roots();
    if roots.is_empty() && relay.is_verified() {
        return Err("POSTERN_RELAY: the system has no trusted certificates to verify the relay by; \
                    install ca-certificates"
            .to_owned());
    }
    let login = relay.login.clone();
    Ok(Some(Arc::new(Client::new(Options {
        hostname: config.hostname.clone(),
        patience: Patience::STANDARD,
        router: Arc::new(relay),
        roots: Arc::new(roots),
        journal: Arc::new(NoJournal),
        seal: Some(seal),
        login,
    }))))
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
