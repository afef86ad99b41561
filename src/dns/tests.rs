use std::sync::Arc;

use hickory_resolver::proto::rr::RecordType;
use postern_model::{Domain, Timestamp};
use postern_storage::{EngineKind, Store, StoreOptions};
use rustls::RootCertStore;

use super::{Dns, Lack, MxRouter, Zone};
use crate::courier::route::{Hop, RouteError, Router as _};
use crate::courier::tls::Safety;

const RECORDS: &str = "
b.test. MX 10 mx.b.test.
mx.b.test. A 198.51.100.1
mx.b.test. A 198.51.100.2
mx.b.test. AAAA 2001:db8:7::1
order.test. MX 20 mx.b.test.
order.test. MX 10 first.test.
first.test. A 198.51.100.10
bare.test. A 198.51.100.20
alias.test. CNAME b.test.
far.test. MX 10 alias-host.test.
alias-host.test. CNAME mx.b.test.
null.test. MX 0 .
half-null.test. MX 0 .
half-null.test. MX 10 first.test.
text.test. TXT \"only a text\"
literal.test. MX 10 198.51.100.9.
lost.test. MX 10 nobody.test.
part.test. MX 10 nobody.test.
part.test. MX 20 first.test.
us.test. MX 10 mail.home.test.
backup.test. MX 10 first.test.
backup.test. MX 20 mail.home.test.
backup.test. MX 30 mx.b.test.
near.test. MX 10 near-host.test.
near-host.test. A 127.0.0.1
near-behind.test. MX 10 first.test.
near-behind.test. MX 20 near-host.test.
near-behind.test. MX 20 bare.test.
near-behind.test. MX 30 mx.b.test.
slow.test. MX 10 slow-host.test.
slow-behind.test. MX 10 slow-host.test.
slow-behind.test. MX 20 first.test.
slow-host.test. TXT \"there\"
twice.test. MX 10 first.test.
twice.test. MX 20 FIRST.test.
broken.test. TXT \"there\"
bogus.test. TXT \"there\"
equal.test. MX 5 first.test.
equal.test. MX 5 bare.test.
";
const UNSIGNED: &str = "plain.test. MX 10 mx.plain.test.\nmx.plain.test. CNAME mx.b.test.\n";

fn zone() -> Zone {
    let slow = || Lack::Temporary("the resolver does not answer".to_owned());
    Zone::parse(RECORDS, UNSIGNED)
        .expect("records")
        .broken("slow-host.test", RecordType::A, slow())
        .broken("slow-host.test", RecordType::AAAA, slow())
        .broken("broken.test", RecordType::MX, slow())
        .broken("bogus.test", RecordType::MX, Lack::Bogus)
}

async fn route(domain: &str) -> Result<Vec<Hop>, RouteError> {
    let dir = tempfile::tempdir().expect("a directory");
    let options = StoreOptions { engine: EngineKind::Memory, ..StoreOptions::new(dir.path()) };
    let store = Store::open(options, Timestamp(0)).expect("a store");
    let dns = Dns::of(zone());
    let safety = Safety::new(dns.clone(), store, &Arc::new(RootCertStore::empty())).expect("TLS");
    let router = MxRouter::new(dns, safety, "mail.home.test");
    router.route(&Domain::parse(domain).expect("a domain"), Timestamp(0)).await
}

#[tokio::test]
async fn servers_in_their_order() {
    for (domain, hops) in [
        ("b.test", "mx.b.test [2001:db8:7::1], mx.b.test [198.51.100.1], mx.b.test [198.51.100.2]"),
        (
            "order.test",
            "first.test [198.51.100.10], mx.b.test [2001:db8:7::1], mx.b.test [198.51.100.1], mx.b.test [198.51.100.2]",
        ),
        ("bare.test", "bare.test [198.51.100.20]"),
        ("alias.test", "mx.b.test [2001:db8:7::1], mx.b.test [198.51.100.1], mx.b.test [198.51.100.2]"),
        (
            "far.test",
            "alias-host.test [2001:db8:7::1], alias-host.test [198.51.100.1], alias-host.test [198.51.100.2]",
        ),
        ("half-null.test", "first.test [198.51.100.10]"),
        ("part.test", "first.test [198.51.100.10]"),
        ("backup.test", "first.test [198.51.100.10]"),
        ("near-behind.test", "first.test [198.51.100.10]"),
        ("slow-behind.test", "first.test [198.51.100.10]"),
        ("twice.test", "first.test [198.51.100.10]"),
        ("[198.51.100.7]", "198.51.100.7 [198.51.100.7]"),
        ("[IPv6:2001:db8:7::7]", "2001:db8:7::7 [2001:db8:7::7]"),
    ] {
        let found = route(domain).await.unwrap_or_else(|error| panic!("{domain}: {error}"));
        let shown: Vec<_> = found.iter().map(|hop| format!("{} [{}]", hop.name, hop.address)).collect();
        assert_eq!(shown.join(", "), hops, "{domain}");
        assert!(found.iter().all(|hop| hop.port == 25), "{domain}");
    }
}

#[tokio::test]
async fn domains_without_a_way() {
    for (domain, permanent, enhanced) in [
        ("nowhere.test", true, (1, 2)),
        ("null.test", true, (1, 10)),
        ("text.test", true, (4, 4)),
        ("literal.test", true, (4, 4)),
        ("lost.test", true, (4, 4)),
        ("us.test", true, (4, 6)),
        ("near.test", true, (4, 6)),
        ("[127.0.0.1]", true, (4, 6)),
        ("[IPv6:::1]", true, (4, 6)),
        ("[0.0.0.0]", true, (4, 6)),
        ("[IPv6:::ffff:127.0.0.1]", true, (4, 6)),
        ("slow.test", false, (4, 3)),
        ("broken.test", false, (4, 3)),
        ("bogus.test", false, (4, 3)),
    ] {
        let error = route(domain).await.expect_err(domain);
        assert_eq!((error.permanent, error.enhanced), (permanent, enhanced), "{domain}: {error}");
        assert!(!error.said.is_empty() && !error.said.contains('\n'), "{domain}");
    }
}

#[tokio::test]
async fn equals_are_taken_by_chance() {
    let mut firsts = std::collections::HashSet::new();
    for _ in 0..64 {
        firsts.insert(route("equal.test").await.expect("hops").remove(0).name);
    }
    assert_eq!(firsts.len(), 2, "{firsts:?}");
}

#[tokio::test]
async fn what_is_signed_is_told() {
    let dns = Dns::of(zone());
    assert!(dns.ask("b.test", RecordType::MX).await.expect("MX").secure);
    assert!(!dns.ask("plain.test", RecordType::MX).await.expect("MX").secure);
    // An alias that isn't signed leads away from what is.
    let aliased = dns.addresses("mx.plain.test").await.expect("addresses");
    assert!(!aliased.secure);
    assert_eq!(aliased.name, "mx.b.test");
    assert_eq!(dns.ask("b.test", RecordType::TXT).await.expect_err("none"), Lack::NoData { secure: false });
    assert_eq!(dns.ask("c.test", RecordType::TXT).await.expect_err("none"), Lack::NoName);
    assert_eq!(dns.ask("-not a name-.", RecordType::TXT).await.expect_err("none"), Lack::NoName);
}
