//! A whole server within the test: store in memory, clock moved by hand, every door on a free port of the loopback.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use postern::config::{Config, Machine, Purpose};
use postern::serve::Server;
use postern_actors::Actors;
use postern_actors::admin::{AccessChange, AdminRequest, Secret};
use postern_actors::order::{Acceptance, Judged, LocalRcpt};
use postern_model::mime::Scanner;
use postern_model::record::MailTerms;
use postern_model::{EmailAddress, MailFrom, Protocol};
use tempfile::TempDir;
use zeroize::Zeroizing;

use super::script::{DoorKind, Setup};

/// What every test's server is told, unless the transcript says otherwise. Failed logins are answered at once, since
/// nobody moves the clock while a client waits; hashes cost as little as they may, and SCRAM's iterations are paid by
/// those transcripts alone that are about SCRAM. Mail may be checked at any time, but where a transcript is about that.
const DEFAULTS: [(&str, &str); 16] = [
    ("POSTERN_HOSTNAME", "mail.demo.test"),
    ("POSTERN_WEB_URL", "https://mail.demo.test/"),
    ("POSTERN_SUPPORT_URL", "https://mail.demo.test/help"),
    ("POSTERN_STORE", "memory"),
    ("POSTERN_CLOCK", "manual"),
    ("POSTERN_TLS", "self-signed"),
    ("POSTERN_RESOLVER", "none"),
    ("POSTERN_WORKERS", "1"),
    ("POSTERN_ARGON2", "m=8,t=1,p=1"),
    ("POSTERN_SCRAM", "off"),
    ("POSTERN_FAILED_LOGIN_DELAY", "0s"),
    ("POSTERN_FAILED_LOGIN_DELAY_MAX", "0s"),
    ("POSTERN_CACHE", "16MiB"),
    ("POSTERN_TIMEZONE", "UTC"),
    ("POSTERN_LOG", "off"),
    ("POSTERN_CHECK_INTERVAL", "0s"),
];

/// Listeners, each on a port that the system picks.
const LISTENERS: [&str; 8] = ["POP3", "POP3S", "SUBMISSION", "SUBMISSIONS", "SMTP", "LMTP", "IMAP", "IMAPS"];

/// A server and what a test needs to know of it. Runs within an actix System.
pub(crate) struct World {
    pub(crate) actors: Actors,
    pub(crate) config: Config,
    server: Server,
    dir: TempDir,
}

impl World {
    pub(crate) async fn start(setup: &Setup) -> World {
        let dir = tempfile::tempdir().expect("a directory");
        let config = config(setup, dir.path());
        let server = Server::start(&config).await.expect("the server starts");
        let world = World { actors: server.actors.clone(), config, server, dir };
        world.furnish(setup).await;
        world
    }

    pub(crate) async fn stop(self) {
        self.server.stop().await.expect("the server stops");
    }

    /// Where its files are: the certificate, for one.
    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Where a door is.
    pub(crate) fn address(&self, door: DoorKind) -> SocketAddr {
        let name = match door {
            DoorKind::Smtp => "smtp",
            DoorKind::Lmtp => "lmtp",
            DoorKind::Submission => "submission",
            DoorKind::Submissions => "submissions",
            DoorKind::Pop3 => "pop3",
            DoorKind::Pop3s => "pop3s",
            DoorKind::Imap => "imap",
            DoorKind::Imaps => "imaps",
        };
        self.server.bound.iter().find(|(bound, _)| *bound == name).expect("every door is open").1
    }

    pub(crate) async fn advance(&self, by: Duration) {
        let micros = u64::try_from(by.as_micros()).expect("less than half a million years");
        self.ask(AdminRequest::ClockAdvance { micros }).await.expect("a manual clock");
    }

    /// Carries out a line of `postern`'s command line, as far as tests need it.
    pub(crate) async fn operator(&self, command: &str) -> Result<(), String> {
        let words: Vec<&str> = command.split_whitespace().collect();
        let request = match words[..] {
            ["account", "access", address, change] => access(address, change, Protocol::ALL.to_vec())?,
            ["account", "access", address, change, "--protocol", name] => {
                let protocol = Protocol::ALL.into_iter().find(|p| p.name() == name);
                access(address, change, vec![protocol.ok_or("no such protocol")?])?
            }
            ["account", "set", address, name, value] => AdminRequest::Set {
                address: address.to_owned(),
                name: name.to_owned(),
                value: value.to_owned(),
            },
            ["domain", "set", domain, name, value] => AdminRequest::DomainSet {
                domain: domain.to_owned(),
                name: name.to_owned(),
                value: value.to_owned(),
            },
            ["account", "set-password", address, password] => {
                AdminRequest::SetPassword { address: address.to_owned(), password: secret(password) }
            }
            ["account", "remove", address] => AdminRequest::AccountRemove { address: address.to_owned() },
            _ => return Err("no such command of the operator's".to_owned()),
        };
        self.ask(request).await
    }

