//! A certificate for trials: made once, kept in the data directory, signed by nobody else (SPEC P10, O3).

use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use postern_model::Timestamp;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, PKCS_ECDSA_P256_SHA256};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use super::certificates::{CertificateError, CertificateFiles};
use super::x509;

const DAY: std::time::Duration = std::time::Duration::from_secs(86_400);
/// Apple's programs take no certificate that holds longer.
const HOLDS_DAYS: u32 = 825;
/// With so little left, the next start makes a new one.
const RENEW_DAYS: u32 = 30;

/// Where the certificate is, for programs that are to trust it.
pub fn certificate_path(dir: &Path) -> PathBuf {
    dir.join("self-signed.pem")
}

/// The self-signed certificate of `dir`: the one that is there, where it is for `host` and holds on, else a new one.
///
/// Besides `host` it is for `localhost` and the loopback addresses. The key's file has mode 0600.
///
/// # Errors
/// The directory can't be written.
pub fn certificate(dir: &Path, host: &str, now: Timestamp) -> Result<CertificateFiles, CertificateError> {
    let paths = Paths { certificate: certificate_path(dir), key: dir.join("self-signed.key") };
    if !paths.hold(host, now) {
        make(&paths, host, now).map_err(|reason| {
            let what = format!("no self-signed certificate could be put into {} ({reason})", dir.display());
            CertificateError::new("POSTERN_DATA_DIR", what, "let the server's user write there")
        })?;
    }
    CertificateFiles::new(&[paths.certificate], &[paths.key])
}

struct Paths {
    certificate: PathBuf,
    key: PathBuf,
}

impl Paths {
    /// Whether a certificate for `host` is there and good for a while.
    fn hold(&self, host: &str, now: Timestamp) -> bool {
        let facts = CertificateDer::from_pem_file(&self.certificate).ok().and_then(|der| x509::read(&der));
        let for_host = |facts: &x509::Facts| facts.names.iter().any(|n| n.eq_ignore_ascii_case(host));
        facts.is_some_and(|facts| {
            for_host(&facts) && now.plus(DAY * RENEW_DAYS) < facts.not_after && self.key.is_file()
        })
    }
}

fn make(paths: &Paths, host: &str, now: Timestamp) -> io::Result<()> {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(io::Error::other)?;
    let mut names = vec![host.to_owned()];
    for local in ["localhost", "127.0.0.1", "::1"] {
        if local != host {
            names.push(local.to_owned());
        }
    }
    let mut params = CertificateParams::new(names).map_err(io::Error::other)?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, host);
    // A day back: the clocks of trial machines differ.
    let ((y, m, d), (until_y, until_m, until_d)) = (date(now.minus(DAY)), date(now.plus(DAY * HOLDS_DAYS)));
    params.not_before = rcgen::date_time_ymd(y, m, d);
    params.not_after = rcgen::date_time_ymd(until_y, until_m, until_d);
    let certificate = params.self_signed(&key).map_err(io::Error::other)?;
    replace(&paths.key, &key.serialize_pem(), 0o600)?;
    replace(&paths.certificate, &certificate.pem(), 0o644)
}

/// Year, month and day in UTC.
fn date(at: Timestamp) -> (i32, u8, u8) {
    let time = jiff::Timestamp::from_microsecond(at.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let date = time.to_zoned(jiff::tz::TimeZone::UTC).date();
    (date.year().into(), date.month().unsigned_abs(), date.day().unsigned_abs())
}

/// Writes a file whole or not at all, and never readable to others than `mode` says.
fn replace(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    let fresh = path.with_extension("new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(&fresh)?;
    // A leftover of an earlier try would have kept its mode.
    file.set_permissions(Permissions::from_mode(mode))?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(fresh, path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::tls::certificates::Certificates;

    fn read(dir: &Path) -> (String, String) {
        let read = |name: &str| fs::read_to_string(dir.join(name)).expect("a file");
        (read("self-signed.pem"), read("self-signed.key"))
    }

    #[test]
    fn a_certificate_is_made_once_and_kept() {
        let dir = tempfile::tempdir().expect("a directory");
        let now = Timestamp::parse_rfc3339("2026-11-23T12:00:00Z").expect("a date");
        let files = certificate(dir.path(), "mail.demo.test", now).expect("a certificate");
        Certificates::load(files, now).expect("a usable pair");
        let first = read(dir.path());
        let mode = fs::metadata(dir.path().join("self-signed.key")).expect("a key").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);

        certificate(dir.path(), "mail.demo.test", now.plus(DAY * 700)).expect("the same");
        assert_eq!(read(dir.path()), first);
        certificate(dir.path(), "mail.demo.test", now.plus(DAY * 800)).expect("a new one");
        let second = read(dir.path());
        assert_ne!(second, first, "it was about to expire");
        certificate(dir.path(), "other.demo.test", now.plus(DAY * 800)).expect("a third");
        assert_ne!(read(dir.path()), second, "the host has another name now");
    }

    #[test]
    fn a_directory_that_cant_be_written_is_named() {
        let error = certificate(Path::new("/nowhere/at/all"), "x.test", Timestamp::default());
        let text = error.expect_err("there is no such directory").to_string();
        assert!(text.contains("/nowhere/at/all") && text.contains("POSTERN_DATA_DIR"), "{text}");
    }
}
