//! What a client knows of folders that are not selected, and telling it what is new (RFC 5465 §5).

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use postern_actors::mail::Standing;
use postern_model::record::{Annotation, Folders, MailboxHeader};
use postern_model::{MailboxId, MailboxName, ModSeq, Uid, UidValidity};

use super::groups::{Events, Heeds, overflow, wants_notes, wants_server_notes};
use super::names::{Change, changes};
use crate::imap::command::{list, metadata, status};
use crate::imap::grammar::{NotifyGroup, StatusItem, write};
use crate::imap::reply::{Done, line};
use crate::imap::state::{Enabled, State};
use crate::net::outlet::{Cut, Outlet};

/// Folders whose notes may be watched: they are read whenever something happens.
const MOST_NOTED: usize = 100;

/// What NOTIFY has set, and what the client knows by it.
#[derive(Debug)]
pub struct Watch {
    groups: Vec<NotifyGroup>,
    heeds: Heeds,
    /// Folders by name, as the client knows them.
    folders: Arc<Folders>,
    /// Folders of which something is told beside their names, in the order of these.
    watched: Vec<(MailboxId, MailboxName, Events)>,
    /// Their counters, as the client knows them.
    known: BTreeMap<MailboxId, Known>,
    /// Their notes, as the client knows them: names, and digests of values. `None` is the account.
    notes: BTreeMap<Option<MailboxId>, BTreeMap<String, u64>>,
}

/// A folder's counters, as a client knows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Known {
    uid_validity: UidValidity,
    uid_next: Option<Uid>,
    letters: u32,
    unseen: u32,
    mod_seq: ModSeq,
}

impl Known {
    fn of(header: &MailboxHeader) -> Known {
        Known {
            uid_validity: header.uid_validity,
            uid_next: header.uid_next,
            letters: header.letters,
            unseen: header.unseen,
            mod_seq: header.highest_mod_seq,
        }
    }
}

impl Watch {
    /// Begins to watch: the client is taken to know everything as it is now.
    ///
    /// # Errors
    /// How NOTIFY ends then.
    pub(super) async fn begin(state: &State, groups: Vec<NotifyGroup>) -> Result<Watch, Done> {
        let refused = |refusal| Done::refused(&refusal, &state.settings.places);
        let folders = state.mail.folders().await.map_err(refused)?;
        let heeds = Heeds::of(&groups);
        let (known, notes) = (BTreeMap::new(), BTreeMap::new());
        let mut watch = Watch { groups, heeds, folders, watched: Vec::new(), known, notes };
        watch.choose();
        if watch.is_noted_too_much() {
            return Err(overflow(&format!("The notes of {MOST_NOTED} folders may be watched.")));
        }
        let standings = state.mail.standings(watch.counted()).await.map_err(refused)?;
        watch.known.extend(standings.iter().map(|s| (s.mailbox, Known::of(&s.header))));
        for noted in watch.noted() {
            let notes = state.mail.annotations(noted).await.map_err(refused)?;
            watch.notes.insert(noted, digests(&notes));
        }
        Ok(watch)
    }

    /// What is told of the selected folder.
    pub fn heeds(&self) -> &Heeds {
        &self.heeds
    }

    /// Whether nothing is told at all: `NOTIFY NONE`.
    pub(super) fn is_silent(&self) -> bool {
        self.groups.is_empty()
    }

    /// Tells the counters of all folders whose letters are watched, as `NOTIFY SET STATUS` wants it.
    pub(super) async fn tell_status(&self, state: &State, out: &mut Outlet<'_>) -> Result<(), Cut> {
        let Ok(standings) = state.mail.standings(self.counted()).await else { return Ok(()) };
        for standing in &standings {
            if let Some((name, events)) = self.counted_one(state, standing.mailbox) {
                let mut items = vec![
                    StatusItem::Messages,
                    StatusItem::UidNext,
                    StatusItem::UidValidity,
                    StatusItem::Unseen,
                ];
                if events.flags || state.enabled.condstore {
                    items.push(StatusItem::HighestModSeq);
                }
                status::tell(state, out.bytes, name, standing, &items).await;
                out.relieve().await?;
            }
        }
        Ok(())
    }

    /// Tells what has happened since it was told last. What can't be read now is told later.
    pub(super) async fn tell(&mut self, state: &State, out: &mut Outlet<'_>) -> Result<(), Cut> {
        if self.is_silent() {
            return Ok(());
        }
        if let Ok(now) = state.mail.folders().await
            && now.version != self.folders.version
        {
            let before = std::mem::replace(&mut self.folders, now);
            self.tell_names(&before, state.enabled.wants_utf8(), out).await?;
            self.choose();
        }
        if self.is_noted_too_much() {
            // RFC 5465 §5.8
            line(out.bytes, format_args!("* OK [NOTIFICATIONOVERFLOW] Too many folders' notes are watched"));
            (self.groups, self.watched) = (Vec::new(), Vec::new());
            self.heeds = Heeds::of(&self.groups);
            return Ok(());
        }
        if let Ok(standings) = state.mail.standings(self.counted()).await {
            self.tell_counters(state, &standings, out).await?;
        }
        for noted in self.noted() {
            if let Ok(notes) = state.mail.annotations(noted).await {
                self.tell_notes(noted, &notes, state.enabled.wants_utf8(), out.bytes);
                out.relieve().await?;
            }
        }
        Ok(())
    }

