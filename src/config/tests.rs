use std::ffi::OsString;
use std::net::SocketAddr;

use super::field::{Field, Row};
use super::table::rows;
use super::*;

fn machine() -> Machine {
    Machine { name: "mx.example.org".into(), cores: 4, ipv6: true }
}

fn environment(text: &str) -> Vec<(OsString, OsString)> {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(|line| line.split_once('=').expect("NAME=value"))
        .map(|(name, value)| (name.into(), value.into()))
        .collect()
}

fn read(text: &str) -> Result<Config, Mistakes> {
    Config::read(environment(text), &machine(), Purpose::Command)
}

fn mistakes(text: &str, purpose: Purpose) -> Vec<String> {
    match Config::read(environment(text), &machine(), purpose) {
        Ok(_) => Vec::new(),
        Err(mistakes) => mistakes.0.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn an_empty_environment_gives_the_contracts_defaults() {
    let config = read("PATH=/bin").expect("defaults hold");
    assert_eq!(config.data_dir, PathBuf::from("/var/lib/postern"));
    assert_eq!(config.hostname, "mx.example.org");
    assert_eq!(config.listen.pop3s.len(), 2);
    assert_eq!(config.web_url, "https://mx.example.org/");
    assert_eq!(config.argon2, Argon2Cost { memory: 19_456, passes: 2, lanes: 1 });
    assert_eq!(config.cache, 256 << 20);
    assert_eq!(config.pop3_takeover_after, Duration::from_secs(60));
    assert_eq!(config.pop3_autologout, Duration::from_secs(600));
    assert_eq!(
        (config.imap_idle_timeout, config.access.imap_check),
        (Duration::from_secs(1800), Duration::ZERO)
    );
    let ports = config.listen.all().map(|(_, addresses)| addresses.first().map_or(0, SocketAddr::port));
    assert_eq!(ports, [110, 995, 587, 465, 25, 143, 993, 0], "LMTP is off");
    assert_eq!(config.message_size, 35 << 20);
    assert_eq!(config.workers, 4);
    assert!(config.scram && !config.legacy_plaintext);
    let free = Plan {
        name: "free".into(),
        sends: send_window::Figures::FREE,
        check_interval: Duration::from_secs(300),
        storage: Some(1 << 30),
    };
    let sends = send_window::Figures { per_hour: None, ..free.sends };
    assert_eq!(
        config.plans,
        [free.clone(), Plan { name: "plus".into(), sends, storage: Some(10 << 30), ..free }]
    );
}

#[test]
fn the_gates_defaults_are_those_of_its_policy() {
    let config = read("").expect("defaults hold");
    assert_eq!(config.access, access::Figures::default());
    assert_eq!(config.abuse, abuse::Figures::default());
    assert_eq!(config.brake, BrakeFigures { accounts: 100, percent: 1 });
    assert_eq!((config.check_burst, config.check_grace), (1, Duration::from_secs(10)));
    assert!(!config.inactive_refuses_mail && !config.client_password && config.templates.is_none());
}

#[test]
fn the_gates_values_reach_their_places() {
    let config = read(
        "POSTERN_ACTIVATION_DELAY=1m
         POSTERN_POP3_IDLE_LIMIT=off
         POSTERN_POP3_IDLE_COUNTS=any
         POSTERN_IMAP_IDLE_LIMIT=90d
         POSTERN_INACTIVE_AFTER=12months
         POSTERN_INACTIVE_COUNTS=web
         POSTERN_INACTIVE_MAIL=refuse
         POSTERN_WARN_BEFORE=off
         POSTERN_LOGIN_MINUTES_PER_DAY=imap=10,pop3=unlimited
         POSTERN_THEFT_NETWORKS=off
         POSTERN_CLIENT_PASSWORD=separate
         POSTERN_CHECK_INTERVAL=10m
         POSTERN_PLAN_PLUS_CHECK_INTERVAL=0s
         POSTERN_PLAN_FREE_SENDS_PER_MINUTE=unlimited
         POSTERN_PLAN_FREE_SENDS_PER_DAY=50
         POSTERN_PLAN_FREE_STORAGE=unlimited
         POSTERN_PLAN_PLUS_STORAGE=5MiB
         POSTERN_IMAP_CHECK_INTERVAL=1m
         POSTERN_ABUSE_WEIGHTS=report=0,new-recipient=0.25
         POSTERN_ABUSE_CLOSES=access
         POSTERN_BRAKE_PERCENT=100
         POSTERN_TEMPLATES=/etc/postern/notices",
    )
    .expect("all is well");
    let access = access::Figures {
        activation_delay: Duration::from_secs(60),
        pop3_idle: None,
        imap_keeps_pop3: true,
        imap_idle: Some(Span::Fixed(Duration::from_secs(90 * 86_400))),
        inactive_after: Some(Span::Months(12)),
        web_logins_only: true,
        warn_before: Duration::ZERO,
        pop3_minutes: None,
        imap_minutes: Some(10),
        theft_networks: None,
        abuse_closes_access: true,
        imap_check: Duration::from_secs(60),
        ..access::Figures::default()
    };
    assert_eq!(config.access, access);
    assert!(config.inactive_refuses_mail && config.client_password);
    let intervals: Vec<_> = config.plans.iter().map(|plan| plan.check_interval.as_secs()).collect();
    assert_eq!(intervals, [600, 0]);
    let storage: Vec<_> = config.plans.iter().map(|plan| plan.storage).collect();
    assert_eq!(storage, [None, Some(5 << 20)]);
    let free = config.plans[0].sends;
    assert_eq!((free.per_minute, free.per_hour, free.per_day), (None, Some(15), Some(50)));
    let [pushing, .., report] = config.abuse.weights;
    assert_eq!((pushing, config.abuse.weights[3], report), (3000, 250, 0));
    assert_eq!(config.brake.percent, 100);
    assert_eq!(config.templates, Some("/etc/postern/notices".into()));
}

#[test]
fn the_gates_mistakes_have_cures() {
    for (given, start) in [
        ("POP3_IDLE_LIMIT=0months", "it is out of range; write a duration from 1m to 3650d or 1month"),
        ("WARN_BEFORE=1months", "it has no fixed length"),
        ("WARN_BEFORE=10s", "it is out of range"),
        ("WARN_BEFORE=60d", "it is not shorter than POSTERN_POP3_IDLE_LIMIT, which it warns of"),
        ("LOGIN_MINUTES_PER_DAY=pop3=5", "it is incomplete; write both pop3 and imap"),
        ("LOGIN_MINUTES_PER_DAY=pop3=0,imap=5", "it is out of range"),
        ("LOGIN_MINUTES_PER_DAY=pop3=5,smtp=5", "it has the unknown part \"smtp=5\""),
        ("THEFT_NETWORKS=1", "it is out of range; write a number from 2 to 32, or `off`"),
        ("THEFT_NETWORKS=unlimited", "it is not a whole number; write a whole number, like 20, or off"),
        ("CHECK_BURST=17", "it is out of range"),
        ("PLAN_FREE_SENDS_PER_HOUR=0", "it is out of range; write a number from 1 to 1000, or `unlimited`"),
        ("PLAN_FREE_STORAGE=1KiB", "it is out of range; write a size from 1MiB to 1024TiB, or `unlimited`"),
        ("IMAP_CHECK_INTERVAL=2d", "it is out of range; write a duration up to 1d, or off"),
        ("ABUSE_WEIGHTS=spam=1", "it has the unknown part \"spam=1\"; write signals"),
        ("ABUSE_WEIGHTS=bounce=1,bounce=2", "it has two parts \"bounce\""),
        ("ABUSE_WEIGHTS=bounce=0.0001", "it names \"0.0001\", which is no number of points"),
        ("BRAKE_PERCENT=101", "it is out of range; write a number from 0 to 100"),
        ("TEMPLATES=", "it is set, but empty"),
    ] {
        let found = mistakes(&format!("POSTERN_{given}"), Purpose::Command);
        assert_eq!(found.len(), 1, "{given}: {found:?}");
        let (_, said) = found[0].split_once(": ").expect("a reason");
        assert!(said.starts_with(start), "{given}: {said}");
    }
}

#[test]
fn a_machine_without_ipv6_listens_on_ipv4_alone() {
    let machine = Machine { ipv6: false, ..machine() };
    let config = Config::read(environment(""), &machine, Purpose::Command).expect("defaults hold");
    assert_eq!(config.listen.pop3s, ["0.0.0.0:995".parse().expect("an address")]);
}

#[test]
fn values_reach_their_places() {
    let config = read(
        "POSTERN_HOSTNAME=Mail.Example.ORG
         POSTERN_LISTEN_POP3=off
         POSTERN_TLS=self-signed
         POSTERN_PROXY_NETWORKS=10.0.0.0/8,2001:db8::1
         POSTERN_ARGON2=p=2,t=3,m=65536
         POSTERN_PLANS=basic,gold
         POSTERN_PLAN_GOLD_RECIPIENTS=500
         POSTERN_CLOCK=manual
         POSTERN_STORE=memory
         POSTERN_LOG_FORMAT=json
         POSTERN_LOG=warn,postern::net=trace
         POSTERN_SUPPORT_URL=mailto:help@example.org",
    )
    .expect("all is well");
    assert_eq!(config.hostname, "mail.example.org");
    assert!(config.listen.pop3.is_empty());
    assert_eq!(config.tls, TlsSource::SelfSigned);
    assert_eq!(config.proxy_networks.len(), 2);
    assert_eq!(config.argon2, Argon2Cost { memory: 65_536, passes: 3, lanes: 2 });
    let plans: Vec<_> = config.plans.iter().map(|plan| (plan.name.as_str(), plan.sends.recipients)).collect();
    assert_eq!(plans, [("basic", 100), ("gold", 500)]);
    assert_eq!(config.plans[1].sends.per_hour, Some(15), "as of the plan free");
    assert_eq!((config.clock, config.store), (ClockKind::Manual, StoreKind::Memory));
    assert_eq!(config.log_format, LogFormat::Json);
    assert_eq!(config.support_url, "mailto:help@example.org");
}

#[test]
fn all_mistakes_are_reported_at_once_each_with_its_cure() {
    let found = mistakes(
        "POSTERN_LISTEN_POP3S=995
         POSTERN_SCRAM=yes
         POSTERN_CACHE=64
         POSTERN_POP3_AUTOLOGOUT=2months
         POSTERN_MESSAGE_SIZE=1KiB
         POSTERN_WORKERS=0
         POSTERN_STORE=postgres
         POSTERN_TLS=acme
         POSTERN_ARGON2=m=19456,t=2
         POSTERN_TIMEZONE=Mars/Olympus
         POSTERN_HOSTNAME=[192.0.2.1]
         POSTERN_WEB_URL=mail.example.org
         POSTERN_PROXY_NETWORKS=10.0.0.1/8
         POSTERN_LOG=postern=loud
         POSTERN_LANGUAGE=
         POSTERN_MAX_CONECTIONS=10
         POSTERN_LISTEN_ADMIN=off
         POSTERN_PLAN_GOLD_RECIPIENTS=5",
        Purpose::Command,
    );
    let expected = [
        "POSTERN_LISTEN_POP3S=995: it names \"995\", which is not address:port",
        "POSTERN_SCRAM=yes: it is neither on nor off; write on or off",
        "POSTERN_CACHE=64: it has no unit",
        "POSTERN_POP3_AUTOLOGOUT=2months: it has no fixed length",
        "POSTERN_MESSAGE_SIZE=1KiB: it is out of range; write a size from 64KiB to 1GiB",
        "POSTERN_WORKERS=0: it is out of range; write a number from 1 to 256",
        "POSTERN_STORE=postgres: it is none of its values; write one of: sled, memory",
        "POSTERN_TLS=acme: it is none of its values; write one of: files, self-signed",
        "POSTERN_ARGON2=m=19456,t=2: it is incomplete",
        "POSTERN_TIMEZONE=Mars/Olympus: it is not a time zone known here",
        "POSTERN_HOSTNAME=[192.0.2.1]: it is not a domain name",
        "POSTERN_WEB_URL=mail.example.org: it does not begin with https://",
        "POSTERN_PROXY_NETWORKS=10.0.0.1/8: it names \"10.0.0.1/8\", which has bits set",
        "POSTERN_LOG=postern=loud: it is not a tracing filter",
        "POSTERN_LANGUAGE=: it is set, but empty",
        "POSTERN_MAX_CONECTIONS: it is not a variable of this version; did you mean POSTERN_MAX_CONNECTIONS?",
        "POSTERN_LISTEN_ADMIN: it is not a variable of this version",
        "POSTERN_PLAN_GOLD_RECIPIENTS: it belongs to no plan of POSTERN_PLANS",
    ];
    for start in expected {
        assert!(found.iter().any(|line| line.starts_with(start)), "no line begins {start}\n{found:#?}");
    }
    assert_eq!(found.len(), expected.len(), "{found:#?}");
}

#[test]
fn argon2_figures_are_bounded() {
    for text in
        ["m=7,t=1,p=1", "m=19456,t=0,p=1", "m=19456,t=2,p=17", "m=1048577,t=1,p=1", "m=1,m=2,t=1,p=1", "x=1"]
    {
        let found = mistakes(&format!("POSTERN_ARGON2={text}"), Purpose::Command);
        assert_eq!(found.len(), 1, "{text}");
    }
}

#[test]
fn a_bad_list_of_plans_is_one_mistake() {
    let found = mistakes("POSTERN_PLANS=free,Gold\nPOSTERN_PLAN_GOLD_RECIPIENTS=5", Purpose::Command);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("POSTERN_PLANS=free,Gold: it names \"Gold\""));
}

#[test]
fn a_hostile_value_stays_one_line() {
    let found = mistakes(&format!("POSTERN_SCRAM=\u{1b}[2J{}", "x".repeat(5000)), Purpose::Command);
    assert!(found[0].len() < 400 && !found[0].contains('\u{1b}'), "{found:?}");
}

#[test]
fn what_is_not_utf8_is_a_mistake() {
    use std::os::unix::ffi::OsStringExt as _;
    let variables = vec![(OsString::from("POSTERN_LOG"), OsString::from_vec(vec![0xff]))];
    let found = Config::read(variables, &machine(), Purpose::Command).expect_err("not UTF-8");
    assert_eq!(found.0[0].variable, "POSTERN_LOG");
}

#[test]
fn serving_needs_certificates_and_free_ports() {
    let found = mistakes(
        "POSTERN_LISTEN_POP3=127.0.0.1:110
         POSTERN_LISTEN_SMTP=127.0.0.1:110",
        Purpose::Serve,
    );
    let variables: Vec<_> = found.iter().map(|line| line.split(':').next().unwrap_or_default()).collect();
    assert_eq!(variables, ["POSTERN_LISTEN_SMTP", "POSTERN_TLS_CERT", "POSTERN_TLS_KEY"]);
    assert!(found[0].contains("which POSTERN_LISTEN_POP3 has already"));
    let one_key = "POSTERN_TLS_CERT=a.pem,b.pem\nPOSTERN_TLS_KEY=a.key";
    assert!(mistakes(one_key, Purpose::Serve)[0].contains("1 keys for 2 certificates"));
    assert!(mistakes("POSTERN_TLS_CERT=a.pem\nPOSTERN_TLS_KEY=a.key", Purpose::Serve).is_empty());
    assert!(mistakes("POSTERN_TLS=self-signed", Purpose::Serve).is_empty());
    let unused = "POSTERN_TLS=self-signed\nPOSTERN_TLS_CERT=a.pem";
    assert_eq!(mistakes(unused, Purpose::Serve).len(), 1);
}

#[test]
fn a_demo_needs_nothing_and_stays_on_loopback() {
    let demo = Config::read(environment(""), &machine(), Purpose::Demo).expect("nothing needed");
    assert_eq!(demo.data_dir, PathBuf::from("./postern-demo"));
    assert_eq!(demo.tls, TlsSource::SelfSigned);
    assert!(demo.listen.all().iter().all(|(_, addresses)| addresses.iter().all(|a| a.ip().is_loopback())));
    let moved = Config::read(environment("POSTERN_DATA_DIR=/tmp/x"), &machine(), Purpose::Demo);
    assert_eq!(moved.expect("a path").data_dir, PathBuf::from("/tmp/x"));
    let open = mistakes("POSTERN_LISTEN_POP3S=0.0.0.0:995", Purpose::Demo);
    assert!(open[0].contains("a demo listens on loopback only"), "{open:?}");
}

#[test]
fn what_config_prints_reads_back_the_same() {
    for purpose in [Purpose::Command, Purpose::Demo] {
        let given = "POSTERN_PLANS=free,gold\nPOSTERN_PLAN_GOLD_RECIPIENTS=7";
        let first = Config::read(environment(given), &machine(), purpose).expect("a configuration");
        let other = Machine { name: "other".into(), cores: 1, ipv6: false };
        let again = Config::read(environment(&first.to_text()), &other, purpose).expect("its own output");
        assert_eq!(first.to_text(), again.to_text());
        assert!(first.to_text().contains("POSTERN_PLAN_GOLD_RECIPIENTS=7\n"));
    }
}

#[test]
fn the_origin_of_each_value_is_known() {
    let config = read("POSTERN_SCRAM=off").expect("all is well");
    let origin = |name| config.effective().iter().find(|e| e.name == name).map(|e| e.origin);
    assert_eq!(origin("POSTERN_SCRAM"), Some(Origin::Environment));
    assert_eq!(origin("POSTERN_LOG"), Some(Origin::Default));
}

/// The documentation is what `postern config --markdown` prints; to renew it:
/// `cargo run -- config --markdown > docs/configuration.md`.
#[test]
fn the_documentation_is_up_to_date() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/configuration.md");
    let written = std::fs::read_to_string(path).expect("docs/configuration.md");
    assert_eq!(written, markdown(), "renew it: cargo run -- config --markdown > docs/configuration.md");
}

