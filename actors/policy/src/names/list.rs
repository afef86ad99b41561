//! LIST and LSUB: which names a client's patterns show, and what is said of each.

use std::collections::{BTreeMap, BTreeSet};

use postern_model::record::{Folders, NamedFolder};
use postern_model::{MailboxId, MailboxName, SpecialUse};

use super::is_subscribed;
use pattern::Pattern;

mod pattern;

/// What a LIST asks for (RFC 9051 §6.3.9).
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted<'a> {
    /// What stands before each pattern.
    pub reference: &'a str,
    /// With `*` and `%`; a name is shown once, however many of them it matches.
    pub patterns: &'a [String],
    /// `SUBSCRIBED`: only those, and they need not exist.
    pub subscribed: bool,
    /// `SPECIAL-USE`: only those with a use (RFC 6154 §3).
    pub special_use: bool,
    /// `RECURSIVEMATCH`: those too in which there is one that the options choose.
    pub recursive_match: bool,
}

/// A name that LIST shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The name.
    pub name: MailboxName,
    /// The folder; without one it can't be selected (`\NoSelect`).
    pub id: Option<MailboxId>,
    /// `\NonExistent`: there is no such name among the folders.
    pub non_existent: bool,
    /// `\HasChildren`, else `\HasNoChildren`.
    pub has_children: bool,
    /// `\Subscribed`
    pub subscribed: bool,
    /// `\Sent` and the like.
    pub uses: Vec<SpecialUse>,
    /// Something in it is what the selection options choose (`CHILDINFO`, RFC 5258 §3.5); only with `RECURSIVEMATCH`.
    pub child_info: bool,
}

/// A name that LSUB shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscribed {
    /// The name.
    pub name: MailboxName,
    /// It is not subscribed, but holds something that is (`\NoSelect`, RFC 3501 §6.3.9).
    pub only_holds: bool,
}

/// The names that a LIST shows, in their order.
pub fn listed(folders: &Folders, wanted: &Wanted<'_>) -> Vec<Listed> {
    let mut names: BTreeMap<MailboxName, Option<&NamedFolder>> = BTreeMap::new();
    if wanted.subscribed {
        names.extend(folders.subscribed.iter().map(|name| (name.clone(), None)));
    }
    names.extend(folders.folders.iter().map(|folder| (folder.name.clone(), Some(folder))));
    let is_chosen = |name: &MailboxName, folder: Option<&NamedFolder>| {
        (!wanted.subscribed || is_subscribed(folders, name))
            && (!wanted.special_use || folder.is_some_and(|folder| !folder.uses.is_empty()))
    };
    let chosen: BTreeSet<MailboxName> = names
        .iter()
        .filter(|(name, folder)| is_chosen(name, **folder))
        .map(|(name, _)| name.clone())
        .collect();
    let hold_chosen = if wanted.recursive_match { all_above(chosen.iter()) } else { BTreeSet::new() };
    for name in &hold_chosen {
        names.entry(name.clone()).or_insert(None);
    }
    let holders = all_above(folders.folders.iter().map(|folder| &folder.name));
    let patterns = patterns(wanted.reference, wanted.patterns);
    let shown = names.into_iter().filter(|(name, _)| chosen.contains(name) || hold_chosen.contains(name));
    let shown = shown.filter(|(name, _)| patterns.iter().any(|pattern| pattern.matches(name)));
    let shown = shown.map(|(name, folder)| Listed {
        id: folder.and_then(|folder| folder.id),
        non_existent: folder.is_none(),
        has_children: holders.contains(&name),
        subscribed: is_subscribed(folders, &name),
        uses: folder.map_or_else(Vec::new, |folder| folder.uses.clone()),
        child_info: hold_chosen.contains(&name),
        name,
    });
    shown.collect()
}

/// The names that an LSUB shows, in their order.
pub fn lsub(folders: &Folders, reference: &str, pattern: &str) -> Vec<Subscribed> {
    let pattern = Pattern::new(&format!("{reference}{pattern}"));
    let (shown, hidden): (Vec<_>, Vec<_>) = folders.subscribed.iter().partition(|name| pattern.matches(name));
    // `%` stops short of them, and shows where to look.
    let above = all_above(hidden.into_iter()).into_iter();
    let above = above.filter(|name| !is_subscribed(folders, name) && pattern.matches(name));
    let mut names: Vec<Subscribed> = above.map(|name| Subscribed { name, only_holds: true }).collect();
    names.extend(shown.into_iter().map(|name| Subscribed { name: name.clone(), only_holds: false }));
    names.sort_by(|a, b| a.name.cmp(&b.name));
    names
}

fn patterns(reference: &str, patterns: &[String]) -> Vec<Pattern> {
    patterns.iter().map(|pattern| Pattern::new(&format!("{reference}{pattern}"))).collect()
}

/// All names above these.
fn all_above<'a>(names: impl Iterator<Item = &'a MailboxName>) -> BTreeSet<MailboxName> {
    let mut above = BTreeSet::new();
    for name in names {
        // What is above one that is known is known too.
        let mut next = name.parent();
        while let Some(parent) = next.filter(|parent| !above.contains(parent)) {
            next = parent.parent();
            above.insert(parent);
        }
    }
    above
}