    /// Chooses the folders that are watched.
    fn choose(&mut self) {
        let watched = self.folders.folders.iter().filter_map(|folder| {
            let events = Events::of(&self.groups, &self.folders, &folder.name);
            (events.letters || events.notes)
                .then(|| Some((folder.id?, folder.name.clone(), events)))
                .flatten()
        });
        self.watched = watched.collect();
        let watched = &self.watched;
        let is_there = |id: MailboxId| watched.iter().any(|(watched, ..)| *watched == id);
        self.known.retain(|id, _| is_there(*id));
        self.notes.retain(|id, _| id.is_none_or(is_there));
    }

    /// Folders whose letters are watched. Asked for even where there are none: the answer is what ends a waking.
    fn counted(&self) -> Vec<MailboxId> {
        self.watched.iter().filter(|(.., events)| events.letters).map(|(id, ..)| *id).collect()
    }

    /// Whose notes are watched.
    fn noted(&self) -> Vec<Option<MailboxId>> {
        let server = wants_server_notes(&self.groups).then_some(None);
        let folders = self.watched.iter().filter(|(.., events)| events.notes).map(|(id, ..)| Some(*id));
        server.into_iter().chain(folders).collect()
    }

    fn is_noted_too_much(&self) -> bool {
        self.watched.iter().filter(|(.., events)| events.notes).count() > MOST_NOTED
    }

    /// A folder whose counters are told. Of the selected one its own group decides (RFC 5465 §3.1).
    fn counted_one(&self, state: &State, id: MailboxId) -> Option<(&MailboxName, Events)> {
        let is_selected = state.selected.as_ref().is_some_and(|selected| selected.mailbox == id);
        let (_, name, events) = self.watched.iter().find(|(watched, ..)| *watched == id)?;
        (events.letters && !is_selected).then_some((name, *events))
    }

    async fn tell_counters(
        &mut self,
        state: &State,
        standings: &[Standing],
        out: &mut Outlet<'_>,
    ) -> Result<(), Cut> {
        for standing in standings {
            let Some((name, events)) = self.counted_one(state, standing.mailbox) else { continue };
            let now = Known::of(&standing.header);
            let items = news(events, state.enabled, self.known.get(&standing.mailbox), &now);
            if !items.is_empty() {
                status::tell(state, out.bytes, name, standing, &items).await;
                out.relieve().await?;
            }
            self.known.insert(standing.mailbox, now);
        }
        Ok(())
    }

    async fn tell_names(&self, before: &Folders, utf8: bool, out: &mut Outlet<'_>) -> Result<(), Cut> {
        for (name, change) in changes(before, &self.folders) {
            let of = |folders: &Folders, name: &MailboxName| Events::of(&self.groups, folders, name);
            let mut events = of(before, &name).or(of(&self.folders, &name));
            if let Some(old) = &change.old {
                events = events.or(of(before, old));
            }
            if (events.name && change.name) || (events.subscription && change.subscription) {
                let listed = list::described(&self.folders, &name);
                list::tell(out.bytes, &listed, true, &old_name(&change, utf8), utf8);
                out.relieve().await?;
            }
        }
        Ok(())
    }

    fn tell_notes(&mut self, of: Option<MailboxId>, notes: &[Annotation], utf8: bool, out: &mut Vec<u8>) {
        let now = digests(notes);
        // The notes of a folder that is new come with it.
        let before = self.notes.insert(of, now.clone()).unwrap_or_default();
        let mut changed: Vec<&str> = now
            .iter()
            .filter(|(name, value)| before.get(*name) != Some(value))
            .map(|(name, _)| &**name)
            .collect();
        changed.extend(before.keys().filter(|name| !now.contains_key(*name)).map(|name| &**name));
        let name = of.and_then(|id| self.watched.iter().find(|(watched, ..)| *watched == id));
        if !changed.is_empty() {
            metadata::tell_changed(out, name.map(|(_, name, _)| name), &changed, utf8);
        }
    }

