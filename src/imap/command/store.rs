//! STORE, UID STORE (RFC 9051 §6.4.6; RFC 7162 §3.1.3).

use std::io::Write;

use postern_actors::mail::{FlagChange, FlagsChanged};
use postern_model::UidSet;

use crate::imap::command::Run;
use crate::imap::grammar::{Numbering, Store, Targets};
use crate::imap::reply::Done;
use crate::imap::sync::{self, Telling};
use crate::net::outlet::Cut;

pub(super) async fn run(
    run: &mut Run<'_, '_>,
    numbering: Numbering,
    targets: Targets,
    store: Store,
) -> Result<Done, Cut> {
    // RFC 7162 §3.1: who gives a sequence gets them from now on.
    run.state.enabled.condstore |= store.unchanged_since.is_some();
    let found = run.targets(numbering, &targets).and_then(|uids| Ok((uids, run.selected()?.mailbox)));
    let (uids, mailbox) = match found {
        Ok(found) => found,
        Err(done) => return Ok(done),
    };
    if uids.is_empty() {
        return Ok(Done::ok("No letters, nothing to do"));
    }
    let Store { mode, silent, flags, keywords, unchanged_since } = store;
    let change = FlagChange { mode, flags, keywords, unchanged_since };
    let changed = match run.state.mail.change_flags(mailbox, uids.clone(), change).await {
        Ok(changed) => changed,
        Err(refusal) => return Ok(run.refused(&refusal)),
    };
    if silent {
        tell_sequences(run, &changed).await?;
    } else {
        tell_flags(run, &uids, &changed).await?;
    }
    let ending = ended(run, numbering, &uids, &changed);
    let telling = match numbering {
        Numbering::Sequence => Telling::NoExpunge,
        Numbering::Uid => Telling::All,
    };
    sync::tell_of(run.state, &changed.folder, run.out, telling).await?;
    Ok(ending)
}

/// The flags that the letters have now, changed or not: that is what a client waits for. Those that stayed since others
/// changed them are told as any change of others is, where the client does not know of it yet.
async fn tell_flags(run: &mut Run<'_, '_>, uids: &UidSet, changed: &FlagsChanged) -> Result<(), Cut> {
    let Some(selected) = &mut run.state.selected else { return Ok(()) };
    let header = changed.folder.header();
    sync::keywords(run.out.bytes, selected, header);
    selected.silent.extend(changed.mod_seq);
    let mut letters = changed.folder.entries_of(uids);
    while let Some(entry) = letters.find(|entry| !changed.modified.contains(entry.uid)) {
        sync::flags_of(run.out.bytes, selected, header, entry, run.state.enabled);
        run.out.relieve().await?;
    }
    Ok(())
}

/// `.SILENT` keeps quiet about flags, not about sequences (RFC 7162 §3.1.3, example 8).
async fn tell_sequences(run: &mut Run<'_, '_>, changed: &FlagsChanged) -> Result<(), Cut> {
    let (enabled, Some(selected)) = (run.state.enabled, &mut run.state.selected) else { return Ok(()) };
    selected.silent.extend(changed.mod_seq);
    if !enabled.condstore {
        return Ok(());
    }
    for entry in changed.folder.entries_of(&changed.changed) {
        let out = &mut *run.out.bytes;
        if sync::begin_fetch(out, selected, entry.uid, enabled).is_some() {
            // Writing to memory can't fail.
            let _ = write!(out, "MODSEQ ({}))\r\n", entry.mod_seq.0);
        }
        run.out.relieve().await?;
    }
    Ok(())
}

/// How the command ends; numbers are those before anything else is told.
fn ended(run: &Run<'_, '_>, numbering: Numbering, uids: &UidSet, changed: &FlagsChanged) -> Done {
    let there = changed.folder.entries_of(uids).count() as u64;
    if let Some(selected) = &run.state.selected
        && !changed.modified.is_empty()
    {
        let modified = match numbering {
            Numbering::Uid => changed.modified.clone(),
            Numbering::Sequence => selected.view.numbers(&changed.modified),
        };
        return Done::ok_with(format!("MODIFIED {modified}"), "Some letters have changed meanwhile");
    }
    if numbering == Numbering::Sequence && there < uids.len() {
        return Done::no_with("EXPUNGEISSUED", "Some of the letters are no longer there.");
    }
    Done::ok("STORE completed")
}
