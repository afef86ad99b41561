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

use postern_model::mime::text::{MAX_PREVIEW, fold, preview, texts};
use postern_model::mime::{Facts, Scanner, signature};

use crate::rig::{Random, ci};
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

impl Letter {
    fn new(name: String, octets: Vec<u8>) -> Letter {
        let mut scanner = Scanner::new();
        scanner.feed(&octets);
        Letter { name, octets, facts: scanner.finish() }
    }

    /// This letter with some of its octets, and of another's, in other places.
    fn spoiled(&self, other: &Letter, random: &mut Random) -> Letter {
        let mut octets = self.octets.clone();
        for _ in 0..=random.below(4) {
            let from = random.below(other.octets.len());
            let piece = &other.octets[from..from + random.below(other.octets.len() - from)];
            let start = random.below(octets.len() + 1);
            let end = start + random.below(octets.len() - start + 1).min(random.below(80));
            octets.splice(start..end, piece.iter().copied());
        }
        Letter::new(format!("{} spoiled", self.name), octets)
    }
}

/// All of them, in the order of their names.
fn letters() -> Vec<Letter> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/odd-mime");
    let mut letters: Vec<Letter> = fs::read_dir(dir)
        .expect("the odd letters lie in tests/odd-mime")
        .map(|entry| entry.expect("a directory can be read").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "eml"))
        .map(|path| {
            let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
            Letter::new(name, fs::read(&path).expect("a letter can be read"))
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

/// What is told of letters is well-formed however they are made, and what a search finds their signatures let through.
#[test]
fn spoiled_letters_can_be_told_and_searched() {
    let seed = 0x0dd;
    eprintln!("seed {seed:#x}");
    let mut random = Random::new(seed);
    let letters = letters();
    for round in 0..1_000 {
        let other = &letters[random.below(letters.len())];
        let letter = letters[round % letters.len()].spoiled(other, &mut random);
        for asked in Asked::about(&letter.facts) {
            asked.ours(&letter);
        }
        assert!(preview(&letter.octets, &letter.facts).chars().count() <= MAX_PREVIEW);
        let signature = signature::of(&letter.octets, &letter.facts);
        texts(&letter.octets, &letter.facts, &mut |_, text| {
            assert!(
                signature::may_hold(&signature, &fold(text)),
                "{}: {text:?}",
                letter.octets.escape_ascii()
            );
        });
    }
}
