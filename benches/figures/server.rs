//! The server under test: the release binary as a process of its own, on free loopback ports, with a data directory that
//! is removed at the end.

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use postern_actors::admin::{AccessChange, AdminRequest, ImportRow, Secret};
use postern_model::Protocol;
use rustls_pki_types::CertificateDer;
use tempfile::TempDir;
use zeroize::Zeroizing;

use crate::Outcome;
use crate::client::{DOMAIN, PASSWORD, Target};
use crate::process;

/// How long a start or a stop may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// Requests that the control socket serves at once.
const ASKERS: usize = 8;

/// A plan without send windows (SPEC Q1): the limit of what is measured is the server, not its policy.
pub(crate) const UNLIMITED: [(&str, &str); 3] = [
    ("POSTERN_PLAN_FREE_SENDS_PER_MINUTE", "unlimited"),
    ("POSTERN_PLAN_FREE_SENDS_PER_HOUR", "unlimited"),
    ("POSTERN_PLAN_FREE_SENDS_PER_DAY", "unlimited"),
];

/// A directory on the disk that is measured: the build's own, never a file system in memory.
pub(crate) fn scratch() -> Outcome<TempDir> {
    Ok(tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?)
}

/// A certificate authority and one ECDSA P-256 certificate for `mail.bench.test`, as PEM files in a directory.
pub(crate) struct Certificate {
    /// What clients trust.
    pub(crate) authority: CertificateDer<'static>,
    dir: TempDir,
}

impl Certificate {
    /// Makes both anew.
    pub(crate) fn make() -> Outcome<Certificate> {
        let authority_key = rcgen::KeyPair::generate()?;
        let mut params = rcgen::CertificateParams::new(Vec::new())?;
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let authority = params.self_signed(&authority_key)?;
        let authority_der = authority.der().clone();
        let issuer = rcgen::Issuer::new(params, authority_key);
        let key = rcgen::KeyPair::generate()?;
        let leaf = rcgen::CertificateParams::new(vec![format!("mail.{DOMAIN}")])?.signed_by(&key, &issuer)?;
        let dir = scratch()?;
        fs::write(dir.path().join("cert.pem"), leaf.pem())?;
        fs::write(dir.path().join("key.pem"), key.serialize_pem())?;
        Ok(Certificate { authority: authority_der, dir })
    }

    /// Where `cert.pem` and `key.pem` are.
    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }
}

/// A running `postern serve`.
pub(crate) struct Server {
    child: Child,
    dir: TempDir,
    listeners: HashMap<String, SocketAddr>,
    authority: CertificateDer<'static>,
}

impl Server {
    /// Starts it on a new data directory, with `extra` variables.
    pub(crate) fn start(certificate: &Certificate, extra: &[(&str, &str)]) -> Outcome<Server> {
        Self::start_in(scratch()?, certificate, extra)
    }

    /// Stops it and starts it again on the same data.
    pub(crate) fn restart(self, certificate: &Certificate, extra: &[(&str, &str)]) -> Outcome<Server> {
        Self::start_in(self.stop()?, certificate, extra)
    }

