//! ESEARCH (RFC 7377): one search in several folders.

use std::collections::BTreeMap;
use std::sync::Arc;

use postern_model::record::Folders;
use postern_model::{MailboxId, MailboxName, UidSet};
use postern_policy::Refusal;
use postern_policy::folder::Folder;
use postern_policy::view::View;

use super::find::{self, Progress, Stop};
use super::search::{extended, save, settle};
use crate::imap::command::Run;
use crate::imap::grammar::{Numbering, Search, SearchReturn, Source, write};
use crate::imap::reply::Done;
use crate::imap::search::answer::Head;
use crate::imap::search::{Context, Plan, uses_numbers};
use crate::net::outlet::Cut;

pub(super) async fn run(run: &mut Run<'_, '_>, sources: Vec<Source>, search: Search) -> Result<Done, Cut> {
    let returns = search.returns;
    let done = Stop::ended(perform(run, sources, search).await)?;
    Ok(settle(run, returns, done))
}

async fn perform(run: &mut Run<'_, '_>, sources: Vec<Source>, search: Search) -> Result<Done, Stop> {
    find::admit(run, Numbering::Uid, &search)?;
    let selected = run.state.selected.as_ref().map(|selected| selected.mailbox);
    let folders = run.state.mail.folders().await.map_err(|refusal| run.refused(&refusal))?;
    let targets = targets(&folders, &sources, selected)?;
    let only_selected = targets.keys().all(|mailbox| Some(*mailbox) == selected);
    let returns = search.returns.unwrap_or(SearchReturn { all: true, ..SearchReturn::default() });
    // RFC 7377 §2.2: numbers and `$` are the selected folder's.
    if !only_selected && (returns.save || uses_numbers(&search.keys)) {
        return Err(Done::bad("Numbers and SAVE are for the selected folder alone.").into());
    }
    let mut progress = Progress::new(run);
    for (mailbox, name) in targets {
        one(run, mailbox, &name, &search, &returns, &mut progress).await?;
    }
    Ok(Done::ok("ESEARCH completed"))
}

/// Searches one folder. Where nothing is found nothing is told of it (RFC 7377 §2.1); one that is gone meanwhile is passed over.
async fn one(
    run: &mut Run<'_, '_>,
    mailbox: MailboxId,
    name: &MailboxName,
    search: &Search,
    returns: &SearchReturn,
    progress: &mut Progress,
) -> Result<(), Stop> {
    let folder = match run.state.mail.look(mailbox).await {
        Ok(folder) => folder,
        Err(Refusal::NoSuchFolder) => return Ok(()),
        Err(refusal) => return Err(run.refused(&refusal).into()),
    };
    let (view, plan) = plan(run, mailbox, &folder, search)?;
    let plan = Arc::new(plan);
    let hits = find::find(run, &folder, &plan, progress).await?;
    let found = hits.found(&view);
    let mut written = Vec::new();
    write::mailbox(&mut written, name, run.state.enabled.wants_utf8());
    let head = Head {
        tag: run.tag.as_str(),
        mailbox: Some((&written, folder.header().uid_validity)),
        numbering: Numbering::Uid,
        mod_seq: plan.mod_seq(),
    };
    match found.is_empty() {
        false => extended(run, &head, &found, returns),
        true if returns.save => save(run, UidSet::new()),
        true => {}
    }
    Ok(run.out.relieve().await?)
}

/// The view that is searched, and the plan in it: of the selected folder what the client knows, of others all.
fn plan(
    run: &Run<'_, '_>,
    mailbox: MailboxId,
    folder: &Folder,
    search: &Search,
) -> Result<(View, Plan), Done> {
    let none = UidSet::new();
    let selected = run.state.selected.as_ref().filter(|selected| selected.mailbox == mailbox);
    let view = selected.map_or_else(|| View::of(folder), |selected| selected.view.clone());
    let context = Context {
        view: &view,
        saved: selected.map_or(&none, |selected| &selected.saved),
        header: folder.header(),
        recent: selected.map_or(folder.header().recent, |selected| selected.recent),
        now: run.link.actors.now().seconds(),
    };
    let plan = Plan::new(&search.keys, &context);
    let plan = plan.map_err(|unknown| Done::bad(format!("There is no letter {}.", unknown.0)))?;
    Ok((view, plan))
}

