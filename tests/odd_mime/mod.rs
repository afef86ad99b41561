//! What IMAP tells of odd letters (`tests/odd-mime/*.eml`), beside what Debian's Dovecot 2.3 tells of them. Where the two
//! differ, `tests/odd-mime/differences.txt` says how, and why Postern does not do as Dovecot does; a difference that is
//! not there, and one that is there and no longer seen, fails.
//!
//! Dovecot's imap process runs alone on its standard input, already logged in, over a Maildir in a temporary directory.

mod asked;
mod differences;
mod dovecot;
mod value;

use std::fs;
use std::path::Path;

use postern_model::mime::{Facts, Scanner};

use crate::rig::ci;
use asked::Asked;
use differences::known;
use value::Value;

/// One of the odd letters.
struct Letter {
    /// The file's name without `.eml`.
    name: String,
    octets: Vec<u8>,
    facts: Facts,
}

/// All of them, in the order of their names.
fn letters() -> Vec<Letter> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/odd-mime");
    let mut letters: Vec<Letter> = fs::read_dir(dir)
        .expect("the odd letters lie in tests/odd-mime")
        .map(|entry| entry.expect("a directory can be read").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "eml"))
        .map(|path| {
            let octets = fs::read(&path).expect("a letter can be read");
            let mut scanner = Scanner::new();
            scanner.feed(&octets);
            let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
            Letter { name, octets, facts: scanner.finish() }
        })
        .collect();
    letters.sort_by(|one, other| one.name.cmp(&other.name));
    letters
}

#[test]
fn odd_letters_are_told_as_dovecot_tells_them() {
    if !dovecot::is_there() {
        let line = "skipped: Debian's dovecot-imapd is not installed (tests/install-clients.sh installs it)";
        assert!(!ci(), "{line}");
        eprintln!("{line}");
        return;
    }
    let letters = letters();
    let questions: Vec<(usize, Asked)> = letters
        .iter()
        .enumerate()
        .flat_map(|(at, letter)| Asked::about(&letter.facts).into_iter().map(move |asked| (at, asked)))
        .collect();
    let answers = dovecot::ask(&letters, &questions);
    let mut known = known();
    let mut wrong = Vec::new();
    for ((at, asked), theirs) in questions.iter().zip(&answers) {
        let letter = &letters[*at];
        let mut found = Vec::new();
        // RFC 9051 §6.4.5 does not say what a part that isn't there is; Dovecot says that it is empty.
        let theirs = if asked.is_missing(letter) && *theirs == Value::empty() { &Value::Nil } else { theirs };
        asked.ours(letter).compare(theirs, &asked.to_string(), &mut found);
        for (place, ours, theirs) in found {
            let shown = format!("{} {place}\n  ours {ours}\n  theirs {theirs}\n", letter.name);
            if !known.remove(&shown) {
                wrong.push(shown);
            }
        }
    }
    wrong.extend(known.iter().map(|known| format!("No longer seen: {known}")));
    assert!(wrong.is_empty(), "{} differences are not explained:\n{}", wrong.len(), wrong.concat());
}
