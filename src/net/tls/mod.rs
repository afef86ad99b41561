//! TLS for every door: versions 1.2 and 1.3, forward secrecy only, sessions resumed by tickets (SPEC P10).
//!
//! [`Tls`] is made once and shared by all listeners; the certificates in it change while it is in use. Ticket keys
//! live in memory only and are rotated every six hours, so a ticket is good for twelve at most.

pub mod certificates;
pub mod self_signed;
mod x509;

use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::server::ServerSessionMemoryCache;
use rustls::{CipherSuite, ProtocolVersion, ServerConfig, ServerConnection};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use sha2::{Digest as _, Sha256};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use self::certificates::Certificates;
use super::session::TlsInfo;

/// Sessions kept for TLS 1.2 clients that resume by id; all others bring a ticket.
const CACHED_SESSIONS: usize = 512;

/// What a listener needs to speak TLS.
#[derive(Clone)]
pub struct Tls {
    config: Arc<ServerConfig>,
    certificates: Arc<Certificates>,
}

impl Tls {
    /// TLS with these certificates.
    ///
    /// # Errors
    /// The cryptography library could not make ticket keys.
    pub fn new(certificates: Arc<Certificates>) -> Result<Tls, rustls::Error> {
        let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
            .with_no_client_auth()
            .with_cert_resolver(certificates.clone());
        config.ticketer = aws_lc_rs::Ticketer::new()?;
        config.session_storage = ServerSessionMemoryCache::new(CACHED_SESSIONS);
        Ok(Tls { config: Arc::new(config), certificates })
    }

    /// The certificates in use.
    pub fn certificates(&self) -> &Arc<Certificates> {
        &self.certificates
    }

    /// Shakes hands with a client. Sets no time limit; the caller does.
    pub(crate) async fn accept(&self, socket: TcpStream) -> io::Result<Box<TlsStream<TcpStream>>> {
        // Boxed: the handshake's state is many times that of what waits for it.
        Box::pin(TlsAcceptor::from(self.config.clone()).accept(socket)).await.map(Box::new)
    }
}

/// What is known of an encrypted connection once hands are shaken.
pub(crate) fn info(connection: &ServerConnection) -> TlsInfo {
    let tls13 = connection.protocol_version() == Some(ProtocolVersion::TLSv1_3);
    // RFC 9266 §3: before TLS 1.3 the exporter identifies a connection only where the extended master secret
    // (RFC 7627) was used. rustls doesn't say whether it was, and demanding it would shut out old programs.
    let exporter = if tls13 {
        connection.export_keying_material([0; 32], b"EXPORTER-Channel-Binding", None).ok()
    } else {
        None
    };
    TlsInfo {
        version: if tls13 { "TLSv1.3" } else { "TLSv1.2" },
        cipher: connection.negotiated_cipher_suite().map_or("", |suite| iana_name(suite.suite())),
        exporter,
        server_name: connection.server_name().map(Into::into),
    }
}

/// rustls calls the suites of TLS 1.3 `TLS13_…`; in the registry, and so in Received fields, they are `TLS_…`.
pub(crate) fn iana_name(suite: CipherSuite) -> &'static str {
    match suite {
        CipherSuite::TLS13_AES_256_GCM_SHA384 => "TLS_AES_256_GCM_SHA384",
        CipherSuite::TLS13_AES_128_GCM_SHA256 => "TLS_AES_128_GCM_SHA256",
        CipherSuite::TLS13_CHACHA20_POLY1305_SHA256 => "TLS_CHACHA20_POLY1305_SHA256",
        other => other.as_str().unwrap_or(""),
    }
}

/// SHA-256 of the public key of a PEM file's first certificate, as DANE names it (RFC 6698 §2.1); `None` where it can't be
/// read.
pub fn public_key_digest(certificate: &Path) -> Option<[u8; 32]> {
    let der = CertificateDer::from_pem_file(certificate).ok()?;
    x509::public_key_info(&der).map(|info| Sha256::digest(info).into())
}