/// The folders that `sources` name, each once; names of no folder are passed over.
fn targets(
    folders: &Folders,
    sources: &[Source],
    selected: Option<MailboxId>,
) -> Result<BTreeMap<MailboxId, MailboxName>, Done> {
    let selected_alone = [Source::Selected];
    let sources = if sources.is_empty() { &selected_alone } else { sources };
    let mut targets = BTreeMap::new();
    for source in sources {
        match source {
            Source::Selected if selected.is_none() => return Err(Done::bad("Select a folder first.")),
            // RFC 7377 §2.2
            Source::SelectedDelayed => return Err(Done::bad("SELECTED-DELAYED is for NOTIFY.")),
            _ => {}
        }
        let named = folders.folders.iter().filter_map(|folder| Some((folder.id?, &folder.name)));
        let named = named.filter(|(id, name)| is_named(source, *id, name, folders, selected));
        targets.extend(named.map(|(id, name)| (id, name.clone())));
    }
    Ok(targets)
}

fn is_named(
    source: &Source,
    id: MailboxId,
    name: &MailboxName,
    folders: &Folders,
    selected: Option<MailboxId>,
) -> bool {
    let below = |top: &MailboxName| top == name || name.below(top).is_some();
    let just_below = |top: &MailboxName| top == name || name.parent().as_ref() == Some(top);
    match source {
        Source::Selected | Source::SelectedDelayed => Some(id) == selected,
        Source::Inboxes => name.is_inbox(),
        Source::Personal => true,
        Source::Subscribed => folders.subscribed.contains(name),
        Source::Subtree(tops) => tops.iter().any(below),
        Source::SubtreeOne(tops) => tops.iter().any(just_below),
        Source::Mailboxes(names) => names.contains(name),
    }
}

#[cfg(test)]
mod tests {
    use postern_model::imap::UidValidity;
    use postern_model::record::NamedFolder;

    use super::*;

    fn name(text: &str) -> MailboxName {
        MailboxName::parse(text).expect("a name")
    }

    /// Numbered from 1; `b` only holds others.
    fn folders() -> Folders {
        let named = |(id, text): (u32, &str)| NamedFolder {
            name: name(text),
            id: (text != "b").then_some(MailboxId(id)),
            uses: Vec::new(),
        };
        Folders {
            version: 1,
            next: MailboxId(20),
            last_uid_validity: UidValidity(1),
            folders: (1..).zip(["INBOX", "a", "a/x", "a/x/y", "ax", "b", "b/z"]).map(named).collect(),
            subscribed: vec![name("a/x"), name("gone")],
        }
    }

    #[test]
    fn sources_name_folders() {
        let all = |names: &[&str]| names.iter().map(|text| name(text)).collect::<Vec<_>>();
        for (sources, wanted) in [
            (vec![], vec![2]),
            (vec![Source::Selected], vec![2]),
            (vec![Source::Inboxes], vec![1]),
            (vec![Source::Personal], vec![1, 2, 3, 4, 5, 7]),
            (vec![Source::Subscribed], vec![3]),
            (vec![Source::Subtree(all(&["a"]))], vec![2, 3, 4]),
            (vec![Source::SubtreeOne(all(&["a", "b"]))], vec![2, 3, 7]),
            (vec![Source::Mailboxes(all(&["ax", "b", "nowhere", "inbox"]))], vec![1, 5]),
            (vec![Source::Selected, Source::Subtree(all(&["a/x"])), Source::Selected], vec![2, 3, 4]),
        ] {
            let found = targets(&folders(), &sources, Some(MailboxId(2))).expect("a folder is selected");
            assert_eq!(found.keys().map(|id| id.0).collect::<Vec<_>>(), wanted, "{sources:?}");
        }
    }

    #[test]
    fn what_is_not_selected_can_not_be_searched() {
        for (source, selected) in [(Source::Selected, None), (Source::SelectedDelayed, Some(MailboxId(2)))] {
            assert!(targets(&folders(), &[source], selected).is_err_and(|done| done.is_bad()));
        }
        assert!(targets(&folders(), &[], None).is_err());
        assert!(targets(&folders(), &[Source::Inboxes], None).is_ok());
    }
}
