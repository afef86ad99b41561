//! One file for each command, and the table of them.
//!
//! A command has the session's [`State`] while it runs, may ask the actors and the store, writes untagged answers to its
//! [`Outlet`], and says how it ended ([`Done`]). What changed meanwhile is told behind it, as its row allows.

pub mod append;
mod close;
mod copy;
mod create;
mod delete;
pub mod enable;
mod expunge;
pub mod fetch;
mod find;
pub mod id;
mod list;
mod lsub;
mod metadata;
mod multi_search;
mod namespace;
pub mod noop;
pub mod notify;
mod quota;
mod rename;
mod replace;
mod search;
pub mod select;
mod sort;
mod status;
mod store;
mod subscribe;
mod thread;
mod uid_batches;

use std::future::Future;
use std::pin::Pin;

use postern_model::{MailboxId, MailboxName, UidSet};
use postern_policy::Refusal;

use super::grammar::{Command, Numbering, Tag, Targets};
use super::reply::Done;
use super::state::{Selected, State};
use super::sync::{self, Telling};
use crate::net::door::Link;
use crate::net::outlet::{Cut, Outlet};

/// What a command has while it runs.
pub struct Run<'a, 'o> {
    /// The session's state.
    pub state: &'a mut State,
    /// The actors, and the letter that came in last.
    pub link: &'a mut Link,
    /// Where untagged answers go.
    pub out: &'a mut Outlet<'o>,
    /// The command's tag.
    pub tag: &'a Tag,
}

/// A command under way.
pub type Running<'r> = Pin<Box<dyn Future<Output = Result<Done, Cut>> + 'r>>;

/// Where a command may stand, and what may be told behind it.
struct Row {
    needs: Needs,
    telling: Telling,
}

/// What a command needs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Needs {
    /// A login.
    Login,
    /// A selected folder.
    Folder,
    /// A selected folder that may be changed: not EXAMINE.
    WritableFolder,
}

const fn row(needs: Needs, telling: Telling) -> Row {
    Row { needs, telling }
}

impl Row {
    /// The table: where each command may stand, and what may be told behind it.
    fn of(command: &Command) -> Row {
        // RFC 9051 §7.5.1: numbers stay while a command without `UID` goes by them.
        let by = |numbering: &Numbering| match numbering {
            Numbering::Sequence => Telling::NoExpunge,
            Numbering::Uid => Telling::All,
        };
        match command {
            Command::Select(_) => row(Needs::Login, Telling::Nothing),
            Command::Check | Command::Copy(..) | Command::UidBatches { .. } => {
                row(Needs::Folder, Telling::All)
            }
            Command::Close | Command::Unselect => row(Needs::Folder, Telling::Nothing),
            Command::Search(numbering, _)
            | Command::Sort(numbering, ..)
            | Command::Thread(numbering, ..)
            | Command::Fetch(numbering, ..) => row(Needs::Folder, by(numbering)),
            Command::Store(numbering, ..) => row(Needs::WritableFolder, by(numbering)),
            Command::Expunge(_) | Command::Move(..) | Command::Replace { .. } => {
                row(Needs::WritableFolder, Telling::All)
            }
            _ => row(Needs::Login, Telling::All),
        }
    }
}

/// Performs a command of a session that is logged in.
///
/// # Errors
/// [`Cut`].
pub async fn run(run: &mut Run<'_, '_>, command: Command) -> Result<Done, Cut> {
    let Row { needs, telling } = Row::of(&command);
    match (needs, &run.state.selected) {
        (Needs::Folder | Needs::WritableFolder, None) => return Ok(Done::bad("Select a folder first.")),
        (Needs::WritableFolder, Some(selected)) if selected.read_only => {
            return Ok(Done::no_with(
                "READ-ONLY",
                "The folder was opened by EXAMINE: nothing may be changed.",
            ));
        }
        _ => {}
    }
    let done = perform(run, command).await?;
    sync::tell(run.state, run.out, telling).await?;
    Ok(done)
}

