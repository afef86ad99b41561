//! The keys of domains, from the first to the forgotten ones.

use std::sync::atomic::{AtomicU8, Ordering};

use postern_model::record::{KeptSecret, KeyAlgorithm};
use postern_model::{Domain, EmailAddress};
use serde_json::Value;

use super::*;
use crate::admin::RotateStep;
use crate::keymaker::{KeyMaker, MadeKey};

/// Makes keys of one octet, each another.
#[derive(Debug, Default)]
struct Counting(AtomicU8);

impl KeyMaker for Counting {
    fn make(&self, _: &Domain, _: &str, _: KeyAlgorithm) -> Result<MadeKey, String> {
        let n = self.0.fetch_add(1, Ordering::Relaxed);
        Ok(MadeKey { public: vec![n], secret: KeptSecret::Clear(vec![n]) })
    }
}

async fn house() -> House {
    House::with(Settings { key_maker: Some(Arc::<Counting>::default()), ..Settings::for_tests() }).await
}

/// `selector state`, a line each.
fn lines(keys: &Value) -> Vec<String> {
    let text = |key: &Value, name: &str| key[name].as_str().expect("a text").to_owned();
    let keys = keys.as_array().expect("a list").iter();
    keys.map(|key| format!("{} {} {}", text(key, "selector"), text(key, "algorithm"), text(key, "state")))
        .collect()
}

async fn rotate(house: &House, step: RotateStep) -> Vec<String> {
    let ask = AdminRequest::DomainRotate { domain: "demo.test".into(), step };
    lines(&house.admin(ask).await)
}

#[actix_rt::test]
async fn a_domain_has_keys_from_the_first_and_rotates_them_in_steps() {
    let house = house().await;
    let listed = house.admin(AdminRequest::DomainKeys { domain: "Demo.Test".into() }).await;
    assert_eq!(lines(&listed), ["p202701e ed25519 active", "p202701r rsa active"]);
    assert_eq!(listed[0]["since"], "2027-01-15T08:00:00Z");

    let begun = rotate(&house, RotateStep::Begin).await;
    let next =
        ["p202701e ed25519 active", "p202701e2 ed25519 next", "p202701r rsa active", "p202701r2 rsa next"];
    assert_eq!(begun, next);
    let twice = AdminRequest::DomainRotate { domain: "demo.test".into(), step: RotateStep::Begin };
    let refused = house.actors.admin(twice).await.expect_err("one at a time");
    assert!(refused.0.contains("postern domain rotate demo.test --activate"), "{refused}");

    let done = rotate(&house, RotateStep::Activate).await;
    let new = [
        "p202701e ed25519 retired",
        "p202701e2 ed25519 active",
        "p202701r rsa retired",
        "p202701r2 rsa active",
    ];
    assert_eq!(done, new);
    assert_eq!(rotate(&house, RotateStep::Drop).await, ["p202701e2 ed25519 active", "p202701r2 rsa active"]);

    let nothing = AdminRequest::DomainRotate { domain: "demo.test".into(), step: RotateStep::Activate };
    let refused = house.actors.admin(nothing).await.expect_err("nothing to activate");
    assert!(refused.0.contains("begin with"), "{refused}");
    // A selector is never used again.
    let begun = rotate(&house, RotateStep::Begin).await;
    assert_eq!(begun[1], "p202701e3 ed25519 next");
    assert_eq!(house.actors.store().check().problems, Vec::<String>::new());
}

#[actix_rt::test]
async fn keys_go_with_their_domain() {
    let house = house().await;
    house.admin(AdminRequest::DomainRemove { domain: "demo.test".into() }).await;
    let gone = house.actors.admin(AdminRequest::DomainKeys { domain: "demo.test".into() }).await;
    assert!(gone.expect_err("no domain").0.contains("is not one of ours"));
    assert_eq!(house.actors.store().check().problems, Vec::<String>::new());
}

#[actix_rt::test]
async fn reports_on_what_was_forwarded_find_the_sender() {
    let house = house().await;
    let (alice, ours) =
        (EmailAddress::parse("alice@a.test").expect("an address"), Domain::parse("demo.test"));
    let path = house.actors.forward_path(&alice, &ours.expect("a domain"));
    assert_eq!(house.actors.forwarded_from(&path), Some(alice.clone()));
    assert_eq!(house.actors.forwarded_from(&alice), None);
    let elsewhere = EmailAddress::parse(&format!("{}@else.test", path.local())).expect("an address");
    assert_eq!(house.actors.forwarded_from(&elsewhere), None, "a path of another server's");
}
