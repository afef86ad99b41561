//! The configuration: environment variables `POSTERN_…` and nothing else (SPEC O1).
//!
//! `table` and `gate` have one row per variable; [`Config::read`] reads them all and reports every mistake at once; `show` prints
//! what holds and the documentation. Nobody else reads the environment.

mod field;
mod gate;
mod inbound;
mod kinds;
mod out;
mod queue;
mod read;
mod screen;
mod show;
mod table;
#[cfg(test)]
mod tests;
mod users;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use postern_actors::{Argon2Cost, BrakeFigures};
use postern_policy::{abuse, access, lockout, retry, send_window};

use crate::net::network::Network;
pub use gate::is_replayed;
pub use inbound::Inbound;
pub use kinds::{Problem, span};
pub use out::{Out, Resolver};
pub use postern_policy::calendar::Span;
pub use read::{Mistake, Mistakes, PREFIX};
pub use screen::Screen;
pub use show::markdown;
pub use users::Users;

/// What the server is told, each value checked. The variable's row says what a field means.
#[derive(Clone, Debug)]
pub struct Config {
    /// `POSTERN_DATA_DIR`
    pub data_dir: PathBuf,
    /// `POSTERN_HOSTNAME`: a domain name in lower case as A-labels.
    pub hostname: String,
    /// `POSTERN_LISTEN_…`
    pub listen: Listen,
    /// `POSTERN_TLS`
    pub tls: TlsSource,
    /// `POSTERN_TLS_CERT`: as many as `tls_key` when serving.
    pub tls_cert: Vec<PathBuf>,
    /// `POSTERN_TLS_KEY`
    pub tls_key: Vec<PathBuf>,
    /// `POSTERN_LEGACY_PLAINTEXT` (SPEC P5)
    pub legacy_plaintext: bool,
    /// `POSTERN_PROXY_NETWORKS` (SPEC P11)
    pub proxy_networks: Vec<Network>,
    /// `POSTERN_WEB_URL`
    pub web_url: String,
    /// `POSTERN_SUPPORT_URL`
    pub support_url: String,
    /// `POSTERN_TIMEZONE`
    pub timezone: jiff::tz::TimeZone,
    /// `POSTERN_LANGUAGE`: `en`, `lv` or `ru`.
    pub language: String,
    /// `POSTERN_FAILED_LOGIN_…` (SPEC I4)
    pub failed_logins: lockout::Figures,
    /// `POSTERN_MAX_CONNECTIONS`
    pub max_connections: u32,
    /// `POSTERN_MAX_CONNECTIONS_PER_ADDRESS`
    pub max_connections_per_address: u32,
    /// `POSTERN_MAX_CONNECTIONS_PER_ACCOUNT`
    pub max_connections_per_account: u32,
    /// `POSTERN_SCRAM` (SPEC I3)
    pub scram: bool,
    /// `POSTERN_SECRET_KEY_FILE` (SPEC O1)
    pub secret_key_file: Option<PathBuf>,
    /// `POSTERN_ARGON2` (SPEC I3)
    pub argon2: Argon2Cost,
    /// `POSTERN_CACHE`, in octets.
    pub cache: u64,
    /// `POSTERN_DISK_RESERVE`, in octets.
    pub disk_reserve: u64,
    /// `POSTERN_POP3_TAKEOVER_AFTER` (SPEC C2)
    pub pop3_takeover_after: Duration,
    /// `POSTERN_POP3_AUTOLOGOUT` (SPEC C2)
    pub pop3_autologout: Duration,
    /// `POSTERN_IMAP_IDLE_TIMEOUT`
    pub imap_idle_timeout: Duration,
    /// `POSTERN_PLANS` with `POSTERN_PLAN_<NAME>_…` (SPEC Q1): never empty, the first is the default.
    pub plans: Vec<Plan>,
    /// `POSTERN_TEMPLATES` (SPEC N2); `None`: those built in.
    pub templates: Option<PathBuf>,
    /// `POSTERN_ACTIVATION_DELAY` and the others of SPEC A.
    pub access: access::Figures,
    /// `POSTERN_INACTIVE_MAIL` (SPEC A9): an inactive account's mail is refused.
    pub inactive_refuses_mail: bool,
    /// `POSTERN_CLIENT_PASSWORD` (SPEC A12): mail programs need a password of their own.
    pub client_password: bool,
    /// `POSTERN_CHECK_INTERVAL` (SPEC C3), where a plan has none of its own; zero: any time.
    pub check_interval: Duration,
    /// `POSTERN_CHECK_BURST` (SPEC C3)
    pub check_burst: u32,
    /// `POSTERN_CHECK_GRACE` (SPEC C3); a tenth of the interval is all that counts of it.
    pub check_grace: Duration,
    /// `POSTERN_ABUSE_…` (SPEC Q4)
    pub abuse: abuse::Figures,
    /// `POSTERN_BRAKE_…` (SPEC A16)
    pub brake: BrakeFigures,
    /// How letters leave (SPEC D3).
    pub out: Out,
    /// `POSTERN_QUEUE_…` (SPEC D3)
    pub queue: retry::Figures,
    /// What letters from elsewhere have to pass (SPEC D4).
    pub inbound: Inbound,
    /// `POSTERN_MESSAGE_SIZE`, in octets.
    pub message_size: u64,
    /// What holds for users' own arrangements (SPEC D6, D7).
    pub users: Users,
    /// `POSTERN_CLOCK` (SPEC O6)
    pub clock: ClockKind,
    /// `POSTERN_STORE`
    pub store: StoreKind,
    /// `POSTERN_WORKERS`
    pub workers: u32,
    /// `POSTERN_LOG`: a filter that tracing-subscriber takes.
    pub log: String,
    /// `POSTERN_LOG_FORMAT`
    pub log_format: LogFormat,
    /// What filters letters.
    pub screen: Screen,
    /// Every variable's text and origin, for `postern config`.
    effective: Vec<Effective>,
}

