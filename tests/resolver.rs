//! The server's resolver against Knot DNS, on a port of the loopback: what is signed, what is not, and what is forged.

use std::fs;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use hickory_resolver::proto::rr::RecordType;
use postern::config::{Out, Resolver};
use postern::dns::{Dns, Lack};
use tempfile::TempDir;

use crate::rig::{or_skip, patiently, run};

/// Knot, and the files that it lives on.
struct Knot {
    daemon: Child,
    dir: TempDir,
    address: SocketAddr,
}

const ROOT: &str = "
ns.test. A 127.0.0.1
b.test. MX 10 mx.b.test.
mx.b.test. A 198.51.100.1
mx.b.test. AAAA 2001:db8:7::1
_25._tcp.mx.b.test. TLSA 3 1 1 00000000000000000000000000000000000000000000000000000000000000ff
bare.test. A 198.51.100.2
alias.test. CNAME mx.b.test.
outward.test. CNAME mx.plain.test.
*.wild.test. A 198.51.100.3
*.wild-alias.test. CNAME mx.b.test.
plain.test. NS ns.test.
forged.test. NS ns.test.
forged.test. DS 12345 13 2 00000000000000000000000000000000000000000000000000000000000000ff
";
const PLAIN: &str =
    "plain.test. MX 10 mx.plain.test.\nmx.plain.test. A 198.51.100.4\ntext.plain.test. TXT x\n";
const FORGED: &str = "forged.test. MX 10 mx.b.test.\n";

impl Knot {
    fn start(signed: bool) -> Option<Knot> {
        let there = ["/usr/sbin/knotd", "/usr/bin/kdig"].iter().all(|path| Path::new(path).exists());
        if !or_skip(there, "Knot, for signed zones") {
            return None;
        }
        let dir = tempfile::tempdir().expect("a temporary directory");
        fs::create_dir(dir.path().join("db")).expect("a directory in a temporary one");
        let zone = |apex: &str, records: &str| {
            let text = format!(
                "$TTL 60\n{apex} SOA ns.test. host.test. 1 3600 600 86400 60\n{apex} NS ns.test.\n{records}"
            );
            fs::write(dir.path().join(format!("{}zone", apex.replacen('.', "_", 1))), text)
                .expect("a zone file");
        };
        zone(".", ROOT);
        zone("plain.test.", PLAIN);
        zone("forged.test.", FORGED);
        let address = free();
        let configuration = CONFIGURATION
            .replace("DIR", &dir.path().to_string_lossy())
            .replace("ADDRESS", &format!("127.0.0.1@{}", address.port()))
            .replace("SIGNED", if signed { "on" } else { "off" });
        let path = dir.path().join("knot.conf");
        fs::write(&path, configuration).expect("a configuration file");
        let daemon = Command::new("/usr/sbin/knotd")
            .arg("-c")
            .arg(&path)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("knotd starts");
        Some(Knot { daemon, dir, address })
    }

    /// A handle that asks this server and trusts the key that signs its root, or another where it is not signed.
    fn dns(&self, signed: bool) -> Dns {
        let port = self.address.port().to_string();
        let args = ["@127.0.0.1", "-p", &port, "+short", "+timeout=1", "+retry=0"];
        let ask = |rest: &[&str]| run("kdig", &[&args, rest].concat(), self.dir.path(), b"").stdout;
        let key = if signed {
            patiently("the root is signed", || {
                let answer = ask(&["DNSKEY", "."]);
                answer.contains("257 3 13").then_some(answer)
            })
        } else {
            patiently("the root is served", || ask(&["SOA", "."]).contains("ns.test").then_some(()));
            ANOTHER_KEY.to_owned()
        };
        let anchor: PathBuf = self.dir.path().join("anchor");
        fs::write(&anchor, format!(". 60 IN DNSKEY {}\n", key.trim())).expect("a file");
        let resolver = Resolver::Servers(vec![self.address]);
        let out = Out { resolver, trust_anchor: Some(anchor), ..Out::default() };
        Dns::start(&out).expect("a handle").expect("somebody to ask")
    }
}

