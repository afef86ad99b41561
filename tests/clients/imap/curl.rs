//! curl, one command of IMAP a run.

use super::{Stage, assert_held};
use crate::clients::programs::curl;
use crate::clients::{Tls, Visit};
use crate::rig::{ALICE, BOB, Letter};

#[test]
fn curl_fetches_flags_moves_and_deletes() {
    let Some(stage) = Stage::set(&["curl"]) else { return };
    let letters: Vec<Letter> = (1..=6).map(|id| Letter::new(ALICE.0, id, 3_000 * id as usize)).collect();
    let files = stage.write(&letters);
    for (tls, account) in [(Tls::Implicit, ALICE), (Tls::Upgraded, BOB)] {
        stage.append(account, "INBOX", &letters[..5]);
        let home = stage.room(&format!("{tls:?}"));
        let visit = stage.visit(tls, account, &home);
        look(&visit, &letters);
        change(&visit, &files[5]);
        let [one, two, three, four, _, six] = &letters[..] else { panic!("six letters") };
        let inbox = stage.folder(account, "INBOX");
        assert_held(&inbox, &[(one, "\\Flagged"), (two, ""), (four, ""), (six, "\\Seen")]);
        assert_held(&stage.folder(account, "Work"), &[(three, "")]);
    }
}

/// Runs curl on a folder, or on what the path names further.
fn ask(visit: &Visit<'_>, path: &str, args: &[&str]) -> String {
    curl(visit, "imap", path, args).expect_success(&format!("curl {path} {args:?}"))
}

fn look(visit: &Visit<'_>, letters: &[Letter]) {
    let folders = ask(visit, "", &[]);
    assert!(folders.contains("INBOX") && folders.contains("\\Sent"), "{folders}");
    for way in [&["--login-options", "AUTH=PLAIN", "--sasl-ir"][..], &["--login-options", "AUTH=*"]] {
        let letter = ask(visit, "INBOX;UID=2", way);
        assert_eq!(letter.as_bytes(), letters[1].bytes, "letter 2 is not what was put there");
    }
    let text = String::from_utf8_lossy(&letters[3].bytes);
    let (header, _) = text.split_once("\r\n\r\n").expect("a header");
    assert_eq!(ask(visit, "INBOX;MAILINDEX=4;SECTION=HEADER", &[]), format!("{header}\r\n\r\n"));
    assert_eq!(ask(visit, "INBOX;UID=4;SECTION=HEADER.FIELDS%20(SUBJECT)", &[]), "Subject: letter 4\r\n\r\n");
    assert_eq!(ask(visit, "INBOX?SUBJECT%20%22letter%203%22", &[]).trim(), "* SEARCH 3");
    // Letter 4 has been read by now.
    assert_eq!(ask(visit, "INBOX", &["--request", "UID SEARCH UNSEEN 3:5"]).trim(), "* SEARCH 3 5");
    assert!(ask(visit, "", &["--request", "STATUS INBOX (MESSAGES)"]).contains("(MESSAGES 5)"));
    assert!(ask(visit, "INBOX", &["--request", "FETCH 1:2 (FLAGS ENVELOPE)"]).contains("\"letter 2\""));
}

fn change(visit: &Visit<'_>, sixth: &str) {
    // It sends a file as \Seen.
    ask(visit, "INBOX", &["--upload-file", sixth]);
    ask(visit, "", &["--request", "CREATE Work"]);
    ask(visit, "INBOX", &["--request", "STORE 1 +FLAGS.SILENT (\\Flagged)"]);
    ask(visit, "INBOX", &["--request", "UID MOVE 3 Work"]);
    ask(visit, "INBOX", &["--request", "UID STORE 5 +FLAGS.SILENT (\\Deleted)"]);
    ask(visit, "INBOX", &["--request", "EXPUNGE"]);
    // Reading by number or UID marks a letter as read.
    ask(visit, "INBOX", &["--request", "UID STORE 2,4 -FLAGS.SILENT (\\Seen)"]);
}
