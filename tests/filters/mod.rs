//! The filters that there really are: rspamd, and a milter made with libmilter (through pymilter).

use std::ffi::OsString;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use postern::config::{Config, Machine, Purpose};
use postern::filter;
use postern::inbound::filter::Action;
use postern::inbound::{Filter, Opinion, Visit};
use postern_actors::learn::{Kind, Lesson};
use postern_model::{AccountId, EmailAddress, LetterId, MailFrom, MailboxId, Timestamp};
use postern_storage::{Batch, EngineKind, SealedBody, Store, StoreOptions};

use crate::rig::{have, or_skip};

/// Debian's Python, which has pymilter.
const PYTHON: &str = "/usr/bin/python3";
/// How long a program may take to be there.
const PATIENCE: Duration = Duration::from_secs(60);

/// A program that is ended with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It is asked first: rspamd ends its workers then.
        let id = self.0.id().to_string();
        let asked = Command::new("kill").arg(&id).status().is_ok_and(|status| status.success());
        if !asked {
            let _ = self.0.kill();
        }
        let _ = self.0.wait();
    }
}

fn begin(program: &str, args: &[&str], log: &Path) -> Running {
    let log = fs::File::create(log).expect("a file");
    let error = log.try_clone().expect("a file");
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null()).stdout(log).stderr(error);
    Running(command.spawn().expect("it is installed"))
}

fn wait_until(program: &mut Running, log: &Path, there: impl Fn() -> bool) {
    let begun = Instant::now();
    while !there() {
        let said = || fs::read_to_string(log).unwrap_or_default();
        let runs = program.0.try_wait().expect("it is a child").is_none();
        assert!(runs && begun.elapsed() < PATIENCE, "it does not come up: {}", said());
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A port that nobody has.
fn port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("it has one").port()
}

fn config(variables: &[(&str, &str)]) -> Config {
    let variables = variables.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
    let machine = Machine { name: "mx.demo.test".into(), cores: 1, ipv6: false };
    Config::read(variables, &machine, Purpose::Command).expect("all is well")
}

fn visit(recipients: &[&str]) -> Visit {
    let address = |text: &&str| EmailAddress::parse(text).expect("an address");
    Visit {
        letter: LetterId(0xabc),
        at: Timestamp::from_seconds(1_800_000_000),
        peer: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7)),
        client_name: "mail.example.org".to_owned(),
        tls: Some(("TLSv1.3", "TLS_AES_128_GCM_SHA256")),
        mail_from: MailFrom::Address(address(&"eve@example.org")),
        recipients: recipients.iter().map(address).collect(),
        sender: None,
    }
}

fn letter(subject: &str, body: &str) -> Vec<u8> {
    let odd = "X-Odd: 1\r\nX-Odd: 2\r\n";
    format!("From: eve@example.org\r\n{odd}Subject: {subject}\r\nX-Spam: No\r\n\r\n{body}\r\n").into_bytes()
}

/// What is taken out of a letter and put in, as text.
fn changes(letter: &[u8], opinion: &Opinion) -> String {
    let edits = &opinion.edits;
    let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
    let mut told = text(&edits.front);
    edits.removed.iter().for_each(|range| told += &format!("-{}", text(&letter[range.clone()])));
    edits.inserted.iter().for_each(|(_, lines)| told += &format!("+{}", text(lines)));
    edits.body.iter().for_each(|body| told += &format!("={}", text(body)));
    told
}

fn ask(filter: &Arc<dyn Filter>, visit: &Visit, letter: &[u8]) -> Opinion {
    actix_rt::System::new().block_on(filter.judge(visit, letter, ""))
}

