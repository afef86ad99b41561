//! The one table of variables: parsing, `postern config`, its `--markdown` and the documentation come from these rows.
//! A row may rely on the values of the rows above it.

use std::time::Duration;

use postern_policy::send_window;

use super::field::{Field, Row};
use super::kinds::{self, Problem};
use super::{Argon2Cost, ClockKind, Config, LogFormat, Plan, StoreKind, TlsSource};

pub(super) const SECOND: Duration = Duration::from_secs(1);
pub(super) const MINUTE: Duration = Duration::from_secs(60);
pub(super) const DAY: Duration = Duration::from_secs(24 * 60 * 60);
pub(super) const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);
const KIB: u64 = 1 << 10;
pub(super) const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
pub(super) const TIB: u64 = 1 << 40;

/// A variable of the server.
pub(super) type Variable = Row<Config>;

/// All variables but those of plans, in the order in which they are read and shown.
pub(super) fn rows() -> impl Iterator<Item = &'static Variable> {
    let chapters = [
        ROWS,
        super::gate::ROWS,
        super::out::ROWS,
        super::queue::ROWS,
        super::inbound::ROWS,
        super::screen::ROWS,
        super::users::ROWS,
    ];
    chapters.into_iter().flatten()
}

/// The variables of the server as such.
static ROWS: &[Variable] = &[
    Variable::new(
        "DATA_DIR",
        "/var/lib/postern",
        Field::Path { slot: |c| &mut c.data_dir },
        "The store, the control socket `control.sock`, self-signed certificates.",
    )
    .in_demo("./postern-demo"),
    Variable::new(
        "HOSTNAME",
        "",
        Field::Other { kind: "a domain name", set: hostname },
        "This server's name in greetings, replies and Received fields.",
    )
    .found("the machine's name", |machine, _| machine.name.clone())
    .in_demo("localhost"),
    Variable::new(
        "LISTEN_POP3",
        "",
        Field::Listeners { slot: |c| &mut c.listen.pop3 },
        "POP3 with STLS, for programs without TLS from the first byte (P5).",
    )
    .found("port 110 on all addresses", |machine, _| machine.all_addresses(110))
    .in_demo("127.0.0.1:10110"),
    Variable::new(
        "LISTEN_POP3S",
        "",
        Field::Listeners { slot: |c| &mut c.listen.pop3s },
        "POP3 with TLS from the first byte (P1).",
    )
    .found("port 995 on all addresses", |machine, _| machine.all_addresses(995))
    .in_demo("127.0.0.1:10995"),
    Variable::new(
        "LISTEN_IMAP",
        "",
        Field::Listeners { slot: |c| &mut c.listen.imap },
        "IMAP with STARTTLS, for programs without TLS from the first byte (P5).",
    )
    .found("port 143 on all addresses", |machine, _| machine.all_addresses(143))
    .in_demo("127.0.0.1:10143"),
    Variable::new(
        "LISTEN_IMAPS",
        "",
        Field::Listeners { slot: |c| &mut c.listen.imaps },
        "IMAP with TLS from the first byte (P2).",
    )
    .found("port 993 on all addresses", |machine, _| machine.all_addresses(993))
    .in_demo("127.0.0.1:10993"),
    Variable::new(
        "LISTEN_SUBMISSION",
        "",
        Field::Listeners { slot: |c| &mut c.listen.submission },
        "Submission with STARTTLS (P4).",
    )
    .found("port 587 on all addresses", |machine, _| machine.all_addresses(587))
    .in_demo("127.0.0.1:10587"),
    Variable::new(
        "LISTEN_SUBMISSIONS",
        "",
        Field::Listeners { slot: |c| &mut c.listen.submissions },
        "Submission with TLS from the first byte (P3).",
    )
    .found("port 465 on all addresses", |machine, _| machine.all_addresses(465))
    .in_demo("127.0.0.1:10465"),
    Variable::new(
        "LISTEN_SMTP",
        "",
        Field::Listeners { slot: |c| &mut c.listen.smtp },
        "SMTP from other servers, for domains of this one (P6).",
    )
    .found("port 25 on all addresses", |machine, _| machine.all_addresses(25))
    .in_demo("127.0.0.1:10025"),
    Variable::new(
        "LISTEN_LMTP",
        "off",
        Field::Other { kind: "list of `address:port` and `unix:/path`, or `off`", set: lmtp },
        "LMTP for a mail server in front, which is trusted: it does the checking (P7). Loopback, a network of one's own, or a socket file that the server's group may write.",
    ),
    Variable::new(
        "TLS",
        "files",
        Field::Choice {
            names: &["files", "self-signed"],
            set: |c, n| c.tls = [TlsSource::Files, TlsSource::SelfSigned][n],
        },
        "Where certificates come from (P10): the files of `POSTERN_TLS_CERT` and `POSTERN_TLS_KEY`, or one made in the data directory for a trial.",
    )
    .in_demo("self-signed"),
    Variable::new(
        "TLS_CERT",
        "none",
        Field::Paths { slot: |c| &mut c.tls_cert },
        "PEM files with a certificate and its chain each; several for several names, and an ECDSA and an RSA one per name. The first is for programs that send no name.",
    ),
    Variable::new(
        "TLS_KEY",
        "none",
        Field::Paths { slot: |c| &mut c.tls_key },
        "PEM files with the private keys, in the order of `POSTERN_TLS_CERT`.",
    ),
    Variable::new(
        "LEGACY_PLAINTEXT",
        "off",
        Field::Switch { slot: |c| &mut c.legacy_plaintext },
        "Lets users who ticked \"my program cannot do SSL\" log in without TLS on 110 and 587 (P5).",
    ),
    Variable::new(
        "PROXY_NETWORKS",
        "none",
        Field::Networks { slot: |c| &mut c.proxy_networks },
        "Networks whose connections begin with a PROXY header, v1 or v2 (P11).",
    ),
    Variable::new(
        "WEB_URL",
        "",
        Field::Other { kind: "a URL", set: |c, text| kinds::url(text).map(|url| c.web_url = url) },
        "Where users switch access on; named in refusals (A4).",
    )
    .found("`https://` and the host name", |_, config| format!("https://{}/", config.hostname)),
    Variable::new(
        "SUPPORT_URL",
        "",
        Field::Other { kind: "a URL", set: |c, text| kinds::url(text).map(|url| c.support_url = url) },
        "Where users find help; named in refusals (A4).",
    )
    .found("`/help` of the host name", |_, config| format!("https://{}/help", config.hostname)),
    Variable::new(
        "TIMEZONE",
        "UTC",
        Field::Other { kind: "a name like `Europe/Riga`", set: timezone },
        "In which times are shown to people; it decides nothing (A6).",
    ),
    Variable::new(
        "LANGUAGE",
        "en",
        Field::Choice { names: LANGUAGES, set: |c, n| c.language = LANGUAGES[n].to_owned() },
        "The language of new accounts (N2).",
    ),
    Variable::new(
        "TEMPLATES",
        "built-in",
        Field::Other { kind: "a directory, or `built-in`", set: templates },
        "Where the texts of notices to users are, in place of those built in (N2); one that can't be used stops the start with its file and line.",
    ),
    Variable::new(
        "FAILED_LOGIN_WINDOW",
        "15m",
        Field::Duration { from: SECOND, to: DAY, slot: |c| &mut c.failed_logins.window },
        "The time in which a full counter of failed logins drains (I4).",
    ),
    Variable::new(
        "FAILED_LOGIN_PAIR_LIMIT",
        "10",
        Field::Count { from: 1, to: 1_000_000, slot: |c| &mut c.failed_logins.pair_limit },
        "Failed logins of one source (an IPv4 address or an IPv6 /64) with one account that shut the source out of that account (I4).",
    ),
    Variable::new(
        "FAILED_LOGIN_PAIR_LOCK",
        "15m",
        Field::Duration { from: SECOND, to: DAY, slot: |c| &mut c.failed_logins.pair_lock },
        "How long it stays shut out of the account (I4).",
    ),
    Variable::new(
        "FAILED_LOGIN_SOURCE_LIMIT",
        "100",
        Field::Count { from: 1, to: 1_000_000, slot: |c| &mut c.failed_logins.source_limit },
        "Failed logins of one source with any accounts that shut it out of all (I4).",
    ),
    Variable::new(
        "FAILED_LOGIN_SOURCE_LOCK",
        "15m",
        Field::Duration { from: SECOND, to: DAY, slot: |c| &mut c.failed_logins.source_lock },
        "How long it stays shut out of all (I4).",
    ),
    Variable::new(
        "FAILED_LOGIN_ACCOUNT_LIMIT",
        "20",
        Field::Count { from: 1, to: 1_000_000, slot: |c| &mut c.failed_logins.account_limit },
        "Failed logins with one account from anywhere that make sources wait from which it never logged in; they are not shut out (I4).",
    ),
    Variable::new(
        "FAILED_LOGIN_DELAY",
        "1s",
        Field::Duration { from: Duration::ZERO, to: MINUTE, slot: |c| &mut c.failed_logins.delay },
        "How long the answer after a failed login waits; doubles with each failure (I4).",
    ),
    Variable::new(
        "FAILED_LOGIN_DELAY_MAX",
        "15s",
        Field::Duration { from: Duration::ZERO, to: MINUTE, slot: |c| &mut c.failed_logins.delay_max },
        "The longest that an answer waits (I4).",
    ),
    Variable::new(
        "FAILED_LOGIN_KNOWN_FOR",
        "90d",
        Field::Duration { from: DAY, to: YEAR, slot: |c| &mut c.failed_logins.known_for },
        "How long a source that logged in to an account is known to it (I4).",
    ),
    Variable::new(
        "FAILED_LOGIN_COUNTERS",
        "100000",
        Field::Count { from: 1_000, to: 100_000_000, slot: |c| &mut c.failed_logins.counters },
        "Counters of failed logins that are kept; those that changed longest ago go first (I4).",
    ),
    Variable::new(
        "MAX_CONNECTIONS",
        "20000",
        Field::Count { from: 1, to: 1_000_000, slot: |c| &mut c.max_connections },
        "Connections in all; more are told to come later.",
    ),
    Variable::new(
        "MAX_CONNECTIONS_PER_ADDRESS",
        "100",
        Field::Count { from: 1, to: 1_000_000, slot: |c| &mut c.max_connections_per_address },
        "Connections from one IPv4 address or one IPv6 /64.",
    ),
    Variable::new(
        "MAX_CONNECTIONS_PER_ACCOUNT",
        "20",
        Field::Count { from: 1, to: 1_000_000, slot: |c| &mut c.max_connections_per_account },
        "Sessions that an account may have at once.",
    ),
    Variable::new(
        "SCRAM",
        "on",
        Field::Switch { slot: |c| &mut c.scram },
        "Keeps SCRAM-SHA-256 credentials beside the password's hash and offers the mechanism (I3); `off` drops them.",
    ),
    Variable::new(
        "SECRET_KEY_FILE",
        "none",
        Field::Other { kind: "a path, or `none`", set: secret_key_file },
        "The file with the key that seals the secrets in the store, such as DKIM keys (O1): 32 random octets, or a text of at least 32. Without it they lie there as they are; what lies there so is sealed at the next start. Keep a copy elsewhere: what is sealed can't be read without it.",
    ),
    Variable::new(
        "ARGON2",
        "m=19456,t=2,p=1",
        Field::Other { kind: "`m=KiB,t=passes,p=lanes`", set: argon2 },
        "The cost of a password's Argon2id hash (I3): memory 8 KiB a lane to 256 MiB, 1 to 100 passes, 1 to 16 lanes; memory times passes at most 1 GiB.",
    ),
    Variable::new(
        "CACHE",
        "256MiB",
        Field::Size { from: MIB, to: TIB, slot: |c| &mut c.cache },
        "Memory for the store's index (sled's cache_capacity).",
    ),
    Variable::new(
        "DISK_RESERVE",
        "64MiB",
        Field::Size { from: 0, to: TIB, slot: |c| &mut c.disk_reserve },
        "Room on the disk that letters never take; below it they are refused with `452 4.3.1` until there is room again.",
    ),
    Variable::new(
        "POP3_TAKEOVER_AFTER",
        "60s",
        Field::Duration { from: SECOND, to: DAY, slot: |c| &mut c.pop3_takeover_after },
        "Silence after which a new login may take the mailbox over from a POP3 session (C2).",
    ),
    Variable::new(
        "POP3_AUTOLOGOUT",
        "10m",
        Field::Duration { from: SECOND, to: DAY, slot: |c| &mut c.pop3_autologout },
        "Silence after which a POP3 session ends (C2); RFC 1939 asks for ten minutes at least.",
    ),
    Variable::new(
        "IMAP_IDLE_TIMEOUT",
        "30m",
        Field::Duration { from: SECOND, to: DAY, slot: |c| &mut c.imap_idle_timeout },
        "Silence after which an IMAP session that is logged in ends; RFC 9051 §5.4 asks for 30 minutes at least.",
    ),
    Variable::new(
        "PLANS",
        "free,plus",
        Field::Other { kind: "list of names", set: plans },
        "The plans that accounts can have; the first is the one of new accounts (Q1).",
    ),
    Variable::new(
        "MESSAGE_SIZE",
        "35MiB",
        Field::Size { from: 64 * KIB, to: GIB, slot: |c| &mut c.message_size },
        "The largest letter, as announced by SIZE (RFC 1870).",
    ),
    Variable::new(
        "CLOCK",
        "system",
        Field::Choice {
            names: &["system", "manual"],
            set: |c, n| c.clock = [ClockKind::System, ClockKind::Manual][n],
        },
        "`manual` stands still until `postern clock advance`: months of policy in a minute, for rehearsals (O6).",
    ),
    Variable::new(
        "STORE",
        "sled",
        Field::Choice {
            names: &["sled", "memory"],
            set: |c, n| c.store = [StoreKind::Sled, StoreKind::Memory][n],
        },
        "The store's engine: `sled` in the data directory; `memory` forgets everything at the end, for rehearsals.",
    ),
    Variable::new(
        "WORKERS",
        "",
        Field::Count { from: 1, to: 256, slot: |c| &mut c.workers },
        "Threads that serve connections and mailboxes (arbiters).",
    )
    .found("one per core", |machine, _| machine.cores.clamp(1, 256).to_string()),
    Variable::new(
        "LOG",
        "info",
        Field::Other { kind: "a tracing filter", set: log_filter },
        "What is logged, by level and module, like `info,postern::net=debug`. Libraries never log below `info`: what they print there could hold parts of letters (O4).",
    ),
    Variable::new(
        "LOG_FORMAT",
        "text",
        Field::Choice {
            names: &["text", "json"],
            set: |c, n| c.log_format = [LogFormat::Text, LogFormat::Json][n],
        },
        "The form of a log line on standard error (O4).",
    ),
];

