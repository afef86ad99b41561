//! A server's process, its data directory, and the command line beside it.

use std::collections::HashMap;
use std::env;
use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::program::{Outcome, finish};
use super::{ALICE, BOB};

/// A service that listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Service {
    /// Port 110
    Pop3,
    /// Port 995
    Pop3s,
    /// Port 143
    Imap,
    /// Port 993
    Imaps,
    /// Port 587
    Submission,
    /// Port 465
    Submissions,
    /// Port 25
    Smtp,
}

impl Service {
    const ALL: [(Service, &str, &str); 7] = [
        (Service::Pop3, "pop3", "POSTERN_LISTEN_POP3"),
        (Service::Pop3s, "pop3s", "POSTERN_LISTEN_POP3S"),
        (Service::Imap, "imap", "POSTERN_LISTEN_IMAP"),
        (Service::Imaps, "imaps", "POSTERN_LISTEN_IMAPS"),
        (Service::Submission, "submission", "POSTERN_LISTEN_SUBMISSION"),
        (Service::Submissions, "submissions", "POSTERN_LISTEN_SUBMISSIONS"),
        (Service::Smtp, "smtp", "POSTERN_LISTEN_SMTP"),
    ];
}

/// What every server of the tests is told: ports that are free, cheap hashes, no waiting after a failed login, no limits
/// of letters and of checks. Tests of policy go by the product's own figures again ([`Server::with_policy`]).
const SETTINGS: [(&str, &str); 12] = [
    ("POSTERN_HOSTNAME", "mail.demo.test"),
    ("POSTERN_TLS", "self-signed"),
    ("POSTERN_RESOLVER", "none"),
    ("POSTERN_ARGON2", "m=8,t=1,p=1"),
    ("POSTERN_FAILED_LOGIN_DELAY", "0s"),
    ("POSTERN_WORKERS", "2"),
    ("POSTERN_DISK_RESERVE", "1MiB"),
    ("POSTERN_CHECK_INTERVAL", "0s"),
    ("POSTERN_THEFT_NETWORKS", "off"),
    ("POSTERN_PLAN_FREE_SENDS_PER_MINUTE", "unlimited"),
    ("POSTERN_PLAN_FREE_SENDS_PER_HOUR", "unlimited"),
    ("POSTERN_PLAN_PLUS_SENDS_PER_MINUTE", "unlimited"),
];

/// Those of [`SETTINGS`] that stand in for a figure of policy.
const POLICY: [&str; 5] = [
    "POSTERN_CHECK_INTERVAL",
    "POSTERN_THEFT_NETWORKS",
    "POSTERN_PLAN_FREE_SENDS_PER_MINUTE",
    "POSTERN_PLAN_FREE_SENDS_PER_HOUR",
    "POSTERN_PLAN_PLUS_SENDS_PER_MINUTE",
];

/// A server. Dropped, it is killed, and its directory removed.
pub(crate) struct Server {
    dir: TempDir,
    data: PathBuf,
    settings: Vec<(String, String)>,
    /// The network namespace that it lives in, where that is another than the test's.
    namespace: Option<String>,
    child: Option<Child>,
    addresses: HashMap<Service, SocketAddr>,
}

impl Server {
    /// A server with an empty store, running, its settings changed by `extra`.
    pub(crate) fn start(extra: &[(&str, &str)]) -> Server {
        let mut server = Server::stopped(extra);
        server.restart();
        server
    }

    /// A running server with the domain demo.test and two accounts whose access is on.
    pub(crate) fn with_accounts(extra: &[(&str, &str)]) -> Server {
        let server = Server::start(extra);
        server.ok(&["domain", "add", "demo.test"]);
        for account in [ALICE, BOB] {
            server.add_account(account);
        }
        server
    }

    /// A server that doesn't run yet.
    pub(crate) fn stopped(extra: &[(&str, &str)]) -> Server {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let data = dir.path().join("data");
        Server::at(dir, data, extra)
    }

    /// A server that doesn't run yet, with its data in `data`; it keeps `dir` until dropped.
    pub(crate) fn at(dir: TempDir, data: PathBuf, extra: &[(&str, &str)]) -> Server {
        let listeners = Service::ALL.map(|(_, _, variable)| (variable, "127.0.0.1:0"));
        let mut server = Server {
            dir,
            data,
            settings: Vec::new(),
            namespace: None,
            child: None,
            addresses: HashMap::new(),
        };
        let path = server.data.to_string_lossy().into_owned();
        server.set("POSTERN_DATA_DIR", &path);
        for (name, value) in SETTINGS.iter().chain(&listeners).chain(extra) {
            server.set(name, value);
        }
        server
    }

    /// Lives in a network namespace and listens on the usual ports of `address` there.
    pub(crate) fn within(mut self, namespace: &str, address: &str) -> Server {
        self.namespace = Some(namespace.to_owned());
        let ports = [110, 995, 143, 993, 587, 465, 25];
        for ((_, _, variable), port) in Service::ALL.into_iter().zip(ports) {
            self.set(variable, &format!("{address}:{port}"));
        }
        self
    }

    /// Goes by the product's own figures of policy, as they are where nobody sets them.
    pub(crate) fn with_policy(mut self) -> Server {
        self.settings.retain(|(name, _)| !POLICY.contains(&name.as_str()));
        self
    }

