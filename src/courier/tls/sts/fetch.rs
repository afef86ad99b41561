//! Fetches a policy from the web (RFC 8461 §3.3): from this one address, over TLS that is verified, without following
//! anybody elsewhere.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use reqwest::redirect;
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};

use crate::dns::Dns;

/// How long all of it may take (RFC 8461 §3.3).
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a connection may take.
const CONNECTING: Duration = Duration::from_secs(20);
/// Octets of a policy (RFC 8461 §3.3).
const LONGEST: usize = 64 << 10;

/// Fetches policies.
#[derive(Clone, Debug)]
pub(super) struct Fetcher {
    dns: Dns,
    tls: ClientConfig,
    /// 443
    port: u16,
}

impl Fetcher {
    pub(super) fn new(dns: Dns, roots: &Arc<RootCertStore>, port: u16) -> Result<Fetcher, rustls::Error> {
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
        let config = config.with_safe_default_protocol_versions()?;
        let tls = config.with_root_certificates(Arc::clone(roots)).with_no_client_auth();
        Ok(Fetcher { dns, tls, port })
    }

    /// The policy of a domain as it stands there; else why there is none.
    pub(super) async fn fetch(&self, domain: &str) -> Result<Vec<u8>, String> {
        let host = format!("mta-sts.{domain}");
        let there = self.dns.addresses(&host).await.map_err(|lack| lack.to_string())?;
        let places: Vec<_> =
            there.addresses.into_iter().map(|address| SocketAddr::new(address, self.port)).collect();
        let client = reqwest::Client::builder()
            .no_proxy()
            .https_only(true)
            .redirect(redirect::Policy::none())
            .timeout(PATIENCE)
            .connect_timeout(CONNECTING)
            .resolve_to_addrs(&host, &places)
            .tls_backend_preconfigured(self.tls.clone())
            .build()
            .map_err(|error| told(&error))?;
        let asked = client.get(format!("https://{host}/.well-known/mta-sts.txt")).send().await;
        let mut response = asked.map_err(|error| told(&error))?;
        if response.status() != reqwest::StatusCode::OK {
            return Err(format!("the web answers {}", response.status()));
        }
        let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or("");
        let kind = kind.split(';').next().unwrap_or("").trim();
        if !kind.eq_ignore_ascii_case("text/plain") {
            return Err("what is there is no plain text".to_owned());
        }
        let mut text = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| told(&error))? {
            if text.len() + chunk.len() > LONGEST {
                return Err("it is longer than 64 KiB".to_owned());
            }
            text.extend_from_slice(&chunk);
        }
        Ok(text)
    }
}

/// An error with what caused it, as one line.
fn told(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}