#[test]
fn every_row_is_documented_once() {
    for (n, row) in rows().enumerate() {
        assert!(!row.doc.is_empty() && row.doc.ends_with('.'), "{}", row.name);
        assert!(!row.doc.contains('|'), "{} would break the table", row.name);
        assert!(!rows().take(n).any(|other| other.name == row.name), "{} stands twice", row.name);
    }
}

/// A table of its own: what is read from it can be looked at.
fn secret_row() -> Row<String> {
    Row {
        secret: true,
        ..Row::new(
            "TOKEN",
            "none",
            Field::Other {
                kind: "a token",
                set: |slot, text| {
                    if text == "bad" {
                        return Err(Problem::new("is bad", "take another"));
                    }
                    text.clone_into(slot);
                    Ok(())
                },
            },
            "A token.",
        )
    }
}

fn read_secret(variables: &str) -> Result<(String, Vec<Effective>), Vec<Mistake>> {
    let mut token = String::new();
    let (effective, mistakes) = read::read_row(environment(variables), &machine(), &secret_row(), &mut token);
    if mistakes.is_empty() { Ok((token, effective)) } else { Err(mistakes) }
}

#[test]
fn a_secret_comes_by_variable_or_file_and_is_never_shown() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), "hunter2\n").expect("written");
    let path = file.path().display();

    let (token, effective) = read_secret("POSTERN_TOKEN=hunter2").expect("by variable");
    assert_eq!((token.as_str(), effective[0].value.as_str()), ("hunter2", "(secret)"));
    let (token, effective) = read_secret(&format!("POSTERN_TOKEN_FILE={path}")).expect("by file");
    assert_eq!((token.as_str(), effective[0].origin), ("hunter2", Origin::File));

    let both = read_secret(&format!("POSTERN_TOKEN=x\nPOSTERN_TOKEN_FILE={path}")).expect_err("both");
    assert_eq!(both[0].variable, "POSTERN_TOKEN_FILE");
    let gone = read_secret("POSTERN_TOKEN_FILE=/nowhere/at/all").expect_err("no file");
    assert!(gone[0].reason.starts_with("can't be read"));
    let bad = read_secret("POSTERN_TOKEN=bad").expect_err("a bad one");
    assert_eq!(bad[0].value, None, "a secret is not repeated");
}

