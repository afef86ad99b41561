//! A server that plays scripts, one for each connection, and a client with a letter to bring to it.
//!
//! `S: x` says a line, `C: x` wants to hear one, `D:` hears a letter up to its dot, `B: n` hears n octets; `TLS` shakes
//! hands, `STALL` waits until the client is gone, `FLOOD` talks until then, `RAW: x` says `x` with `\r\n` written out, `WANT`
//! hears the client go, and says good bye to one that does. At a script's end the connection is closed.

use std::sync::Arc;

use postern_actors::courier::{Carried, Courier as _, Fate, Parcel};
use postern_model::record::{MailTerms, Origin, Queued, QueuedRecipient, RcptTerms};
use postern_model::{AccountId, Domain, LetterId, MailboxId, QueueId, Timestamp};
use postern_storage::{Batch, EngineKind, SealedBody, Store, StoreOptions};
use rustls::crypto::aws_lc_rs;
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tempfile::TempDir;
use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader,
};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use super::super::route::{FixedRoute, Hop, TlsDemand};
use super::super::{Client, NoJournal, Options, Patience};

/// Whatever a script's line may be read from.
trait Wire: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Wire for T {}

pub(super) struct Fake {
    pub(super) port: u16,
    task: JoinHandle<Vec<String>>,
}

impl Fake {
    pub(super) async fn start(scripts: &[&str]) -> Fake {
        Fake::with_certificate(scripts, &Certificate::new("mx.b.test")).await
    }

    pub(super) async fn with_certificate(scripts: &[&str], certificate: &Certificate) -> Fake {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let scripts: Vec<String> = scripts.iter().map(|&script| script.to_owned()).collect();
        let acceptor = certificate.acceptor();
        let task = tokio::spawn(async move {
            let mut heard = Vec::new();
            for script in scripts {
                let (socket, _) = listener.accept().await.expect("a connection");
                play(&script, Box::new(socket), &acceptor, &mut heard).await;
            }
            heard
        });
        Fake { port, task }
    }

    /// The letters that it heard; panics where a script was not played to its end.
    pub(super) async fn letters(self) -> Vec<String> {
        self.task.await.expect("the script was followed")
    }

    pub(super) fn hop(&self) -> Hop {
        Hop { port: self.port, ..Hop::mx("mx.b.test", [127, 0, 0, 1].into()) }
    }
}

async fn play(script: &str, socket: Box<dyn Wire>, acceptor: &TlsAcceptor, heard: &mut Vec<String>) {
    let mut wire = BufReader::new(socket);
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (what, rest) = line.split_once(':').unwrap_or((line, ""));
        let rest = rest.strip_prefix(' ').unwrap_or(rest);
        match what {
            "S" => wire.write_all(format!("{rest}\r\n").as_bytes()).await.expect("a client that listens"),
            "C" => assert_eq!(line_of(&mut wire).await, rest),
            "D" => heard.push(letter_of(&mut wire).await),
            "B" => {
                let mut octets = vec![0; rest.parse().expect("a number")];
                wire.read_exact(&mut octets).await.expect("the octets");
                heard.push(String::from_utf8_lossy(&octets).into_owned());
            }
            "RAW" => {
                let text = rest.replace("\\r", "\r").replace("\\n", "\n");
                wire.write_all(text.as_bytes()).await.expect("a client that listens");
            }
            "TLS" => {
                let Ok(stream) = acceptor.accept(wire.into_inner()).await else { return };
                wire = BufReader::new(Box::new(stream));
            }
            "STALL" => {
                let _ = wire.read_to_end(&mut Vec::new()).await;
            }
            "WANT" => part(&mut wire).await,
            "FLOOD" => while wire.write_all(b"250-more\r\n").await.is_ok() {},
            _ => panic!("no such line: {line}"),
        }
    }
    let _ = wire.shutdown().await;
}

async fn part(wire: &mut BufReader<Box<dyn Wire>>) {
    let mut line = Vec::new();
    while wire.read_until(b'\n', &mut line).await.is_ok_and(|read| read > 0) {
        if line == b"QUIT\r\n" {
            let _ = wire.write_all(b"221 bye\r\n").await;
        }
        line.clear();
    }
}

async fn line_of(wire: &mut BufReader<Box<dyn Wire>>) -> String {
    let mut line = String::new();
    wire.read_line(&mut line).await.expect("a line");
    line.strip_suffix("\r\n").unwrap_or_else(|| panic!("the client broke off: {line:?}")).to_owned()
}

