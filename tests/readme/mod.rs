//! What the README tells a newcomer to type works when typed.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::rig::{Outcome, Server, have, run};

const README: &str = include_str!("../../README.md");
const POSTERN: &str = env!("CARGO_BIN_EXE_postern");

/// The lines of all blocks that are for a shell, by block.
fn blocks() -> Vec<Vec<&'static str>> {
    let mut blocks = Vec::new();
    let mut lines = README.lines();
    while lines.any(|line| line == "```sh") {
        blocks.push(lines.by_ref().take_while(|line| *line != "```").collect());
    }
    blocks
}

/// Every command is of a kind that a test below runs; a new one has to be added here.
#[test]
fn every_command_is_known() {
    let makefile = include_str!("../../Makefile");
    for line in blocks().into_iter().flatten() {
        let known = match line.split_once(' ') {
            Some(("cargo", rest)) => rest == "run --release -- demo",
            Some(("make", target)) => makefile.lines().any(|line| line.starts_with(&format!("{target}:"))),
            Some(("export", setting)) => setting.starts_with("POSTERN_"),
            Some(("postern", _)) => true,
            _ => false,
        };
        assert!(known, "README has a command that no test runs: {line}");
    }
}

/// Those for a server of one's own, in a shell, in their order.
#[test]
fn a_server_is_run_as_described() {
    let mut server = Server::start(&[("POSTERN_CLOCK", "manual")]);
    let dir = server.scratch("shell");
    fs::write(dir.join("password.txt"), "correct horse battery staple\n").expect("a file");
    let settings: Vec<_> =
        blocks().into_iter().flatten().filter_map(|line| line.strip_prefix("export ")).collect();
    let read = config_with(&settings, &dir);
    assert_eq!(read.code, Some(0), "the README's settings: {}", read.stderr);

    for line in blocks().into_iter().flatten().filter(|line| line.starts_with("postern ")) {
        if line == "postern serve" {
            continue;
        }
        let data = format!("export POSTERN_DATA_DIR='{}'; ", server.data().display());
        let command = format!("{data}{}", line.replacen("postern", &format!("'{POSTERN}'"), 1));
        run("sh", &["-ec", &command], &dir, b"").expect_success(line);
    }
    server.sigkill();
}

/// The settings are read without a mistake.
fn config_with(settings: &[&str], home: &Path) -> Outcome {
    run("env", &[settings, &[POSTERN, "config"]].concat(), home, b"")
}

/// `demo` needs nothing, and each line that it prints for a shell works.
#[test]
fn the_demo_does_what_its_banner_says() {
    assert!(README.contains("cargo run --release -- demo"));
    if !have(&["curl"]) {
        return;
    }
    let dir = tempfile::tempdir().expect("a temporary directory");
    let mut demo = Demo::start(dir.path());
    let banner = demo.banner();
    assert!(banner.to_lowercase().contains("trial"), "{banner}");
    let commands: Vec<_> = commands(&banner);
    assert!(commands.iter().any(|line| line.contains("smtps://")), "{banner}");
    assert!(commands.iter().any(|line| line.contains("pop3s://")), "{banner}");
    let printed: String = commands
        .iter()
        .map(|line| {
            let here = line.replace(" postern ", &format!(" '{POSTERN}' "));
            run("sh", &["-c", &here], dir.path(), b"").expect_success(line)
        })
        .collect();
    assert!(printed.contains("Received: "), "the letter did not come back: {printed}");
    assert!(printed.contains("bob@demo.test"), "the accounts were not listed: {printed}");
}

/// A running demo; ended when dropped.
struct Demo(Child);

impl Demo {
    fn start(dir: &Path) -> Demo {
        let mut command = Command::new(POSTERN);
        command.arg("demo").env_clear().env("POSTERN_ARGON2", "m=8,t=1,p=1").current_dir(dir);
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        Demo(child.expect("the demo starts"))
    }

    /// What it prints when it has started.
    fn banner(&mut self) -> String {
        let mut lines = BufReader::new(self.0.stdout.take().expect("stdout is piped")).lines();
        let mut banner = String::new();
        for line in lines.by_ref() {
            let line = line.expect("text");
            banner.push_str(&line);
            banner.push('\n');
            if line.contains("Ctrl-C") {
                return banner;
            }
        }
        let mut complaint = String::new();
        let _ = self.0.stderr.take().map(|mut stderr| stderr.read_to_string(&mut complaint));
        panic!("the demo ended: {banner}{complaint}");
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The indented lines of a banner that are for a shell, those that go on in the next line put together.
fn commands(banner: &str) -> Vec<String> {
    let joined = banner.replace("\\\n", " ");
    let for_a_shell =
        |line: &str| ["curl ", "printf ", "POSTERN_DATA_DIR="].iter().any(|begin| line.starts_with(begin));
    joined
        .lines()
        .filter_map(|line| line.strip_prefix("  "))
        .filter(|line| for_a_shell(line))
        .map(str::to_owned)
        .collect()
}
