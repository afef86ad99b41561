//! Keys in a whole server: made with a domain, sealed where there is a key for that, and the start refused where they
//! can't be opened.

use std::fs;

use postern_model::Timestamp;
use postern_model::record::{DomainEntry, KeptSecret};
use postern_storage::{Batch, Store, StoreOptions, keys};
use serde_json::Value;

use super::run;
use crate::rig::{Server, patiently};

/// The store of a server that is not running.
fn store(server: &Server) -> Store {
    Store::open(StoreOptions::new(server.data()), Timestamp(1)).expect("the store opens")
}

fn stop(server: &mut Server) {
    server.signal(rustix::process::Signal::TERM);
    assert!(server.ended().success(), "{}", server.log());
}

/// Whether each key in the store is sealed.
fn sealed(server: &Server) -> Vec<bool> {
    let store = store(server);
    let range = keys::all_domain_keys();
    let kept = run(store.read(move |view| view.scan(&range, 100))).expect("the store can be read");
    store.close().expect("it closes");
    kept.iter().map(|(_, key)| matches!(key.secret, KeptSecret::Sealed { .. })).collect()
}

fn refused(server: &mut Server, because: &str) {
    let before = server.log().len();
    server.spawn();
    assert!(!server.ended().success(), "it starts");
    assert!(server.log()[before..].contains(because), "{}", server.log());
}

#[test]
fn keys_are_sealed_when_there_is_a_key_and_open_with_no_other() {
    let mut server = Server::start(&[]);
    server.ok(&["domain", "add", "ours.test"]);
    let keys: Value =
        serde_json::from_str(&server.ok(&["domain", "keys", "ours.test", "--json"])).expect("JSON");
    let states: Vec<&str> =
        keys.as_array().expect("a list").iter().filter_map(|key| key["state"].as_str()).collect();
    assert_eq!(states, ["active", "active"]);
    stop(&mut server);
    assert_eq!(sealed(&server), [false, false]);

    let dir = server.scratch("secret");
    let (key, other) = (dir.join("key"), dir.join("other"));
    fs::write(&key, [7; 32]).expect("written");
    fs::write(&other, "another key, which is long enough for one\n").expect("written");
    server.set("POSTERN_SECRET_KEY_FILE", &key.to_string_lossy());
    server.restart();
    server.ok(&["domain", "rotate", "ours.test"]);
    stop(&mut server);
    assert_eq!(sealed(&server), [true; 4], "those from before as well");

    server.set("POSTERN_SECRET_KEY_FILE", &other.to_string_lossy());
    refused(&mut server, "POSTERN_SECRET_KEY_FILE names another key than the DKIM key");
    server.set("POSTERN_SECRET_KEY_FILE", "none");
    refused(&mut server, "POSTERN_SECRET_KEY_FILE is not set");
    server.set("POSTERN_SECRET_KEY_FILE", "/nowhere/at/all");
    refused(&mut server, "POSTERN_SECRET_KEY_FILE=/nowhere/at/all: it can't be read");
    server.set("POSTERN_SECRET_KEY_FILE", &key.to_string_lossy());
    server.restart();
    assert!(server.ok(&["dns", "ours.test"]).contains("._domainkey.ours.test. IN TXT \"v=DKIM1; k=rsa; p="));
    let check = server.ok(&["check"]);
    assert!(!check.contains("domain ours.test"), "{check}");
}

#[test]
fn a_domain_from_before_there_were_keys_gets_them_at_the_start() {
    let mut server = Server::stopped(&[]);
    let old = store(&server);
    let mut batch = Batch::new();
    let domain = postern_model::Domain::parse("old.test").expect("a domain");
    batch.put(&keys::domain(&domain), &DomainEntry { added: Timestamp(1), catch_all: None });
    run(old.commit(batch)).expect("written");
    old.close().expect("it closes");
    server.restart();
    let made = || server.log().matches("a key to sign with was made").count();
    patiently("two keys", || (made() == 2).then_some(()));
    stop(&mut server);
    assert_eq!(sealed(&server), [false, false]);
}
