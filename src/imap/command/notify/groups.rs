//! Which events a client wants of which folder (RFC 5465 §5, 6). Groups add up: a folder that several of them name has
//! the events of all.

use postern_model::MailboxName;
use postern_model::record::Folders;
use postern_policy::names;

use crate::imap::grammar::{FetchItem, NotifyEvent, NotifyGroup, Source};
use crate::imap::reply::Done;

/// Names that all groups of a NOTIFY may have together, and groups.
const MOST_NAMES: usize = 1_000;

/// All events that there are (RFC 5465 §3.1: `BADEVENT` names them).
const EVENTS: &str = "MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange MailboxMetadataChange \
    ServerMetadataChange";

/// What is told of the selected folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heeds {
    /// Letters that come and go. Without it nothing is told of the folder at all.
    pub letters: bool,
    /// Flags that change.
    pub flags: bool,
    /// `SELECTED-DELAYED`: letters go only where a command is under way.
    pub delayed: bool,
    /// What is fetched of a letter that comes.
    pub items: Vec<FetchItem>,
}

/// What is told of a folder that is not selected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Events {
    /// Letters that come and go.
    pub letters: bool,
    /// Flags that change.
    pub flags: bool,
    /// That its name comes, goes or changes.
    pub name: bool,
    /// Its subscription.
    pub subscription: bool,
    /// Notes on it.
    pub notes: bool,
}

/// Whether groups can be heeded.
///
/// # Errors
/// How NOTIFY ends then.
pub(super) fn check(groups: &[NotifyGroup]) -> Result<(), Done> {
    let is_unknown =
        |event: &NotifyEvent| matches!(event, NotifyEvent::AnnotationChange | NotifyEvent::Unknown(_));
    if groups.iter().flat_map(|group| &group.events).any(is_unknown) {
        return Err(Done::no_with(format!("BADEVENT ({EVENTS})"), "Not all of these events are known here."));
    }
    if groups.iter().map(|group| named(&group.source).len().max(1)).sum::<usize>() > MOST_NAMES {
        return Err(overflow(&format!("NOTIFY may name {MOST_NAMES} folders.")));
    }
    if groups.iter().filter(|group| is_of_selected(&group.source)).count() > 1 {
        return Err(Done::bad("SELECTED or SELECTED-DELAYED can be said once."));
    }
    groups.iter().try_for_each(check_group)
}

/// Refuses what would cost too much (RFC 5465 §3.1).
pub(super) fn overflow(text: &str) -> Done {
    Done::no_with("NOTIFICATIONOVERFLOW", text)
}

/// RFC 5465 §5, 6.1, 8
fn check_group(group: &NotifyGroup) -> Result<(), Done> {
    let has = |is: fn(&NotifyEvent) -> bool| group.events.iter().any(is);
    let new = has(|event| matches!(event, NotifyEvent::MessageNew(_)));
    let expunge = has(|event| *event == NotifyEvent::MessageExpunge);
    let flags = has(|event| *event == NotifyEvent::FlagChange);
    if new != expunge || (flags && !new) {
        return Err(Done::bad("MessageNew and MessageExpunge go together, and FlagChange goes with both."));
    }
    let is_of_letters = |event: &NotifyEvent| {
        matches!(event, NotifyEvent::MessageNew(_) | NotifyEvent::MessageExpunge | NotifyEvent::FlagChange)
    };
    if is_of_selected(&group.source) {
        return match group.events.iter().all(is_of_letters) {
            true => Ok(()),
            false => Err(Done::bad("SELECTED goes with events of letters only.")),
        };
    }
    if has(|event| matches!(event, NotifyEvent::MessageNew(items) if !items.is_empty())) {
        return Err(Done::bad("MessageNew fetches from the selected folder only."));
    }
    Ok(())
}

fn is_of_selected(source: &Source) -> bool {
    matches!(source, Source::Selected | Source::SelectedDelayed)
}

