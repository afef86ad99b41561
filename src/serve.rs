//! The server put together: store, actors, certificates, listeners, control socket; and taken apart again in order.

use std::fs;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use actix_rt::Arbiter;
use postern_actors::admin::{AdminError, AdminRequest};
use postern_actors::{Actors, Plan, Settings, Ticker};
use postern_model::record::ClockReading;
use postern_model::{Clock, ManualClock, Protocol, SystemClock};
use postern_policy::access;
use postern_storage::{Batch, EngineKind, Store, StoreError, StoreOptions, keys};
use serde_json::Value;

use crate::cli::{DemoInfo, House, demo_banner, free_ports, furnish};
use crate::config::{self, ClockKind, Config, Listen, StoreKind, TlsSource};
use crate::control::Control;
use crate::courier;
use crate::courier::tls::TlsReports;
use crate::dns::Dns;
use crate::filter;
use crate::imap::{self, Imap};
use crate::inbound::{Gatekeeper, Setup};
use crate::net::arrival::{Premises, Service};
use crate::net::limits::{Connections, Limits};
use crate::net::listener::{Inherited, Listeners, SocketFile, bind};
use crate::net::tls::certificates::{CertificateFiles, Certificates};
use crate::net::tls::{Tls, self_signed};
use crate::notices::{Facts, Notices};
use crate::pop3::{self, Language, Pop3};
use crate::reports::{Office, Reports};
use crate::runtime::{self, Signal, Signals, Workers};
use crate::signing::published::{Dns as Published, Lookup};
use crate::signing::{self, Onward};
use crate::sms;
use crate::smtp::{self, Role, SmtpSession};
use crate::wording::Places;

/// How long sessions may take to end once they are told to.
const GRACE: Duration = Duration::from_secs(8);
/// How long a PROXY header or a TLS handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(30);
/// TLS handshakes under way at once; one more ends the one that began first.
const HANDSHAKES: usize = 1_000;
/// How long a client may take from POP3's greeting to its login.
const POP3_LOGIN: Duration = Duration::from_secs(60);
/// The file in the data directory that says which ports were really bound: `service address`, a line each.
pub const LISTENERS: &str = "listeners";

/// The whole binary, as the command line sees it.
#[derive(Debug)]
pub struct Postern;

impl House for Postern {
    fn serve(&self, config: Config) -> Result<(), String> {
        runtime::run(async move {
            let signals = catch_signals()?;
            Server::start(&config).await?.until_told(signals).await
        })
    }

    fn demo(&self, mut config: Config) -> Result<(), String> {
        free_ports(&mut config);
        runtime::run(async move {
            let signals = catch_signals()?;
            let server = Server::start(&config).await?;
            let actors = server.actors.clone();
            let accounts = furnish(|ask| actors.admin(ask)).await.map_err(|error| error.0)?;
            let certificate = self_signed::certificate_path(&config.data_dir);
            let (data_dir, listen) = (config.data_dir.clone(), config.listen.clone());
            print!("{}", demo_banner(&DemoInfo { data_dir, listen, certificate, accounts }));
            server.until_told(signals).await
        })
    }

    fn lookup(&self, config: &Config) -> Result<Box<dyn Lookup>, String> {
        let dns = Dns::start(&config.out)?.and_then(|dns| dns.authenticator());
        let dns = dns.ok_or("POSTERN_RESOLVER=none: there is nobody to ask what is published")?;
        Ok(Box::new(Published::new(dns.0)))
    }

    fn offline(&self, config: &Config, request: AdminRequest) -> Result<Value, AdminError> {
        must_exist(config, &request)?;
        runtime::run(async move {
            let settings = Settings { serving: false, ..settings(config).map_err(AdminError)? };
            let (store, ticker) = open_store(config).await.map_err(AdminError)?;
            let actors = Actors::start(store.clone(), ticker, settings, &[Arbiter::current()]).await;
            let answer = match actors {
                Ok(actors) => actors.admin(request).await,
                Err(error) => Err(AdminError(error.to_string())),
            };
            close(store).await.map_err(AdminError)?;
            answer
        })
    }
}

