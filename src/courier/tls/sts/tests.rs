use std::sync::{Arc, Mutex};
use std::time::Duration;

use postern_model::record::{StsMode, StsPolicy};
use postern_model::{Domain, Timestamp};
use postern_storage::{EngineKind, Store, StoreOptions, keys};
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::PrivateKeyDer;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::{FRESH, PAUSE, Sts, demand};
use crate::courier::route::TlsDemand;
use crate::dns::{Dns, Zone};

const NOW: Timestamp = Timestamp(1_800_000_000_000_000);
const MINUTE: Duration = Duration::from_secs(60);

/// A web server for one name, that answers with what stands here and counts who asks.
struct Web {
    answer: Arc<Mutex<Vec<u8>>>,
    asked: Arc<Mutex<usize>>,
    port: u16,
    roots: Arc<RootCertStore>,
    _dir: TempDir,
    store: Store,
}

impl Web {
    async fn start(name: &str) -> Web {
        let made = rcgen::generate_simple_self_signed([name.to_owned()]).expect("a certificate");
        let certificate = made.cert.der().clone();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
        let mut roots = RootCertStore::empty();
        roots.add(certificate.clone()).expect("a root");
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .expect("a certificate");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let answer = Arc::new(Mutex::new(Vec::new()));
        let asked = Arc::new(Mutex::new(0));
        let (said, count) = (Arc::clone(&answer), Arc::clone(&asked));
        let acceptor = TlsAcceptor::from(Arc::new(config));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                *count.lock().expect("a count") += 1;
                let Ok(mut stream) = acceptor.accept(stream).await else { continue };
                let mut request = [0; 2048];
                let length = stream.read(&mut request).await.unwrap_or(0);
                assert!(request[..length].starts_with(b"GET /.well-known/mta-sts.txt HTTP/1.1\r\n"));
                let answer = said.lock().expect("an answer").clone();
                let _ = stream.write_all(&answer).await;
                let _ = stream.shutdown().await;
            }
        });
        let dir = tempfile::tempdir().expect("a directory");
        let options = StoreOptions { engine: EngineKind::Memory, ..StoreOptions::new(dir.path()) };
        let store = Store::open(options, NOW).expect("a store");
        Web { answer, asked, port, roots: Arc::new(roots), _dir: dir, store }
    }

    fn say(&self, head: &str, body: &str) {
        let answer =
            format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
        *self.answer.lock().expect("an answer") = answer.into_bytes();
    }

    fn publish(&self, mode: &str, max_age: u32) {
        let policy = format!("version: STSv1\r\nmode: {mode}\r\nmx: mx.b.test\r\nmax_age: {max_age}\r\n");
        self.say("200 OK\r\nContent-Type: text/plain; charset=utf-8", &policy);
    }

    /// A server that knows of this web, and what the DNS says of b.test.
    fn sts(&self, texts: &str) -> Sts {
        let zone = Zone::parse(&format!("mta-sts.b.test. A 127.0.0.1\n{texts}"), "").expect("records");
        Sts::new(Dns::of(zone), self.store.clone(), &self.roots, self.port).expect("TLS")
    }

    fn asked(&self) -> usize {
        std::mem::take(&mut *self.asked.lock().expect("a count"))
    }
}

const ONE: &str = "_mta-sts.b.test. TXT \"v=STSv1; id=1\"\n";
const TWO: &str = "_mta-sts.b.test. TXT \"v=STSv1; id=2\"\n";

fn domain() -> Domain {
    Domain::parse("b.test").expect("a domain")
}

async fn mode(sts: &Sts, now: Timestamp) -> Option<StsMode> {
    sts.policy(&domain(), now).await.expect("a store").map(|policy| policy.mode)
}

#[tokio::test]
async fn a_policy_is_fetched_once_and_again_with_a_new_id() {
    let web = Web::start("mta-sts.b.test").await;
    web.publish("enforce", 604_800);
    let sts = web.sts(ONE);
    assert_eq!((mode(&sts, NOW).await, web.asked()), (Some(StsMode::Enforce), 1));
    assert_eq!((mode(&sts, NOW.plus(MINUTE)).await, web.asked()), (Some(StsMode::Enforce), 0));
    web.publish("testing", 604_800);
    let renewed = web.sts(TWO);
    assert_eq!((mode(&renewed, NOW.plus(MINUTE)).await, web.asked()), (Some(StsMode::Testing), 1));
    // Nothing in the DNS: what is kept holds, as long as it may (RFC 8461 §3.3).
    let hidden = web.sts("");
    assert_eq!((mode(&hidden, NOW.plus(FRESH)).await, web.asked()), (Some(StsMode::Testing), 0));
    let over = NOW.plus(MINUTE).plus(Duration::from_secs(604_800));
    assert_eq!((mode(&hidden, over).await, web.asked()), (None, 0));
}

