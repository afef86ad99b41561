//! The names of an account's folders: which there are, and what CREATE, DELETE, RENAME and SUBSCRIBE make of them.
//!
//! An account begins with its folders *on paper*: it has the INBOX and a folder for each special use, under names of its
//! language, and none of that is stored before something changes. Every operation takes the folders as they are and
//! returns them as they are then; what is to become of letters stands beside.
//!
//! What lies in a folder has that folder in the list too: a name that only holds others has no number there
//! (`\NoSelect`), and goes with the last of them.

pub mod list;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use postern_model::record::{Folders, NamedFolder};
use postern_model::{MailboxId, MailboxName, SpecialUse, Timestamp, UidValidity};

use crate::Refusal;

/// The uses that a folder may have here (RFC 6154 §3: others are refused), with the number of the folder on paper.
const USES: [(SpecialUse, MailboxId); 5] = [
    (SpecialUse::Sent, MailboxId::SENT),
    (SpecialUse::Drafts, MailboxId::DRAFTS),
    (SpecialUse::Trash, MailboxId::TRASH),
    (SpecialUse::Junk, MailboxId::JUNK),
    (SpecialUse::Archive, MailboxId::ARCHIVE),
];

/// What RENAME has still to do beside the names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renamed {
    /// Nothing: the folders kept their numbers.
    Kept,
    /// The letters of the INBOX go into this new folder (RFC 9051 §6.3.6).
    InboxInto(MailboxId, UidValidity),
}

/// The folders of an account that has changed nothing about them: INBOX and special uses, named in its language (`en`
/// where that is unknown), all subscribed.
pub fn on_paper(language: &str, created: Timestamp) -> Folders {
    let names = match language {
        "lv" => ["Nosūtītās", "Melnraksti", "Miskaste", "Mēstules", "Arhīvs"],
        "ru" => ["Отправленные", "Черновики", "Корзина", "Спам", "Архив"],
        _ => ["Sent", "Drafts", "Trash", "Junk", "Archive"],
    };
    let inbox = NamedFolder { name: MailboxName::inbox(), id: Some(MailboxId::INBOX), uses: Vec::new() };
    let special = names.iter().zip(USES).filter_map(|(name, (of, id))| {
        Some(NamedFolder { name: MailboxName::parse(name).ok()?, id: Some(id), uses: vec![of] })
    });
    let mut folders: Vec<NamedFolder> = [inbox].into_iter().chain(special).collect();
    folders.sort_by(|a, b| a.name.cmp(&b.name));
    let subscribed = folders.iter().map(|folder| folder.name.clone()).collect();
    // The numbers between the last on paper and the first of a user's own are for uses to come.
    let last_uid_validity = uid_validity_on_paper(created, MailboxId::FIRST_OWN);
    Folders { version: 0, next: MailboxId::FIRST_OWN, last_uid_validity, folders, subscribed }
}

/// The UIDVALIDITY that a folder on paper gets, another for each: should one be renamed to what another was called, no
/// name has the same UIDs twice (RFC 9051 §2.3.1.1).
pub fn uid_validity_on_paper(created: Timestamp, mailbox: MailboxId) -> UidValidity {
    UidValidity(seconds(created).saturating_add(mailbox.0))
}

fn seconds(at: Timestamp) -> u32 {
    u32::try_from(at.seconds().max(1)).unwrap_or(u32::MAX)
}

/// The folder of this name, or the name that holds others.
pub fn find<'a>(folders: &'a Folders, name: &MailboxName) -> Option<&'a NamedFolder> {
    let at = folders.folders.binary_search_by(|folder| folder.name.cmp(name)).ok()?;
    folders.folders.get(at)
}

/// The folder with this number.
pub fn of_id(folders: &Folders, id: MailboxId) -> Option<&NamedFolder> {
    folders.folders.iter().find(|folder| folder.id == Some(id))
}

/// The folder that is for this use; a user may have deleted it.
pub fn of_use(folders: &Folders, of: SpecialUse) -> Option<&NamedFolder> {
    folders.folders.iter().find(|folder| folder.uses.contains(&of))
}