/// A mistyped directory is not to look like an empty store. A store begins with its first start or its first domain.
fn must_exist(config: &Config, request: &AdminRequest) -> Result<(), AdminError> {
    if matches!(request, AdminRequest::DomainAdd { .. }) || config.data_dir.join("index").exists() {
        return Ok(());
    }
    Err(AdminError(format!(
        "{}: there is no store here; set POSTERN_DATA_DIR to the server's, or begin with `postern domain add`",
        config.data_dir.display()
    )))
}

/// A running server.
pub struct Server {
    /// The actors behind its doors.
    pub actors: Actors,
    /// What it listens on, by service: `pop3s`.
    pub bound: Vec<(&'static str, SocketAddr)>,
    /// Signs what leaves (SPEC D4).
    pub signer: Arc<signing::Signer>,
    listeners: Listeners,
    tls: Tls,
    workers: Workers,
    gatekeeper: Arc<Gatekeeper>,
    /// Removed when the server has stopped.
    _files: Vec<SocketFile>,
    tls_reports: Option<TlsReports>,
    tasks: Vec<actix_rt::task::JoinHandle<()>>,
}

impl Server {
    /// Binds all ports, opens the store, and begins to serve. Runs within [`runtime::run`].
    ///
    /// # Errors
    /// The first thing that stands against it, in a line that names its cure.
    pub async fn start(config: &Config) -> Result<Server, String> {
        let sockets = bind_all(&config.listen)?;
        let lmtp = config.listen.lmtp_files.iter();
        let files: Vec<_> =
            lmtp.map(|path| SocketFile::bind("POSTERN_LISTEN_LMTP", path)).collect::<Result<_, _>>()?;
        let settings = settings(config)?;
        let (trainer, texter) = (filter::trainer(config)?, sms::gateway(config)?);
        let settings = Settings { trainer, texter, ..settings };
        let (store, ticker) = open_store(config).await?;
        let signer = Arc::new(signing::signer(config, store.clone()).await?);
        let dns = Dns::start(&config.out)?;
        let out = courier::client(config, dns.as_ref(), &store, signer.clone())?;
        let courier = out.as_ref().map(|out| Arc::clone(&out.courier));
        let seal = Onward::new(Arc::clone(&signer), dns.as_ref().and_then(Dns::authenticator));
        let settings = Settings { courier, forward_seal: Some(Arc::new(seal)), ..settings };
        // Clients judge a certificate by clocks of their own, whatever is rehearsed here.
        let machine = Ticker::new(Arc::new(SystemClock));
        let certificates = certificates(config, &machine)?;
        let tls = Tls::new(Arc::clone(&certificates)).map_err(|error| format!("TLS: {error}"))?;
        let control = Control::bind(&config.data_dir).map_err(|error| error.to_string())?;
        let workers = Workers::start(config.workers as usize).map_err(|error| format!("threads: {error}"))?;
        let actors = Actors::start(store, ticker.clone(), settings, &workers.handles()).await;
        let actors = actors.map_err(|error| error.to_string())?;
        let listeners = Listeners::new(premises(config, &actors, &tls), workers.handles());
        let gatekeeper = Arc::new(gatekeeper(config, dns.as_ref(), &actors)?);
        let bound = open_doors(config, &gatekeeper, &listeners, &sockets)
            .and_then(|bound| open_files(config, &listeners, &files).map(|()| bound))
            .map_err(|error| error.to_string())?;
        write_down(&config.data_dir, &bound)?;
        let answering = actors.clone();
        let answer = move |request| {
            let actors = answering.clone();
            async move { actors.admin(request).await }
        };
        let mut tasks = vec![
            actix_rt::spawn(certificates.watch(machine)),
            actix_rt::spawn(Arc::clone(&gatekeeper).run(ticker.clone())),
            actix_rt::spawn(async move { control.serve(answer).await }),
            actix_rt::spawn(signing::complete(actors.clone())),
        ];
        let mut tls_reports = None;
        if let Some(safety) = out.and_then(|out| out.safety) {
            let reports = safety.reports(&config.hostname);
            tasks.push(actix_rt::spawn(safety.run(ticker.clone())));
            if config.out.tls_reports {
                let office = Arc::new(Office(actors.clone()));
                tasks.push(actix_rt::spawn(reports.clone().run(office, ticker)));
                tls_reports = Some(reports);
            }
        }
        Ok(Server {
            actors,
            bound,
            signer,
            listeners,
            tls,
            workers,
            gatekeeper,
            _files: files,
            tls_reports,
            tasks,
        })
    }

