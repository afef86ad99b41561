//! LIST (RFC 9051 §6.3.9; RFC 5258, 5819, 6154, 9590): which folders there are, and what is asked of each.

use std::sync::Arc;

use postern_actors::mail::Standing;
use postern_model::record::Folders;
use postern_model::{MailboxId, MailboxName};
use postern_policy::names;
use postern_policy::names::list::{Listed, Wanted, listed};

use crate::imap::command::{Run, metadata, status};
use crate::imap::grammar::{List, write};
use crate::imap::reply::{Done, line};
use crate::net::outlet::Cut;

/// Patterns of one LIST; each is held against every folder's name while the thread's other sessions wait.
const MOST_PATTERNS: usize = 20;

pub(super) async fn run(run: &mut Run<'_, '_>, list: List) -> Result<Done, Cut> {
    if !list.extended && list.patterns.iter().all(String::is_empty) {
        // RFC 9051 §6.3.9: a question after the separator.
        line(run.out.bytes, format_args!("* LIST (\\NoSelect) \"/\" \"\""));
        return Ok(Done::ok("LIST completed"));
    }
    if list.recursive_match && !list.subscribed && !list.special_use {
        return Ok(Done::bad("RECURSIVEMATCH goes with another selection."));
    }
    if list.patterns.len() > MOST_PATTERNS {
        return Ok(Done::no_with("LIMIT", format!("One LIST may have {MOST_PATTERNS} patterns.")));
    }
    let folders = match run.state.mail.folders().await {
        Ok(folders) => folders,
        Err(refusal) => return Ok(run.refused(&refusal)),
    };
    let shown = shown(&folders, &list);
    let standings = match standings(run, &list, &shown).await {
        Ok(standings) => standings,
        Err(done) => return Ok(done),
    };
    for name in &shown {
        one(run, &list, name, &standings).await?;
    }
    Ok(Done::ok("LIST completed"))
}

fn shown(folders: &Arc<Folders>, list: &List) -> Vec<Listed> {
    listed(
        folders,
        &Wanted {
            reference: &list.reference,
            patterns: &list.patterns,
            subscribed: list.subscribed,
            special_use: list.special_use,
            recursive_match: list.recursive_match,
        },
    )
}

/// A name, and behind it what else was asked of it.
async fn one(run: &mut Run<'_, '_>, list: &List, name: &Listed, standings: &[Standing]) -> Result<(), Cut> {
    let utf8 = run.state.enabled.wants_utf8();
    let subscribed = list.subscribed || list.returns.subscribed;
    tell(run.out.bytes, name, subscribed, &child_info(list, name), utf8);
    if let Some(id) = name.id.filter(|_| is_chosen(list, name)) {
        let standing = standings.binary_search_by_key(&id, |standing| standing.mailbox).ok();
        if let Some((at, items)) = standing.zip(list.returns.status.as_deref()) {
            status::tell(run.state, run.out.bytes, &name.name, &standings[at], items).await;
        }
        if let Some(entries) = &list.returns.metadata {
            // A note that can't be read now keeps nobody from the folders' names.
            if let Ok(notes) = run.state.mail.annotations(Some(id)).await {
                let found = metadata::Found::of(&notes, entries, Default::default(), None);
                found.tell(run.out.bytes, Some(&name.name), utf8);
            }
        }
    }
    run.out.relieve().await
}

/// What STATUS tells of, by number.
async fn standings(run: &mut Run<'_, '_>, list: &List, shown: &[Listed]) -> Result<Vec<Standing>, Done> {
    let Some(items) = &list.returns.status else { return Ok(Vec::new()) };
    status::asked_for(run.state, items);
    let chosen: Vec<MailboxId> =
        shown.iter().filter(|name| is_chosen(list, name)).filter_map(|name| name.id).collect();
    let standings = run.state.mail.standings(chosen).await;
    let mut standings = standings.map_err(|refusal| run.refused(&refusal))?;
    standings.sort_unstable_by_key(|standing| standing.mailbox);
    Ok(standings)
}

/// Whether the options choose the name itself, not only something in it: only then is more told of it (RFC 5819 §2).
fn is_chosen(list: &List, name: &Listed) -> bool {
    (!list.subscribed || name.subscribed) && (!list.special_use || !name.uses.is_empty())
}

/// What is told of names in which there is one that the options choose (RFC 5258 §3.5).
fn child_info(list: &List, name: &Listed) -> Vec<u8> {
    if !name.child_info {
        return Vec::new();
    }
    let chosen_by = [(list.subscribed, "\"SUBSCRIBED\""), (list.special_use, "\"SPECIAL-USE\"")];
    let options: Vec<&str> = chosen_by.iter().filter(|(is, _)| *is).map(|(_, option)| *option).collect();
    format!(" (\"CHILDINFO\" ({}))", options.join(" ")).into_bytes()
}

