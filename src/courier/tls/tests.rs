use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest;
use hickory_resolver::proto::rr::RecordType;
use hickory_resolver::proto::rr::rdata::TLSA;
use hickory_resolver::proto::rr::rdata::tlsa::{CertUsage, Matching, Selector};
use postern_model::{Domain, Timestamp};
use postern_storage::{EngineKind, Store, StoreOptions};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::RootCertStore;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::server::ParsedCertificate;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use super::dane::DaneVerifier;
use super::{Safety, Server};
use crate::courier::route::TlsDemand;
use crate::dns::{Dns, Lack, Zone};

/// An authority, and a certificate of it for mx.b.test.
struct Chain {
    authority: CertificateDer<'static>,
    leaf: CertificateDer<'static>,
}

fn chain() -> Chain {
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::new(Vec::new()).expect("parameters");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = params.self_signed(&key).expect("a certificate").der().clone();
    let issuer = Issuer::new(params, key);
    let leaf_key = KeyPair::generate().expect("a key");
    let leaf = CertificateParams::new(vec!["mx.b.test".to_owned()]).expect("parameters");
    let leaf = leaf.signed_by(&leaf_key, &issuer).expect("a certificate").der().clone();
    Chain { authority, leaf }
}

fn key_of(certificate: &CertificateDer<'_>) -> Vec<u8> {
    let parsed = ParsedCertificate::try_from(certificate).expect("a certificate");
    parsed.subject_public_key_info().to_vec()
}

fn sha256(octets: &[u8]) -> Vec<u8> {
    digest::digest(&digest::SHA256, octets).as_ref().to_vec()
}

fn sha512(octets: &[u8]) -> Vec<u8> {
    digest::digest(&digest::SHA512, octets).as_ref().to_vec()
}

fn tlsa(usage: u8, selector: u8, matching: u8, data: Vec<u8>) -> TLSA {
    TLSA::new(CertUsage::from(usage), Selector::from(selector), Matching::from(matching), data)
}

fn verifier(records: &[TLSA], names: &[&str]) -> Option<DaneVerifier> {
    DaneVerifier::new(records, names, Arc::new(default_provider()))
}

fn now() -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(1_800_000_000))
}

#[test]
fn records_and_certificates() {
    let Chain { authority, leaf } = chain();
    let other = chain();
    let name = ServerName::try_from("mx.b.test").expect("a name");
    let long_ago = UnixTime::since_unix_epoch(Duration::from_secs(1));
    let ours = ["mx.b.test", "b.test"];
    let elsewhere = ["mx.c.test"];
    for (what, record, names, at, fits) in [
        ("3 0 0", tlsa(3, 0, 0, leaf.to_vec()), &ours[..], now(), true),
        ("3 0 1", tlsa(3, 0, 1, sha256(&leaf)), &ours, now(), true),
        ("3 0 2", tlsa(3, 0, 2, sha512(&leaf)), &ours, now(), true),
        ("3 1 0", tlsa(3, 1, 0, key_of(&leaf)), &ours, now(), true),
        ("3 1 1", tlsa(3, 1, 1, sha256(&key_of(&leaf))), &ours, now(), true),
        ("3 1 2", tlsa(3, 1, 2, sha512(&key_of(&leaf))), &ours, now(), true),
        ("3 1 1, its name is another", tlsa(3, 1, 1, sha256(&key_of(&leaf))), &elsewhere, now(), true),
        ("3 1 1, at another time", tlsa(3, 1, 1, sha256(&key_of(&leaf))), &ours, long_ago, true),
        ("3 1 1 of another", tlsa(3, 1, 1, sha256(&key_of(&other.leaf))), &ours, now(), false),
        ("3 1 1 of the authority", tlsa(3, 1, 1, sha256(&key_of(&authority))), &ours, now(), false),
        ("2 0 1", tlsa(2, 0, 1, sha256(&authority)), &ours, now(), true),
        ("2 0 0", tlsa(2, 0, 0, authority.to_vec()), &ours, now(), true),
        ("2 1 1", tlsa(2, 1, 1, sha256(&key_of(&authority))), &ours, now(), true),
        ("2 1 2", tlsa(2, 1, 2, sha512(&key_of(&authority))), &ours, now(), true),
        ("2 1 1, its name is another", tlsa(2, 1, 1, sha256(&key_of(&authority))), &elsewhere, now(), false),
        (
            "2 1 1, before its time",
            tlsa(2, 1, 1, sha256(&key_of(&authority))),
            &ours,
            UnixTime::since_unix_epoch(Duration::ZERO),
            false,
        ),
        ("2 1 1 of another", tlsa(2, 1, 1, sha256(&key_of(&other.authority))), &ours, now(), false),
        ("2 0 0 of another", tlsa(2, 0, 0, other.authority.to_vec()), &ours, now(), false),
        ("2 1 1 of the leaf", tlsa(2, 1, 1, sha256(&key_of(&leaf))), &ours, now(), false),
    ] {
        let verifier = verifier(&[record], names).expect(what);
        let shown = [authority.clone()];
        let judged = verifier.verify_server_cert(&leaf, &shown, &name, &[], at);
        assert_eq!(judged.is_ok(), fits, "{what}: {judged:?}");
    }
}