    /// Serves until SIGTERM or SIGINT, then stops in good order; SIGHUP reads the certificates again.
    ///
    /// # Errors
    /// What could not be made durable at the end.
    pub async fn until_told(self, mut signals: Signals) -> Result<(), String> {
        loop {
            match signals.next().await {
                Signal::Stop => return self.stop().await,
                Signal::Reload => match self.tls.certificates().reload(self.actors.now()) {
                    Ok(()) => tracing::info!("certificates were read again"),
                    Err(error) => tracing::error!(%error, "the old certificates stay in use"),
                },
            }
        }
    }

    /// Takes no more connections, tells the sessions, waits for them a while, and shuts the store.
    ///
    /// # Errors
    /// What could not be made durable.
    pub async fn stop(self) -> Result<(), String> {
        tracing::info!("stopping");
        for task in &self.tasks {
            task.abort();
        }
        if !self.listeners.stop(GRACE).await {
            tracing::warn!("some sessions did not end in time");
        }
        self.gatekeeper.rest().await;
        if let Some(reports) = &self.tls_reports {
            reports.rest().await;
        }
        self.actors.rest().await;
        let store = self.actors.store().clone();
        let closed = close(store).await;
        self.workers.stop();
        tracing::info!("stopped");
        closed
    }
}

/// Before the server begins: a signal that comes while it does must not end it halfway, and SIGHUP not at all.
fn catch_signals() -> Result<Signals, String> {
    Signals::catch().map_err(|error| format!("signals: {error}"))
}

fn premises(config: &Config, actors: &Actors, tls: &Tls) -> Premises {
    Premises {
        connections: Connections::new(Limits {
            total: config.max_connections as usize,
            per_address: config.max_connections_per_address as usize,
            handshakes: HANDSHAKES,
        }),
        actors: actors.clone(),
        tls: Some(tls.clone()),
        proxies: config.proxy_networks.clone().into(),
        handshake_timeout: HANDSHAKE,
    }
}

/// The store, and the clock that goes with it: a manual one goes on where it stood.
async fn open_store(config: &Config) -> Result<(Store, Ticker), String> {
    let options = StoreOptions {
        engine: match config.store {
            StoreKind::Sled => EngineKind::Sled,
            StoreKind::Memory => EngineKind::Memory,
        },
        cache: config.cache,
        disk_reserve: config.disk_reserve,
        ..StoreOptions::new(&config.data_dir)
    };
    let store = Store::open(options, SystemClock.now()).map_err(|error| error.to_string())?;
    let clock: Arc<dyn Clock> = match config.clock {
        ClockKind::System => Arc::new(SystemClock),
        ClockKind::Manual => Arc::new(manual_clock(&store).await.map_err(|error| error.to_string())?),
    };
    Ok((store, Ticker::new(clock)))
}

async fn manual_clock(store: &Store) -> Result<ManualClock, StoreError> {
    if let Some(ClockReading(stood)) = store.get(keys::clock()).await? {
        return Ok(ManualClock::new(stood));
    }
    let now = SystemClock.now();
    let mut batch = Batch::new();
    batch.put(&keys::clock(), &ClockReading(now));
    store.commit(batch).await?;
    Ok(ManualClock::new(now))
}

/// Shutting a store waits for the disk, so not on this thread.
async fn close(store: Store) -> Result<(), String> {
    let closed = actix_rt::task::spawn_blocking(move || store.close()).await;
    closed.map_err(|error| error.to_string())?.map_err(|error| format!("the store: {error}"))
}

/// What the actors go by; an error is what is wrong with an operator's templates, in lines that name the cure.
pub(crate) fn settings(config: &Config) -> Result<Settings, String> {
    let allows = |plan: &config::Plan| Plan {
        sends: plan.sends,
        check_interval: plan.check_interval,
        storage: plan.storage,
    };
    let notices =
        Notices::load(config.templates.as_deref(), facts(config)).map_err(|error| error.to_string())?;
    Ok(Settings {
        serving: true,
        plans: config.plans.iter().map(|plan| (plan.name.clone(), allows(plan))).collect(),
        default_plan: config.plans.first().map(|plan| plan.name.clone()).unwrap_or_default(),
        hostname: config.hostname.clone(),
        default_language: config.language.clone(),
        takeover_after: config.pop3_takeover_after,
        check_burst: config.check_burst,
        check_grace: config.check_grace,
        access: access::Figures { check_grace: config.check_grace, ..config.access.clone() },
        abuse: config.abuse.clone(),
        inactive_refuses_mail: config.inactive_refuses_mail,
        client_password: config.client_password,
        brake: config.brake,
        composer: Arc::new(notices),
        courier: None,
        key_maker: Some(signing::keysmith(config)?),
        forward_seal: None,
        detail_separator: config.users.detail_separator,
        reporter: Arc::new(Reports::new(config.hostname.clone())),
        queue: config.queue.clone(),
        trainer: None,
        texter: None,
        sms: config.users.sms.figures,
        sessions_per_account: config.max_connections_per_account,
        argon2: config.argon2,
        scram: config.scram,
        hashes_at_once: std::thread::available_parallelism().map_or(1, usize::from),
        lockout: config.failed_logins.clone(),
    })
}

/// What the letters of notices tell.
fn facts(config: &Config) -> Facts {
    Facts {
        hostname: config.hostname.clone(),
        web: config.web_url.clone(),
        support: config.support_url.clone(),
        zone: config.timezone.clone(),
        access: config.access.clone(),
        inactive_refuses_mail: config.inactive_refuses_mail,
    }
}

fn certificates(config: &Config, ticker: &Ticker) -> Result<Arc<Certificates>, String> {
    let files = match config.tls {
        TlsSource::Files => CertificateFiles::new(&config.tls_cert, &config.tls_key),
        TlsSource::SelfSigned => self_signed::certificate(&config.data_dir, &config.hostname, ticker.now()),
    };
    files.and_then(|files| Certificates::load(files, ticker.now())).map_err(|error| error.to_string())
}

/// A listening socket and what is spoken on it.
struct Door {
    kind: DoorKind,
    socket: TcpListener,
}

#[derive(Clone, Copy)]
enum DoorKind {
    Pop3 { implicit_tls: bool },
    Imap { implicit_tls: bool },
    Smtp(Role),
}

/// Binds all ports before anything else is done, so that a mistake costs nothing (SPEC P9).
fn bind_all(listen: &Listen) -> Result<Vec<Door>, String> {
    let mut inherited = Inherited::from_env().map_err(|error| format!("inherited sockets: {error}"))?;
    let kinds = [
        DoorKind::Pop3 { implicit_tls: false },
        DoorKind::Pop3 { implicit_tls: true },
        DoorKind::Smtp(Role::Submission),
        DoorKind::Smtp(Role::Submissions),
        DoorKind::Smtp(Role::Mx),
        DoorKind::Imap { implicit_tls: false },
        DoorKind::Imap { implicit_tls: true },
        DoorKind::Smtp(Role::Lmtp),
    ];
    let mut doors = Vec::new();
    for (kind, (variable, addresses)) in kinds.into_iter().zip(listen.all()) {
        for address in addresses {
            let socket = bind(variable, *address, &mut inherited).map_err(|error| error.to_string())?;
            doors.push(Door { kind, socket });
        }
    }
    match inherited.unclaimed()[..] {
        [] => Ok(doors),
        [address, ..] => Err(format!(
            "the inherited socket {address} is in none of POSTERN_LISTEN_…: name its port there, or don't pass it"
        )),
    }
}

/// LMTP through socket files: nobody examines what comes there (SPEC P7).
fn open_files(config: &Config, listeners: &Listeners, files: &[SocketFile]) -> io::Result<()> {
    let settings = Arc::new(smtp_settings(config));
    for file in files {
        let settings = Arc::clone(&settings);
        let session = Box::new(move |visitor: crate::net::arrival::Visitor| {
            SmtpSession::new(Arc::clone(&settings), Role::Lmtp, visitor.client.ip())
        });
        let service = Service { name: "lmtp", protocol: Protocol::Smtp, implicit_tls: false, session };
        listeners.serve_local(service, file)?;
    }
    Ok(())
}

fn open_doors(
    config: &Config,
    gatekeeper: &Arc<Gatekeeper>,
    listeners: &Listeners,
    doors: &[Door],
) -> io::Result<Vec<(&'static str, SocketAddr)>> {
    let smtp = smtp::Settings { gatekeeper: Some(Arc::clone(gatekeeper)), ..smtp_settings(config) };
    let (pop3, smtp) = (Arc::new(pop3_settings(config)), Arc::new(smtp));
    let imap = Arc::new(imap_settings(config));
    let mut bound = Vec::new();
    for door in doors {
        let name = match door.kind {
            DoorKind::Pop3 { implicit_tls } => {
                let (settings, name) = (Arc::clone(&pop3), if implicit_tls { "pop3s" } else { "pop3" });
                let session = Box::new(move |_| Pop3::new(Arc::clone(&settings)));
                listeners
                    .serve(Service { name, protocol: Protocol::Pop3, implicit_tls, session }, &door.socket)?;
                name
            }
            DoorKind::Imap { implicit_tls } => {
                let (settings, name) = (Arc::clone(&imap), if implicit_tls { "imaps" } else { "imap" });
                let session = Box::new(move |_| Imap::new(Arc::clone(&settings)));
                listeners
                    .serve(Service { name, protocol: Protocol::Imap, implicit_tls, session }, &door.socket)?;
                name
            }
            DoorKind::Smtp(role) => {
                let (settings, name) = (Arc::clone(&smtp), role_name(role));
                let implicit_tls = role == Role::Submissions;
                let session = Box::new(move |visitor: crate::net::arrival::Visitor| {
                    SmtpSession::new(Arc::clone(&settings), role, visitor.client.ip())
                });
                listeners
                    .serve(Service { name, protocol: Protocol::Smtp, implicit_tls, session }, &door.socket)?;
                name
            }
        };
        bound.push((name, door.socket.local_addr()?));
    }
    Ok(bound)
}

fn role_name(role: Role) -> &'static str {
    match role {
        Role::Submissions => "submissions",
        Role::Submission => "submission",
        Role::Mx => "smtp",
        Role::Lmtp => "lmtp",
    }
}