impl Drop for Knot {
    fn drop(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}

/// A port that is free for both UDP and TCP.
fn free() -> SocketAddr {
    patiently("a free port", || {
        let tcp = TcpListener::bind("127.0.0.1:0").ok()?;
        let address = tcp.local_addr().ok()?;
        UdpSocket::bind(address).ok().map(|_| address)
    })
}

#[tokio::test]
async fn what_is_signed_is_known_and_what_is_forged_is_not_believed() {
    let Some(knot) = Knot::start(true) else { return };
    let dns = knot.dns(true);
    let (servers, secure) = dns.mx("b.test").await.expect("MX");
    assert_eq!((&servers[..], secure), (&[(10, "mx.b.test".to_owned())][..], true));
    for (host, secure, name, count) in [
        ("mx.b.test", true, "mx.b.test", 2),
        ("alias.test", true, "mx.b.test", 2),
        ("outward.test", false, "mx.plain.test", 1),
        ("mx.plain.test", false, "mx.plain.test", 1),
        ("any.wild.test", true, "any.wild.test", 1),
        ("one.any.wild.test", true, "one.any.wild.test", 1),
        ("any.wild-alias.test", true, "mx.b.test", 2),
    ] {
        let there = dns.addresses(host).await.unwrap_or_else(|lack| panic!("{host}: {lack}"));
        assert_eq!(
            (there.secure, there.name.as_str(), there.addresses.len()),
            (secure, name, count),
            "{host}"
        );
    }
    let (records, secure) = dns.tlsa("_25._tcp.mx.b.test").await.expect("TLSA");
    assert_eq!((records.len(), secure), (1, true));
    for (name, kind, lack) in [
        ("bare.test", RecordType::MX, Lack::NoData { secure: true }),
        ("text.plain.test", RecordType::MX, Lack::NoData { secure: false }),
        ("nowhere.test", RecordType::MX, Lack::NoName),
        ("nowhere.plain.test", RecordType::MX, Lack::NoName),
        ("_25._tcp.bare.test", RecordType::TLSA, Lack::NoName),
        ("forged.test", RecordType::MX, Lack::Bogus),
        ("forged.test", RecordType::TXT, Lack::Bogus),
    ] {
        for turn in ["asked", "remembered"] {
            assert_eq!(dns.ask(name, kind).await.expect_err(name), lack, "{name} {kind}, {turn}");
        }
    }
}

#[tokio::test]
async fn where_signatures_are_dropped_nothing_counts_as_signed() {
    let Some(knot) = Knot::start(false) else { return };
    let dns = knot.dns(false);
    let (servers, secure) = dns.mx("b.test").await.expect("MX");
    assert_eq!((servers.len(), secure), (1, false));
    assert_eq!(dns.ask("bare.test", RecordType::MX).await.expect_err("none"), Lack::NoData { secure: false });
    assert_eq!(dns.ask("nowhere.test", RecordType::MX).await.expect_err("none"), Lack::NoName);
}

#[tokio::test]
async fn nobody_answers() {
    let silent = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let address = silent.local_addr().expect("an address");
    drop(silent);
    let out = Out { resolver: Resolver::Servers(vec![address]), ..Out::default() };
    let dns = Dns::start(&out).expect("a handle").expect("somebody to ask");
    let lack = dns.mx("b.test").await.expect_err("nobody");
    assert!(matches!(lack, Lack::Temporary(_)), "{lack:?}");
}

const ANOTHER_KEY: &str =
    "257 3 13 mdsswUyr3DPW132mOi8V9xESWE8jTo0dxCjjnopKl+GqJxpVXckHAeF+KkxLbxILfDLUT0rAK9iUzy1L53eKGQ==";

const CONFIGURATION: &str = "
server:
  listen: ADDRESS
  rundir: DIR
database:
  storage: DIR/db
policy:
  - id: own
    algorithm: ecdsap256sha256
    single-type-signing: on
template:
  - id: default
    storage: DIR
    zonefile-sync: -1
    journal-content: none
    zonefile-load: whole
    semantic-checks: off
zone:
  - domain: .
    file: _zone
    dnssec-signing: SIGNED
    dnssec-policy: own
  - domain: plain.test
    file: plain_test.zone
  - domain: forged.test
    file: forged_test.zone
";
