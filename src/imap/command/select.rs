//! SELECT, EXAMINE (RFC 9051 §6.3.2, 6.3.3; RFC 7162 §3.1.8, 3.2.5).

use postern_model::record::MailboxHeader;
use postern_model::{Flags, Keyword, MailboxId, MailboxName, SeqNo, Uid, UidSet};
use postern_policy::Refusal;
use postern_policy::folder::Folder;
use postern_policy::view::View;

use crate::imap::command::Run;
use crate::imap::grammar::{QResync, Select, write};
use crate::imap::reply::{Done, line};
use crate::imap::state::Selected;
use crate::imap::sync;
use crate::net::outlet::Cut;

pub(super) async fn run(run: &mut Run<'_, '_>, select: Select) -> Result<Done, Cut> {
    if select.qresync.is_some() && !run.state.enabled.qresync {
        return Ok(Done::bad("ENABLE QRESYNC first."));
    }
    if run.state.selected.take().is_some() {
        // RFC 7162 §3.2.11: what follows is of the new folder.
        line(run.out.bytes, format_args!("* OK [CLOSED] The folder before is closed"));
    }
    run.state.enabled.condstore |= select.condstore;
    let (mailbox, opened) = match open(run, &select).await {
        Ok(opened) => opened,
        Err(done) => {
            // RFC 9051 §6.3.2: no folder is selected then.
            let _ = run.state.mail.select(None, false).await;
            return Ok(done);
        }
    };
    let folder = opened.folder;
    let header = folder.header();
    let selected = Selected {
        mailbox,
        read_only: select.read_only,
        view: View::of(&folder),
        told: header.highest_mod_seq,
        owes_expunge: false,
        recent: opened.recent,
        saved: UidSet::new(),
        keywords: header.keywords.len(),
        silent: Vec::new(),
    };
    tell(run, &select.mailbox, &folder, &selected);
    run.state.mail.sight().told(selected.told);
    run.state.selected = Some(Box::new(selected));
    if let Some(qresync) = select.qresync {
        resynchronise(run, &folder, qresync).await?;
    }
    Ok(match select.read_only {
        true => Done::ok_with("READ-ONLY", "EXAMINE completed"),
        false => Done::ok_with("READ-WRITE", "SELECT completed"),
    })
}

async fn open(
    run: &Run<'_, '_>,
    select: &Select,
) -> Result<(MailboxId, postern_actors::mail::Selected), Done> {
    let mailbox = run.folder(&select.mailbox).await?;
    match run.state.mail.select(Some(mailbox), !select.read_only).await {
        Ok(Some(opened)) => Ok((mailbox, opened)),
        Ok(None) => Err(run.refused(&Refusal::NoSuchFolder)),
        Err(refusal) => Err(run.refused(&refusal)),
    }
}

/// All that a client learns of a folder at first.
fn tell(run: &mut Run<'_, '_>, name: &MailboxName, folder: &Folder, selected: &Selected) {
    let (out, enabled, header) = (&mut *run.out.bytes, run.state.enabled, folder.header());
    sync::all_flags(out, header);
    permanent_flags(out, header, selected.read_only);
    sync::exists(out, selected, enabled);
    if !enabled.rev2
        && !enabled.uid_only
        && let Some(first) = first_unseen(folder, &selected.view)
    {
        line(out, format_args!("* OK [UNSEEN {first}] The first that was not read"));
    }
    line(out, format_args!("* OK [UIDVALIDITY {}] UIDs are valid", header.uid_validity.0));
    let next = header.uid_next.unwrap_or(Uid(u32::MAX));
    line(out, format_args!("* OK [UIDNEXT {}] The next UID", next.0));
    line(out, format_args!("* OK [HIGHESTMODSEQ {}] The highest", header.highest_mod_seq.0));
    line(out, format_args!("* OK [MAILBOXID (F{})] Its number", selected.mailbox.0));
    if enabled.rev2 {
        // RFC 9051 §6.3.2: rev2 wants to see the folder's name.
        out.extend_from_slice(b"* LIST () \"/\" ");
        write::mailbox(out, name, enabled.wants_utf8());
        out.extend_from_slice(b"\r\n");
    }
}

/// PERMANENTFLAGS: what may be changed for good; `\*` while there is room for more keywords.
fn permanent_flags(out: &mut Vec<u8>, header: &MailboxHeader, read_only: bool) {
    let mut names: Vec<&str> = Vec::new();
    if !read_only {
        names.extend(Flags::NAMES.iter().map(|(_, name)| *name));
        names.extend(header.keywords.iter().map(String::as_str));
        if header.keywords.len() < Keyword::MOST {
            names.push("\\*");
        }
    }
    line(out, format_args!("* OK [PERMANENTFLAGS ({})] Flags that are kept", names.join(" ")));
}

/// The number of the first letter without `\Seen`.
fn first_unseen(folder: &Folder, view: &View) -> Option<u32> {
    if folder.header().unseen == 0 {
        return None;
    }
    let first = folder.entries().find(|entry| !entry.flags.contains(Flags::SEEN))?;
    view.number(first.uid).map(|SeqNo(number)| number)
}

/// RFC 7162 §3.2.5.1, 3.2.5.2: what went and what changed since the client looked last. What it says of numbers it knows
/// is not needed: the log of what vanished reaches back to the first letter that did.
async fn resynchronise(run: &mut Run<'_, '_>, folder: &Folder, qresync: QResync) -> Result<(), Cut> {
    let Some(selected) = run.state.selected.as_deref() else { return Ok(()) };
    if qresync.uid_validity != folder.header().uid_validity {
        return Ok(());
    }
    let Ok(vanished) = run.state.mail.vanished(selected.mailbox, qresync.mod_seq).await else {
        return Ok(());
    };
    let below_next = folder.header().uid_next.map_or(u32::MAX, |next| next.0.saturating_sub(1));
    let all = UidSet::from_ranges([(Uid(1), Uid(below_next.max(1)))]);
    let known = qresync.known.unwrap_or(all);
    let vanished = vanished.intersection(&known).difference(&selected.view.uids());
    if !vanished.is_empty() {
        line(run.out.bytes, format_args!("* VANISHED (EARLIER) {vanished}"));
    }
    for entry in folder.changed_since(qresync.mod_seq).filter(|entry| known.contains(entry.uid)) {
        sync::flags_of(run.out.bytes, selected, folder.header(), entry, run.state.enabled);
        run.out.relieve().await?;
    }
    Ok(())
}
