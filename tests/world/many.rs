//! Many letters for many domains, some of them dead (SPEC D3): Postern and Postfix bring the same letters from their
//! queues to the same sink, over the same wire, one after the other. What is asserted is behaviour; the figures are printed.
//!
//! Both queues are filled while the sink is away, then the sink comes and both are told to try again. A tenth of the
//! domains stays dead: half of them have an address that nobody has, half a server that takes connections and says nothing.

use std::env;
use std::fs;
use std::io::Write as _;
use std::os::fd::AsFd as _;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::home::{ALICE, Home};
use super::{Authority, Daemon, HOME, Knot, Stage};
use crate::rig::{How, Letter, Smtp, Wire, run};

const DOMAINS: usize = 1_000;
/// Connections that feed a queue.
const FEEDERS: usize = 16;
/// Connections that a queue may hold to others.
const LEAVING: usize = 200;
const SINKS: [&str; 3] = ["10.77.0.25", "10.77.0.26", "10.77.0.27"];
const STALLS: &str = "10.77.0.80";
const NOBODY: &str = "10.77.0.200";

#[test]
#[ignore = "minutes: make many-letters"]
fn dead_domains_do_not_delay_the_living() {
    let Some(stage) = Stage::set() else { return };
    let letters = env::var("POSTERN_MANY_LETTERS").ok().and_then(|n| n.parse().ok()).unwrap_or(100_000);
    let knot = Knot::start(&stage, &records(), "");
    let _stalls = stage.daemon("stalls", "python3", &["-c", STALLING, STALLS], &[]);
    let ours = postern(&stage, &knot, letters);
    let theirs = postfix(&stage, letters);
    eprintln!("{:<44} {:>12} {:>12}", format!("{letters} letters, {DOMAINS} domains"), "Postern", "Postfix");
    for (name, ours, theirs) in [
        ("filled, letters/s", ours.filled, theirs.filled),
        ("half of the living have theirs after s", ours.half, theirs.half),
        ("nine of ten after s", ours.most, theirs.most),
        ("all of the living after s", ours.all, theirs.all),
        ("memory with a full queue, MiB (PSS)", ours.memory, theirs.memory),
        ("most memory while it empties, MiB (PSS)", ours.peak, theirs.peak),
        ("CPU a letter, ms", ours.cpu, theirs.cpu),
    ] {
        eprintln!("{name:<44} {ours:>12.2} {theirs:>12.2}");
    }
}

#[derive(Debug, Default)]
struct Figures {
    filled: f64,
    half: f64,
    most: f64,
    all: f64,
    memory: f64,
    peak: f64,
    cpu: f64,
}

fn is_dead(domain: usize) -> bool {
    domain % 10 == 7
}

fn records() -> String {
    let mut records = String::from("home.test. MX 10 mail.home.test.\nmail.home.test. A 10.77.0.1\n");
    for domain in 0..DOMAINS {
        let address = match (is_dead(domain), domain / 10 % 2) {
            (false, _) => SINKS[domain % SINKS.len()],
            (true, 0) => NOBODY,
            (true, _) => STALLS,
        };
        records
            .push_str(&format!("d{domain}.test. MX 10 mx.d{domain}.test.\nmx.d{domain}.test. A {address}\n"));
    }
    records
}

fn living(letters: usize) -> usize {
    (0..letters).filter(|letter| !is_dead(letter % DOMAINS)).count()
}

fn postern(stage: &Stage, knot: &Knot, letters: usize) -> Figures {
    let authority = Authority::new(stage.dir());
    let connections = LEAVING.to_string();
    // So many letters of one user to so many others are a sign of abuse, which is not what is measured.
    let extra = [
        ("POSTERN_QUEUE_CONNECTIONS", connections.as_str()),
        ("POSTERN_LOG", "warn"),
        ("POSTERN_ABUSE_THRESHOLD", "1000000"),
    ];
    let home = Home::start(stage, &authority, knot, &extra);
    let filled = fill(stage, letters, || Smtp::login(&home.server, ALICE).expect("a login"));
    let process = home.server.process();
    let again = || drop(home.server.ok(&["queue", "retry", "--all"]));
    empty(stage, letters, filled, &|| vec![process], again)
}

fn postfix(stage: &Stage, letters: usize) -> Figures {
    let dir = stage.room("many-postfix", None);
    let path = dir.to_string_lossy().into_owned();
    fs::create_dir_all(dir.join("queue")).expect("a directory");
    fs::write(dir.join("main.cf"), MAIN.replace("DIR", &path).replace("HOME", HOME))
        .expect("a configuration");
    let smtp = format!("smtp unix - - n - {LEAVING} smtp");
    let master = super::postfix::MASTER.replace("smtp unix - - n - - smtp", &smtp);
    fs::write(dir.join("master.cf"), master).expect("a configuration");
    stage.home("postfix", &["-c", &path, "check"]).expect_success("postfix check");
    let program = "/usr/lib/postfix/sbin/master";
    let master =
        stage.daemon_at_home("many-postfix", program, &["-s", "-c", &path], &[("MAIL_CONFIG", &path)]);
    let address = format!("{HOME}:25").parse().expect("an address");
    let filled = fill(stage, letters, || {
        crate::rig::patiently("Postfix listens", || {
            let mut smtp = Smtp(Wire::plain(address).ok()?);
            smtp.reply().ok()?;
            smtp.command("EHLO rig.test").ok()?;
            Some(smtp)
        })
    });
    let family = || family(master.process());
    let again = || drop(stage.home("postqueue", &["-c", &path, "-f"]).expect_success("postqueue -f"));
    empty(stage, letters, filled, &family, again)
}