async fn letter_of(wire: &mut BufReader<Box<dyn Wire>>) -> String {
    let mut letter = String::new();
    loop {
        let line = line_of(wire).await;
        if line == "." {
            return letter;
        }
        letter.push_str(&line);
        letter.push_str("\r\n");
    }
}

/// A certificate that nobody but itself vouches for.
pub(super) struct Certificate {
    der: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
}

impl Certificate {
    pub(super) fn new(name: &str) -> Certificate {
        let made = rcgen::generate_simple_self_signed([name.to_owned()]).expect("a certificate");
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
        Certificate { der: made.cert.der().clone(), key }
    }

    pub(super) fn roots(&self) -> Arc<RootCertStore> {
        let mut roots = RootCertStore::empty();
        roots.add(self.der.clone()).expect("a root");
        Arc::new(roots)
    }

    fn acceptor(&self) -> TlsAcceptor {
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![self.der.clone()], self.key.clone_key())
            .expect("a certificate");
        TlsAcceptor::from(Arc::new(config))
    }
}

/// A letter in a store.
pub(super) struct Sender {
    _dir: TempDir,
    store: Store,
}

impl Sender {
    pub(super) async fn with(body: impl Into<Vec<u8>>) -> Sender {
        let dir = tempfile::tempdir().expect("a directory");
        let options = StoreOptions { engine: EngineKind::Memory, ..StoreOptions::new(dir.path()) };
        let store = Store::open(options, Timestamp(0)).expect("a store");
        let mut batch = Batch::new();
        let body = SealedBody::from_vec(body.into());
        batch.append_body(&[AccountId::QUEUE], LetterId(7), MailboxId::INBOX, Timestamp(0), body);
        store.commit(batch).await.expect("a letter");
        Sender { _dir: dir, store }
    }

    /// The letter, for these recipients.
    pub(super) fn parcel(&self, recipients: &[&str], terms: MailTerms) -> Parcel {
        let recipient = |address: &&str| QueuedRecipient {
            address: (*address).to_owned(),
            terms: RcptTerms::default(),
            last: None,
        };
        let envelope = Queued {
            mail_from: "a@us.test".into(),
            sender: None,
            accepted: Timestamp(0),
            size: 0,
            origin: Origin::Submitted,
            terms,
            front: Vec::new(),
        };
        Parcel {
            id: QueueId { letter: LetterId(7), envelope: 0 },
            envelope: Arc::new(envelope),
            recipients: recipients.iter().map(recipient).collect(),
            store: self.store.clone(),
            now: Timestamp::from_seconds(1_000),
        }
    }
}

pub(super) const LETTER: &str = "Return-Path: <a@us.test>\r\nSubject: x\r\n\r\n.dot\r\n";
pub(super) const SENT: &str = "Subject: x\r\n\r\n..dot\r\n";

pub(super) fn options(hops: Vec<Hop>) -> Options {
    Options {
        hostname: "us.test".into(),
        patience: Patience::STANDARD,
        router: Arc::new(FixedRoute(hops)),
        roots: Arc::new(RootCertStore::empty()),
        journal: Arc::new(NoJournal),
        seal: None,
        login: None,
    }
}

/// Carries a parcel to these hops and ends the trip.
pub(super) async fn carry(options: Options, parcel: &Parcel) -> Vec<String> {
    let mut trip = Client::new(options).set_out(&domain());
    let carried = trip.carry(parcel).await;
    trip.end().await;
    told(&carried)
}

pub(super) fn domain() -> Domain {
    Domain::parse("b.test").expect("a domain")
}

/// Each recipient's fate in a line, and the health behind them.
pub(super) fn told(carried: &Carried) -> Vec<String> {
    let line = |fate: &Fate| {
        let (word, attempt) = match fate {
            Fate::Relayed { attempt, reports: false } => ("relayed", attempt),
            Fate::Relayed { attempt, reports: true } => ("reports", attempt),
            Fate::Deferred(attempt) => ("deferred", attempt),
            Fate::Failed(attempt) => ("failed", attempt),
        };
        let (class, subject, detail) = attempt.enhanced;
        let code = attempt.code.map_or("-".to_owned(), |code| code.to_string());
        format!("{word} {code} {class}.{subject}.{detail} {}", attempt.said)
    };
    carried.fates.iter().map(line).chain([format!("{:?}", carried.health)]).collect()
}

/// Without TLS, which most scripts are not about.
pub(super) fn clear(fake: &Fake) -> Hop {
    Hop { tls: TlsDemand::Never, ..fake.hop() }
}