fn named(source: &Source) -> &[MailboxName] {
    match source {
        Source::Subtree(names) | Source::SubtreeOne(names) | Source::Mailboxes(names) => names,
        _ => &[],
    }
}

impl Heeds {
    /// What groups want of the selected folder: nothing where none of them names it.
    pub(super) fn of(groups: &[NotifyGroup]) -> Heeds {
        let mut heeds = Heeds { letters: false, flags: false, delayed: false, items: Vec::new() };
        for group in groups.iter().filter(|group| is_of_selected(&group.source)) {
            heeds.delayed = group.source == Source::SelectedDelayed;
            for event in &group.events {
                match event {
                    NotifyEvent::MessageNew(items) => (heeds.letters, heeds.items) = (true, items.clone()),
                    NotifyEvent::FlagChange => heeds.flags = true,
                    _ => {}
                }
            }
        }
        heeds
    }
}

impl Events {
    /// What groups want of a folder.
    pub(super) fn of(groups: &[NotifyGroup], folders: &Folders, name: &MailboxName) -> Events {
        let mut events = Events::default();
        for group in groups.iter().filter(|group| covers(&group.source, folders, name)) {
            for event in &group.events {
                match event {
                    NotifyEvent::MessageNew(_) | NotifyEvent::MessageExpunge => events.letters = true,
                    NotifyEvent::FlagChange => events.flags = true,
                    NotifyEvent::MailboxName => events.name = true,
                    NotifyEvent::SubscriptionChange => events.subscription = true,
                    NotifyEvent::MailboxMetadataChange => events.notes = true,
                    NotifyEvent::ServerMetadataChange
                    | NotifyEvent::AnnotationChange
                    | NotifyEvent::Unknown(_) => {}
                }
            }
        }
        events
    }

    /// Those that either has.
    pub(super) fn or(self, other: Events) -> Events {
        Events {
            letters: self.letters || other.letters,
            flags: self.flags || other.flags,
            name: self.name || other.name,
            subscription: self.subscription || other.subscription,
            notes: self.notes || other.notes,
        }
    }
}

/// Whether notes on the account are told of, which stand in the place of the server's.
pub(super) fn wants_server_notes(groups: &[NotifyGroup]) -> bool {
    groups.iter().flat_map(|group| &group.events).any(|event| *event == NotifyEvent::ServerMetadataChange)
}

/// Whether notes of anything are told of.
pub(super) fn wants_notes(groups: &[NotifyGroup]) -> bool {
    let of_folders = |event: &NotifyEvent| *event == NotifyEvent::MailboxMetadataChange;
    wants_server_notes(groups) || groups.iter().flat_map(|group| &group.events).any(of_folders)
}

/// RFC 5465 §6
fn covers(source: &Source, folders: &Folders, name: &MailboxName) -> bool {
    match source {
        Source::Selected | Source::SelectedDelayed => false,
        // Letters are delivered to no other.
        Source::Inboxes => name.is_inbox(),
        Source::Personal => true,
        Source::Subscribed => names::is_subscribed(folders, name),
        Source::Subtree(roots) => roots.iter().any(|root| name == root || name.below(root).is_some()),
        Source::SubtreeOne(roots) => {
            roots.iter().any(|root| name == root || name.parent().as_ref() == Some(root))
        }
        Source::Mailboxes(names) => names.contains(name),
    }
}

#[cfg(test)]
mod tests {
    use postern_model::Timestamp;

    use super::*;

    fn name(text: &str) -> MailboxName {
        MailboxName::parse(text).expect("a name")
    }

    fn group(source: Source, events: &str) -> NotifyGroup {
        let event = |word: &str| match word {
            "new" => NotifyEvent::MessageNew(Vec::new()),
            "uid" => NotifyEvent::MessageNew(vec![FetchItem::Uid]),
            "gone" => NotifyEvent::MessageExpunge,
            "flags" => NotifyEvent::FlagChange,
            "name" => NotifyEvent::MailboxName,
            "subscription" => NotifyEvent::SubscriptionChange,
            "notes" => NotifyEvent::MailboxMetadataChange,
            "server" => NotifyEvent::ServerMetadataChange,
            "annotation" => NotifyEvent::AnnotationChange,
            other => NotifyEvent::Unknown(other.to_owned()),
        };
        NotifyGroup { source, events: events.split_whitespace().map(event).collect() }
    }

