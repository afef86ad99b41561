//! APPEND (RFC 9051 §6.3.12; RFC 3502, 4469, 6855): letters come into a folder.
//!
//! Their octets come in while the command does, each letter into a spool of its own; [`expect`] is asked before each. At
//! the command's end all of them go into the folder, or none.

mod catenate;
mod url;

use postern_actors::mail::{Appended, Appending};
use postern_model::MailboxName;
use postern_policy::Refusal;

use super::copy::destination;
use crate::imap::command::Run;
use crate::imap::grammar::{Append, AppendData, Streamed};
use crate::imap::reply::Done;
use crate::imap::state::State;
use crate::net::door::Sealed;
use crate::net::outlet::Cut;

/// Letters (and pieces of letters) that one command may bring: each may hold a file open.
const MOST: usize = 256;
/// Octets that the letters of one command may keep in memory before the next ones go to files.
const IN_MEMORY: usize = 1 << 20;
/// Octets that a letter keeps in memory: as long as there is room, and then.
const MUCH: usize = 256 << 10;
const LITTLE: usize = 4 << 10;

/// Whether a letter may come, before its octets do: the folder is there, the letter is not too large, and there is room
/// for it.
///
/// # Errors
/// How the command ends then.
pub async fn expect(state: &State, mailbox: &MailboxName, octets: u64) -> Result<(), Done> {
    if octets > state.settings.message_size {
        return Err(too_big(state));
    }
    if state.parked.len() >= MOST {
        return Err(Done::no_with("LIMIT", format!("One command may bring {MOST} letters.")));
    }
    destination(state, mailbox).await?;
    let parked: u64 = state.parked.iter().map(|sealed| sealed.body.len()).sum();
    room(state, parked.saturating_add(octets)).await
}

/// Octets of the next letter that are kept in memory.
pub fn memory(state: &State) -> usize {
    let held = |sealed: &Sealed| sealed.body.as_slice().map_or(0, <[u8]>::len);
    let held: usize = state.parked.iter().map(held).sum();
    if held < IN_MEMORY { MUCH } else { LITTLE }
}

pub(super) async fn run(
    run: &mut Run<'_, '_>,
    mailbox: MailboxName,
    messages: Vec<Append>,
) -> Result<Done, Cut> {
    Ok(append(run, &mailbox, messages).await.unwrap_or_else(|done| done))
}

async fn append(run: &mut Run<'_, '_>, mailbox: &MailboxName, messages: Vec<Append>) -> Result<Done, Done> {
    let folder = run.destination(mailbox).await?;
    let letters = letters(run, messages).await?;
    let appended = run.state.mail.append(folder, letters, None).await;
    let appended = appended.map_err(|refusal| run.refused_destination(&refusal))?;
    Ok(Done::ok_with(appended_uids(&appended), "APPEND completed"))
}

/// `APPENDUID` (RFC 4315 §3).
pub(super) fn appended_uids(appended: &Appended) -> String {
    format!("APPENDUID {} {}", appended.uid_validity.0, appended.uids)
}

/// The letters of a command, put together from what came in with it.
///
/// # Errors
/// How the command ends then.
pub(super) async fn letters(run: &mut Run<'_, '_>, messages: Vec<Append>) -> Result<Vec<Appending>, Done> {
    let mut parked: Vec<_> = std::mem::take(&mut run.state.parked).into_iter().map(Some).collect();
    let (mut letters, mut octets) = (Vec::with_capacity(messages.len()), 0_u64);
    for Append { flags, keywords, date, data } in messages {
        if letters.len() == MOST {
            return Err(Done::no_with("LIMIT", format!("One command may bring {MOST} letters.")));
        }
        let catenated = matches!(data, AppendData::Catenate(_));
        let Sealed { body, facts, signature, .. } = match data {
            AppendData::Literal(streamed) => whole(run, &mut parked, streamed)?,
            AppendData::Catenate(parts) => catenate::build(run, &mut parked, parts).await?,
        };
        octets = octets.saturating_add(body.len());
        if catenated {
            // Of the others it was asked before they came.
            room(run.state, octets).await?;
        }
        letters.push(Appending { body, facts, signature, flags, keywords, date });
    }
    Ok(letters)
}

/// A letter that came in as one literal.
fn whole(run: &Run<'_, '_>, parked: &mut [Option<Sealed>], streamed: Streamed) -> Result<Sealed, Done> {
    // RFC 6855 §4
    if streamed.utf8 && !run.state.enabled.wants_utf8() {
        return Err(Done::bad("ENABLE UTF8=ACCEPT first."));
    }
    if streamed.octets == 0 {
        // RFC 3502 §4: that is how a client takes the whole command back.
        return Err(Done::no("A letter without octets is not kept, nor are those that came with it."));
    }
    take(parked, streamed)
}

/// What came in as a literal.
fn take(parked: &mut [Option<Sealed>], streamed: Streamed) -> Result<Sealed, Done> {
    let found = parked.get_mut(streamed.index).and_then(Option::take);
    found
        .filter(|sealed| sealed.body.len() == streamed.octets)
        .ok_or_else(|| Done::no_with("UNAVAILABLE", "The letter did not come in whole. Try again later."))
}

fn too_big(state: &State) -> Done {
    let limit = state.settings.message_size;
    Done::no_with("TOOBIG", format!("A letter may have {limit} octets."))
}

/// Whether there is room for so many octets more (SPEC D8).
async fn room(state: &State, octets: u64) -> Result<(), Done> {
    let refused = |refusal: Refusal| Done::refused_destination(&refusal, &state.settings.places);
    let storage = state.mail.storage().await.map_err(refused)?;
    match storage.limit {
        Some(limit) if storage.used.octets.saturating_add(octets) > limit => {
            Err(refused(Refusal::OverQuota { limit }))
        }
        _ => Ok(()),
    }
}