    /// Puts a letter into the mailbox of an address, as it stands, with no field in front.
    pub(crate) async fn deliver(&self, address: &str, letter: &[u8]) {
        let address = EmailAddress::parse(address).expect("an address");
        let recipient = self.actors.find_recipient(&address).await.expect("a recipient");
        let mut spool = self.actors.store().spool();
        let mut scanner = Scanner::new();
        spool.write(letter).await.expect("room");
        scanner.feed(letter);
        let acceptance = Acceptance {
            letter: self.actors.next_letter_id().expect("an id"),
            body: spool.seal().await.expect("room"),
            facts: scanner.finish(),
            signature: postern_model::record::Signature::default(),
            locals: vec![LocalRcpt::plain(recipient, address)],
            remotes: Vec::new(),
            sent: None,
            mail_from: MailFrom::Null,
            terms: MailTerms::default(),
            judged: Judged::default(),
            forwards: Vec::new(),
            expanded: Vec::new(),
        };
        self.actors.accept(acceptance).await.expect("delivered");
    }

    async fn ask(&self, request: AdminRequest) -> Result<(), String> {
        self.actors.admin(request).await.map(drop).map_err(|error| error.0)
    }

    async fn furnish(&self, setup: &Setup) {
        for domain in &setup.domains {
            self.ask(AdminRequest::DomainAdd { domain: domain.clone() }).await.expect("a domain");
        }
        for account in &setup.accounts {
            let address = account.address.clone();
            let password = Some(secret(&account.password));
            let add = AdminRequest::AccountAdd { address: address.clone(), plan: None, password };
            self.ask(add).await.expect("an account");
            if account.on {
                self.operator(&format!("account access {address} on")).await.expect("access");
            }
            if setup.legacy_plaintext {
                self.operator(&format!("account set {address} legacy-plaintext on")).await.expect("ticked");
            }
        }
        for (address, alias) in &setup.aliases {
            let add = AdminRequest::AliasAdd { address: address.clone(), alias: alias.clone() };
            self.ask(add).await.expect("an alias");
        }
        for (address, letter) in &setup.letters {
            self.deliver(address, letter).await;
        }
    }
}

fn config(setup: &Setup, dir: &Path) -> Config {
    let mut variables: Vec<(String, String)> = vec![];
    let mut set = |name: &str, value: &str| {
        variables.retain(|(known, _)| known != name);
        variables.push((name.to_owned(), value.to_owned()));
    };
    DEFAULTS.iter().for_each(|(name, value)| set(name, value));
    LISTENERS.iter().for_each(|name| set(&format!("POSTERN_LISTEN_{name}"), "127.0.0.1:0"));
    set("POSTERN_DATA_DIR", &dir.to_string_lossy());
    set("POSTERN_LEGACY_PLAINTEXT", if setup.legacy_plaintext { "on" } else { "off" });
    if let Some(hostname) = &setup.hostname {
        set("POSTERN_HOSTNAME", hostname);
    }
    setup.variables.iter().for_each(|(name, value)| set(name, value));
    let variables = variables.into_iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
    match Config::read(variables, &Machine::here(), Purpose::Serve) {
        Ok(config) => config,
        Err(mistakes) => panic!("{mistakes}"),
    }
}

fn access(address: &str, change: &str, protocols: Vec<Protocol>) -> Result<AdminRequest, String> {
    let change = match change {
        "on" => AccessChange::On,
        "off" => AccessChange::Off,
        "block" => AccessChange::Block,
        "unblock" => AccessChange::Unblock,
        _ => return Err("access is on, off, block or unblock".to_owned()),
    };
    let now = change == AccessChange::On;
    Ok(AdminRequest::SetAccess {
        address: address.to_owned(),
        change,
        protocols,
        now,
        reason: None,
        as_user: false,
    })
}

fn secret(text: &str) -> Secret {
    Secret(Zeroizing::new(text.to_owned()))
}
