//! Mail programs that people use, against the real server: send, fetch, leave on the server, delete, resume.
//!
//! A program that fetches is a function from a [`Visit`] to files in its inbox, one that sends a function from a
//! [`Visit`] and a letter; what each has to achieve is written once, in `fetching` and `sending`. Programs that speak IMAP are
//! in `imap`.

mod fetching;
mod imap;
mod lmtp;
mod perl;
pub(crate) mod programs;
pub(crate) mod python;
mod replies;
mod sending;

use std::fs;
use std::path::{Path, PathBuf};

use crate::rig::{Outcome, Server};

/// When TLS begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tls {
    /// With the first byte.
    Implicit,
    /// With STLS or STARTTLS.
    Upgraded,
}

/// One run of a program.
pub(crate) struct Visit<'a> {
    /// Where to connect, on localhost.
    pub(crate) port: u16,
    pub(crate) tls: Tls,
    /// The PEM file to trust.
    pub(crate) authority: String,
    pub(crate) user: &'a str,
    pub(crate) password: &'a str,
    /// The program's home: its state from one run to the next, its inbox.
    pub(crate) home: &'a Path,
    /// Leave letters on the server, and fetch new ones alone.
    pub(crate) keep: bool,
}

impl<'a> Visit<'a> {
    pub(crate) fn new(server: &Server, (user, password): (&'a str, &'a str), home: &'a Path) -> Visit<'a> {
        let authority = server.certificate().to_string_lossy().into_owned();
        Visit { port: 0, tls: Tls::Implicit, authority, user, password, home, keep: true }
    }

    /// Where the letters go: the directory in which they are files.
    pub(crate) fn inbox(&self) -> PathBuf {
        let inbox = self.home.join("inbox");
        for name in ["new", "cur", "tmp"] {
            fs::create_dir_all(inbox.join(name)).expect("directories in a temporary one");
        }
        inbox
    }

    /// Writes a file of the program's home, for no other eyes, as programs demand of files with passwords.
    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        use std::os::unix::fs::PermissionsExt as _;
        let path = self.home.join(name);
        fs::write(&path, text).expect("a file in a temporary directory");
        let mode = if text.starts_with("#!") { 0o700 } else { 0o600 };
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("one's own file");
        path.to_string_lossy().into_owned()
    }

    /// Runs a program, at home.
    pub(crate) fn run(&self, program: &str, args: &[&str]) -> Outcome {
        crate::rig::run(program, args, self.home, b"")
    }
}

/// Fetches what is new, as files in the inbox's `new`, and tells how that ended.
pub(crate) type Fetch = fn(&Visit<'_>) -> Outcome;

/// Sends the letter in a file from [`crate::rig::ALICE`] to [`crate::rig::BOB`].
pub(crate) type Send = fn(&Visit<'_>, letter: &str) -> Outcome;
