use std::collections::BTreeMap;
use std::net::IpAddr;

use postern_actors::courier::Local;
use postern_model::Domain;
use postern_model::record::KeyState;

use super::*;
use crate::config::Listen;

/// What a test publishes.
#[derive(Default)]
struct Published {
    values: BTreeMap<(String, &'static str), Vec<String>>,
    /// Addresses from which SPF lets mail come.
    senders: Vec<IpAddr>,
    /// Names of which the DNS does not tell.
    silent: Vec<String>,
}

impl Published {
    fn with(mut self, name: &str, kind: Kind, value: &str) -> Published {
        self.values.entry((name.to_owned(), kind.name())).or_default().push(value.to_owned());
        self
    }

    fn all(records: &[Record]) -> Published {
        let published = Published::default().with("mx.ours.test", Kind::Address, "192.0.2.1");
        let valued = records.iter().filter(|record| !record.value.is_empty());
        valued.fold(published, |published, record| published.with(&record.name, record.kind, &record.value))
    }

    fn without(mut self, name: &str, kind: Kind) -> Published {
        self.values.remove(&(name.to_owned(), kind.name()));
        self
    }
}

impl Lookup for Published {
    fn values<'a>(&'a self, name: &'a str, kind: Kind) -> Local<'a, Result<Vec<String>, String>> {
        let answer = match self.silent.iter().any(|silent| silent == name) {
            true => Err("timed out".to_owned()),
            false => Ok(self.values.get(&(name.to_owned(), kind.name())).cloned().unwrap_or_default()),
        };
        Box::pin(std::future::ready(answer))
    }

    fn may_send<'a>(
        &'a self,
        ip: IpAddr,
        host: &'a str,
        domain: &'a Domain,
    ) -> Local<'a, Result<bool, String>> {
        assert_eq!((host, domain.as_str()), ("mx.ours.test", "ours.test"));
        Box::pin(std::future::ready(Ok(self.senders.contains(&ip))))
    }
}

fn facts() -> Facts {
    let key = |selector: &str, algorithm: &str, public: String| PublishedKey {
        selector: selector.to_owned(),
        algorithm: algorithm.to_owned(),
        state: KeyState::Active,
        public,
    };
    let address = |port| vec![std::net::SocketAddr::from(([0, 0, 0, 0], port))];
    Facts {
        domain: Domain::parse("ours.test").expect("a domain"),
        hostname: "mx.ours.test".to_owned(),
        listen: Listen { imaps: address(993), submissions: address(465), ..Listen::default() },
        keys: vec![key("p1r", "rsa", "MIIB".repeat(98)), key("p1e", "ed25519", "abcd".to_owned())],
        certificates: vec![[0xab; 32]],
        trusted: true,
    }
}

fn found(published: &Published, name: &str, kind: Kind) -> Found {
    let (facts, records) = (facts(), records(&facts()));
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let all = runtime.block_on(compare(&facts, &records, published));
    let at = records.iter().position(|record| record.name == name && record.kind == kind);
    all[at.expect("a record of this name")].clone()
}

#[test]
fn a_zone_file_has_every_record() {
    let text = zone(&facts(), &records(&facts()));
    let lines: Vec<&str> = text.lines().collect();
    let long =
        lines.iter().find(|line| line.starts_with("p1r._domainkey.ours.test. IN TXT")).expect("the RSA key");
    let strings: Vec<&str> = long.split('"').skip(1).step_by(2).collect();
    assert_eq!((strings.len(), strings[0].len()), (2, 255));
    assert_eq!(strings.concat(), format!("v=DKIM1; k=rsa; p={}", "MIIB".repeat(98)));
    for line in [
        "; mx.ours.test. IN A/AAAA …",
        "ours.test. IN MX 10 mx.ours.test.",
        "ours.test. IN TXT \"v=spf1 mx -all\"",
        "_dmarc.ours.test. IN TXT \"v=DMARC1; p=quarantine; rua=mailto:postmaster@ours.test\"",
        "_smtp._tls.ours.test. IN TXT \"v=TLSRPTv1; rua=mailto:postmaster@ours.test\"",
        "_submissions._tcp.ours.test. IN SRV 0 1 465 mx.ours.test.",
        "_submission._tcp.ours.test. IN SRV 0 0 0 .",
        "; autoconfig.ours.test. IN CNAME mx.ours.test.",
        ";   mode: enforce",
        ";   mx: mx.ours.test",
    ] {
        assert!(lines.contains(&line), "{line}: {text}");
    }
    assert!(text.contains(&format!("; _25._tcp.mx.ours.test. IN TLSA 3 1 1 {}", "ab".repeat(32))));
}

#[test]
fn the_policys_id_goes_with_its_text() {
    let id = |facts: &Facts| {
        let all = records(facts);
        all.iter().find(|record| record.name.starts_with("_mta-sts.")).expect("a record").value.clone()
    };
    let one = facts();
    assert_eq!(id(&one), id(&one.clone()));
    assert_ne!(id(&one), id(&Facts { hostname: "mx2.ours.test".to_owned(), ..one.clone() }));
    assert_ne!(id(&one), id(&Facts { trusted: false, ..one.clone() }));
    // RFC 8461 §3.1: 1 to 32 letters and digits.
    let id = id(&one);
    let digits = id.strip_prefix("v=STSv1; id=").expect("an id");
    assert!(digits.len() <= 32 && digits.bytes().all(|octet| octet.is_ascii_alphanumeric()), "{digits}");
}

