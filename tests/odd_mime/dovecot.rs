//! Dovecot's imap process, asked about letters in a Maildir of its own.

use std::collections::HashMap;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use super::Letter;
use super::asked::Asked;
use super::value::Value;

/// Debian's place for it.
const IMAP: &str = "/usr/lib/dovecot/imap";
/// Debian's user and group `nobody`: Dovecot serves no mail to root.
const NOBODY: u32 = 65_534;

pub(super) fn is_there() -> bool {
    Path::new(IMAP).exists()
}

/// What Dovecot answers to each question, which names a letter by its place among `letters`.
pub(super) fn ask(letters: &[Letter], questions: &[(usize, Asked)]) -> Vec<Value> {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let configuration = prepare(dir.path(), letters);
    let mut input = String::from("select EXAMINE INBOX\r\n");
    for (tag, (letter, asked)) in questions.iter().enumerate() {
        let item = asked.to_string();
        let item = if item.contains('[') { item.replacen('[', ".PEEK[", 1) } else { item };
        input.push_str(&format!("{tag} FETCH {} {item}\r\n", letter + 1));
    }
    input.push_str("end LOGOUT\r\n");
    let output = run(dir.path(), &configuration, input.into_bytes());
    let told = read(&output);
    let answer = |(letter, asked): &(usize, Asked)| {
        let key = (letter + 1, asked.to_string().to_ascii_uppercase());
        told.get(&key).cloned().unwrap_or(Value::Refused)
    };
    questions.iter().map(answer).collect()
}

/// The answers by the letter's number and the item's name in upper case: Dovecot says OK or NO to many commands at once.
fn read(mut output: &[u8]) -> HashMap<(usize, String), Value> {
    let mut told = HashMap::new();
    while !output.is_empty() {
        let end = output.iter().position(|octet| *octet == b'\n').map_or(output.len(), |end| end + 1);
        let line = &output[..end];
        let Some(at) = memchr::memmem::find(line, b" FETCH (").filter(|_| line.starts_with(b"* ")) else {
            output = &output[end..];
            continue;
        };
        let number = String::from_utf8_lossy(&line[2..at]).parse().expect("a letter's number");
        output = &output[at + b" FETCH ".len()..];
        let Value::List(items) = Value::read(&mut output) else { panic!("a list: {}", line.escape_ascii()) };
        for pair in items.chunks_exact(2) {
            let Value::Atom(name) = &pair[0] else { panic!("a name: {:?}", pair[0]) };
            told.insert((number, String::from_utf8_lossy(name).to_ascii_uppercase()), pair[1].clone());
        }
        output = output.strip_prefix(b"\r\n").expect("a line break behind an answer");
    }
    told
}

/// Writes the letters and the configuration; returns where the latter is.
fn prepare(dir: &Path, letters: &[Letter]) -> String {
    fs::set_permissions(dir, fs::Permissions::from_mode(0o755)).expect("one's own directory");
    let maildir = dir.join("mail");
    let mut made = vec![maildir.clone()];
    made.extend(["cur", "new", "tmp"].map(|name| maildir.join(name)));
    made.iter().for_each(|dir| fs::create_dir(dir).expect("a directory in a temporary one"));
    for (number, letter) in letters.iter().enumerate() {
        // A Maildir's letters are numbered in the order of their times.
        let path = maildir.join("cur").join(format!("{}.odd:2,S", 1_000_000_000 + number));
        fs::write(&path, &letter.octets).expect("a file in a temporary directory");
        made.push(path);
    }
    let user = rustix::process::geteuid();
    let (uid, gid) = match user.is_root() {
        true => (NOBODY, NOBODY),
        false => (user.as_raw(), rustix::process::getegid().as_raw()),
    };
    if user.is_root() {
        made.push(dir.to_owned());
        made.iter().for_each(|path| chown(path, Some(uid), Some(gid)).expect("root may give files away"));
    }
    let dir = dir.display();
    let text = format!(
        "base_dir = {dir}/run\nstate_dir = {dir}/state\nlog_path = {dir}/log\nssl = no\n\
         mail_location = maildir:{dir}/mail\nmail_uid = {uid}\nmail_gid = {gid}\nfirst_valid_uid = 1\n"
    );
    let path = format!("{dir}/dovecot.conf");
    fs::write(&path, text).expect("a file in a temporary directory");
    path
}

/// Runs the process to its end; whatever hangs is ended after two minutes.
fn run(home: &Path, configuration: &str, input: Vec<u8>) -> Vec<u8> {
    let mut child = Command::new("timeout")
        .args(["--signal=KILL", "120", IMAP, "-c", configuration])
        .env("HOME", home)
        .env("USER", "odd")
        .current_dir(home)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("Dovecot starts");
    let mut stdin = child.stdin.take().expect("stdin is piped");
    let output = thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(&input));
        child.wait_with_output().expect("Dovecot ends")
    });
    output.stdout
}