fn places(config: &Config) -> Places {
    Places { web: config.web_url.clone(), support: config.support_url.clone(), zone: config.timezone.clone() }
}

/// What POP3's sessions go by.
pub fn pop3_settings(config: &Config) -> pop3::Settings {
    pop3::Settings {
        hostname: config.hostname.clone(),
        places: places(config),
        legacy_plaintext: config.legacy_plaintext,
        stls: true,
        scram: config.scram,
        autologout: config.pop3_autologout,
        login_timeout: POP3_LOGIN,
        login_delays: config.plans.iter().map(|plan| (plan.name.clone(), plan.check_interval)).collect(),
        language: Language::lookup(&config.language).unwrap_or(Language::English),
    }
}

/// What IMAP's sessions go by.
pub fn imap_settings(config: &Config) -> imap::Settings {
    imap::Settings {
        legacy_plaintext: config.legacy_plaintext,
        scram: config.scram,
        autologout: config.imap_idle_timeout,
        message_size: config.message_size,
        ..imap::Settings::new(config.hostname.clone(), places(config))
    }
}

/// Who examines letters that come in.
fn gatekeeper(config: &Config, dns: Option<&Dns>, actors: &Actors) -> Result<Gatekeeper, String> {
    let filter = filter::filter(config)?;
    Ok(Gatekeeper::new(Setup {
        hostname: config.hostname.clone(),
        rules: config.inbound.clone(),
        dns: dns.and_then(Dns::authenticator),
        filter,
        store: actors.store().clone(),
        post: Some(Arc::new(Office(actors.clone()))),
    }))
}

/// What SMTP's sessions go by.
pub fn smtp_settings(config: &Config) -> smtp::Settings {
    smtp::Settings {
        message_size: config.message_size,
        recipients: config.plans.iter().map(|plan| plan.sends.recipients).max().unwrap_or(100),
        legacy_plaintext: config.legacy_plaintext,
        scram: config.scram,
        ..smtp::Settings::new(config.hostname.clone(), places(config))
    }
}

/// Writes down which ports were bound: for port 0 nobody else could know.
fn write_down(dir: &Path, bound: &[(&'static str, SocketAddr)]) -> Result<(), String> {
    let text: String = bound.iter().map(|(service, address)| format!("{service} {address}\n")).collect();
    let (path, new) = (dir.join(LISTENERS), dir.join("listeners.new"));
    let written = fs::write(&new, text).and_then(|()| fs::rename(&new, &path));
    written.map_err(|error| format!("{}: {error}", path.display()))
}
