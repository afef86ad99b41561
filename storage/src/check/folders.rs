//! Has each folder a name, each name one folder, and is what stands beside letters and folders anybody's?

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use postern_model::record::{Folders, NamedFolder};
use postern_model::{AccountId, MailboxId};

use super::CheckReport;
use crate::error::StoreError;
use crate::keys;
use crate::view::View;

/// One account, within one look.
pub(super) fn account(view: &View<'_>, report: &mut CheckReport, id: AccountId) -> Result<(), StoreError> {
    let folders = view.get(&keys::folders(id))?;
    if let Some(folders) = &folders {
        names(report, id, folders);
    }
    let named: BTreeSet<MailboxId> =
        folders.iter().flat_map(|folders| folders.folders.iter().filter_map(|folder| folder.id)).collect();
    // Those on paper have their numbers by themselves.
    let is_known = |mailbox: &MailboxId| *mailbox < MailboxId::FIRST_OWN || named.contains(mailbox);
    // One that was deleted loses its name first, and its letters in parts, also across a restart.
    let next = folders.as_ref().map_or(MailboxId::FIRST_OWN, |folders| folders.next);
    view.visit(&keys::mailboxes_of(id), &mut |mailbox, _| {
        if mailbox >= next && !is_known(&mailbox) {
            report.problem(format!("account {id}, folder {mailbox}: it has no name, and never had one"));
        }
        ControlFlow::Continue(())
    })?;
    view.visit(&keys::annotations_of(id), &mut |mailbox, _| {
        if let Some(mailbox) = mailbox.filter(|mailbox| !is_known(mailbox)) {
            report.problem(format!(
                "account {id}, folder {mailbox}: there are notes on it, and it has no name"
            ));
        }
        ControlFlow::Continue(())
    })?;
    signatures(view, report, id)
}

/// The list of names in itself.
fn names(report: &mut CheckReport, id: AccountId, folders: &Folders) {
    let mut problem = |what: &str| report.problem(format!("account {id}: {what}"));
    if folders.folders.len() > Folders::MOST || folders.subscribed.len() > Folders::MOST_SUBSCRIBED {
        problem("it has more folders or subscriptions than may be");
    }
    let in_order = folders.folders.is_sorted_by(|a, b| a.name < b.name);
    if !in_order || !folders.subscribed.is_sorted_by(|a, b| a < b) {
        problem("its folders or subscriptions are out of order, or one is there twice");
    }
    let is_inbox = |folder: &NamedFolder| folder.name.is_inbox() && folder.id == Some(MailboxId::INBOX);
    if !folders.folders.iter().any(is_inbox) {
        problem("it has no INBOX");
    }
    let mut seen = BTreeSet::new();
    for NamedFolder { name, id: mailbox, .. } in &folders.folders {
        let Some(mailbox) = *mailbox else { continue };
        // A name is the user's, and may say more than is to be said here.
        if !seen.insert(mailbox) {
            problem(&format!("two names stand for folder {mailbox}"));
        }
        if mailbox >= folders.next || mailbox.0 == 0 {
            problem(&format!("folder {mailbox} has a number that is still to be given out, or none"));
        }
        if name.is_inbox() != (mailbox == MailboxId::INBOX) {
            problem(&format!("folder {mailbox} is called as only another may be"));
        }
    }
}

/// Each signature is of a letter that is there. Not each letter has one.
fn signatures(view: &View<'_>, report: &mut CheckReport, id: AccountId) -> Result<(), StoreError> {
    let mut letters = Vec::new();
    view.visit(&keys::signatures_of(id), &mut |letter, _| {
        letters.push(letter);
        ControlFlow::Continue(())
    })?;
    for letter in letters {
        if !view.contains(&keys::body(id, letter))? {
            report.problem(format!("account {id}, letter {letter}: there is a signature, and no body"));
        }
    }
    Ok(())
}
