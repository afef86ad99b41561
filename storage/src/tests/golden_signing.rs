//! The bytes of the keys that letters are signed with, as they are on disk for ever; see `golden`.

use postern_model::record::{DomainEntry, DomainKey, KeptSecret, KeyAlgorithm, KeyState};
use postern_model::{Domain, Timestamp};

use super::golden::golden;
use super::{open, wait};
use crate::{Batch, EngineKind, keys};

fn key(algorithm: KeyAlgorithm, state: KeyState) -> DomainKey {
    let (since, made) = (Timestamp(2), Timestamp(1));
    DomainKey {
        algorithm,
        state,
        since,
        made,
        public: vec![0xaa, 0xbb],
        secret: KeptSecret::Clear(vec![0xcc]),
    }
}

#[test]
fn keys_for_signing() {
    golden(&key(KeyAlgorithm::Rsa, KeyState::Next), "010000040202aabb0001cc");
    golden(&key(KeyAlgorithm::Ed25519, KeyState::Active), "010101040202aabb0001cc");
    let secret = KeptSecret::Sealed { nonce: [0xdd; 12], octets: vec![0xee] };
    golden(
        &DomainKey { secret, ..key(KeyAlgorithm::Rsa, KeyState::Retired) },
        "010002040202aabb01dddddddddddddddddddddddd01ee",
    );
}

#[test]
fn check_knows_which_keys_fit() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(dir.path(), EngineKind::Memory);
    let ours = Domain::parse("a.test").expect("a domain");
    let stray = Domain::parse("b.test").expect("a domain");
    let mut batch = Batch::new();
    batch.put(&keys::domain(&ours), &DomainEntry { added: Timestamp(1) });
    batch.put(&keys::domain_key(&ours, "p1e"), &key(KeyAlgorithm::Ed25519, KeyState::Active));
    batch.put(&keys::domain_key(&ours, "p1r"), &key(KeyAlgorithm::Rsa, KeyState::Active));
    wait(store.commit(batch)).expect("written");
    assert_eq!(store.check().problems, Vec::<String>::new());

    let mut batch = Batch::new();
    batch.put(&keys::domain_key(&ours, "p2r"), &key(KeyAlgorithm::Rsa, KeyState::Active));
    batch.put(&keys::domain_key(&stray, "p1r"), &key(KeyAlgorithm::Rsa, KeyState::Active));
    wait(store.commit(batch)).expect("written");
    assert_eq!(
        store.check().problems,
        [
            "domain a.test, key p2r: two of one algorithm sign",
            "domain b.test: it has keys for signing, and is not one of ours",
        ]
    );
}