/// Everything that lies in `name`, at any depth.
pub fn children<'a>(
    folders: &'a Folders,
    name: &'a MailboxName,
) -> impl Iterator<Item = &'a NamedFolder> + 'a {
    folders.folders.iter().filter(|folder| folder.name.below(name).is_some())
}

/// Whether the account is subscribed to a name.
pub fn is_subscribed(folders: &Folders, name: &MailboxName) -> bool {
    folders.subscribed.binary_search(name).is_ok()
}

/// The folders that an operation made, by number, with their UIDVALIDITY: those that are asked for and those above them.
pub fn made(before: &Folders, after: &Folders) -> Vec<(MailboxId, UidValidity)> {
    // Both are counted up together.
    let new = (before.next.0..after.next.0).rev().zip((0..=after.last_uid_validity.0).rev());
    let mut made: Vec<_> = new.map(|(id, validity)| (MailboxId(id), UidValidity(validity))).collect();
    made.reverse();
    made
}

/// Makes a folder, and those above it that are not there (RFC 9051 §6.3.4); a name that only held others becomes one.
/// Returns its number and UIDVALIDITY; see [`made`] for the others.
///
/// # Errors
/// [`Refusal::FolderExists`], [`Refusal::UseTaken`], [`Refusal::TooManyFolders`].
pub fn create(
    folders: &Folders,
    name: &MailboxName,
    uses: &[SpecialUse],
    now: Timestamp,
) -> Result<(Folders, MailboxId, UidValidity), Refusal> {
    if find(folders, name).is_some_and(|folder| folder.id.is_some()) {
        return Err(Refusal::FolderExists);
    }
    let uses: BTreeSet<SpecialUse> = uses.iter().copied().collect();
    let is_free =
        |of: &SpecialUse| USES.iter().any(|(known, _)| known == of) && of_use(folders, *of).is_none();
    if !uses.iter().all(is_free) {
        return Err(Refusal::UseTaken);
    }
    let mut new = folders.clone();
    make_parents(&mut new, name, now)?;
    let (id, uid_validity) = number(&mut new, now)?;
    put(&mut new, NamedFolder { name: name.clone(), id: Some(id), uses: uses.into_iter().collect() });
    changed(new).map(|new| (new, id, uid_validity))
}

/// Removes a folder's name, and returns the number of the folder whose letters are to go; where it holds others, its name
/// stays without a folder (RFC 9051 §6.3.5). Subscriptions stay (RFC 9051 §6.3.7).
///
/// # Errors
/// [`Refusal::InboxStays`], [`Refusal::NoSuchFolder`], [`Refusal::HasChildren`] for a name that only holds others.
pub fn delete(folders: &Folders, name: &MailboxName) -> Result<(Folders, MailboxId), Refusal> {
    if name.is_inbox() {
        return Err(Refusal::InboxStays);
    }
    let id = find(folders, name).ok_or(Refusal::NoSuchFolder)?.id.ok_or(Refusal::HasChildren)?;
    let mut new = folders.clone();
    put(&mut new, NamedFolder { name: name.clone(), id: None, uses: Vec::new() });
    prune(&mut new, Some(name.clone()));
    changed(new).map(|new| (new, id))
}

/// Renames a folder and all in it; those above the new name are made (RFC 9051 §6.3.6). Subscriptions stay as they are.
/// The INBOX stays too: its letters go into a new folder, and what lies in it stays there.
///
/// # Errors
/// [`Refusal::NoSuchFolder`], [`Refusal::FolderExists`] (also a name that only holds others), [`Refusal::FolderInItself`],
/// [`Refusal::BadFolderName`] where a name would be too long or lie too deep, [`Refusal::TooManyFolders`].
pub fn rename(
    folders: &Folders,
    from: &MailboxName,
    to: &MailboxName,
    now: Timestamp,
) -> Result<(Folders, Renamed), Refusal> {
    if find(folders, from).is_none() {
        return Err(Refusal::NoSuchFolder);
    }
    if find(folders, to).is_some() {
        return Err(Refusal::FolderExists);
    }
    if from.is_inbox() {
        let (new, id, uid_validity) = create(folders, to, &[], now)?;
        return Ok((new, Renamed::InboxInto(id, uid_validity)));
    }
    if to.below(from).is_some() {
        return Err(Refusal::FolderInItself);
    }
    let mut new = folders.clone();
    for folder in &mut new.folders {
        if folder.name == *from {
            folder.name = to.clone();
        } else if let Some(rest) = folder.name.below(from) {
            let name = format!("{to}{}{rest}", MailboxName::SEPARATOR);
            folder.name = MailboxName::parse(&name).map_err(Refusal::BadFolderName)?;
        }
    }
    new.folders.sort_by(|a, b| a.name.cmp(&b.name));
    make_parents(&mut new, to, now)?;
    prune(&mut new, from.parent());
    changed(new).map(|new| (new, Renamed::Kept))
}