fn perform<'r>(run: &'r mut Run<'_, '_>, command: Command) -> Running<'r> {
    match command {
        Command::Append { mailbox, messages } => Box::pin(append::run(run, mailbox, messages)),
        Command::Close => Box::pin(close::close(run)),
        Command::Copy(numbering, targets, to) => Box::pin(copy::copy(run, numbering, targets, to)),
        Command::Create { mailbox, uses } => Box::pin(create::run(run, mailbox, uses)),
        Command::Delete(mailbox) => Box::pin(delete::run(run, mailbox)),
        Command::Enable(names) => Box::pin(enable::run(run, names)),
        Command::Expunge(targets) => Box::pin(expunge::run(run, targets)),
        Command::Fetch(numbering, targets, fetch) => Box::pin(fetch::run(run, numbering, targets, fetch)),
        Command::GetMetadata { mailbox, max_size, depth, entries } => {
            Box::pin(metadata::get(run, metadata::Get { mailbox, max_size, depth, entries }))
        }
        Command::GetQuota(root) => Box::pin(quota::get(run, root)),
        Command::GetQuotaRoot(mailbox) => Box::pin(quota::get_root(run, mailbox)),
        Command::Id(_) => Box::pin(id::run(run)),
        Command::List(list) => Box::pin(list::run(run, list)),
        Command::Lsub { reference, pattern } => Box::pin(lsub::run(run, reference, pattern)),
        Command::Move(numbering, targets, to) => Box::pin(copy::move_to(run, numbering, targets, to)),
        Command::MultiSearch { sources, search } => Box::pin(multi_search::run(run, sources, search)),
        Command::Namespace => Box::pin(namespace::run(run)),
        Command::Noop | Command::Check => Box::pin(noop::run()),
        Command::Notify(notify) => Box::pin(notify::run(run, notify)),
        Command::Rename { from, to } => Box::pin(rename::run(run, from, to)),
        Command::Replace { numbering, target, mailbox, message } => {
            Box::pin(replace::run(run, numbering, target, mailbox, message))
        }
        Command::Search(numbering, search) => Box::pin(search::run(run, numbering, search)),
        Command::Select(select) => Box::pin(select::run(run, select)),
        Command::SetMetadata { mailbox, entries } => Box::pin(metadata::set(run, mailbox, entries)),
        Command::SetQuota { .. } => Box::pin(std::future::ready(Ok(quota::set()))),
        Command::Sort(numbering, keys, search) => Box::pin(sort::run(run, numbering, keys, search)),
        Command::Status { mailbox, items } => Box::pin(status::run(run, mailbox, items)),
        Command::Store(numbering, targets, store) => Box::pin(store::run(run, numbering, targets, store)),
        Command::Subscribe(mailbox) => Box::pin(subscribe::run(run, mailbox, true)),
        Command::Thread(numbering, how, search) => Box::pin(thread::run(run, numbering, how, search)),
        Command::UidBatches { size, range } => Box::pin(uid_batches::run(run, size, range)),
        Command::Unselect => Box::pin(close::unselect(run)),
        Command::Unsubscribe(mailbox) => Box::pin(subscribe::run(run, mailbox, false)),
        _ => Box::pin(std::future::ready(Ok(Done::bad("Not known here.")))),
    }
}

impl Run<'_, '_> {
    /// Refuses in words (SPEC O6: one place for them).
    pub fn refused(&self, refusal: &Refusal) -> Done {
        Done::refused(refusal, &self.state.settings.places)
    }

    /// The selected folder.
    ///
    /// # Errors
    /// `BAD` where none is; the table has seen to that.
    pub fn selected(&self) -> Result<&Selected, Done> {
        self.state.selected.as_deref().ok_or_else(|| Done::bad("Select a folder first."))
    }

    /// The letters that a command is about, of those that the client knows. Unknown UIDs are left out; an unknown number
    /// is `BAD` (RFC 9051 §9, `seq-number`).
    ///
    /// # Errors
    /// How the command ends then.
    pub fn targets(&self, numbering: Numbering, targets: &Targets) -> Result<UidSet, Done> {
        let selected = self.selected()?;
        match (targets, numbering) {
            // RFC 9586 §3: not even `$`, since such a command answers by numbers.
            (_, Numbering::Sequence) if self.state.enabled.uid_only => {
                Err(Done::bad_with("UIDREQUIRED", "UIDONLY is enabled: name letters by UID."))
            }
            (Targets::Saved, _) => Ok(selected.saved.intersection(&selected.view.uids())),
            (Targets::Set(set), Numbering::Uid) => Ok(selected.view.by_uid(set)),
            (Targets::Set(set), Numbering::Sequence) => {
                selected.view.by_number(set).map_err(|n| Done::bad(format!("There is no letter {n}.")))
            }
        }
    }

    /// A folder by its name.
    ///
    /// # Errors
    /// How the command ends where there is none.
    pub async fn folder(&self, name: &MailboxName) -> Result<MailboxId, Done> {
        let folders = self.state.mail.folders().await.map_err(|refusal| self.refused(&refusal))?;
        let found = folders.folders.iter().find(|folder| folder.name == *name);
        found.and_then(|folder| folder.id).ok_or_else(|| Done::no_such_folder(name))
    }
}
