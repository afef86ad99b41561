//! TLS towards other servers: what is verified is what the hop demands. Nothing is remembered between connections, so that
//! no certificate passes by way of an earlier session.

use std::io;
use std::sync::{Arc, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use super::journal::{TlsFault, TlsFaultKind};
use super::route::{Hop, TlsDemand};

/// What one handshake needs.
pub(super) struct Terms {
    pub(super) config: Arc<ClientConfig>,
    pub(super) name: ServerName<'static>,
    /// What was wrong with the certificate where that is only recorded.
    pub(super) tested: Arc<OnceLock<TlsFault>>,
}

/// The terms that a hop demands.
pub(super) fn terms(hop: &Hop, roots: &Arc<RootCertStore>) -> Result<Terms, TlsFault> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let tested = Arc::new(OnceLock::new());
    let verifier: Arc<dyn ServerCertVerifier> = match &hop.tls {
        TlsDemand::Never | TlsDemand::Opportunistic => Arc::new(Anybody(Arc::clone(&provider))),
        TlsDemand::Dane(verifier) => Arc::clone(verifier),
        TlsDemand::Verified { names, enforced } => {
            let inner =
                WebPkiServerVerifier::builder_with_provider(Arc::clone(roots), Arc::clone(&provider)).build();
            let names = names.iter().filter_map(|name| ServerName::try_from(name.clone()).ok()).collect();
            let inner = inner.map_err(|error| fault(TlsFaultKind::NotTrusted, error.to_string()))?;
            let tested = (!enforced).then(|| Arc::clone(&tested));
            Arc::new(Named { inner, names, tested })
        }
    };
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(|error| fault(TlsFaultKind::Validation, error.to_string()))?;
    let mut config = config.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth();
    config.resumption = Resumption::disabled();
    let name = ServerName::try_from(hop.name.clone()).unwrap_or(ServerName::from(hop.address));
    Ok(Terms { config: Arc::new(config), name, tested })
}

/// What a failed handshake is called in reports (RFC 8460 §4.3).
pub(super) fn handshake_fault(error: &io::Error) -> TlsFault {
    let cause = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    let kind = match cause {
        Some(Error::InvalidCertificate(error)) => certificate_fault(error),
        _ => TlsFaultKind::Validation,
    };
    fault(kind, error.to_string())
}

fn certificate_fault(error: &CertificateError) -> TlsFaultKind {
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => TlsFaultKind::Expired,
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            TlsFaultKind::HostMismatch
        }
        CertificateError::UnknownIssuer => TlsFaultKind::NotTrusted,
        _ => TlsFaultKind::Validation,
    }
}

pub(super) fn fault(kind: TlsFaultKind, said: impl Into<String>) -> TlsFault {
    TlsFault { kind, said: said.into() }
}

/// Takes any certificate: there is nothing that it could be held against (RFC 7435).
#[derive(Debug)]
pub(super) struct Anybody(pub(super) Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// Takes a certificate that has one of these names and leads to a trusted root.
#[derive(Debug)]
struct Named {
    inner: Arc<WebPkiServerVerifier>,
    names: Vec<ServerName<'static>>,
    /// Where a fault is put instead of ending the handshake with it.
    tested: Option<Arc<OnceLock<TlsFault>>>,
}

impl Named {
    fn judge(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let mut last = Error::InvalidCertificate(CertificateError::NotValidForName);
        for name in &self.names {
            match self.inner.verify_server_cert(end_entity, intermediates, name, ocsp, now) {
                Ok(verified) => return Ok(verified),
                Err(error) => last = error,
            }
        }
        Err(last)
    }
}

impl ServerCertVerifier for Named {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match (self.judge(end_entity, intermediates, ocsp, now), &self.tested) {
            (Err(error), Some(tested)) => {
                let _ = tested.set(handshake_fault(&io::Error::other(error)));
                Ok(ServerCertVerified::assertion())
            }
            (judged, _) => judged,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}