    fn said(events: Events) -> String {
        let Events { letters, flags, name, subscription, notes } = events;
        let all = [(letters, "letters"), (flags, "flags"), (name, "name"), (subscription, "subscription")];
        let all = all.into_iter().chain([(notes, "notes")]).filter(|(is, _)| *is);
        all.map(|(_, word)| word).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_groups_that_cover_a_folder_add_up() {
        let folders = names::on_paper("en", Timestamp(1_000_000));
        let groups = [
            group(Source::Selected, "new gone flags"),
            group(Source::Inboxes, "new gone"),
            group(Source::Subscribed, "subscription"),
            group(Source::Subtree(vec![name("Work")]), "new gone flags"),
            group(Source::SubtreeOne(vec![name("Work")]), "name"),
            group(Source::Mailboxes(vec![name("Work/a/b"), name("*")]), "notes"),
        ];
        for (folder, wanted) in [
            ("INBOX", "letters subscription"),
            ("Sent", "subscription"),
            ("Work", "letters flags name"),
            ("Work/a", "letters flags name"),
            ("Work/a/b", "letters flags notes"),
            ("Workshop", ""),
            ("*", "notes"),
        ] {
            assert_eq!(said(Events::of(&groups, &folders, &name(folder))), wanted, "{folder}");
        }
        assert!(!wants_server_notes(&groups) && wants_notes(&groups));
        assert!(wants_server_notes(&[group(Source::Personal, "server")]));
    }

    #[test]
    fn of_the_selected_folder_only_its_own_group_decides() {
        let all = Heeds::of(&[group(Source::SelectedDelayed, "uid gone flags")]);
        assert_eq!(all, Heeds { letters: true, flags: true, delayed: true, items: vec![FetchItem::Uid] });
        let none = Heeds { letters: false, flags: false, delayed: false, items: Vec::new() };
        assert_eq!(Heeds::of(&[group(Source::Personal, "new gone flags")]), none);
        assert_eq!(Heeds::of(&[group(Source::Selected, "")]), none);
    }

    #[test]
    fn groups_that_can_not_be_heeded_are_refused() {
        let many = |count: usize| vec![name("x"); count];
        for (groups, wanted) in [
            (vec![group(Source::Personal, "new gone flags name subscription notes server")], "OK"),
            (vec![group(Source::Personal, "")], "OK"),
            (vec![group(Source::Selected, "uid gone")], "OK"),
            (vec![group(Source::Personal, "new")], "BAD"),
            (vec![group(Source::Personal, "gone")], "BAD"),
            (vec![group(Source::Personal, "flags")], "BAD"),
            (vec![group(Source::Personal, "uid gone")], "BAD"),
            (vec![group(Source::Selected, "name")], "BAD"),
            (vec![group(Source::Selected, ""), group(Source::SelectedDelayed, "")], "BAD"),
            (vec![group(Source::Personal, "annotation")], "NO [BADEVENT (MessageNew"),
            (vec![group(Source::Personal, "new frob")], "NO [BADEVENT (MessageNew"),
            (vec![group(Source::Mailboxes(many(1_000)), "name")], "OK"),
            (vec![group(Source::Mailboxes(many(1_001)), "name")], "NO [NOTIFICATIONOVERFLOW]"),
        ] {
            let mut out = Vec::new();
            check(&groups).err().unwrap_or(Done::ok("")).write("t", &mut out);
            let out = String::from_utf8(out).expect("ASCII");
            assert!(out.starts_with(&format!("t {wanted}")), "{groups:?}: {out}");
        }
    }
}
