//! Programs that keep Maildirs and the server in step: what changes on either side is done on the other.

mod maildir;

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::path::Path;

use maildir::Maildir;

use super::Stage;
use crate::clients::{Tls, Visit};
use crate::rig::{ALICE, BOB, Letter, Outcome, with_lf};

/// Letters in the INBOX of a first run in `make test`.
const LETTERS: u64 = 300;
/// How many letters come on each side, later.
const NEW: u64 = 5;

/// A program.
#[derive(Clone, Copy)]
struct Program {
    name: &'static str,
    /// One run: the server and the Maildirs below `mail` in its home agree when it has ended.
    sync: fn(&Visit<'_>) -> Outcome,
    /// A letter that has the flag of deletion in its Maildir goes; else it has that flag on the server, too.
    expunges: bool,
}

/// `POSTERN_SYNC_LETTERS` says how many letters there are; `make imap-sync` takes 5,000.
#[test]
fn mbsync_syncs_both_ways() {
    let letters = env::var("POSTERN_SYNC_LETTERS").map_or(LETTERS, |text| text.parse().expect("a number"));
    let program = Program { name: "mbsync", sync: mbsync, expunges: true };
    both_ways(program, letters, &[(Tls::Implicit, ALICE), (Tls::Upgraded, BOB)]);
}

#[test]
fn offlineimap_syncs_both_ways() {
    let program = Program { name: "offlineimap", sync: offlineimap, expunges: false };
    both_ways(program, 60, &[(Tls::Implicit, ALICE)]);
}

/// mbsync logs in by the best that Cyrus SASL can: SCRAM, where its modules are installed.
fn mbsync(visit: &Visit<'_>) -> Outcome {
    let config = format!(
        "IMAPAccount there\nHost localhost\nPort {}\nUser {}\nPass \"{}\"\nSSLType {}\nCertificateFile {}\n\
         SystemCertificates no\nTimeout 60\n\nIMAPStore far\nAccount there\n\nMaildirStore near\nSubFolders Verbatim\n\
         Path {home}/mail/\nInbox {home}/mail/INBOX\n\nChannel all\nFar :far:\nNear :near:\nPatterns *\nCreate Both\n\
         Expunge Both\nSync All\nCopyArrivalDate yes\nSyncState *\n",
        visit.port,
        visit.user,
        visit.password,
        if visit.tls == Tls::Implicit { "IMAPS" } else { "STARTTLS" },
        visit.authority,
        home = visit.home.display(),
    );
    let config = visit.write("mbsyncrc", &config);
    visit.run("mbsync", &["-c", &config, "-a"])
}

fn offlineimap(visit: &Visit<'_>) -> Outcome {
    let config = format!(
        "[general]\naccounts = all\nmetadata = {home}/state\nui = quiet\n[Account all]\nlocalrepository = near\n\
         remoterepository = far\n[Repository near]\ntype = Maildir\nlocalfolders = {home}/mail\nsep = /\n\
         [Repository far]\ntype = IMAP\nremotehost = localhost\nremoteport = {}\nremoteuser = {}\nremotepass = {}\n\
         ssl = yes\nsslcacertfile = {}\nexpunge = yes\n",
        visit.port,
        visit.user,
        visit.password,
        visit.authority,
        home = visit.home.display(),
    );
    let config = visit.write("offlineimaprc", &config);
    visit.run("offlineimap", &["-c", &config, "-o"])
}

/// Each way of TLS with an account of its own.
fn both_ways(program: Program, letters: u64, ways: &[(Tls, (&str, &str))]) {
    let Some(stage) = Stage::set(&[program.name]) else { return };
    for (tls, account) in ways {
        let home = stage.room(&format!("{tls:?}"));
        stage.room(&format!("{tls:?}/mail"));
        let visit = stage.visit(*tls, *account, &home);
        let mut history = History::begin(&stage, *account, letters);
        (program.sync)(&visit).expect_success("the first run");
        history.assert_on_both_sides(&stage, *account, &home);
        history.change_here(&home, program.expunges);
        history.change_there(&stage, *account);
        (program.sync)(&visit).expect_success("the second run");
        history.assert_on_both_sides(&stage, *account, &home);
        history.assert_settled(&stage, *account, || (program.sync)(&visit));
    }
}

/// What there has to be on both sides: each folder's letters with their flags.
struct History {
    folders: BTreeMap<&'static str, BTreeMap<u64, BTreeSet<&'static str>>>,
}

impl History {
    /// Letters in two folders of the server.
    fn begin(stage: &Stage, account: (&str, &str), letters: u64) -> History {
        let mut history = History { folders: BTreeMap::new() };
        stage.second(account, &["create", "Work"]);
        history.there(stage, account, "INBOX", 1..=letters);
        history.there(stage, account, "Work", 10_001..=10_010);
        stage.second(account, &["store", "INBOX", "+FLAGS", "\\Seen", "1", "2", "41"]);
        history.flag("INBOX", &[1, 2, 41], "\\Seen");
        history
    }

