//! What a session does not know yet, told where the RFC lets it be told (RFC 9051 §7): behind a command, while IDLE lasts.

use std::io::Write;

use postern_model::record::{Entry, MailboxHeader};
use postern_model::{Flags, Uid, UidSet};
use postern_policy::Refusal;
use postern_policy::folder::Folder;
use postern_policy::view::{View, news};

use super::command::fetch;
use super::state::{Enabled, Selected, State};
use crate::net::outlet::{Cut, Outlet};

/// What may be told now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Telling {
    /// Everything.
    All,
    /// No EXPUNGE: numbers must not change under the client's other commands (RFC 9051 §7.5.1: FETCH, STORE, SEARCH).
    NoExpunge,
    /// Nothing: the command has no folder, or tells by itself.
    Nothing,
}

/// Tells what is new in the selected folder, as far as NOTIFY lets it be told.
///
/// # Errors
/// [`Cut`].
pub async fn tell(state: &mut State, out: &mut Outlet<'_>, telling: Telling) -> Result<(), Cut> {
    // RFC 5465 §3.1: a client may want to hear nothing of it.
    let is_heeded = state.watch.as_ref().is_none_or(|watch| watch.heeds().letters);
    if telling == Telling::Nothing || !is_heeded {
        return Ok(());
    }
    let Some(selected) = &state.selected else { return Ok(()) };
    if state.mail.highest_mod_seq() <= selected.told && !(selected.owes_expunge && telling == Telling::All) {
        return Ok(());
    }
    look(state, out, telling).await
}

/// As [`tell`], and asks for the folder in any case: a session that has been woken is woken again only once it has looked.
///
/// # Errors
/// [`Cut`].
pub async fn look(state: &mut State, out: &mut Outlet<'_>, telling: Telling) -> Result<(), Cut> {
    let Some(selected) = &state.selected else { return Ok(()) };
    match state.mail.look(selected.mailbox).await {
        Ok(_) if telling == Telling::Nothing => Ok(()),
        Ok(folder) => tell_heeded(state, &folder, out, telling).await,
        Err(Refusal::NoSuchFolder) => {
            state.selected = None;
            state.bye = Some("The selected folder was removed.".to_owned());
            Ok(())
        }
        // What can't be read now is told later.
        Err(_) => Ok(()),
    }
}

/// Tells what is new, and fetches of letters that have come what NOTIFY has asked for (RFC 5465 §5.2).
async fn tell_heeded(
    state: &mut State,
    folder: &Folder,
    out: &mut Outlet<'_>,
    telling: Telling,
) -> Result<(), Cut> {
    let heeds = state.watch.as_ref().map(|watch| watch.heeds().clone());
    let arrived =
        tell_news(state, folder, out, telling, heeds.as_ref().is_none_or(|heeds| heeds.flags)).await?;
    match heeds {
        Some(heeds) if !heeds.items.is_empty() && !arrived.is_empty() => {
            fetch::tell(state, out, folder, &arrived, &heeds.items).await
        }
        _ => Ok(()),
    }
}

/// Tells what is new, where the folder is at hand.
///
/// # Errors
/// [`Cut`].
pub async fn tell_of(
    state: &mut State,
    folder: &Folder,
    out: &mut Outlet<'_>,
    telling: Telling,
) -> Result<(), Cut> {
    tell_news(state, folder, out, telling, true).await.map(drop)
}

/// Tells what is new, changes of flags only where `flags` says so. Returns the letters that have come.
async fn tell_news(
    state: &mut State,
    folder: &Folder,
    out: &mut Outlet<'_>,
    telling: Telling,
    flags: bool,
) -> Result<UidSet, Cut> {
    let (enabled, Some(selected)) = (state.enabled, &mut state.selected) else {
        return Ok(UidSet::new());
    };
    // What went and was not told yet is found whatever the sequence.
    let told = if selected.owes_expunge { postern_model::ModSeq(0) } else { selected.told };
    let mut news = news(&selected.view, told, folder);
    if selected.owes_expunge {
        let known = selected.told;
        news.changed =
            folder.entries_of(&news.changed).filter(|e| e.mod_seq > known).map(|e| e.uid).collect();
    }
    if telling == Telling::All {
        expunge(out.bytes, &mut selected.view, &news.gone, enabled);
        selected.saved = selected.saved.difference(&news.gone);
        selected.owes_expunge = false;
    } else {
        selected.owes_expunge |= !news.gone.is_empty();
    }
    if !news.arrived.is_empty() {
        selected.view.arrive(&news.arrived);
        exists(out.bytes, selected, enabled);
    }
    keywords(out.bytes, selected, folder.header());
    let silent = std::mem::take(&mut selected.silent);
    let changed = if flags { news.changed } else { UidSet::new() };
    for entry in folder.entries_of(&changed).filter(|entry| !silent.contains(&entry.mod_seq)) {
        flags_of(out.bytes, selected, folder.header(), entry, enabled);
        out.relieve().await?;
    }
    selected.told = folder.header().highest_mod_seq;
    if !selected.owes_expunge {
        state.mail.sight().told(selected.told);
    }
    Ok(news.arrived)
}

