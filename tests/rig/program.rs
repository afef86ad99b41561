//! Other people's programs: whether they are there, and running them.

use std::env;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

/// How a program ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Its exit status; `None` where a signal ended it.
    pub(crate) code: Option<i32>,
    /// What it printed.
    pub(crate) stdout: String,
    /// What it complained of.
    pub(crate) stderr: String,
}

impl Outcome {
    /// What it printed, where it ended with 0.
    pub(crate) fn expect_success(self, what: &str) -> String {
        assert_eq!(self.code, Some(0), "{what}: {}{}", self.stdout, self.stderr);
        self.stdout
    }
}

/// Whether this is an integration machine, where nothing may be skipped.
pub(crate) fn ci() -> bool {
    env::var("CI").is_ok_and(|value| value == "true")
}

/// Whether all of `programs` are installed. Where one isn't, says so; with `CI=true` that is a failure.
pub(crate) fn have(programs: &[&str]) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    let missing: Vec<_> = programs
        .iter()
        .filter(|program| !env::split_paths(&path).any(|dir| dir.join(program).is_file()))
        .collect();
    or_skip(missing.is_empty(), &format!("{missing:?}"))
}

/// Whether something that a test needs is there. Where it isn't, says so; with `CI=true` that is a failure.
pub(crate) fn or_skip(there: bool, what: &str) -> bool {
    let line = format!("skipped: not installed: {what} (tests/install-clients.sh installs them)");
    assert!(there || !ci(), "{line}");
    if !there {
        eprintln!("{line}");
    }
    there
}

/// Runs a program with `input`, to its end, in an environment that knows nothing of the user's own settings. Whatever
/// hangs is ended after two minutes.
pub(crate) fn run(program: &str, args: &[&str], home: &Path, input: &[u8]) -> Outcome {
    let mut command = Command::new("timeout");
    command.args(["--signal=KILL", "120", program]).args(args).env_clear().current_dir(home);
    command.env("PATH", env::var_os("PATH").unwrap_or_default()).env("HOME", home).env("LC_ALL", "C.UTF-8");
    finish(&mut command, input)
}

/// Runs `command` with `input`, to its end.
pub(super) fn finish(command: &mut Command, input: &[u8]) -> Outcome {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    let mut stdin = child.stdin.take().expect("stdin is piped");
    let output = thread::scope(|scope| {
        // Aside, since a program may print before it has read all; one that reads nothing closes the pipe.
        scope.spawn(move || stdin.write_all(input));
        child.wait_with_output().expect("the program ends")
    });
    Outcome {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}