/// Where each service listens; an empty list is `off`.
#[derive(Clone, Debug, Default)]
pub struct Listen {
    /// POP3 with STLS.
    pub pop3: Vec<SocketAddr>,
    /// POP3 over TLS.
    pub pop3s: Vec<SocketAddr>,
    /// Submission with STARTTLS.
    pub submission: Vec<SocketAddr>,
    /// Submission over TLS.
    pub submissions: Vec<SocketAddr>,
    /// SMTP from other servers.
    pub smtp: Vec<SocketAddr>,
    /// LMTP, for a server in front.
    pub lmtp: Vec<SocketAddr>,
    /// LMTP through socket files.
    pub lmtp_files: Vec<PathBuf>,
    /// IMAP with STARTTLS.
    pub imap: Vec<SocketAddr>,
    /// IMAP over TLS.
    pub imaps: Vec<SocketAddr>,
}

impl Listen {
    /// Each service's variable and addresses.
    pub fn all(&self) -> [(&'static str, &[SocketAddr]); 8] {
        [
            ("POSTERN_LISTEN_POP3", &self.pop3),
            ("POSTERN_LISTEN_POP3S", &self.pop3s),
            ("POSTERN_LISTEN_SUBMISSION", &self.submission),
            ("POSTERN_LISTEN_SUBMISSIONS", &self.submissions),
            ("POSTERN_LISTEN_SMTP", &self.smtp),
            ("POSTERN_LISTEN_IMAP", &self.imap),
            ("POSTERN_LISTEN_IMAPS", &self.imaps),
            ("POSTERN_LISTEN_LMTP", &self.lmtp),
        ]
    }
}

/// A plan of accounts (SPEC Q1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Its name: small letters and digits.
    pub name: String,
    /// What its accounts may send (SPEC Q1, Q2).
    pub sends: send_window::Figures,
    /// How far apart its accounts may check their mail over POP3 (SPEC C3); zero: any time.
    pub check_interval: Duration,
    /// Octets that its accounts may store (SPEC D8); `None` is without limit.
    pub storage: Option<u64>,
}

/// Where certificates come from (SPEC P10).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsSource {
    /// PEM files.
    Files,
    /// Made in the data directory.
    SelfSigned,
}

/// Which clock the server goes by (SPEC O6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockKind {
    /// The machine's.
    System,
    /// One that is advanced by command.
    Manual,
}

/// The store's engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreKind {
    /// On disk.
    Sled,
    /// Forgotten at the end.
    Memory,
}

/// The form of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}

/// What the configuration is read for: some defaults and demands depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A command that listens nowhere.
    Command,
    /// `postern serve`
    Serve,
    /// `postern demo`: defaults of its own, loopback only (SPEC O3).
    Demo,
}

/// What defaults need to know of the machine.
#[derive(Clone, Debug)]
pub struct Machine {
    /// Its host name.
    pub name: String,
    /// Threads that run at once.
    pub cores: usize,
    /// Whether it has IPv6 at all.
    pub ipv6: bool,
}

impl Machine {
    /// This one.
    pub fn here() -> Machine {
        Machine {
            name: rustix::system::uname().nodename().to_string_lossy().into_owned(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            ipv6: std::net::UdpSocket::bind((std::net::Ipv6Addr::UNSPECIFIED, 0)).is_ok(),
        }
    }

    fn all_addresses(&self, port: u16) -> String {
        if self.ipv6 { format!("0.0.0.0:{port},[::]:{port}") } else { format!("0.0.0.0:{port}") }
    }
}

/// One variable as it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effective {
    /// Its whole name.
    pub name: String,
    /// Its value as text; `(secret)` for a secret.
    pub value: String,
    /// Where the value comes from.
    pub origin: Origin,
}

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// The variable.
    Environment,
    /// The file that `…_FILE` names.
    File,
}
