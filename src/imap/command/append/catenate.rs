//! CATENATE (RFC 4469): a letter put together from pieces that come in, and pieces of letters that are there.

use std::ops::Range;

use postern_model::LetterId;
use postern_model::record::Entry;
use postern_policy::Refusal;
use postern_storage::{StoreError, keys};

use super::url::{self, Url};
use super::{memory, take, too_big};
use crate::imap::command::Run;
use crate::imap::command::fetch::filtered_header;
use crate::imap::data::{FieldFilter, Piece, section};
use crate::imap::grammar::CatenatePart;
use crate::imap::reply::Done;
use crate::net::door::{Inbound, Sealed};

/// Octets of a piece that are copied at once.
const CHUNK: usize = 64 << 10;

/// Puts a letter together.
///
/// # Errors
/// How the command ends then: `BADURL` names what is not there (RFC 4469 §4).
pub(super) async fn build(
    run: &mut Run<'_, '_>,
    parked: &mut [Option<Sealed>],
    parts: Vec<CatenatePart>,
) -> Result<Sealed, Done> {
    run.link.begin_inbound(memory(run.state));
    let mut left = run.state.settings.message_size;
    for part in parts {
        let octets = match part {
            CatenatePart::Text(streamed) => text(run.link.inbound(), &take(parked, streamed)?, left).await,
            CatenatePart::Url(url) => piece(run, &url, left).await?,
        };
        let octets = octets.map_err(|error| unavailable(&error))?;
        left = octets.and_then(|octets| left.checked_sub(octets)).ok_or_else(|| too_big(run.state))?;
    }
    let inbound = run.link.inbound.take();
    let sealed = match inbound {
        Some(inbound) => inbound.seal().await,
        None => Err(StoreError::Closed),
    };
    sealed.map_err(|error| unavailable(&error))
}

/// Octets of a piece; `None` where the letter would be too large.
type Copied = Result<Option<u64>, StoreError>;

/// A piece that came in.
async fn text(into: &mut Inbound, sealed: &Sealed, left: u64) -> Copied {
    let octets = sealed.body.len();
    if octets > left {
        return Ok(None);
    }
    let mut at = 0;
    while at < octets {
        let chunk = sealed.body.read(at, CHUNK).await?;
        if chunk.is_empty() {
            return Err(StoreError::NotFound);
        }
        into.write(&chunk).await;
        at += chunk.len() as u64;
    }
    Ok(Some(octets))
}

/// A piece of a letter that is there.
async fn piece(run: &mut Run<'_, '_>, spelled: &[u8], left: u64) -> Result<Copied, Done> {
    let bad = || bad_url(spelled);
    let url = url::parse(spelled).ok_or_else(bad)?;
    let (letter, piece) = match find(run, &url).await {
        Ok(found) => found.ok_or_else(bad)?,
        Err(error) => return Ok(Err(error)),
    };
    Ok(match piece {
        Piece::Range(range) => copy(run, letter, cut(range, url.partial), left).await,
        Piece::Header { range, filter } => fields(run, letter, range, &filter, url.partial, left).await,
    })
}

async fn copy(run: &mut Run<'_, '_>, letter: LetterId, range: Range<u64>, left: u64) -> Copied {
    let mail = &run.state.mail;
    let mut body = mail.store().open_body_range(mail.account(), letter, range).await?;
    let octets = body.len();
    if octets > left {
        return Ok(None);
    }
    while let Some(chunk) = body.chunk().await? {
        run.link.inbound().write(&chunk).await;
    }
    Ok(Some(octets))
}

async fn fields(
    run: &mut Run<'_, '_>,
    letter: LetterId,
    range: Range<u64>,
    filter: &FieldFilter,
    partial: Option<(u64, Option<u64>)>,
    left: u64,
) -> Copied {
    let mail = &run.state.mail;
    let mut body = mail.store().open_body_range(mail.account(), letter, range).await?;
    let fields = filtered_header(&mut body, filter).await?;
    let wanted = cut(0..fields.len() as u64, partial);
    let index = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
    let wanted = &fields[index(wanted.start)..index(wanted.end)];
    if wanted.len() as u64 > left {
        return Ok(None);
    }
    run.link.inbound().write(wanted).await;
    Ok(Some(wanted.len() as u64))
}

/// The letter that a URL names and where in it the piece is; `None` where there is none such.
async fn find(run: &Run<'_, '_>, url: &Url) -> Result<Option<(LetterId, Piece)>, StoreError> {
    let Some(entry) = entry(run, url).await? else { return Ok(None) };
    let (mail, letter) = (&run.state.mail, entry.letter);
    let facts = mail.store().get(keys::facts(mail.account(), letter)).await?;
    Ok(facts.and_then(|facts| Some((letter, section(&facts, &url.section)?))))
}

async fn entry(run: &Run<'_, '_>, url: &Url) -> Result<Option<Entry>, StoreError> {
    let mailbox = match &url.mailbox {
        Some(name) => run.folder(name).await.ok(),
        None => run.selected().ok().map(|selected| selected.mailbox),
    };
    let Some(mailbox) = mailbox else { return Ok(None) };
    let folder = match run.state.mail.look(mailbox).await {
        Ok(folder) => folder,
        Err(Refusal::NoSuchFolder) => return Ok(None),
        Err(_) => return Err(StoreError::Busy),
    };
    let known = url.uid_validity.is_none_or(|validity| validity == folder.header().uid_validity);
    Ok(folder.entry(url.uid).filter(|_| known).cloned())
}

/// `;PARTIAL=` (RFC 5092 §2): the first octet, and how many.
fn cut(range: Range<u64>, partial: Option<(u64, Option<u64>)>) -> Range<u64> {
    let Some((origin, count)) = partial else { return range };
    let start = range.start.saturating_add(origin).min(range.end);
    start..count.map_or(range.end, |count| start.saturating_add(count).min(range.end))
}

/// RFC 4469 §4
fn bad_url(spelled: &[u8]) -> Done {
    // What a response code can hold.
    let fits = |c: &char| !c.is_control() && *c != ']';
    let url: String = String::from_utf8_lossy(spelled).chars().filter(fits).collect();
    Done::no_with(format!("BADURL {url}"), "There is no such piece of a letter.")
}

fn unavailable(error: &StoreError) -> Done {
    tracing::error!(%error, "a letter could not be put together");
    Done::no_with("UNAVAILABLE", "The letter could not be put together. Try again later.")
}
