//! One story, played by each library: whole letters, flags, folders, a move, a copy, a deletion, a letter put there,
//! searches, and IDLE, which tells what another connection does. Letters 1 to 6 are there when it begins.

use std::path::{Path, PathBuf};

use super::stage::script;
use super::{Stage, assert_held};
use crate::clients::Tls;
use crate::rig::{ALICE, BOB, Letter, or_skip, run};

/// How large the letters are.
const SIZES: [usize; 8] = [2_000, 300_000, 40_000, 2_000, 2_000, 5_000, 100_000, 2_000];

#[test]
fn imaplib_plays_the_story() {
    story(&["python3"], "story_imaplib.py");
}

#[test]
fn imapclient_plays_the_story() {
    let modules = installed("python");
    if or_skip(modules.join("imapclient").is_dir(), "Python's IMAPClient") {
        let path = format!("PYTHONPATH={}", modules.display());
        story(&["env", &path, "python3"], "story_imapclient.py");
    }
}

#[test]
fn mail_imapclient_plays_the_story() {
    let check = ["-MMail::IMAPClient", "-MIO::Socket::SSL", "-MCompress::Zlib", "-e", "1"];
    if or_skip(run("perl", &check, Path::new("/"), b"").code == Some(0), "Perl's Mail::IMAPClient") {
        story(&["perl"], "story_mail_imapclient.pl");
    }
}

#[test]
fn imapflow_plays_the_story() {
    let modules = installed("imapflow");
    if or_skip(modules.join("node_modules/imapflow").is_dir(), "imapflow") {
        let path = format!("IMAPFLOW={}", modules.display());
        story(&["env", &path, "node"], "story_imapflow.mjs");
    }
}

/// Where `tests/install-clients.sh` puts what Debian doesn't have.
fn installed(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/clients").join(name)
}

/// With TLS from the first octet and with STARTTLS, each with an account of its own.
fn story(program: &[&str], name: &str) {
    let needs: Vec<&str> = program.iter().filter(|word| !word.contains('=')).copied().collect();
    let Some(stage) = Stage::set(&needs) else { return };
    let letters: Vec<Letter> = (1..).zip(SIZES).map(|(id, size)| Letter::new(ALICE.0, id, size)).collect();
    stage.write(&letters);
    for (tls, way, account) in [(Tls::Implicit, "implicit", ALICE), (Tls::Upgraded, "upgraded", BOB)] {
        stage.append(account, "INBOX", &letters[..6]);
        let home = stage.room(way);
        let visit = stage.visit(tls, account, &home);
        let (script, port, room) = (script(name), visit.port.to_string(), stage.room("letters"));
        let told =
            [&*script, &port, way, &visit.authority, visit.user, visit.password, &room.to_string_lossy()];
        let args = [&program[1..], &told].concat();
        visit.run(program[0], &args).expect_success(&format!("{name}, {way}"));
        assert_ended(&stage, account, &letters);
    }
}

/// What the second view shows when the story has been played.
fn assert_ended(stage: &Stage, account: (&str, &str), letters: &[Letter]) {
    let [one, two, three, four, _, six, seven, eight] = letters else { panic!("eight letters") };
    let held = stage.held(account);
    assert!(
        !held.keys().any(|name| name.starts_with("Passing")),
        "a folder was not removed: {:?}",
        held.keys()
    );
    assert_held(
        &held["INBOX"],
        &[(one, "$Forwarded \\Flagged"), (two, ""), (four, ""), (six, ""), (seven, "\\Seen"), (eight, "")],
    );
    assert_held(&held["Work"], &[(three, ""), (four, "")]);
}
