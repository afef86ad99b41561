use std::fs;

use rcgen::{
    CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256, SignatureAlgorithm as Kind,
};
use tempfile::TempDir;

use super::*;

const ALL: &[SignatureScheme] =
    &[SignatureScheme::RSA_PSS_SHA256, SignatureScheme::ECDSA_NISTP256_SHA256, SignatureScheme::ED25519];
const RSA_ONLY: &[SignatureScheme] = &[SignatureScheme::RSA_PSS_SHA256, SignatureScheme::RSA_PKCS1_SHA256];

/// A directory with certificates.
struct Shelf {
    dir: TempDir,
    certificates: Vec<PathBuf>,
    keys: Vec<PathBuf>,
}

impl Shelf {
    fn new() -> Shelf {
        let dir = tempfile::tempdir().expect("a directory");
        Shelf { dir, certificates: Vec::new(), keys: Vec::new() }
    }

    fn with(mut self, names: &[&str], kind: &'static Kind) -> Shelf {
        let number = self.keys.len();
        self.certificates.push(self.dir.path().join(format!("{number}.pem")));
        self.keys.push(self.dir.path().join(format!("{number}.key")));
        self.write(number, names, kind);
        self
    }

    fn write(&self, number: usize, names: &[&str], kind: &'static Kind) {
        let key = KeyPair::generate_for(kind).expect("a key");
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).expect("names");
        params.not_before = rcgen::date_time_ymd(2026, 1, 1);
        params.not_after = rcgen::date_time_ymd(2027, 1, 1);
        let certificate = params.self_signed(&key).expect("a certificate");
        fs::write(&self.certificates[number], certificate.pem()).expect("written");
        fs::write(&self.keys[number], key.serialize_pem()).expect("written");
    }

    fn files(&self) -> CertificateFiles {
        CertificateFiles::new(&self.certificates, &self.keys).expect("pairs")
    }

    fn set(&self) -> Set {
        Set::load(&self.files(), now()).expect("usable files")
    }

    /// The number of the pair that is chosen.
    fn chosen(&self, set: &Set, name: Option<&str>, schemes: &[SignatureScheme]) -> Option<usize> {
        let chosen = set.choose(name, schemes)?;
        let leaf = |path: &PathBuf| CertificateDer::from_pem_file(path).expect("a certificate");
        self.certificates.iter().position(|path| leaf(path) == chosen.cert[0])
    }

    fn error(&self) -> String {
        Set::load(&self.files(), now()).err().expect("an error").to_string()
    }
}

fn now() -> Timestamp {
    Timestamp::parse_rfc3339("2026-06-01T00:00:00Z").expect("a date")
}

#[test]
fn the_name_decides_and_ecdsa_comes_first() {
    let shelf = Shelf::new()
        .with(&["mail.demo.test"], &PKCS_RSA_SHA256)
        .with(&["mail.demo.test", "demo.test"], &PKCS_ECDSA_P256_SHA256)
        .with(&["*.other.test"], &PKCS_ECDSA_P256_SHA256);
    let set = shelf.set();
    for (name, schemes, pair) in [
        (Some("mail.demo.test"), ALL, Some(1)),
        (Some("MAIL.demo.test"), ALL, Some(1)),
        (Some("mail.demo.test"), RSA_ONLY, Some(0)),
        (Some("demo.test"), ALL, Some(1)),
        (Some("pop.other.test"), ALL, Some(2)),
        // A wildcard stands for one label, and not for none (RFC 9525 §6.3).
        (Some("a.pop.other.test"), ALL, Some(1)),
        (Some("other.test"), ALL, Some(1)),
        // The default is the first pair's name, with both its certificates.
        (None, ALL, Some(1)),
        (None, RSA_ONLY, Some(0)),
        (Some("unknown.test"), ALL, Some(1)),
        // Better another name's certificate than none.
        (Some("pop.other.test"), RSA_ONLY, Some(0)),
        (None, &[SignatureScheme::ED25519], None),
    ] {
        assert_eq!(shelf.chosen(&set, name, schemes), pair, "{name:?} {schemes:?}");
    }
}

#[test]
fn a_mistake_names_variable_file_reason_and_cure() {
    let shelf =
        Shelf::new().with(&["a.test"], &PKCS_ECDSA_P256_SHA256).with(&["b.test"], &PKCS_ECDSA_P256_SHA256);
    let said = |what: &str, words: &[&str]| {
        let error = shelf.error();
        for word in words {
            assert!(error.contains(word), "{what}: {error}");
        }
    };
    let key = fs::read(&shelf.keys[1]).expect("a key");
    fs::copy(&shelf.keys[0], &shelf.keys[1]).expect("copied");
    said("another's key", &["POSTERN_TLS_KEY", "1.key is not the key of", "1.pem", "order"]);
    fs::write(&shelf.keys[1], "nothing").expect("written");
    said("no key", &["POSTERN_TLS_KEY", "1.key", "no private key"]);
    fs::remove_file(&shelf.keys[1]).expect("removed");
    said("no file", &["POSTERN_TLS_KEY", "1.key", "can't be read", "No such file"]);
    fs::write(&shelf.keys[1], key).expect("written");
    fs::write(&shelf.certificates[1], "").expect("written");
    said("no certificate", &["POSTERN_TLS_CERT", "1.pem", "no certificate in it"]);
    fs::write(&shelf.certificates[1], "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
        .expect("written");
    said("damaged", &["POSTERN_TLS_CERT", "1.pem", "damaged"]);

    let error = CertificateFiles::new(&shelf.certificates, &shelf.keys[..1]).expect_err("one key short");
    assert!(error.to_string().contains("1 keys for 2 certificates"), "{error}");
    assert!(CertificateFiles::new(&[], &[]).is_err());
}

#[test]
fn changed_files_are_read_again_and_bad_ones_change_nothing() {
    let shelf = Shelf::new().with(&["a.test"], &PKCS_ECDSA_P256_SHA256);
    let certificates = Certificates::load(shelf.files(), now()).expect("usable files");
    let serial = || certificates.current.load().choose(Some("a.test"), ALL).expect("one").cert[0].clone();
    let first = serial();
    assert!(certificates.reload_if_changed(now()).is_none());

    shelf.write(0, &["a.test"], &PKCS_ECDSA_P256_SHA256);
    assert!(matches!(certificates.reload_if_changed(now()), Some(Ok(()))));
    let second = serial();
    assert_ne!(second, first);

    fs::write(&shelf.keys[0], "half a ke").expect("written");
    assert!(matches!(certificates.reload_if_changed(now()), Some(Err(_))));
    assert_eq!(serial(), second);
    assert!(certificates.reload_if_changed(now()).is_none(), "the same mistake is said once");
    assert!(certificates.reload(now()).is_err(), "unless somebody asks");

    shelf.write(0, &["a.test"], &PKCS_ECDSA_P256_SHA256);
    assert!(matches!(certificates.reload_if_changed(now()), Some(Ok(()))));
    assert_ne!(serial(), second);
}