#[test]
fn a_detail_is_separated_by_one_sign_or_not_at_all() {
    let separator = |text: &str| read(text).map(|config| config.users.detail_separator);
    assert_eq!(separator("").expect("a default"), Some('+'));
    assert_eq!(separator("POSTERN_DETAIL_SEPARATOR=-").expect("a sign"), Some('-'));
    assert_eq!(separator("POSTERN_DETAIL_SEPARATOR=off").expect("a word"), None);
    for wrong in ["++", "a", "@", "\""] {
        assert!(separator(&format!("POSTERN_DETAIL_SEPARATOR={wrong}")).is_err(), "{wrong}");
    }
}

#[test]
fn filters_are_off_unless_they_are_named() {
    let off = read("").expect("defaults hold").screen;
    assert!(off.filters.is_empty() && off.learn.is_none() && off.password.is_none() && !off.fail_defers);
    let config = read(
        "POSTERN_FILTER=rspamd:http://127.0.0.1:11333, milter:unix:/run/m.sock
         POSTERN_FILTER_PASSWORD=sesame
         POSTERN_FILTER_TIMEOUT=10s
         POSTERN_FILTER_FAIL=defer
         POSTERN_FILTER_LEARN=http://127.0.0.1:11334",
    )
    .expect("all is well");
    let places: Vec<_> = config.screen.filters.iter().map(ToString::to_string).collect();
    assert_eq!(places, ["rspamd:http://127.0.0.1:11333", "milter:unix:/run/m.sock"]);
    assert!(config.screen.fail_defers && config.screen.learn.is_some());
    assert_eq!(config.screen.timeout, Duration::from_secs(10));
    let shown = format!("{:?} {:?}", config.screen, config.effective());
    assert!(!shown.contains("sesame"), "{shown}");
}

#[test]
fn a_filter_that_can_not_be_is_named() {
    for (value, named) in [
        ("spamd:127.0.0.1:783", "neither rspamd"),
        ("rspamd:https://127.0.0.1", "no http://"),
        ("milter:inet:127.0.0.1", "inet:host:port"),
        ("rspamd:http://127.0.0.1:1,rspamd:http://127.0.0.1:1", "twice"),
        ("milter:unix:m.sock", "unix socket"),
    ] {
        let said = mistakes(&format!("POSTERN_FILTER={value}"), Purpose::Command);
        assert!(said.len() == 1 && said[0].contains(named), "{said:?}");
    }
    assert_eq!(mistakes("POSTERN_FILTER_LEARN=ftp://x", Purpose::Command).len(), 1);
    let secret = mistakes("POSTERN_FILTER_PASSWORD=\u{1}sesame", Purpose::Command);
    assert!(secret.len() == 1 && !secret[0].contains("sesame"), "{secret:?}");
}