#[tokio::test]
async fn what_can_not_be_fetched_leaves_what_is_kept() {
    let web = Web::start("mta-sts.b.test").await;
    web.publish("enforce", 604_800);
    assert_eq!(mode(&web.sts(ONE), NOW).await, Some(StsMode::Enforce));
    web.say("500 No", "");
    let sts = web.sts(TWO);
    web.asked();
    assert_eq!((mode(&sts, NOW).await, web.asked()), (Some(StsMode::Enforce), 1));
    assert_eq!((mode(&sts, NOW.plus(MINUTE)).await, web.asked()), (Some(StsMode::Enforce), 0), "too early");
    assert_eq!((mode(&sts, NOW.plus(PAUSE)).await, web.asked()), (Some(StsMode::Enforce), 1));
}

#[tokio::test]
async fn what_is_no_policy() {
    let web = Web::start("mta-sts.b.test").await;
    let policy = "version: STSv1\r\nmode: enforce\r\nmx: mx.b.test\r\nmax_age: 86400\r\n";
    let long = format!("{policy}{}", "x: y\r\n".repeat(11_000));
    for (head, body) in [
        ("200 OK\r\nContent-Type: text/html", policy),
        ("200 OK", policy),
        (
            "301 Moved\r\nLocation: https://mta-sts.b.test/.well-known/mta-sts.txt\r\nContent-Type: text/plain",
            policy,
        ),
        ("404 Not Found\r\nContent-Type: text/plain", policy),
        ("200 OK\r\nContent-Type: text/plain", "version: STSv1"),
        ("200 OK\r\nContent-Type: text/plain", long.as_str()),
    ] {
        web.say(head, body);
        assert_eq!(mode(&web.sts(ONE), NOW).await, None, "{head}");
        assert_eq!(web.asked(), 1, "{head}");
    }
}

#[tokio::test]
async fn the_web_proves_its_name() {
    let web = Web::start("www.b.test").await;
    web.publish("enforce", 604_800);
    assert_eq!(mode(&web.sts(ONE), NOW).await, None);
    let trusted = Web::start("mta-sts.b.test").await;
    trusted.publish("enforce", 604_800);
    let stranger = Web { roots: Arc::clone(&web.roots), ..trusted };
    assert_eq!(mode(&stranger.sts(ONE), NOW).await, None);
}

#[tokio::test]
async fn rounds_renew_in_time_and_forget_what_is_over() {
    let web = Web::start("mta-sts.b.test").await;
    web.publish("enforce", 604_800);
    let sts = web.sts(ONE);
    mode(&sts, NOW).await;
    web.asked();
    sts.due(NOW.plus(MINUTE)).await.expect("a round");
    assert_eq!(web.asked(), 0);
    sts.due(NOW.plus(FRESH)).await.expect("a round");
    assert_eq!(web.asked(), 1);
    let kept = || async { web.store.get(keys::sts_policy(&domain())).await.expect("a store") };
    assert_eq!(kept().await.map(|policy| policy.fetched), Some(NOW.plus(FRESH)));
    sts.due(NOW.plus(FRESH * 30)).await.expect("a round");
    assert_eq!(kept().await, None);
}

#[test]
fn what_is_demanded() {
    let policy =
        |mode| StsPolicy { id: "1".into(), mode, mx: vec!["mx.b.test".into()], fetched: NOW, max_age: 1 };
    for (mode, host, shown) in [
        (StsMode::Enforce, "mx.b.test", "Ok(Verified { names: [\"mx.b.test\"], enforced: true })"),
        (StsMode::Testing, "mx.b.test", "Ok(Verified { names: [\"mx.b.test\"], enforced: false })"),
        (StsMode::None, "mx.b.test", "Ok(Opportunistic)"),
        (StsMode::Testing, "mx.c.test", "Ok(Opportunistic)"),
        (
            StsMode::Enforce,
            "mx.c.test",
            "Err(\"the policy of b.test (MTA-STS) does not name the server mx.c.test\")",
        ),
    ] {
        let found: Result<TlsDemand, String> = demand(&policy(mode), "b.test", host);
        assert_eq!(format!("{found:?}"), shown);
    }
}
