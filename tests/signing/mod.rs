//! What Postern signs, verified by others; what others signed, verified here. Nobody asks the DNS: the records that
//! Postern would have an operator publish are handed to each verifier.

mod arc;
mod dkim;
mod records;
mod server;
mod tools;

use std::sync::Arc;

use postern::signing::{Keysmith, Signer, Vault};
use postern_actors::keymaker::KeyMaker as _;
use postern_model::record::{DomainKey, KeyAlgorithm, KeyState};
use postern_model::{Domain, Timestamp};
use postern_storage::{Batch, EngineKind, Store, StoreOptions, keys};

const NOW: Timestamp = Timestamp(1_772_366_400_000_000);

/// A signer for domains with a key of each kind, and what the DNS would say of them.
pub(crate) struct World {
    pub(crate) signer: Signer,
    pub(crate) records: records::Records,
    _dir: tempfile::TempDir,
}

impl World {
    pub(crate) async fn new(domains: &[&str]) -> World {
        let dir = tempfile::tempdir().expect("a directory");
        let options = StoreOptions { engine: EngineKind::Memory, ..StoreOptions::new(dir.path()) };
        let store = Store::open(options, NOW).expect("a store");
        let vault = Arc::new(Vault::open(None).expect("no key"));
        let smith = Keysmith::new(Arc::clone(&vault));
        let (mut batch, mut records) = (Batch::new(), records::Records::default());
        for name in domains {
            let domain = Domain::parse(name).expect("a domain");
            for (selector, algorithm) in [("rsa", KeyAlgorithm::Rsa), ("ed", KeyAlgorithm::Ed25519)] {
                let made = smith.make(&domain, selector, algorithm).expect("a key");
                records.add(&domain, selector, algorithm, &made.public);
                let state = KeyState::Active;
                let (public, secret) = (made.public, made.secret);
                let key = DomainKey { algorithm, state, since: NOW, made: NOW, public, secret };
                batch.put(&keys::domain_key(&domain, selector), &key);
            }
        }
        store.commit(batch).await.expect("written");
        let signer = Signer::open(store, vault).await.expect("good keys");
        World { signer, records, _dir: dir }
    }

    /// The letter with its signatures on top.
    pub(crate) async fn signed(&self, domain: &str, letter: &[u8]) -> Vec<u8> {
        let domain = Domain::parse(domain).expect("a domain");
        let mut signed = self.signer.sign(&domain, letter).await.expect("signed");
        assert!(!signed.is_empty(), "a domain with keys signs");
        signed.extend_from_slice(letter);
        signed
    }
}

pub(crate) fn run<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(test)
}

/// Letters that are awkward to sign, beside a plain one.
pub(crate) fn letters() -> Vec<(&'static str, Vec<u8>)> {
    let plain = "From: Alice <alice@ours.test>\r\nTo: bob@else.test\r\nSubject: Tea\r\n\
                 Date: Sun, 1 Mar 2026 12:00:00 +0000\r\nMessage-ID: <1@ours.test>\r\n";
    let with = |fields: &str, body: &str| format!("{plain}{fields}\r\n{body}").into_bytes();
    vec![
        ("plain", with("", "Four o'clock?\r\n")),
        ("empty body", with("", "")),
        ("no end of header", plain.as_bytes().to_vec()),
        ("blank lines at the end", with("", "Four\r\n\r\n \r\n\r\n\t\r\n\r\n")),
        ("only blank lines", with("", "\r\n\r\n\r\n")),
        ("no end of line", with("", "Four o'clock")),
        ("white space", with("", "  Four \t o'clock  \r\n\t\r\nx\t \r\n")),
        ("long lines", with("", &format!("{}\r\n", "long ".repeat(190)))),
        ("longer lines", with("", &"x".repeat(100_000))),
        ("eight bits", with("Content-Type: text/plain; charset=utf-8\r\n", "Tēja? Чай? 茶?\r\n")),
        ("eight bits in the header", with("X-Name: Jānis\r\nCc: Jānis Bērziņš <j@else.test>\r\n", "x\r\n")),
        ("folded fields", with("References: <1@a.test>\r\n\t<2@a.test>\r\n  <3@a.test>  \r\n", "x\r\n")),
        ("repeated fields", with("Cc: a@a.test\r\nCc: b@b.test\r\nReply-To: c@c.test\r\nX: 1\r\n", "x\r\n")),
        ("odd capitals", with("MIME-VERSION: 1.0\r\ncontent-TYPE:text/plain\r\n", "x\r\n")),
        ("dots", with("", ".\r\n..\r\n.x\r\n")),
        ("many fields", with(&"X-Trace: a\r\n".repeat(2_000), "x\r\n")),
        (
            "signed before",
            with("DKIM-Signature: v=1; a=rsa-sha256; d=x.test; s=s; h=From; bh=eA==; b=eA==\r\n", "x\r\n"),
        ),
    ]
}