/// `* LIST (\HasChildren \Sent) "/" "Sent"`, with extended data where there is some: it begins with a space.
pub(super) fn tell(out: &mut Vec<u8>, name: &Listed, subscribed: bool, extended: &[u8], utf8: bool) {
    out.extend_from_slice(b"* LIST (");
    let there = match (name.non_existent, name.id) {
        (true, _) => Some("\\NonExistent"),
        (false, None) => Some("\\NoSelect"),
        (false, Some(_)) => None,
    };
    let children = if name.has_children { "\\HasChildren" } else { "\\HasNoChildren" };
    let subscribed = (subscribed && name.subscribed).then_some("\\Subscribed");
    let attributes = there.into_iter().chain([children]).chain(subscribed);
    for (n, attribute) in attributes.chain(name.uses.iter().map(|of| of.attribute())).enumerate() {
        if n > 0 {
            out.push(b' ');
        }
        out.extend_from_slice(attribute.as_bytes());
    }
    out.extend_from_slice(b") \"/\" ");
    write::mailbox(out, &name.name, utf8);
    out.extend_from_slice(extended);
    out.extend_from_slice(b"\r\n");
}

/// What LIST says of a name, whether there is such a folder or not.
pub(super) fn described(folders: &Folders, name: &MailboxName) -> Listed {
    let folder = names::find(folders, name);
    Listed {
        name: name.clone(),
        id: folder.and_then(|folder| folder.id),
        non_existent: folder.is_none(),
        has_children: names::children(folders, name).next().is_some(),
        subscribed: names::is_subscribed(folders, name),
        uses: folder.map_or_else(Vec::new, |folder| folder.uses.clone()),
        child_info: false,
    }
}

#[cfg(test)]
mod tests {
    use postern_model::{SpecialUse, Timestamp};

    use super::*;

    fn told(list: &List) -> String {
        let now = Timestamp(1_000_000);
        let name = |text: &str| MailboxName::parse(text).expect("a name");
        let folders = names::on_paper("en", now);
        let folders = names::create(&folders, &name("Work/2026"), &[], now).expect("made").0;
        let folders = names::delete(&folders, &name("Work")).expect("removed").0;
        let folders = Arc::new(names::subscribe(&folders, &name("Gone/Inner"), true).expect("subscribed"));
        let mut out = Vec::new();
        for name in shown(&folders, list) {
            let subscribed = list.subscribed || list.returns.subscribed;
            tell(&mut out, &name, subscribed, &child_info(list, &name), true);
        }
        String::from_utf8(out).expect("UTF-8")
    }

    fn list(pattern: &str) -> List {
        List { patterns: vec![pattern.to_owned()], ..List::default() }
    }

    #[test]
    fn attributes_say_what_a_name_is() {
        assert_eq!(
            told(&list("W%")) + &told(&list("Work/*")) + &told(&list("Sent")),
            "* LIST (\\NoSelect \\HasChildren) \"/\" \"Work\"\r\n\
             * LIST (\\HasNoChildren) \"/\" \"Work/2026\"\r\n\
             * LIST (\\HasNoChildren \\Sent) \"/\" \"Sent\"\r\n"
        );
    }

    #[test]
    fn subscriptions_are_told_where_they_are_asked_for() {
        let mut wanted = List { subscribed: true, extended: true, ..list("*Inner") };
        assert_eq!(
            told(&wanted),
            "* LIST (\\NonExistent \\HasNoChildren \\Subscribed) \"/\" \"Gone/Inner\"\r\n"
        );
        wanted = List { recursive_match: true, patterns: vec!["%".to_owned()], ..wanted };
        let told = told(&wanted);
        assert!(told.contains("\"/\" \"Gone\" (\"CHILDINFO\" (\"SUBSCRIBED\"))\r\n"), "{told}");
        assert!(told.contains("* LIST (\\HasNoChildren \\Subscribed \\Sent) \"/\" \"Sent\"\r\n"), "{told}");
    }

    #[test]
    fn only_what_the_options_choose_is_told_more_of() {
        let folders = Arc::new(names::on_paper("en", Timestamp(1_000_000)));
        let special = List { special_use: true, ..list("*") };
        let shown = shown(&folders, &special);
        assert!(shown.iter().all(|name| is_chosen(&special, name)));
        assert!(shown.iter().any(|name| name.uses == [SpecialUse::Trash]));
        assert!(!shown.iter().any(|name| name.name.is_inbox()));
        assert!(!is_chosen(&special, &described(&folders, &MailboxName::inbox())));
    }
}