    /// Changes a setting, for the next start.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.settings.retain(|(other, _)| other != name);
        self.settings.push((name.to_owned(), value.to_owned()));
    }

    /// Starts the process again, or for the first time, and waits until it listens.
    pub(crate) fn restart(&mut self) {
        self.sigkill();
        self.spawn();
        let on = |variable| self.settings.iter().any(|(name, value)| name == variable && value != "off");
        let expected = Service::ALL.into_iter().filter(|(_, _, variable)| on(*variable)).count();
        let file = self.data.join("listeners");
        self.addresses = patiently("the server listens", || {
            if let Some(status) = self.child.as_mut().and_then(|child| child.try_wait().ok()).flatten() {
                panic!("the server ended ({status}): {}", self.log());
            }
            let found = listeners(&fs::read_to_string(&file).ok()?);
            (found.len() == expected).then_some(found)
        });
    }

    /// Starts the process without waiting for it to listen.
    pub(crate) fn spawn(&mut self) {
        // What an earlier process left must not be taken for this one's.
        let _ = fs::remove_file(self.data.join("listeners"));
        let log = File::options().create(true).append(true).open(self.log_path()).expect("the log opens");
        let child = self.command(&["serve"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn();
        self.child = Some(child.expect("the server's process starts"));
    }

    fn command(&self, args: &[&str]) -> Command {
        // Not the environment of the test: a POSTERN_ variable there would be taken for a setting.
        const PROGRAM: &str = env!("CARGO_BIN_EXE_postern");
        let mut command = Command::new(if self.namespace.is_some() { "ip" } else { PROGRAM });
        if let Some(namespace) = &self.namespace {
            command.args(["netns", "exec", namespace, PROGRAM]);
        }
        command.args(args).env_clear().current_dir(self.dir.path());
        command.env("PATH", env::var_os("PATH").unwrap_or_default()).env("RUST_BACKTRACE", "1");
        command.envs(self.settings.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Makes an account, with its access on.
    pub(crate) fn add_account(&self, (address, password): (&str, &str)) {
        let made = self.cli(&["account", "add", address, "--password-stdin"], password);
        made.expect_success("account add");
        self.ok(&["account", "access", address, "on", "--now"]);
    }

    /// Runs the command line with this server's settings.
    pub(crate) fn cli(&self, args: &[&str], input: &str) -> Outcome {
        finish(&mut self.command(args), input.as_bytes())
    }

    /// Runs the command line, which is to end with 0; returns what it printed.
    pub(crate) fn ok(&self, args: &[&str]) -> String {
        self.cli(args, "").expect_success(&args.join(" "))
    }

    /// Where a service listens.
    pub(crate) fn address(&self, service: Service) -> SocketAddr {
        *self.addresses.get(&service).unwrap_or_else(|| panic!("{service:?} doesn't listen"))
    }

    /// The certificate to trust.
    pub(crate) fn certificate(&self) -> PathBuf {
        self.data.join("self-signed.pem")
    }

    /// The data directory.
    pub(crate) fn data(&self) -> &Path {
        &self.data
    }

    /// A directory for whatever a test needs.
    pub(crate) fn scratch(&self, name: &str) -> PathBuf {
        let path = self.dir.path().join(name);
        fs::create_dir_all(&path).expect("a directory in a temporary one");
        path
    }

    fn log_path(&self) -> PathBuf {
        self.dir.path().join("log")
    }

    /// All that its processes have logged.
    pub(crate) fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.log_path()).unwrap_or_default()).into_owned()
    }

    /// Kills the process, as a crash does.
    pub(crate) fn sigkill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("one's own child can be killed");
            child.wait().expect("a killed child ends");
        }
    }

    /// The process's id.
    pub(crate) fn process(&self) -> u32 {
        self.child.as_ref().expect("the server runs").id()
    }

    /// Hands the process over to a caller who ends it while others still talk to it.
    pub(crate) fn detach(&mut self) -> Child {
        self.child.take().expect("the server runs")
    }

    /// Sends the process a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        let id = self.child.as_ref().expect("the server runs").id();
        let pid = Pid::from_raw(id.cast_signed()).expect("a process id isn't 0");
        kill_process(pid, signal).expect("the server takes signals");
    }

    /// Waits for the process to end by itself.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        let mut child = self.child.take().expect("the server runs");
        patiently("the server ends", || child.try_wait().expect("one's own child can be waited for"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.sigkill();
        if thread::panicking() {
            let log = self.log();
            let tail: Vec<_> = log.lines().rev().take(40).collect();
            eprintln!("--- the end of the server's log ---");
            tail.iter().rev().for_each(|line| eprintln!("{line}"));
        }
    }
}

/// The lines of the file in which a server says where it listens; none of them while it is being written.
fn listeners(text: &str) -> HashMap<Service, SocketAddr> {
    let service = |name| Service::ALL.into_iter().find(|(_, n, _)| *n == name).map(|(service, _, _)| service);
    text.split_inclusive('\n')
        .filter_map(|line| line.strip_suffix('\n')?.split_once(' '))
        .filter_map(|(name, address)| Some((service(name)?, address.parse().ok()?)))
        .collect()
}

/// Asks again and again until there is an answer. Fails after a time that is long for whatever works.
pub(crate) fn patiently<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(begin.elapsed() < Duration::from_secs(60), "not within a minute: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}
