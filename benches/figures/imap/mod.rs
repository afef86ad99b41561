//! IMAP over TLS: one file for each group of figures, each driving whatever server it is given. Accounts are a group's own,
//! so that one server can be driven by all of them, as Dovecot is.

mod append;
mod fetch;
mod letters;
mod login;
mod push;
mod search;
mod select;
mod store;

use crate::client::{DOMAIN, Target};
use crate::server::Server;
use crate::table::{Goal, Mark};
use crate::{Bench, Outcome};

/// A server with IMAP.
pub(crate) trait Subject {
    /// Its listener for IMAP over TLS.
    fn imap(&self) -> Outcome<Target>;
    /// Its listener for submission, where letters handed in there end in its mailboxes.
    fn submission(&self) -> Outcome<Option<Target>>;
    /// CPU time that it has used, in seconds.
    fn cpu(&self) -> Outcome<f64>;
    /// Makes accounts.
    fn furnish(&self, accounts: &[String]) -> Outcome<()>;
    /// Drops what it keeps only to be faster the next time, as far as that can be had: its processes' memory, its caches.
    fn forget(&mut self, bench: &Bench) -> Outcome<()>;
}

/// The figures of a group.
pub(crate) type Drive = fn(&mut Bench, &mut dyn Subject) -> Outcome<()>;

/// All groups that every server is driven by.
pub(crate) const GROUPS: [(&str, Drive); 7] = [
    ("imap-append", append::drive),
    ("imap-fetch", fetch::drive),
    ("imap-store", store::drive),
    ("imap-search", search::drive),
    ("imap-select", select::drive),
    ("imap-login", login::drive),
    ("imap-push", push::drive),
];

/// Drives Postern.
pub(crate) fn measure(bench: &mut Bench, drive: Drive) -> Outcome<()> {
    let server = Server::start(&bench.certificate, &[])?;
    server.add_domain()?;
    let mut ours = Ours(Some(server));
    drive(bench, &mut ours)?;
    if let Some(server) = ours.0 {
        server.stop()?;
    }
    Ok(())
}

/// Postern; there is always one, but while it starts anew.
struct Ours(Option<Server>);

impl Ours {
    fn server(&self) -> Outcome<&Server> {
        self.0.as_ref().ok_or_else(|| "the server did not start anew".into())
    }
}

impl Subject for Ours {
    fn imap(&self) -> Outcome<Target> {
        self.server()?.target("imaps")
    }

    fn submission(&self) -> Outcome<Option<Target>> {
        Ok(Some(self.server()?.target("submissions")?))
    }

    fn cpu(&self) -> Outcome<f64> {
        self.server()?.cpu()
    }

    fn furnish(&self, accounts: &[String]) -> Outcome<()> {
        self.server()?.add_accounts(accounts)
    }

    fn forget(&mut self, bench: &Bench) -> Outcome<()> {
        let server = self.0.take().ok_or("the server did not start anew")?;
        self.0 = Some(server.restart(&bench.certificate, &[])?);
        Ok(())
    }
}

/// The accounts of a group.
fn accounts(group: &str, count: usize) -> Vec<String> {
    (0..count).map(|n| format!("{group}{n}@{DOMAIN}")).collect()
}

/// Goals in the figure's own unit, beside the peer's figure.
fn goals(peer: f64, owed: f64, aim: f64) -> Mark {
    Mark { peer: Some(peer), peer_limit: None, owed: Some(Goal::Is(owed)), aim: Some(Goal::Is(aim)) }
}

/// The peer's figure, held against nothing.
fn beside(peer: f64) -> Mark {
    Mark { peer: Some(peer), ..Mark::default() }
}

/// How many letters: fewer where it is only to be seen that it runs.
fn many(bench: &Bench, count: usize) -> usize {
    if bench.quick { count / 500 } else { count }
}
