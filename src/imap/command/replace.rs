//! REPLACE, UID REPLACE (RFC 8508): a letter comes in the place of another, both in one step.

use postern_model::imap::SeqSet;
use postern_model::{MailboxName, Uid};

use super::append::{appended_uids, letters};
use crate::imap::command::Run;
use crate::imap::grammar::{Append, Numbering, Targets};
use crate::imap::reply::Done;
use crate::imap::sync::{self, Telling};
use crate::net::outlet::Cut;

pub(super) async fn run(
    run: &mut Run<'_, '_>,
    numbering: Numbering,
    target: SeqSet,
    mailbox: MailboxName,
    message: Append,
) -> Result<Done, Cut> {
    match replace(run, numbering, target, &mailbox, message).await {
        Ok(told) => {
            // RFC 8508 §3.3: before the old letter is told to have gone.
            told.write("*", run.out.bytes);
            sync::tell(run.state, run.out, Telling::All).await?;
            Ok(run.removed("REPLACE completed"))
        }
        Err(done) => Ok(done),
    }
}

async fn replace(
    run: &mut Run<'_, '_>,
    numbering: Numbering,
    target: SeqSet,
    mailbox: &MailboxName,
    message: Append,
) -> Result<Done, Done> {
    let old = old(run, numbering, target)?;
    let from = run.selected()?.mailbox;
    let to = run.destination(mailbox).await?;
    let letters = letters(run, vec![message]).await?;
    let appended = run.state.mail.append(to, letters, Some((from, old))).await;
    let appended = appended.map_err(|refusal| run.refused_destination(&refusal))?;
    Ok(Done::ok_with(appended_uids(&appended), "The new letter is there"))
}

/// The letter that goes.
fn old(run: &Run<'_, '_>, numbering: Numbering, target: SeqSet) -> Result<Uid, Done> {
    let uids = run.targets(numbering, &Targets::Set(target))?;
    // RFC 8508 §3.1: nothing is stored where the old letter is not there.
    uids.first().ok_or_else(|| Done::no_with("NONEXISTENT", "There is no such letter."))
}
