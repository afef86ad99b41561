//! EXPUNGE (RFC 9051 §6.4.3), UID EXPUNGE (RFC 9051 §6.4.9).

use crate::imap::command::Run;
use crate::imap::grammar::{Numbering, Targets};
use crate::imap::reply::Done;
use crate::imap::sync::{self, Telling};
use crate::net::outlet::Cut;

pub(super) async fn run(run: &mut Run<'_, '_>, targets: Option<Targets>) -> Result<Done, Cut> {
    let uids = targets.map(|targets| run.targets(Numbering::Uid, &targets)).transpose();
    let (uids, mailbox) = match uids.and_then(|uids| Ok((uids, run.selected()?.mailbox))) {
        Ok(found) => found,
        Err(done) => return Ok(done),
    };
    let expunged = match run.state.mail.expunge(mailbox, uids).await {
        Ok(expunged) => expunged,
        Err(refusal) => return Ok(run.refused(&refusal)),
    };
    sync::tell_of(run.state, &expunged.folder, run.out, Telling::All).await?;
    Ok(run.removed("EXPUNGE completed"))
}

impl Run<'_, '_> {
    /// `OK` behind a command that took letters out of the selected folder, all of which has been told: with CONDSTORE the
    /// client learns up to which sequence it knows everything (RFC 7162 §3.2.7, 3.2.8).
    pub(super) fn removed(&self, text: &str) -> Done {
        match &self.state.selected {
            Some(selected) if self.state.enabled.condstore => {
                Done::ok_with(format!("HIGHESTMODSEQ {}", selected.told.0), text)
            }
            _ => Done::ok(text),
        }
    }
}
