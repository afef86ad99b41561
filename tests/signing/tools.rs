//! Other people's verifiers: dkimpy (RSA, Ed25519, ARC) and OpenDKIM.

use std::fs;
use std::path::Path;

use super::records::Records;
use crate::rig::{Outcome, or_skip, run};

/// Debian's Python, which has Debian's modules.
const PYTHON: &str = "/usr/bin/python3";

/// A line for each letter: `name: true true`, a word for each signature.
const DKIM: &str = r#"
import dkim, json, os, sys
records = {name.encode() + b".": text.encode() for name, text in json.load(open("records.json")).items()}
for name in sorted(os.listdir("letters")):
    letter = open(os.path.join("letters", name), "rb").read()
    count = sum(1 for line in letter.split(b"\r\n\r\n")[0].split(b"\r\n")
                if line.lower().startswith(b"dkim-signature:"))
    words = []
    for n in range(count):
        try:
            words.append(str(dkim.DKIM(letter).verify(idx=n, dnsfunc=lambda name, timeout=5: records.get(name))).lower())
        except dkim.DKIMException as error:
            words.append(repr(str(error)))
    print(name + ":", *words)
"#;

/// A line for each letter: `name: pass`.
const ARC: &str = r#"
import dkim, json, os
records = {name.encode() + b".": text.encode() for name, text in json.load(open("records.json")).items()}
for name in sorted(os.listdir("letters")):
    letter = open(os.path.join("letters", name), "rb").read()
    cv, _, reason = dkim.arc_verify(letter, dnsfunc=lambda name, timeout=5: records.get(name))
    print(name + ":", cv.decode(), "" if cv == dkim.CV_Pass else reason)
"#;

/// Puts a set on top of the letter on standard input.
const ARC_SIGN: &str = r#"
import dkim, sys
selector, domain, key = sys.argv[1:]
letter = sys.stdin.buffer.read()
fields = dkim.arc_sign(letter, selector.encode(), domain.encode(), open(key, "rb").read(), domain.encode(),
                       include_headers=[b"from", b"to", b"subject", b"date"], linesep=b"\r\n")
sys.stdout.buffer.write(b"".join(fields) + letter)
"#;

/// Makes an RSA key for `dkim.arc_sign`: the private one in `key.pem`, what `p=` says on standard output.
const MAKE_KEY: &str = "openssl genrsa -out key.pem 2048 2>/dev/null && openssl rsa -in key.pem -pubout -outform DER 2>/dev/null | base64 -w0";

pub(super) fn have_dkimpy(home: &Path) -> bool {
    let there = Path::new(PYTHON).exists()
        && run(PYTHON, &["-c", "import dkim, nacl.signing, authres"], home, b"").code == Some(0);
    or_skip(there, "python3-dkim, python3-nacl, python3-authres")
}

fn prepare(home: &Path, script: &str, records: &Records, letters: &[(String, Vec<u8>)]) {
    let dir = home.join("letters");
    fs::create_dir_all(&dir).expect("a directory");
    for (name, letter) in letters {
        fs::write(dir.join(name), letter).expect("a letter is written");
    }
    fs::write(home.join("records.json"), records.json()).expect("records are written");
    fs::write(home.join("script.py"), script).expect("a script is written");
}

/// What dkimpy says of each letter, by name.
pub(super) fn dkimpy(home: &Path, records: &Records, letters: &[(String, Vec<u8>)]) -> Vec<String> {
    prepare(home, DKIM, records, letters);
    lines(run(PYTHON, &["script.py"], home, b""))
}

/// What dkimpy says of each letter's chain, by name.
pub(super) fn dkimpy_arc(home: &Path, records: &Records, letters: &[(String, Vec<u8>)]) -> Vec<String> {
    prepare(home, ARC, records, letters);
    lines(run(PYTHON, &["script.py"], home, b""))
}

fn lines(outcome: Outcome) -> Vec<String> {
    outcome.expect_success("dkimpy").lines().map(|line| line.trim_end().to_owned()).collect()
}

/// A key for [`sealed_by_dkimpy`], as its record in the DNS has it.
pub(super) fn key_for_dkimpy(home: &Path) -> String {
    let public = run("sh", &["-c", MAKE_KEY], home, b"").expect_success("openssl");
    format!("v=DKIM1; k=rsa; p={public}")
}

/// The letter with dkimpy's next ARC set on top.
pub(super) fn sealed_by_dkimpy(home: &Path, selector: &str, domain: &str, letter: &[u8]) -> Vec<u8> {
    fs::write(home.join("sign.py"), ARC_SIGN).expect("a script is written");
    let outcome = run(PYTHON, &["sign.py", selector, domain, "key.pem"], home, letter);
    outcome.expect_success("dkimpy seals").into_bytes()
}

pub(super) fn have_opendkim() -> bool {
    or_skip(Path::new("/usr/sbin/opendkim").exists(), "opendkim")
}

/// What OpenDKIM says of one letter.
pub(super) fn opendkim(home: &Path, records: &Records, letter: &[u8]) -> String {
    fs::write(home.join("records"), records.lines()).expect("records are written");
    let configuration = "Mode v\nTestDNSData file:records\nSyslog no\n";
    fs::write(home.join("opendkim.conf"), configuration).expect("a configuration is written");
    fs::write(home.join("letter.eml"), letter).expect("a letter is written");
    let args = ["-x", "opendkim.conf", "-v", "-v", "-t", "letter.eml"];
    let outcome = run("/usr/sbin/opendkim", &args, home, b"");
    format!("{}{}", outcome.stdout, outcome.stderr)
}
