//! How an account's folders and subscriptions differ between two looks, in the terms of RFC 5465 §5.4, 5.5.

use std::collections::{BTreeMap, BTreeSet};

use postern_model::record::Folders;
use postern_model::{MailboxId, MailboxName};
use postern_policy::names;

/// What has happened to a name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Change {
    /// It came or went, or something did that lies directly in it, or it was renamed.
    pub name: bool,
    /// Its name before.
    pub old: Option<MailboxName>,
    /// It was subscribed or no longer is.
    pub subscription: bool,
}

/// What has changed, by name.
pub(super) fn changes(before: &Folders, after: &Folders) -> BTreeMap<MailboxName, Change> {
    let mut changes: BTreeMap<MailboxName, Change> = BTreeMap::new();
    let renamed = renamed(before, after);
    for (old, new) in &renamed {
        // What lies in a folder goes along without a word.
        if !renamed.iter().any(|(above, now)| goes_along((*above, *now), (*old, *new))) {
            let change = changes.entry((*new).clone()).or_default();
            (change.name, change.old) = (true, Some((*old).clone()));
        }
    }
    let moved: BTreeSet<&MailboxName> = renamed.iter().flat_map(|(old, new)| [*old, *new]).collect();
    for name in came_or_went(before, after).into_iter().filter(|name| !moved.contains(name)) {
        for affected in [Some(name.clone()), name.parent()].into_iter().flatten() {
            changes.entry(affected).or_default().name = true;
        }
    }
    let (old, new): (BTreeSet<_>, BTreeSet<_>) = (set(&before.subscribed), set(&after.subscribed));
    for name in old.symmetric_difference(&new) {
        changes.entry((*name).clone()).or_default().subscription = true;
    }
    changes
}

fn set(names: &[MailboxName]) -> BTreeSet<&MailboxName> {
    names.iter().collect()
}

/// Folders that have another name now.
fn renamed<'a>(before: &'a Folders, after: &'a Folders) -> Vec<(&'a MailboxName, &'a MailboxName)> {
    let folders = after.folders.iter().filter_map(|folder| Some((folder.id?, &folder.name)));
    let now: BTreeMap<MailboxId, &MailboxName> = folders.collect();
    let old = before.folders.iter().filter_map(|folder| Some((&folder.name, *now.get(&folder.id?)?)));
    old.filter(|(old, new)| old != new).collect()
}

/// Whether the second renaming is a part of the first.
fn goes_along(above: (&MailboxName, &MailboxName), below: (&MailboxName, &MailboxName)) -> bool {
    let rest = below.0.below(above.0);
    rest.is_some() && rest == below.1.below(above.1)
}

/// Names that are new or gone, or stand for another folder.
fn came_or_went<'a>(before: &'a Folders, after: &'a Folders) -> BTreeSet<&'a MailboxName> {
    let differs = |one: &'a Folders, other: &'a Folders| {
        let differ = move |folder: &&postern_model::record::NamedFolder| {
            names::find(other, &folder.name).is_none_or(|known| known.id != folder.id)
        };
        one.folders.iter().filter(differ).map(|folder| &folder.name)
    };
    differs(before, after).chain(differs(after, before)).collect()
}

#[cfg(test)]
mod tests {
    use postern_model::Timestamp;

    use super::*;

    const NOW: Timestamp = Timestamp(1_000_000);

    fn name(text: &str) -> MailboxName {
        MailboxName::parse(text).expect("a name")
    }

    fn folders() -> Folders {
        let mut folders = names::on_paper("en", NOW);
        for made in ["Work/a/deep", "Work/b"] {
            folders = names::create(&folders, &name(made), &[], NOW).expect("made").0;
        }
        folders
    }

    fn said(before: &Folders, after: &Folders) -> String {
        let said = changes(before, after).into_iter().map(|(name, change)| {
            let old = change.old.map_or_else(String::new, |old| format!(" was {old}"));
            let what = if change.name { "name" } else { "" };
            format!("{name}: {what}{old}{}", if change.subscription { " subscription" } else { "" })
        });
        said.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn what_comes_and_goes_touches_what_it_lies_in() {
        let before = folders();
        let after = names::create(&before, &name("Work/c"), &[], NOW).expect("made").0;
        assert_eq!(said(&before, &after), "Work: name\nWork/c: name");
        assert_eq!(said(&after, &before), "Work: name\nWork/c: name");
        let after = names::delete(&before, &name("Junk")).expect("removed").0;
        assert_eq!(said(&before, &after), "Junk: name");
        // A name stays that holds others.
        let after = names::delete(&before, &name("Work")).expect("removed").0;
        assert_eq!(said(&before, &after), "Work: name");
    }

    #[test]
    fn what_is_renamed_is_told_without_what_lies_in_it() {
        let before = folders();
        let after = names::rename(&before, &name("Work"), &name("Old/Work"), NOW).expect("renamed").0;
        assert_eq!(said(&before, &after), "Old: name\nOld/Work: name was Work");
        let twice = names::rename(&after, &name("Old/Work/a"), &name("a"), NOW).expect("renamed").0;
        assert_eq!(said(&before, &twice), "Old: name\nOld/Work: name was Work\na: name was Work/a");
        let inbox = names::rename(&before, &name("INBOX"), &name("2025"), NOW).expect("renamed").0;
        assert_eq!(said(&before, &inbox), "2025: name");
    }

    #[test]
    fn subscriptions_change_by_themselves() {
        let before = folders();
        let after = names::subscribe(&before, &name("Gone"), true).expect("subscribed");
        let after = names::subscribe(&after, &name("Junk"), false).expect("no longer");
        assert_eq!(said(&before, &after), "Gone:  subscription\nJunk:  subscription");
        assert_eq!(said(&after, &after), "");
    }
}
