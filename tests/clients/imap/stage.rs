//! A server with letters in it, and the second view of it.

use std::env;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::Held;
use super::mailbox::{Mailboxes, held};
use crate::clients::{Tls, Visit};
use crate::rig::{Letter, Server, Service, have};

/// Names the server that is played against instead, see the parent.
const ELSEWHERE: &str = "POSTERN_IMAP_ELSEWHERE";

/// A server, and room for the programs' files.
pub(super) struct Stage {
    /// Stops when dropped.
    _server: Option<Server>,
    dir: TempDir,
    imaps: u16,
    imap: u16,
    authority: String,
}

impl Stage {
    /// A server with the rig's two accounts, where all of `needs` are installed.
    pub(super) fn set(needs: &[&str]) -> Option<Stage> {
        if !have(&[&["python3"], needs].concat()) {
            return None;
        }
        let dir = tempfile::tempdir().expect("a temporary directory");
        if let Ok(elsewhere) = env::var(ELSEWHERE) {
            let parts: Vec<&str> = elsewhere.splitn(3, ',').collect();
            let [imaps, imap, authority] = parts[..] else { panic!("{ELSEWHERE}=993,143,/authority.pem") };
            let port = |text: &str| text.parse().expect("a port");
            let (imaps, imap, authority) = (port(imaps), port(imap), authority.to_owned());
            return Some(Stage { _server: None, dir, imaps, imap, authority });
        }
        let server = Server::with_accounts(&[]);
        let port = |service| server.address(service).port();
        let (imaps, imap) = (port(Service::Imaps), port(Service::Imap));
        let authority = server.certificate().to_string_lossy().into_owned();
        Some(Stage { _server: Some(server), dir, imaps, imap, authority })
    }

    /// A directory for a program.
    pub(super) fn room(&self, name: &str) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::create_dir_all(&path).expect("a directory in a temporary one");
        path
    }

    /// What a program is told.
    pub(super) fn visit<'a>(
        &self,
        tls: Tls,
        (user, password): (&'a str, &'a str),
        home: &'a Path,
    ) -> Visit<'a> {
        let port = if tls == Tls::Implicit { self.imaps } else { self.imap };
        Visit { port, tls, authority: self.authority.clone(), user, password, home, keep: true }
    }

    /// What the server holds.
    pub(super) fn held(&self, account: (&str, &str)) -> Mailboxes {
        let dump = self.room("dump");
        held(&self.second(account, &["show", &dump.to_string_lossy()]))
    }

    /// One of its folders.
    pub(super) fn folder(&self, account: (&str, &str), name: &str) -> Held {
        self.held(account).remove(name).unwrap_or_else(|| panic!("there is no folder {name}"))
    }

    /// Puts letters into a folder.
    pub(super) fn append(&self, account: (&str, &str), folder: &str, letters: &[Letter]) {
        // A thousand at a time, since no program of the tests may take for ever.
        for files in self.write(letters).chunks(1_000) {
            let files: Vec<&str> = files.iter().map(String::as_str).collect();
            self.second(account, &[&["append", folder], &*files].concat());
        }
    }

    /// Writes each letter into a file named by its id; returns the files.
    pub(super) fn write(&self, letters: &[Letter]) -> Vec<String> {
        let room = self.room("letters");
        let write = |letter: &Letter| {
            let file = room.join(letter.id.to_string());
            std::fs::write(&file, &letter.bytes).expect("a file in a temporary directory");
            file.to_string_lossy().into_owned()
        };
        letters.iter().map(write).collect()
    }

    /// Runs the second view with a command of its own, see `second.py`.
    pub(super) fn second(&self, (user, password): (&str, &str), command: &[&str]) -> String {
        let script = script("second.py");
        let port = self.imaps.to_string();
        let args = [&[&*script, &port, &self.authority, user, password], command].concat();
        let outcome = crate::rig::run("python3", &args, self.dir.path(), b"");
        outcome.expect_success(&format!("the second view, {}", command[0]))
    }
}

/// A script beside this file.
pub(super) fn script(name: &str) -> String {
    format!("{}/tests/clients/imap/{name}", env!("CARGO_MANIFEST_DIR"))
}