    /// Takes over the names that `is_own` chooses as they are now.
    pub(super) fn adopt(&mut self, now: &Folders, is_own: impl Fn(&MailboxName) -> bool) {
        let adopted = Arc::make_mut(&mut self.folders);
        adopted.folders.retain(|folder| !is_own(&folder.name));
        adopted.folders.extend(now.folders.iter().filter(|folder| is_own(&folder.name)).cloned());
        adopted.folders.sort_by(|a, b| a.name.cmp(&b.name));
        adopted.subscribed.retain(|name| !is_own(name));
        adopted.subscribed.extend(now.subscribed.iter().filter(|name| is_own(name)).cloned());
        adopted.subscribed.sort();
    }

    /// Takes over these notes as they are now.
    pub(super) fn adopt_notes(&mut self, of: Option<MailboxId>, notes: &[Annotation], names: &[String]) {
        if !wants_notes(&self.groups) {
            return;
        }
        let (known, now) = (self.notes.entry(of).or_default(), digests(notes));
        for name in names {
            match now.get(name) {
                Some(value) => drop(known.insert(name.clone(), *value)),
                None => drop(known.remove(name)),
            }
        }
    }
}

/// What STATUS is to tell of a folder; nothing where nothing has happened that is wanted (RFC 5465 §5.1 to 5.3).
fn news(events: Events, enabled: Enabled, known: Option<&Known>, now: &Known) -> Vec<StatusItem> {
    let letters = |known: &Known| (known.uid_validity, known.uid_next, known.letters);
    let mut items = match known {
        // A folder that is new: its name may have been told, and that it is empty goes without saying.
        None if now.letters == 0 => return Vec::new(),
        None => vec![StatusItem::UidValidity, StatusItem::UidNext, StatusItem::Messages, StatusItem::Unseen],
        Some(known) if known.uid_validity != now.uid_validity => {
            vec![StatusItem::UidValidity, StatusItem::UidNext, StatusItem::Messages, StatusItem::Unseen]
        }
        Some(known) if letters(known) != letters(now) => {
            vec![StatusItem::UidNext, StatusItem::Messages, StatusItem::Unseen]
        }
        Some(known) if events.flags && (known.unseen != now.unseen || enabled.condstore && known != now) => {
            vec![StatusItem::UidValidity, StatusItem::Unseen]
        }
        Some(_) => return Vec::new(),
    };
    if enabled.condstore {
        items.push(StatusItem::HighestModSeq);
    }
    items
}

fn old_name(change: &Change, utf8: bool) -> Vec<u8> {
    let Some(old) = &change.old else { return Vec::new() };
    let mut extended = b" (\"OLDNAME\" (".to_vec();
    write::mailbox(&mut extended, old, utf8);
    extended.extend_from_slice(b"))");
    extended
}

fn digests(notes: &[Annotation]) -> BTreeMap<String, u64> {
    let digest = |value: &[u8]| {
        let mut hasher = DefaultHasher::new();
        value.hash(&mut hasher);
        hasher.finish()
    };
    notes.iter().map(|note| (note.name.clone(), digest(&note.value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: Known = Known {
        uid_validity: UidValidity(1),
        uid_next: Some(Uid(5)),
        letters: 3,
        unseen: 2,
        mod_seq: ModSeq(9),
    };

    #[test]
    fn status_tells_what_has_happened_and_is_wanted() {
        use StatusItem::{HighestModSeq, Messages, UidNext, UidValidity as Validity, Unseen};
        let letters = Events { letters: true, ..Events::default() };
        let flags = Events { flags: true, ..letters };
        let plain = Enabled::default();
        let condstore = Enabled { condstore: true, ..plain };
        let came = Known { uid_next: Some(Uid(6)), letters: 4, unseen: 3, mod_seq: ModSeq(10), ..KNOWN };
        let seen = Known { unseen: 1, mod_seq: ModSeq(10), ..KNOWN };
        let flagged = Known { mod_seq: ModSeq(10), ..KNOWN };
        let other = Known { uid_validity: UidValidity(2), ..KNOWN };
        for (events, enabled, now, wanted) in [
            (letters, plain, KNOWN, vec![]),
            (letters, plain, came, vec![UidNext, Messages, Unseen]),
            (letters, condstore, came, vec![UidNext, Messages, Unseen, HighestModSeq]),
            (letters, condstore, seen, vec![]),
            (flags, plain, seen, vec![Validity, Unseen]),
            (flags, plain, flagged, vec![]),
            (flags, condstore, flagged, vec![Validity, Unseen, HighestModSeq]),
            (flags, condstore, KNOWN, vec![]),
            (letters, plain, other, vec![Validity, UidNext, Messages, Unseen]),
        ] {
            assert_eq!(news(events, enabled, Some(&KNOWN), &now), wanted, "{events:?} {enabled:?} {now:?}");
        }
        assert_eq!(news(letters, plain, None, &KNOWN), [Validity, UidNext, Messages, Unseen]);
        assert_eq!(news(letters, plain, None, &Known { letters: 0, ..KNOWN }), []);
    }
}
