//! COPY, MOVE (RFC 9051 §6.4.7, 6.4.8; RFC 9738).

use postern_actors::mail::Copied;
use postern_model::{MailboxId, MailboxName, UidSet};
use postern_policy::Refusal;

use crate::imap::SAVE_LIMIT;
use crate::imap::command::Run;
use crate::imap::grammar::{Numbering, Targets};
use crate::imap::reply::Done;
use crate::imap::sync::{self, Telling};
use crate::net::outlet::Cut;

pub(super) async fn copy(
    run: &mut Run<'_, '_>,
    numbering: Numbering,
    targets: Targets,
    to: MailboxName,
) -> Result<Done, Cut> {
    let (uids, from, to) = match prepared(run, numbering, &targets, &to).await {
        Ok(prepared) => prepared,
        Err(done) => return Ok(done),
    };
    if uids.is_empty() {
        return Ok(Done::ok("No letters, nothing to do"));
    }
    Ok(match run.state.mail.copy(from, uids, to).await {
        Ok(copied) => match copied_uids(&copied) {
            Some(code) => Done::ok_with(code, "COPY completed"),
            None => Done::no_with("EXPUNGEISSUED", "The letters are no longer there."),
        },
        Err(refusal) => run.refused_destination(&refusal),
    })
}

pub(super) async fn move_to(
    run: &mut Run<'_, '_>,
    numbering: Numbering,
    targets: Targets,
    to: MailboxName,
) -> Result<Done, Cut> {
    let (uids, from, to) = match prepared(run, numbering, &targets, &to).await {
        Ok(prepared) => prepared,
        Err(done) => return Ok(done),
    };
    if uids.is_empty() {
        return Ok(Done::ok("No letters, nothing to do"));
    }
    let copied = match run.state.mail.move_to(from, uids, to).await {
        Ok(copied) => copied,
        Err(refusal) => return Ok(run.refused_destination(&refusal)),
    };
    // RFC 6851 §4.3: before the letters are told to have gone.
    if let Some(code) = copied_uids(&copied) {
        Done::ok_with(code, "Moved").write("*", run.out.bytes);
    }
    sync::tell_of(run.state, &copied.folder, run.out, Telling::All).await?;
    Ok(run.removed("MOVE completed"))
}

/// `COPYUID` (RFC 4315 §3); `None` where no letter was there any more.
fn copied_uids(copied: &Copied) -> Option<String> {
    let Copied { uid_validity, from, to, .. } = copied;
    (!from.is_empty()).then(|| format!("COPYUID {} {from} {to}", uid_validity.0))
}

async fn prepared(
    run: &Run<'_, '_>,
    numbering: Numbering,
    targets: &Targets,
    to: &MailboxName,
) -> Result<(UidSet, MailboxId, MailboxId), Done> {
    let uids = run.targets(numbering, targets)?;
    if uids.len() > u64::from(SAVE_LIMIT) {
        return Err(run.too_many());
    }
    Ok((uids, run.selected()?.mailbox, run.destination(to).await?))
}

impl Run<'_, '_> {
    /// The folder that letters are to come to.
    ///
    /// # Errors
    /// How the command ends where there is none.
    pub(super) async fn destination(&self, name: &MailboxName) -> Result<MailboxId, Done> {
        destination(self.state, name).await
    }

    /// As [`Run::refused`], about the folder that letters were to come to.
    pub(super) fn refused_destination(&self, refusal: &Refusal) -> Done {
        Done::refused_destination(refusal, &self.state.settings.places)
    }

    /// More letters than one command may save (RFC 9738 §3).
    pub(super) fn too_many(&self) -> Done {
        let text = format!("One command may save {SAVE_LIMIT} letters.");
        Done::no_with(format!("MESSAGELIMIT {SAVE_LIMIT}"), text)
    }
}

/// The folder that letters are to come to.
///
/// # Errors
/// How the command ends where there is none.
pub(super) async fn destination(state: &crate::imap::State, name: &MailboxName) -> Result<MailboxId, Done> {
    let refused = |refusal: &Refusal| Done::refused_destination(refusal, &state.settings.places);
    let folders = state.mail.folders().await.map_err(|refusal| refused(&refusal))?;
    let found = folders.folders.iter().find(|folder| folder.name == *name);
    found.and_then(|folder| folder.id).ok_or_else(|| refused(&Refusal::NoSuchFolder))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use postern_model::record::MailboxHeader;
    use postern_model::{ModSeq, Uid, UidValidity};
    use postern_policy::folder::Folder;

    use super::*;

    fn header() -> MailboxHeader {
        MailboxHeader {
            uid_validity: UidValidity(1),
            uid_next: Some(Uid(1)),
            highest_mod_seq: ModSeq(1),
            letters: 0,
            octets: 0,
            unseen: 0,
            deleted: 0,
            deleted_octets: 0,
            keywords: Vec::new(),
            last_block: 0,
            recent: Uid(1),
        }
    }

    #[test]
    fn copies_are_told_by_both_numbers() {
        let set = |ranges: &[(u32, u32)]| {
            UidSet::from_ranges(ranges.iter().map(|(first, last)| (Uid(*first), Uid(*last))))
        };
        let mut copied = Copied {
            uid_validity: UidValidity(38_505),
            from: set(&[(304, 304), (319, 320)]),
            to: set(&[(3_956, 3_958)]),
            folder: Arc::new(Folder::of(header(), Vec::new())),
        };
        assert_eq!(copied_uids(&copied).as_deref(), Some("COPYUID 38505 304,319:320 3956:3958"));
        copied.from = UidSet::new();
        copied.to = UidSet::new();
        assert_eq!(copied_uids(&copied), None);
    }
}