    /// Starts it on a data directory that is there already.
    pub(crate) fn start_in(
        dir: TempDir,
        certificate: &Certificate,
        extra: &[(&str, &str)],
    ) -> Outcome<Server> {
        let data = dir.path().join("data");
        let listeners = data.join("listeners");
        if listeners.exists() {
            fs::remove_file(&listeners)?;
        }
        let mut command = Command::new(env!("CARGO_BIN_EXE_postern"));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("POSTERN_") {
                command.env_remove(name);
            }
        }
        let mut child = command
            .arg("serve")
            .env("POSTERN_DATA_DIR", &data)
            .env("POSTERN_HOSTNAME", format!("mail.{DOMAIN}"))
            .env("POSTERN_TLS", "files")
            .env("POSTERN_TLS_CERT", certificate.dir().join("cert.pem"))
            .env("POSTERN_TLS_KEY", certificate.dir().join("key.pem"))
            .env("POSTERN_LISTEN_POP3", "off")
            .env("POSTERN_LISTEN_POP3S", "127.0.0.1:0")
            .env("POSTERN_LISTEN_IMAP", "off")
            .env("POSTERN_LISTEN_IMAPS", "127.0.0.1:0")
            .env("POSTERN_LISTEN_SUBMISSION", "off")
            .env("POSTERN_LISTEN_SUBMISSIONS", "127.0.0.1:0")
            .env("POSTERN_LISTEN_SMTP", "off")
            .env("POSTERN_MAX_CONNECTIONS", "100000")
            .env("POSTERN_MAX_CONNECTIONS_PER_ADDRESS", "100000")
            .env("POSTERN_MAX_CONNECTIONS_PER_ACCOUNT", "1000")
            .envs(UNLIMITED)
            // One client plays everybody, and sends one text to all.
            .env("POSTERN_CHECK_INTERVAL", "0s")
            .env("POSTERN_ABUSE_WEIGHTS", "new-recipient=0,same-body=0")
            .envs(extra.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(dir.path().join("log"))?)
            .spawn()?;
        let begun = Instant::now();
        while !listeners.exists() {
            let ended = child.try_wait()?;
            if ended.is_some() || begun.elapsed() > PATIENCE {
                let log = fs::read_to_string(dir.path().join("log"))?;
                return Err(format!("the server did not start: {log}").into());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let listeners = fs::read_to_string(&listeners)?
            .lines()
            .filter_map(|line| {
                let (name, address) = line.split_once(' ')?;
                Some((name.to_owned(), address.parse().ok()?))
            })
            .collect();
        Ok(Server { child, dir, listeners, authority: certificate.authority.clone() })
    }

    /// Stops it in order, and leaves the data.
    pub(crate) fn stop(mut self) -> Outcome<TempDir> {
        process::terminate(&mut self.child, PATIENCE)?;
        let emptied = scratch()?;
        Ok(std::mem::replace(&mut self.dir, emptied))
    }

    /// The listener of this name.
    pub(crate) fn target(&self, listener: &str) -> Outcome<Target> {
        let address = self.listeners.get(listener).ok_or_else(|| format!("no listener {listener}"))?;
        Target::new(*address, &self.authority)
    }

    /// CPU time that it has used, in seconds.
    pub(crate) fn cpu(&self) -> Outcome<f64> {
        process::cpu(self.child.id())
    }

    /// Its proportional set size, in KiB.
    pub(crate) fn pss(&self) -> Outcome<f64> {
        process::pss(self.child.id())
    }

    fn admin(&self, request: &AdminRequest) -> Outcome<()> {
        let mut stream = UnixStream::connect(self.dir.path().join("data/control.sock"))?;
        let mut line = serde_json::to_vec(request)?;
        line.push(b'\n');
        stream.write_all(&line)?;
        let mut answer = String::new();
        BufReader::new(stream).read_line(&mut answer)?;
        if answer.starts_with("{\"ok\"") { Ok(()) } else { Err(answer.into()) }
    }

    /// Makes the domain.
    pub(crate) fn add_domain(&self) -> Outcome<()> {
        self.admin(&AdminRequest::DomainAdd { domain: DOMAIN.to_owned() })
    }

    /// Makes accounts with [`PASSWORD`], and opens all protocols to them.
    pub(crate) fn add_accounts(&self, addresses: &[String]) -> Outcome<()> {
        let row = |(line, address): (usize, &String)| ImportRow {
            line: line as u64,
            address: address.clone(),
            plan: None,
            hash: Secret(Zeroizing::new(format!("{{PLAIN}}{PASSWORD}"))),
        };
        let rows = addresses.iter().enumerate().map(row).collect();
        self.admin(&AdminRequest::AccountImport { rows, unread: Vec::new(), keep_going: false })?;
        let share = addresses.len().div_ceil(ASKERS).max(1);
        std::thread::scope(|scope| {
            let open = |share: &[String]| share.iter().try_for_each(|address| self.open_access(address));
            let askers: Vec<_> =
                addresses.chunks(share).map(|share| scope.spawn(move || open(share))).collect();
            askers.into_iter().try_for_each(|asker| asker.join().map_err(|_| "an asker panicked")?)
        })
    }

    fn open_access(&self, address: &str) -> Outcome<()> {
        self.admin(&AdminRequest::SetAccess {
            address: address.to_owned(),
            change: AccessChange::On,
            protocols: Protocol::ALL.to_vec(),
            now: true,
            reason: None,
            as_user: false,
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Where it has ended already, there is nothing left to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