/// Subscribes to a name or ends that, whether there is such a folder or not (RFC 9051 §6.3.7). What is so already is no
/// change: the version stays.
///
/// # Errors
/// [`Refusal::TooManyFolders`] where there are as many subscriptions as may be.
pub fn subscribe(folders: &Folders, name: &MailboxName, subscribe: bool) -> Result<Folders, Refusal> {
    let mut new = folders.clone();
    match (new.subscribed.binary_search(name), subscribe) {
        (Err(at), true) => {
            if new.subscribed.len() >= Folders::MOST_SUBSCRIBED {
                return Err(too_many(Folders::MOST_SUBSCRIBED));
            }
            new.subscribed.insert(at, name.clone());
        }
        (Ok(at), false) => drop(new.subscribed.remove(at)),
        (Ok(_), true) | (Err(_), false) => return Ok(new),
    }
    changed(new)
}

/// Makes the folders above `name` that are not there, the topmost first.
fn make_parents(folders: &mut Folders, name: &MailboxName, now: Timestamp) -> Result<(), Refusal> {
    let mut above: Vec<MailboxName> = std::iter::successors(name.parent(), MailboxName::parent).collect();
    above.reverse();
    for name in above {
        if find(folders, &name).is_none() {
            let id = Some(number(folders, now)?.0);
            put(folders, NamedFolder { name, id, uses: Vec::new() });
        }
    }
    Ok(())
}

/// The number and the UIDVALIDITY of a new folder.
fn number(folders: &mut Folders, now: Timestamp) -> Result<(MailboxId, UidValidity), Refusal> {
    let id = folders.next;
    let validity = folders.last_uid_validity.0.checked_add(1).map(|next| UidValidity(next.max(seconds(now))));
    match (id.0.checked_add(1), validity) {
        (Some(next), Some(validity)) => {
            (folders.next, folders.last_uid_validity) = (MailboxId(next), validity);
            Ok((id, validity))
        }
        _ => Err(too_many(Folders::MOST)),
    }
}

/// Puts a folder where its name belongs, in the place of what has that name.
fn put(folders: &mut Folders, folder: NamedFolder) {
    match folders.folders.binary_search_by(|known| known.name.cmp(&folder.name)) {
        Ok(at) => folders.folders[at] = folder,
        Err(at) => folders.folders.insert(at, folder),
    }
}

/// Removes `name` and the names above it where they are no folders and hold none any more.
fn prune(folders: &mut Folders, mut name: Option<MailboxName>) {
    while let Some(empty) = name {
        let only_holds = find(folders, &empty).is_some_and(|folder| folder.id.is_none());
        if !only_holds || children(folders, &empty).next().is_some() {
            return;
        }
        folders.folders.retain(|folder| folder.name != empty);
        name = empty.parent();
    }
}

/// Counts the change, where the folders are not too many.
fn changed(mut folders: Folders) -> Result<Folders, Refusal> {
    if folders.folders.len() > Folders::MOST {
        return Err(too_many(Folders::MOST));
    }
    folders.version += 1;
    Ok(folders)
}

fn too_many(most: usize) -> Refusal {
    Refusal::TooManyFolders { limit: u32::try_from(most).unwrap_or(u32::MAX) }
}