    fn folder(&mut self, name: &'static str) -> &mut BTreeMap<u64, BTreeSet<&'static str>> {
        self.folders.entry(name).or_default()
    }

    fn flag(&mut self, folder: &'static str, ids: &[u64], flag: &'static str) {
        for id in ids {
            self.folder(folder).get_mut(id).expect("a letter that is there").insert(flag);
        }
    }

    /// Letters come on the server.
    fn there(
        &mut self,
        stage: &Stage,
        account: (&str, &str),
        folder: &'static str,
        ids: impl Iterator<Item = u64>,
    ) {
        let letters: Vec<Letter> = ids.map(letter).collect();
        stage.append(account, folder, &letters);
        self.folder(folder).extend(letters.iter().map(|letter| (letter.id, BTreeSet::new())));
    }

    /// In the Maildirs: flags, deletions by flag and by removing the file, new letters, a new folder.
    fn change_here(&mut self, home: &Path, expunges: bool) {
        let inbox = Maildir::open(home, "INBOX");
        inbox.flag(3..=10, "FS");
        self.flag("INBOX", &[3, 4, 5, 6, 7, 8, 9, 10], "\\Flagged");
        self.flag("INBOX", &[3, 4, 5, 6, 7, 8, 9, 10], "\\Seen");
        inbox.flag(11..=15, "T");
        inbox.remove(16..=20);
        self.flag("INBOX", &[11, 12, 13, 14, 15], "\\Deleted");
        self.folder("INBOX")
            .retain(|id, flags| !((16..=20).contains(id) || expunges && flags.contains("\\Deleted")));
        // One side each: what both say holds.
        inbox.flag(42..=42, "F");
        self.flag("INBOX", &[42], "\\Flagged");
        for (folder, ids) in [("INBOX", 20_001..=20_000 + NEW), ("Here", 21_001..=21_002)] {
            let maildir = Maildir::open(home, folder);
            ids.clone().for_each(|id| maildir.deliver(&letter(id)));
            self.folder(folder).extend(ids.map(|id| (id, BTreeSet::new())));
        }
    }

    /// On the server: flags, deletions, new letters, a new folder.
    fn change_there(&mut self, stage: &Stage, account: (&str, &str)) {
        stage.second(account, &["store", "INBOX", "+FLAGS", "\\Answered", "21", "22", "23", "42"]);
        self.flag("INBOX", &[21, 22, 23, 42], "\\Answered");
        stage.second(account, &["store", "INBOX", "-FLAGS", "\\Seen", "41"]);
        self.folder("INBOX").insert(41, BTreeSet::new());
        stage.second(account, &["delete", "INBOX", "31", "32", "33"]);
        stage.second(account, &["delete", "Work", "10001"]);
        self.folder("INBOX").retain(|id, _| !(31..=33).contains(id));
        self.folder("Work").remove(&10_001);
        stage.second(account, &["create", "There"]);
        self.there(stage, account, "INBOX", 30_001..=30_000 + NEW);
        self.there(stage, account, "There", 31_001..=31_002);
    }

    fn assert_on_both_sides(&self, stage: &Stage, account: (&str, &str), home: &Path) {
        let held = stage.held(account);
        for (name, expected) in &self.folders {
            let expected: BTreeMap<u64, BTreeSet<String>> = expected
                .iter()
                .map(|(id, flags)| (*id, flags.iter().map(|flag| (*flag).to_owned()).collect()))
                .collect();
            let there = held.get(*name).unwrap_or_else(|| panic!("{name} is not on the server"));
            assert_eq!(there.letters.len(), expected.len(), "a letter of {name} is twice on the server");
            assert_eq!(there.flags(), expected, "{name} on the server");
            let here = Maildir::open(home, name).letters();
            let flags: BTreeMap<_, _> = here.iter().map(|(id, file)| (*id, file.flags.clone())).collect();
            assert_eq!(flags, expected, "{name} in its Maildir");
            for held in &there.letters {
                let lines = with_lf(&letter(held.id).bytes);
                assert!(
                    unmarked(&with_lf(&held.bytes)) == lines,
                    "letter {} is another on the server",
                    held.id
                );
                assert!(unmarked(&here[&held.id].bytes) == lines, "letter {} is another here", held.id);
            }
        }
    }

    /// One more run has nothing to do: no letter comes anew under another UID.
    fn assert_settled(&self, stage: &Stage, account: (&str, &str), sync: impl FnOnce() -> Outcome) {
        let uids = || -> BTreeMap<String, Vec<u32>> {
            let uids = |held: &super::Held| held.letters.iter().map(|letter| letter.uid).collect();
            stage.held(account).iter().map(|(name, held)| (name.clone(), uids(held))).collect()
        };
        let before = uids();
        sync().expect_success("the third run");
        assert_eq!(before, uids());
    }
}

/// Without the field by which mbsync knows a letter again, if it breaks off before it has learnt its UID.
fn unmarked(letter: &[u8]) -> Vec<u8> {
    let lines = letter.split_inclusive(|octet| *octet == b'\n');
    lines.filter(|line| !line.starts_with(b"X-TUID: ")).flatten().copied().collect()
}

fn letter(id: u64) -> Letter {
    Letter::new(ALICE.0, id, if id.is_multiple_of(50) { 200_000 } else { 2_000 })
}