/// The languages that texts for users exist in (SPEC N2).
const LANGUAGES: &[&str] = &["en", "lv", "ru"];

fn secret_key_file(config: &mut Config, text: &str) -> Result<(), Problem> {
    config.secret_key_file = if text == "none" { None } else { Some(kinds::path(text)?) };
    Ok(())
}

/// Addresses, and socket files beside them.
fn lmtp(config: &mut Config, text: &str) -> Result<(), Problem> {
    let (files, addresses): (Vec<&str>, Vec<&str>) =
        text.split(',').map(str::trim).partition(|item| item.starts_with("unix:"));
    config.listen.lmtp =
        if addresses.is_empty() { Vec::new() } else { kinds::listeners(&addresses.join(","))? };
    config.listen.lmtp_files =
        files.iter().map(|file| kinds::path(&file["unix:".len()..])).collect::<Result<_, _>>()?;
    Ok(())
}

fn hostname(config: &mut Config, text: &str) -> Result<(), Problem> {
    let cure = "set POSTERN_HOSTNAME to a domain name like mail.example.org";
    let domain = postern_model::Domain::parse(text)
        .ok()
        .filter(|domain| !domain.as_str().starts_with('['))
        .ok_or_else(|| Problem::new("is not a domain name", cure))?;
    config.hostname = domain.as_str().to_owned();
    Ok(())
}

