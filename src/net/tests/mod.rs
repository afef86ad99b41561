//! Connections over real sockets on the loopback, with a toy protocol and a clock that is moved by hand.

mod compression;
mod conversation;
mod encryption;
mod entrance;
mod idle;
mod logs;
mod toy;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use actix_rt::System;
use postern_actors::{Actors, Argon2Cost, Settings, Ticker};
use postern_model::{AccountId, LetterId, MailboxId, ManualClock, Protocol, Timestamp};
use postern_storage::{Batch, EngineKind, SealedBody, Store, StoreOptions};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

use self::toy::{Toy, Traces};
use super::arrival::{Premises, Service};
use super::limits::{Connections, Limits};
use super::listener::{Inherited, Listeners, bind};
use super::network::Network;
use super::tls::Tls;
use crate::config::{Config, Machine, Purpose};

/// No test takes so long; one that hangs fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server for one test.
struct World {
    _dir: tempfile::TempDir,
    clock: Arc<ManualClock>,
    connections: Arc<Connections>,
    listeners: Listeners,
    traces: Traces,
    address: SocketAddr,
}

/// How a test's server differs from the usual.
struct Plan {
    limits: Limits,
    proxies: Vec<Network>,
    tls: Option<Tls>,
    implicit_tls: bool,
    /// A letter of account 1's.
    letter: Option<Vec<u8>>,
}

impl Default for Plan {
    fn default() -> Plan {
        let limits = Limits { total: 100, per_address: 100, handshakes: 100 };
        Plan { limits, proxies: Vec::new(), tls: None, implicit_tls: false, letter: None }
    }
}

impl World {
    async fn start(plan: Plan) -> World {
        let clock = Arc::new(ManualClock::new(Timestamp::from_seconds(1_000)));
        let dir = tempfile::tempdir().expect("a directory");
        let store = store(dir.path(), plan.letter).await;
        let arbiters = [System::current().arbiter().clone()];
        let actors = Actors::start(store, Ticker::new(clock.clone()), settings(), &arbiters).await;
        let actors = actors.expect("actors");
        let connections = Connections::new(plan.limits);
        let premises = Premises {
            connections: connections.clone(),
            actors,
            tls: plan.tls,
            proxies: plan.proxies.into(),
            handshake_timeout: Duration::from_secs(30),
        };
        let listeners = Listeners::new(premises, arbiters.to_vec());
        let traces = Traces::default();
        let seen = traces.clone();
        let service = Service {
            name: "toy",
            protocol: Protocol::Pop3,
            implicit_tls: plan.implicit_tls,
            session: Box::new(move |visitor| Toy::new(visitor, seen.clone())),
        };
        let any = "127.0.0.1:0".parse().expect("an address");
        let socket = bind("POSTERN_LISTEN_TOY", any, &mut Inherited::default()).expect("a free port");
        let address = socket.local_addr().expect("its address");
        listeners.serve(service, &socket).expect("listening");
        World { _dir: dir, clock, connections, listeners, traces, address }
    }

    async fn connect(&self) -> Client<TcpStream> {
        Client(TcpStream::connect(self.address).await.expect("a connection"))
    }

    /// Connects and reads the greeting.
    async fn greeted(&self) -> Client<TcpStream> {
        let mut client = self.connect().await;
        client.expect("hello\r\n").await;
        client
    }

    /// Lets time pass until nobody is connected; each turn is `step`.
    async fn advance_until_empty(&self, step: Duration) {
        for _ in 0..100 {
            self.clock.advance(step);
            if self.connections.empty(Duration::from_millis(20)).await {
                return;
            }
        }
        panic!("somebody is still connected");
    }

    async fn empty(&self) {
        assert!(self.connections.empty(PATIENCE).await, "somebody is still connected");
    }
}

async fn store(dir: &Path, letter: Option<Vec<u8>>) -> Store {
    let options = StoreOptions { engine: EngineKind::Memory, ..StoreOptions::new(dir) };
    let store = Store::open(options, Timestamp::default()).expect("a new store");
    if let Some(letter) = letter {
        let mut batch = Batch::new();
        let body = SealedBody::from_vec(letter);
        batch.append_body(&[AccountId(1)], LetterId(1), MailboxId::INBOX, Timestamp::default(), body);
        store.commit(batch).await.expect("stored");
    }
    store
}

/// Nobody logs in here, so the defaults do.
fn settings() -> Settings {
    let machine = Machine { name: "mail.demo.test".to_owned(), cores: 1, ipv6: false };
    let config = Config::read([], &machine, Purpose::Command).expect("the defaults hold");
    Settings {
        serving: true,
        argon2: Argon2Cost { memory: 8, passes: 1, lanes: 1 },
        scram: false,
        hashes_at_once: 1,
        ..crate::serve::settings(&config).expect("the built-in templates are sound")
    }
}

/// A client that says and expects.
struct Client<T>(T);

impl<T: AsyncRead + AsyncWrite + Unpin> Client<T> {
    async fn say(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.expect("written");
        self.0.flush().await.expect("flushed");
    }

    async fn expect(&mut self, text: &str) {
        let mut seen = vec![0; text.len()];
        self.0.read_exact(&mut seen).await.expect("an answer");
        assert_eq!(String::from_utf8_lossy(&seen), text);
    }

    async fn line(&mut self) -> String {
        let mut line = Vec::new();
        while !line.ends_with(b"\n") {
            line.push(self.0.read_u8().await.expect("a line"));
        }
        String::from_utf8(line).expect("text").trim_end().to_owned()
    }

    /// Whatever comes until the connection ends, in whatever way.
    async fn rest(&mut self) -> String {
        let mut rest = Vec::new();
        // A reset is an end as well.
        let _ = self.0.read_to_end(&mut rest).await;
        String::from_utf8_lossy(&rest).into_owned()
    }
}

/// Runs a test in a System of its own.
fn run(test: impl Future<Output = ()>) {
    let in_time = async { tokio::time::timeout(PATIENCE, test).await.expect("done in time") };
    crate::runtime::run(in_time);
}