#[test]
fn a_milter_made_with_libmilter_changes_letters() {
    let has_milter = Command::new(PYTHON).args(["-c", "import Milter"]).output();
    if !or_skip(has_milter.is_ok_and(|output| output.status.success()), "python3-milter") {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let (socket, log) = (dir.path().join("milter.sock"), dir.path().join("log"));
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/filters/obedient.py");
    let mut milter = begin(PYTHON, &[script, &format!("unix:{}", socket.display())], &log);
    wait_until(&mut milter, &log, || UnixStream::connect(&socket).is_ok());
    let place = format!("milter:unix:{}", socket.display());
    let config = config(&[("POSTERN_FILTER", &place), ("POSTERN_FILTER_FAIL", "defer")]);
    let filter = filter::filter(&config).expect("it can be asked").expect("there is one");
    let (alice, nobody) = (visit(&["alice@demo.test", "bob@demo.test"]), visit(&["nobody@demo.test"]));
    let refused = |permanent, text: Option<&str>| Action::Reject { permanent, text: text.map(str::to_owned) };
    let seen = "+X-Seen: mx.demo.test abc MTA TLSv1.3 eve@example.org <eve@example.org> <alice@demo.test> <bob@demo.test>\r\n";
    for (subject, action, changed) in [
        ("nothing", Action::Accept, ""),
        ("add", Action::Accept, seen),
        ("insert", Action::Accept, "X-First: 1\r\n"),
        ("change", Action::Accept, "-Subject: change\r\n+Subject: changed\r\n"),
        ("delete", Action::Accept, "-X-Odd: 2\r\n"),
        ("replace", Action::Accept, "=another\r\nbody\r\n"),
        ("quarantine", Action::Quarantine, ""),
        ("wait", refused(false, None), ""),
        ("refuse", refused(true, Some("Not this one")), ""),
        ("discard", Action::Discard, ""),
    ] {
        let letter = letter(subject, &"x".repeat(200_000));
        let opinion = ask(&filter, &alice, &letter);
        assert_eq!((&opinion.action, changes(&letter, &opinion).as_str()), (&action, changed), "{subject}");
    }
    let opinion = ask(&filter, &nobody, &letter("add", ""));
    assert_eq!(opinion.action, refused(true, Some("Nobody here")));
}

/// rspamd without its rules, which take long to load and know nothing of these letters: its test patterns and its
/// statistics are its own. Its controller judges letters, too; several workers would get in each other's way in SQLite.
fn rspamd_conf(dir: &Path, port: u16) -> String {
    let dir = dir.display();
    format!(
        r#"
options {{
  pidfile = "{dir}/rspamd.pid"; cores_dir = "{dir}"; tempdir = "{dir}"; hs_cache_dir = "{dir}";
  control_socket = "{dir}/rspamd.sock mode=0600"; filters = ""; gtube_patterns = "all"; enable_test_patterns = true;
  dns {{ nameserver = ["127.0.0.1:1"]; timeout = 100ms; retransmits = 1; }}
}}
logging {{ type = "console"; level = "warning"; }}
actions {{ reject = 15; add_header = 6; rewrite_subject = 8; }}
worker "controller" {{
  bind_socket = "127.0.0.1:{port}"; count = 1; password = "sesame-open"; secure_ip = ["127.0.0.9"];
}}
classifier "bayes" {{
  tokenizer {{ name = "osb"; }} min_tokens = 1; backend = "sqlite3"; cache {{ path = "{dir}/cache.sqlite"; }}
  statfile {{ symbol = "BAYES_HAM"; spam = false; path = "{dir}/ham.sqlite"; }}
  statfile {{ symbol = "BAYES_SPAM"; spam = true; path = "{dir}/spam.sqlite"; }}
}}
"#
    )
}

#[test]
fn rspamd_judges_letters_and_learns_from_users() {
    if !have(&["rspamd"]) {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let (conf, log, port) = (dir.path().join("rspamd.conf"), dir.path().join("log"), port());
    fs::write(&conf, rspamd_conf(dir.path(), port)).expect("written");
    let mut rspamd = begin("rspamd", &["-f", "-i", "-c", &conf.display().to_string()], &log);
    wait_until(&mut rspamd, &log, || TcpStream::connect(("127.0.0.1", port)).is_ok());
    let controller = format!("http://127.0.0.1:{port}");
    let place = format!("rspamd:{controller}");
    let config = config(&[
        ("POSTERN_FILTER", &place),
        ("POSTERN_FILTER_FAIL", "defer"),
        ("POSTERN_FILTER_LEARN", &controller),
        ("POSTERN_FILTER_PASSWORD", "sesame-open"),
    ]);
    let filter = filter::filter(&config).expect("it can be asked").expect("there is one");
    let pattern =
        |which: &str| format!("{which}JS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X");
    let refused = Action::Reject { permanent: true, text: Some("Gtube pattern".to_owned()) };
    for (which, action, changed) in [
        ("X", refused, ""),
        ("Y", Action::Junk, "X-Spam-Status: Yes, score=6.00 required=15.00"),
        ("Z", Action::Junk, "+Subject: *** SPAM *** pills\r\n"),
        ("", Action::Accept, "X-Spam-Status: No, score="),
    ] {
        let letter = letter("pills", &pattern(which));
        let opinion = ask(&filter, &visit(&["alice@demo.test"]), &letter);
        assert_eq!(opinion.action, action, "{which}: {}", fs::read_to_string(&log).unwrap_or_default());
        let changes = changes(&letter, &opinion);
        assert!(changes.contains(changed), "{which}: {changes}");
    }
    actix_rt::System::new().block_on(teach(&config, dir.path(), port));
    let learned = || stat(port).contains("\"learned\":2");
    assert!(learned(), "{} {}", stat(port), fs::read_to_string(&log).unwrap_or_default());
}

/// Teaches one letter as spam and another as none, and waits until they are learned.
async fn teach(config: &Config, dir: &Path, port: u16) {
    let options = StoreOptions { engine: EngineKind::Memory, ..StoreOptions::new(dir) };
    let (now, account) = (Timestamp::from_seconds(1_800_000_000), AccountId(1));
    let store = Store::open(options, now).expect("a store");
    let trainer = filter::trainer(config).expect("it can be asked").expect("there is one");
    for (kind, words) in [(Kind::Spam, "cheap pills buy now"), (Kind::Ham, "meeting minutes for tomorrow")] {
        let letter = store.next_letter_id();
        let text: String = (0..60).map(|n| format!("{words} {n} ")).collect();
        let mut batch = Batch::new();
        let body = SealedBody::from_vec(self::letter(words, &text));
        batch.append_body(&[account], letter, MailboxId::INBOX, now, body);
        store.commit(batch).await.expect("room");
        trainer.learn(Lesson { account, letter, store: store.clone(), kind });
    }
    let begun = Instant::now();
    while !stat(port).contains("\"learned\":2") && begun.elapsed() < PATIENCE {
        actix_rt::time::sleep(Duration::from_millis(50)).await;
    }
}

/// What rspamd's controller counts.
fn stat(port: u16) -> String {
    use std::io::{Read as _, Write as _};
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("it is there");
    let request = "GET /stat HTTP/1.0\r\nPassword: sesame-open\r\n\r\n";
    stream.write_all(request.as_bytes()).expect("it listens");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    answer
}