#[test]
fn an_authority_that_the_server_does_not_show_vouches_by_its_own_record_alone() {
    let Chain { authority, leaf } = chain();
    let name = ServerName::try_from("mx.b.test").expect("a name");
    for (record, fits) in [
        (tlsa(2, 0, 0, authority.to_vec()), true),
        (tlsa(2, 0, 1, sha256(&authority)), false),
        (tlsa(2, 1, 0, key_of(&authority)), false),
    ] {
        let verifier = verifier(&[record], &["mx.b.test"]).expect("usable");
        assert_eq!(verifier.verify_server_cert(&leaf, &[], &name, &[], now()).is_ok(), fits);
    }
}

#[test]
fn records_that_are_of_no_use() {
    let Chain { leaf, .. } = chain();
    for record in [
        tlsa(0, 0, 1, sha256(&leaf)),
        tlsa(1, 1, 1, sha256(&leaf)),
        tlsa(3, 2, 1, sha256(&leaf)),
        tlsa(3, 1, 3, sha256(&leaf)),
        tlsa(3, 1, 1, vec![1; 31]),
        tlsa(3, 1, 2, vec![1; 32]),
        tlsa(3, 0, 0, Vec::new()),
        tlsa(255, 255, 255, vec![1]),
    ] {
        assert!(verifier(std::slice::from_ref(&record), &["mx.b.test"]).is_none(), "{record:?}");
    }
}

#[test]
fn the_strongest_digest_counts() {
    let Chain { authority, leaf } = chain();
    let name = ServerName::try_from("mx.b.test").expect("a name");
    let right = tlsa(3, 1, 1, sha256(&key_of(&leaf)));
    let wrong = tlsa(3, 1, 2, sha512(b"another"));
    let apart = tlsa(3, 0, 2, sha512(b"another"));
    let judge = |records: &[TLSA]| {
        let verifier = verifier(records, &["mx.b.test"]).expect("usable");
        verifier.verify_server_cert(&leaf, std::slice::from_ref(&authority), &name, &[], now()).is_ok()
    };
    assert!(!judge(&[right.clone(), wrong]));
    assert!(judge(&[apart, right]));
}

const ZONE: &str = "
mx.b.test. A 198.51.100.1
_25._tcp.mx.b.test. TLSA 3 1 1 00000000000000000000000000000000000000000000000000000000000000ff
mx.c.test. A 198.51.100.2
alias.test. CNAME mx.b.test.
own.test. CNAME mx.c.test.
_25._tcp.own.test. TLSA 3 1 1 00000000000000000000000000000000000000000000000000000000000000ff
useless.test. A 198.51.100.3
_25._tcp.useless.test. TLSA 0 0 1 00000000000000000000000000000000000000000000000000000000000000ff
odd.test. A 198.51.100.4
lost.test. A 198.51.100.5
";
const UNSIGNED: &str = "
plain.test. A 198.51.100.6
_25._tcp.plain.test. TLSA 3 1 1 00000000000000000000000000000000000000000000000000000000000000ff
half.test. CNAME mx.b.test.
";

#[tokio::test]
async fn dane_where_all_of_it_is_signed() {
    let zone = Zone::parse(ZONE, UNSIGNED)
        .expect("records")
        .broken("_25._tcp.odd.test", RecordType::TLSA, Lack::Bogus)
        .broken("_25._tcp.lost.test", RecordType::TLSA, Lack::Temporary("no answer".to_owned()));
    let dns = Dns::of(zone);
    let dir = tempfile::tempdir().expect("a directory");
    let options = StoreOptions { engine: EngineKind::Memory, ..StoreOptions::new(dir.path()) };
    let store = Store::open(options, Timestamp(0)).expect("a store");
    let safety = Safety::new(dns.clone(), store, &Arc::new(RootCertStore::empty())).expect("TLS");
    let domain = Domain::parse("b.test").expect("a domain");
    for (host, signed, demand) in [
        ("mx.b.test", true, "dane"),
        ("mx.b.test", false, "any"),
        ("mx.c.test", true, "any"),
        ("alias.test", true, "dane"),
        ("own.test", true, "dane"),
        ("useless.test", true, "dane"),
        ("plain.test", true, "any"),
        ("half.test", true, "any"),
        ("odd.test", true, "TLSA of odd.test (DANE): the signatures are wrong (DNSSEC)"),
        ("lost.test", true, "TLSA of lost.test (DANE): no answer"),
        ("lost.test", false, "any"),
    ] {
        let there = dns.addresses(host).await.expect(host);
        let found =
            safety.demand(Server { domain: &domain, policy: None, host, signed, there: &there }).await;
        let shown = match &found {
            Ok(TlsDemand::Dane(_)) => "dane",
            Ok(TlsDemand::Opportunistic) => "any",
            Ok(_) => "other",
            Err(why) => why,
        };
        assert_eq!(shown, demand, "{host}, {signed}");
    }
}