#[test]
fn all_is_well_where_all_is_published_and_missing_where_nothing_is() {
    let (facts, records) = (facts(), records(&facts()));
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let all = runtime.block_on(compare(&facts, &records, &Published::all(&records)));
    assert!(all.iter().all(|found| *found == Found::Good), "{all:?}");
    let none = runtime.block_on(compare(&facts, &records, &Published::default()));
    assert!(none.iter().all(|found| *found == Found::Missing), "{none:?}");
}

#[test]
fn what_does_the_same_is_good() {
    let records = records(&facts());
    let with =
        |name: &str, kind, value: &str| Published::all(&records).without(name, kind).with(name, kind, value);
    let key = format!("p= {} {} ; t=s", "MIIB".repeat(50), "MIIB".repeat(48));
    for (name, kind, value, good) in [
        ("ours.test", Kind::Mx, "5 MX.ours.test", true),
        ("ours.test", Kind::Mx, "10 mx.else.test.", false),
        ("p1r._domainkey.ours.test", Kind::Txt, key.as_str(), true),
        ("p1e._domainkey.ours.test", Kind::Txt, "v=DKIM1; k=ed25519; p=abce", false),
        ("p1e._domainkey.ours.test", Kind::Txt, "v=DKIM1; p=abcd", false),
        ("_dmarc.ours.test", Kind::Txt, "v=DMARC1; p=reject", true),
        ("_mta-sts.ours.test", Kind::Txt, "v=STSv1; id=1", false),
        ("_smtp._tls.ours.test", Kind::Txt, "v=TLSRPTv1; rua=https://r.test/", true),
        ("_imaps._tcp.ours.test", Kind::Srv, "5 0 993 mx.ours.test", true),
        ("_imaps._tcp.ours.test", Kind::Srv, "0 1 1993 mx.ours.test.", false),
        ("_imap._tcp.ours.test", Kind::Srv, "0 1 143 mx.ours.test.", false),
    ] {
        let published = with(name, kind, value);
        let expected = if good { Found::Good } else { Found::Differs(vec![value.to_owned()]) };
        assert_eq!(found(&published, name, kind), expected, "{name} {value}");
    }
    let upper = with("_25._tcp.mx.ours.test", Kind::Tlsa, &format!("3 1 1 {}", "AB".repeat(32)));
    assert_eq!(found(&upper, "_25._tcp.mx.ours.test", Kind::Tlsa), Found::Good);
    let backup = Published::all(&records).with("ours.test", Kind::Mx, "20 backup.test.");
    assert_eq!(found(&backup, "ours.test", Kind::Mx), Found::Good);
    let direct = Published::all(&records).without("autoconfig.ours.test", Kind::Cname).with(
        "autoconfig.ours.test",
        Kind::Address,
        "192.0.2.7",
    );
    assert_eq!(found(&direct, "autoconfig.ours.test", Kind::Cname), Found::Good);
}

#[test]
fn spf_is_good_where_this_server_may_send() {
    let records = records(&facts());
    let spf = |text: &str| {
        let others = Published::all(&records).without("ours.test", Kind::Txt);
        others.with("ours.test", Kind::Txt, "site-verification=x").with("ours.test", Kind::Txt, text)
    };
    let other = "v=spf1 ip4:192.0.2.0/24 include:else.test ~all";
    let may_not = found(&spf(other), "ours.test", Kind::Txt);
    assert_eq!(may_not, Found::Differs(vec![other.to_owned()]));
    let ours: IpAddr = "192.0.2.1".parse().expect("an address");
    let may = Published { senders: vec![ours], ..spf(other) };
    assert_eq!(found(&may, "ours.test", Kind::Txt), Found::Good);
    // RFC 7208 §4.5: two are an error.
    let two = may.with("ours.test", Kind::Txt, "v=spf1 mx -all");
    assert!(matches!(found(&two, "ours.test", Kind::Txt), Found::Differs(both) if both.len() == 2));
    let six =
        Published { senders: vec![ours], ..spf(other) }.with("mx.ours.test", Kind::Address, "2001:db8::1");
    assert!(
        matches!(found(&six, "ours.test", Kind::Txt), Found::Differs(_)),
        "from its other address it may not"
    );
    let only_marks = Published::default().with("ours.test", Kind::Txt, "v=spf10 -all");
    assert_eq!(found(&only_marks, "ours.test", Kind::Txt), Found::Missing);
}

#[test]
fn what_the_dns_does_not_tell_is_not_missing() {
    let silent = Published { silent: vec!["ours.test".to_owned()], ..Published::default() };
    assert_eq!(found(&silent, "ours.test", Kind::Mx), Found::Unknown("timed out".to_owned()));
}
