//! Clients of the web for what domains publish there and want to be told: https alone, verified, one host each, and
//! nobody is followed elsewhere.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use reqwest::redirect;
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};

use crate::dns::Dns;

/// How long all of it may take (RFC 8461 §3.3).
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a connection may take.
const CONNECTING: Duration = Duration::from_secs(20);

/// Makes clients.
#[derive(Clone, Debug)]
pub(super) struct Web {
    dns: Dns,
    tls: ClientConfig,
    port: u16,
}

impl Web {
    /// Clients that find hosts by `dns`, trust `roots`, and connect to `port`: 443.
    pub(super) fn new(dns: Dns, roots: &Arc<RootCertStore>, port: u16) -> Result<Web, rustls::Error> {
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
        let config = config.with_safe_default_protocol_versions()?;
        let tls = config.with_root_certificates(Arc::clone(roots)).with_no_client_auth();
        Ok(Web { dns, tls, port })
    }

    /// A client for one host; else why there is none.
    pub(super) async fn client(&self, host: &str) -> Result<reqwest::Client, String> {
        let there = self.dns.addresses(host).await.map_err(|lack| format!("{host}: {lack}"))?;
        let place = |address| SocketAddr::new(address, self.port);
        let places: Vec<_> = there.addresses.into_iter().map(place).collect();
        let client = reqwest::Client::builder()
            .no_proxy()
            .https_only(true)
            .redirect(redirect::Policy::none())
            .timeout(PATIENCE)
            .connect_timeout(CONNECTING)
            .resolve_to_addrs(host, &places)
            .tls_backend_preconfigured(self.tls.clone())
            .build();
        client.map_err(|error| told(&error))
    }
}

/// What went wrong, as one line: the innermost cause says it best.
pub(super) fn told(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}
