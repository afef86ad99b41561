//! The real server, started as an operator starts it, and small blocking clients to talk to it.
//!
//! Each [`Server`] has a data directory and ports of its own, so tests run side by side. What a test waits for is an
//! event (a file, a reply, a process's end); the long limits here only keep a broken server from hanging the tests.

mod cut;
mod imap;
mod letter;
mod pop3;
mod program;
mod random;
mod server;
mod sink;
mod smtp;
mod wire;

pub(crate) use cut::Cut;
pub(crate) use imap::Imap;
pub(crate) use letter::{Letter, behind_own_fields, rig_id, with_lf};
pub(crate) use pop3::Pop3;
pub(crate) use program::{Outcome, ci, have, or_skip, run};
pub(crate) use random::Random;
pub(crate) use server::{Server, Service, patiently};
pub(crate) use sink::Sink;
pub(crate) use smtp::{How, Reply, Smtp};
pub(crate) use wire::{Wire, refused};

/// The accounts that [`Server::with_accounts`] makes, with their passwords.
pub(crate) const ALICE: (&str, &str) = ("alice@demo.test", "the walrus and the carpenter");
/// See [`ALICE`].
pub(crate) const BOB: (&str, &str) = ("bob@demo.test", "a close-run thing, 1815");
