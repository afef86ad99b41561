//! mutt, its keys pressed by its own configuration, in a terminal that `script` makes.

use super::{Stage, assert_held};
use crate::clients::{Tls, Visit};
use crate::rig::{ALICE, BOB, Letter, Outcome};

/// What is pressed once INBOX is open: letter 1 is flagged, 3 is saved to another folder (which is a copy and a
/// deletion), 5 is deleted, 6 is read, 2 is copied; then all is told to the server.
const KEYS: &str = "<search>~s 'letter 1$'<enter><flag-message>\
    <search>~s 'letter 3$'<enter><save-message>=Work<enter>\
    <search>~s 'letter 5$'<enter><delete-message>\
    <search>~s 'letter 6$'<enter><display-message><exit>\
    <search>~s 'letter 2$'<enter><copy-message>=Work<enter>\
    <sync-mailbox><change-folder>=Work<enter>\
    <search>~s 'letter 2$'<enter><set-flag>r<sync-mailbox><quit>";

#[test]
fn mutt_flags_saves_and_deletes() {
    let Some(stage) = Stage::set(&["mutt", "script"]) else { return };
    let letters: Vec<Letter> = (1..=6).map(|id| Letter::new(ALICE.0, id, 2_000 * id as usize)).collect();
    for (tls, account) in [(Tls::Implicit, ALICE), (Tls::Upgraded, BOB)] {
        stage.append(account, "INBOX", &letters);
        let home = stage.room(&format!("{tls:?}"));
        mutt(&stage.visit(tls, account, &home)).expect_success("mutt");
        let [one, two, three, four, _, six] = &letters[..] else { panic!("six letters") };
        // What was shown in the list and not opened is old, which mutt doesn't tell the server by itself.
        assert_held(
            &stage.folder(account, "INBOX"),
            &[(one, "\\Flagged"), (two, ""), (four, ""), (six, "\\Seen")],
        );
        assert_held(&stage.folder(account, "Work"), &[(three, ""), (two, "\\Answered \\Seen")]);
    }
}

fn mutt(visit: &Visit<'_>) -> Outcome {
    let scheme = if visit.tls == Tls::Implicit { "imaps" } else { "imap" };
    let folder = format!("{scheme}://localhost:{}/", visit.port);
    let config = format!(
        "set imap_user = \"{}\"\nset imap_pass = \"{}\"\nset folder = {folder}\nset spoolfile = {folder}INBOX\n\
         set ssl_starttls = yes\nset ssl_force_tls = yes\nset ssl_ca_certificates_file = \"\"\n\
         set certificate_file = {}\nset ssl_usesystemcerts = no\nset record = \"\"\nset confirmappend = no\n\
         set confirmcreate = no\nset delete = yes\nset quit = yes\nset move = no\nset wait_key = no\n\
         set mark_old = no\nset header_cache = {}/cache\nset imap_condstore = yes\nset imap_qresync = yes\n\
         push \"{KEYS}\"\n",
        visit.user,
        visit.password,
        visit.authority,
        visit.home.display(),
    );
    let config = visit.write("muttrc", &config);
    visit.run("env", &["TERM=xterm", "script", "-qec", &format!("mutt -n -F {config}"), "/dev/null"])
}