/// Puts all letters into a queue; returns how many a second that were.
fn fill(stage: &Stage, letters: usize, connect: impl Fn() -> Smtp + Sync) -> f64 {
    let (next, begin) = (AtomicUsize::new(0), Instant::now());
    thread::scope(|scope| {
        for _ in 0..FEEDERS {
            scope.spawn(|| {
                enter(stage.home_namespace());
                let mut smtp = connect();
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    if n >= letters {
                        return;
                    }
                    let letter = Letter::new(ALICE.0, n as u64, 4_096);
                    let to = format!("someone@d{}.test", n % DOMAINS);
                    let reply = smtp.send(ALICE.0, &[&to], &letter.bytes, How::Data).expect("an answer");
                    assert_eq!(reply.code, 250, "{}", reply.text());
                }
            });
        }
    });
    letters as f64 / begin.elapsed().as_secs_f64()
}

/// The calling thread's sockets are in the namespace from here on.
fn enter(namespace: &str) {
    let file = fs::File::open(Path::new("/run/netns").join(namespace)).expect("the stage's namespace");
    move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network)).expect("root may enter it");
}

/// Lets the sink come and waits until all of the living have their letters.
fn empty(
    stage: &Stage,
    letters: usize,
    filled: f64,
    processes: &dyn Fn() -> Vec<u32>,
    again: impl FnOnce(),
) -> Figures {
    let memory = pss(&processes());
    let before = cpu(&processes());
    let counters: Vec<_> = SINKS.iter().map(|address| format!("sink-{address}")).collect();
    let sinks: Vec<Daemon> = SINKS
        .iter()
        .zip(&counters)
        .map(|(address, name)| {
            stage.daemon(
                name,
                "/usr/sbin/smtp-sink",
                &["-u", "nobody", "-c", "-m", "1000", &format!("{address}:25"), "1000"],
                &[],
            )
        })
        .collect();
    thread::sleep(Duration::from_millis(500));
    let (begin, wanted) = (Instant::now(), living(letters));
    again();
    let mut figures = Figures { filled, memory, ..Figures::default() };
    loop {
        thread::sleep(Duration::from_millis(50));
        let done: usize = counters.iter().map(|name| counted(&stage.dir().join(format!("{name}.out")))).sum();
        let seconds = begin.elapsed().as_secs_f64();
        figures.peak = figures.peak.max(pss(&processes()));
        for (share, figure) in [(5, &mut figures.half), (9, &mut figures.most), (10, &mut figures.all)] {
            if *figure == 0.0 && done >= wanted * share / 10 {
                *figure = seconds;
            }
        }
        if figures.all > 0.0 {
            break;
        }
        assert!(seconds < 1_800.0, "{done} of {wanted} letters after half an hour");
    }
    figures.cpu = (cpu(&processes()) - before) * 1_000.0 / wanted as f64;
    drop(sinks);
    let _ = std::io::stderr().flush();
    figures
}

/// Letters that a sink has taken: the last figure of its running counters `sess=… quit=… mesg=…`.
fn counted(path: &Path) -> usize {
    let text = fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&text[text.len().saturating_sub(200)..]).into_owned();
    let last = text.rsplit("mesg=").next().unwrap_or_default();
    last.chars().take_while(char::is_ascii_digit).collect::<String>().parse().unwrap_or(0)
}

/// A process and all that it has started.
fn family(master: u32) -> Vec<u32> {
    let children = run("pgrep", &["-P", &master.to_string()], Path::new("/"), b"");
    let children = children.stdout.lines().filter_map(|line| line.parse().ok());
    std::iter::once(master).chain(children).collect()
}

/// MiB that these processes have for themselves, and their share of what they have together.
fn pss(processes: &[u32]) -> f64 {
    let of = |process: &u32| {
        let text = fs::read_to_string(format!("/proc/{process}/smaps_rollup")).ok()?;
        let line = text.lines().find(|line| line.starts_with("Pss:"))?;
        line.split_whitespace().nth(1)?.parse::<f64>().ok()
    };
    processes.iter().filter_map(of).sum::<f64>() / 1024.0
}

/// Seconds of CPU that these processes took, with their children that have ended.
fn cpu(processes: &[u32]) -> f64 {
    let of = |process: &u32| {
        let text = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
        let fields: Vec<f64> = text
            .rsplit(')')
            .next()?
            .split_whitespace()
            .skip(11)
            .take(4)
            .filter_map(|f| f.parse().ok())
            .collect();
        Some(fields.iter().sum::<f64>() / 100.0)
    };
    processes.iter().filter_map(of).sum()
}

const STALLING: &str = "
import socket, sys, time
server = socket.create_server((sys.argv[1], 25), backlog=4096)
held = []
while True:
    held.append(server.accept()[0])
    del held[:-2000]
";

const MAIN: &str = "compatibility_level = 3.6
queue_directory = DIR/queue
data_directory = DIR/lib
maillog_file_prefixes = DIR
maillog_file = DIR/log
myhostname = mail.home.test
mydestination =
inet_interfaces = HOME
inet_protocols = ipv4
alias_maps =
mynetworks = HOME/32
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_client_connection_count_limit = 0
default_process_limit = 300
queue_run_delay = 1h
minimal_backoff_time = 1h
smtp_tls_security_level = may
";