/// EXPUNGE or VANISHED; the view forgets the letters.
pub fn expunge(out: &mut Vec<u8>, view: &mut View, gone: &UidSet, enabled: Enabled) {
    let numbers = view.expunge(gone);
    if numbers.is_empty() {
        return;
    }
    // Writing to memory can't fail.
    if enabled.wants_vanished() {
        let _ = write!(out, "* VANISHED {gone}\r\n");
        return;
    }
    for number in numbers {
        let _ = write!(out, "* {} EXPUNGE\r\n", number.0);
    }
}

/// EXISTS, and RECENT for who does not speak rev2 (RFC 9051, appendix E).
pub fn exists(out: &mut Vec<u8>, selected: &Selected, enabled: Enabled) {
    let _ = write!(out, "* {} EXISTS\r\n", selected.view.len());
    if !enabled.rev2 {
        let _ = write!(out, "* {} RECENT\r\n", recent(selected));
    }
}

/// Letters that are `\Recent` for this session.
pub fn recent(selected: &Selected) -> u64 {
    let ever = UidSet::from_ranges([(selected.recent, Uid(u32::MAX))]);
    selected.view.uids().intersection(&ever).len()
}

/// FLAGS, where the folder knows keywords that were not told yet.
pub fn keywords(out: &mut Vec<u8>, selected: &mut Selected, header: &MailboxHeader) {
    if header.keywords.len() > selected.keywords {
        selected.keywords = header.keywords.len();
        all_flags(out, header);
    }
}

/// `* FLAGS (…)`: all that letters of the folder can have.
pub fn all_flags(out: &mut Vec<u8>, header: &MailboxHeader) {
    let mut names: Vec<&str> = Flags::NAMES.iter().map(|(_, name)| *name).collect();
    names.extend(header.keywords.iter().map(String::as_str));
    let _ = write!(out, "* FLAGS ({})\r\n", names.join(" "));
}

/// Tells a letter's flags, unasked or for STORE: `* 1 FETCH (UID 5 FLAGS (\Seen))`.
pub fn flags_of(
    out: &mut Vec<u8>,
    selected: &Selected,
    header: &MailboxHeader,
    entry: &Entry,
    enabled: Enabled,
) {
    let Some(()) = begin_fetch(out, selected, entry.uid, enabled) else { return };
    flags(out, selected, header, entry);
    if enabled.condstore {
        let _ = write!(out, " MODSEQ ({})", entry.mod_seq.0);
    }
    out.extend_from_slice(b")\r\n");
}

/// `* 1 FETCH (UID 5 `, or `* 5 UIDFETCH (` (RFC 9586 §3.3); `None` where the client does not know the letter.
pub fn begin_fetch(out: &mut Vec<u8>, selected: &Selected, uid: Uid, enabled: Enabled) -> Option<()> {
    let number = selected.view.number(uid)?;
    let _ = match enabled.uid_only {
        true => write!(out, "* {} UIDFETCH (", uid.0),
        false => write!(out, "* {} FETCH (UID {} ", number.0, uid.0),
    };
    Some(())
}

/// `FLAGS (…)`
pub fn flags(out: &mut Vec<u8>, selected: &Selected, header: &MailboxHeader, entry: &Entry) {
    out.extend_from_slice(b"FLAGS (");
    let system = Flags::NAMES.iter().filter(|(flag, _)| entry.flags.contains(*flag)).map(|(_, name)| *name);
    let known = header.keywords.iter().enumerate().take(64);
    let keywords = known.filter(|(bit, _)| entry.keywords >> bit & 1 == 1).map(|(_, name)| name.as_str());
    let recent = (entry.uid >= selected.recent).then_some("\\Recent");
    for (n, name) in system.chain(keywords).chain(recent).enumerate() {
        if n > 0 {
            out.push(b' ');
        }
        out.extend_from_slice(name.as_bytes());
    }
    out.push(b')');
}
