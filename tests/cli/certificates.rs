//! Certificates from files, read again without a restart (SPEC P10).

use std::fs;
use std::path::{Path, PathBuf};

use rcgen::{CertificateParams, KeyPair};
use rustix::process::Signal;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use super::assert_failed;
use crate::rig::{Server, Service, Wire, patiently};

/// Puts a new certificate for localhost and its key into `dir`.
fn issue(dir: &Path) -> (PathBuf, PathBuf) {
    let key = KeyPair::generate().expect("a key");
    let params = CertificateParams::new(["localhost".to_owned()]).expect("a name");
    let certificate = params.self_signed(&key).expect("a certificate");
    let (certificate_file, key_file) = (dir.join("cert.pem"), dir.join("key.pem"));
    fs::write(&certificate_file, certificate.pem()).expect("a file");
    fs::write(&key_file, key.serialize_pem()).expect("a file");
    (certificate_file, key_file)
}

fn shown(server: &Server, authority: &Path) -> Option<CertificateDer<'static>> {
    Wire::tls(server.address(Service::Pop3s), authority).ok()?.certificate()
}

#[test]
fn sighup_reads_certificates_again_and_keeps_the_old_ones_where_it_can_not() {
    let mut server = Server::stopped(&[("POSTERN_TLS", "files")]);
    let dir = server.scratch("tls");
    let (certificate, key) = issue(&dir);
    server.set("POSTERN_TLS_CERT", &certificate.to_string_lossy());
    server.set("POSTERN_TLS_KEY", &key.to_string_lossy());
    server.restart();
    let mut open = Wire::tls(server.address(Service::Pop3s), &certificate).expect("the first certificate");
    open.line().expect("a greeting");

    issue(&dir);
    let second = CertificateDer::from_pem_file(&certificate).expect("a certificate");
    server.signal(Signal::HUP);
    patiently("the new certificate is shown", || {
        (shown(&server, &certificate).as_ref() == Some(&second)).then_some(())
    });

    let good = fs::read(&certificate).expect("a file");
    fs::write(&certificate, "not a certificate").expect("a file");
    server.signal(Signal::HUP);
    patiently("the mistake is logged", || server.log().contains("cert.pem").then_some(()));
    fs::write(&certificate, good).expect("a file");
    assert_eq!(shown(&server, &certificate), Some(second));
    open.send_line("NOOP").expect("the first connection goes on");
    open.line().expect("an answer");
}

#[test]
fn files_that_are_not_there_stop_the_start() {
    let mut server = Server::stopped(&[("POSTERN_TLS", "files")]);
    let missing = server.data().join("missing.pem").to_string_lossy().into_owned();
    server.set("POSTERN_TLS_CERT", &missing);
    server.set("POSTERN_TLS_KEY", &missing);
    assert_failed(&server.cli(&["serve"], ""), &["POSTERN_TLS_CERT", "missing.pem"]);
}