fn timezone(config: &mut Config, text: &str) -> Result<(), Problem> {
    let cure = "write UTC or a name of the IANA database like Europe/Riga (on Debian it comes with tzdata)";
    config.timezone = if text == "UTC" {
        jiff::tz::TimeZone::UTC
    } else {
        jiff::tz::TimeZone::get(text).map_err(|_| Problem::new("is not a time zone known here", cure))?
    };
    Ok(())
}

fn templates(config: &mut Config, text: &str) -> Result<(), Problem> {
    config.templates = if text == "built-in" { None } else { Some(kinds::path(text)?) };
    Ok(())
}

fn argon2(config: &mut Config, text: &str) -> Result<(), Problem> {
    const CURE: &str = "write all of m (KiB), t (passes) and p (lanes), like m=19456,t=2,p=1";
    let (mut memory, mut passes, mut lanes) = (None, None, None);
    kinds::parts(text, CURE, |name, figure| {
        let slot = match name {
            "m" => &mut memory,
            "t" => &mut passes,
            "p" => &mut lanes,
            _ => return None,
        };
        Some(kinds::count(figure).map(|count| *slot = Some(count)))
    })?;
    let (Some(memory), Some(passes), Some(lanes)) = (memory, passes, lanes) else {
        return Err(Problem::new("is incomplete", CURE));
    };
    let sound = (1..=16).contains(&lanes)
        && (1..=100).contains(&passes)
        && (8 * lanes..=256 << 10).contains(&memory)
        && memory.saturating_mul(passes) <= 1 << 20;
    if !sound {
        let cure =
            "write m from 8 times p to 262144, t from 1 to 100, m times t at most 1048576, p from 1 to 16";
        return Err(Problem::new("is out of range", cure));
    }
    config.argon2 = Argon2Cost { memory, passes, lanes };
    Ok(())
}

fn plans(config: &mut Config, text: &str) -> Result<(), Problem> {
    let plan = |name| Plan {
        name,
        sends: send_window::Figures::FREE,
        check_interval: Duration::ZERO,
        storage: None,
    };
    config.plans = kinds::plan_names(text)?.into_iter().map(plan).collect();
    Ok(())
}

fn log_filter(config: &mut Config, text: &str) -> Result<(), Problem> {
    let cure = "write off, error, warn, info, debug or trace, or a list like info,postern::net=debug";
    tracing_subscriber::EnvFilter::builder()
        .parse(text)
        .map_err(|_| Problem::new("is not a tracing filter", cure))?;
    config.log = text.to_owned();
    Ok(())
}
