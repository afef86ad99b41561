//! Certificates held against TLSA records (RFC 7672): the DNS, signed, says which certificate a server has.
//!
//! ```text
//! 3 x x   DANE-EE: this certificate or key, whatever its names and dates say
//! 2 x x   DANE-TA: an authority that the server shows with its own certificate, which must bear the server's name
//! 0, 1    not for mail (RFC 7672 §3.1.3)
//! ```

use std::sync::Arc;

use aws_lc_rs::digest;
use hickory_resolver::proto::rr::rdata::TLSA;
use hickory_resolver::proto::rr::rdata::tlsa::{CertUsage, Matching, Selector};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::server::ParsedCertificate;
use rustls::{DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

/// Records of one server that are held against; a record beyond has no say.
const MAX_RECORDS: usize = 32;

/// Verifies by TLSA records.
#[derive(Debug)]
pub(super) struct DaneVerifier {
    records: Vec<Association>,
    /// Names of which a certificate under DANE-TA must have one.
    names: Vec<ServerName<'static>>,
    provider: Arc<CryptoProvider>,
}

/// What one record says.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Association {
    /// DANE-TA, not DANE-EE.
    anchor: bool,
    /// The key counts, not the whole certificate.
    key: bool,
    matching: Match,
    data: Vec<u8>,
}

/// Weaker ones first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Match {
    Sha256,
    Sha512,
    Whole,
}

/// No record fits.
#[derive(Debug, thiserror::Error)]
#[error("no TLSA record of {0} fits the server's certificate (DANE)")]
struct Mismatch(String);

impl DaneVerifier {
    /// A verifier by these records; `None` where none of them is usable (RFC 7672 §2.2).
    pub(super) fn new(
        records: &[TLSA],
        names: &[&str],
        provider: Arc<CryptoProvider>,
    ) -> Option<DaneVerifier> {
        let usable = records.iter().take(MAX_RECORDS).filter_map(Association::read);
        let records = strongest(usable.collect());
        let names = names.iter().filter_map(|name| ServerName::try_from((*name).to_owned()).ok()).collect();
        (!records.is_empty()).then_some(DaneVerifier { records, names, provider })
    }

    fn is_own(&self, end_entity: &CertificateDer<'_>) -> bool {
        let mut own = self.records.iter().filter(|record| !record.anchor);
        own.any(|record| record.fits(end_entity))
    }

    /// Whether an authority that a record names vouches for the certificate and its name.
    fn is_vouched_for(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<bool, Error> {
        let mut anchors = RootCertStore::empty();
        for record in self.records.iter().filter(|record| record.anchor) {
            for shown in intermediates.iter().filter(|shown| record.fits(shown)) {
                // What is no certificate of an authority vouches for nobody.
                let _ = anchors.add(shown.clone().into_owned());
            }
            if !record.key && record.matching == Match::Whole {
                let _ = anchors.add(CertificateDer::from(record.data.clone()));
            }
        }
        if anchors.is_empty() {
            return Ok(false);
        }
        let parsed = ParsedCertificate::try_from(end_entity)?;
        let algorithms = self.provider.signature_verification_algorithms.all;
        verify_server_cert_signed_by_trust_anchor(&parsed, &anchors, intermediates, now, algorithms)?;
        let mut wrong = None;
        for name in &self.names {
            match verify_server_name(&parsed, name) {
                Ok(()) => return Ok(true),
                Err(error) => wrong = Some(error),
            }
        }
        wrong.map_or(Ok(false), Err)
    }
}

impl ServerCertVerifier for DaneVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        // RFC 7672 §3.1.1: neither names nor dates count there.
        if self.is_own(end_entity) || self.is_vouched_for(end_entity, intermediates, now)? {
            return Ok(ServerCertVerified::assertion());
        }
        Err(Error::Other(OtherError(Arc::new(Mismatch(name.to_str().into_owned())))))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

impl Association {
    /// What a record says; `None` where it is of no use for mail.
    fn read(record: &TLSA) -> Option<Association> {
        let anchor = match record.cert_usage {
            CertUsage::DaneTa => true,
            CertUsage::DaneEe => false,
            _ => return None,
        };
        let key = match record.selector {
            Selector::Full => false,
            Selector::Spki => true,
            _ => return None,
        };
        let (matching, length) = match record.matching {
            Matching::Raw => (Match::Whole, None),
            Matching::Sha256 => (Match::Sha256, Some(digest::SHA256_OUTPUT_LEN)),
            Matching::Sha512 => (Match::Sha512, Some(digest::SHA512_OUTPUT_LEN)),
            _ => return None,
        };
        let data = record.cert_data.clone();
        let sound = length.is_none_or(|length| data.len() == length) && !data.is_empty();
        sound.then_some(Association { anchor, key, matching, data })
    }

    fn fits(&self, certificate: &CertificateDer<'_>) -> bool {
        let parsed;
        let selected: &[u8] = match (self.key, ParsedCertificate::try_from(certificate)) {
            (false, _) => certificate.as_ref(),
            (true, Ok(certificate)) => {
                parsed = certificate.subject_public_key_info();
                parsed.as_ref()
            }
            (true, Err(_)) => return false,
        };
        match self.matching {
            Match::Whole => self.data == selected,
            Match::Sha256 => self.data == digest::digest(&digest::SHA256, selected).as_ref(),
            Match::Sha512 => self.data == digest::digest(&digest::SHA512, selected).as_ref(),
        }
    }
}

/// Of digests for the same purpose only the strongest counts (RFC 7671 §9).
fn strongest(records: Vec<Association>) -> Vec<Association> {
    let has_better = |record: &Association| {
        record.matching == Match::Sha256
            && records.iter().any(|other| {
                (other.anchor, other.key, other.matching) == (record.anchor, record.key, Match::Sha512)
            })
    };
    records.iter().filter(|record| !has_better(record)).cloned().collect()
}
