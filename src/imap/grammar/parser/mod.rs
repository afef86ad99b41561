//! What a command says. A [`cursor::Cursor`] goes over the command's octets once; each family of commands has a file of its
//! own. The same code tells the framer which literal is a letter: run over what stands before a literal, it stops at the
//! letter, or at the end of what there is.

mod append;
mod auth;
mod cursor;
mod fetch;
mod list;
mod mailbox;
mod message;
mod metadata;
mod names;
mod notify;
mod numbers;
mod search;
mod search_key;
mod strings;
mod times;

use super::framer::{Malformed, MessageLiteral};
use super::{Command, Tag, Tagged};
use cursor::{Cursor, Parsed, Stop};

/// Which of a command's literals is a letter.
pub(super) enum Letter {
    /// Not the one that comes.
    None,
    /// The one that comes.
    Announced(Box<MessageLiteral>),
    /// The command went wrong before it.
    Malformed(Malformed),
}

/// Reads one command: its lines with their CRLF, held literals where they stand, letters left out. `utf8` is whether names
/// of folders are UTF-8 (UTF8=ACCEPT or IMAP4rev2 is enabled).
///
/// # Errors
/// [`Malformed`], with the place.
pub fn parse(input: &[u8], utf8: bool) -> Result<Tagged, Malformed> {
    let mut cursor = Cursor::new(input, utf8);
    tagged(&mut cursor).map_err(|stop| {
        let (at, expected) = match stop {
            Stop::Wrong { at, expected } => (at, expected),
            Stop::Letter { .. } => (input.len(), "the rest of the command"),
        };
        Malformed { tag: tag_of(input), at, expected }
    })
}

/// Whether the literal that `input` announces in its end is a letter.
pub(super) fn letter(input: &[u8], utf8: bool) -> Letter {
    let mut cursor = Cursor::new(input, utf8);
    let Ok(tag) = cursor.tag() else { return Letter::None };
    if !carries_letters(&mut cursor) {
        return Letter::None;
    }
    let mut cursor = Cursor::new(input, utf8);
    match tagged(&mut cursor) {
        Err(Stop::Letter { mailbox, header, index }) => Letter::Announced(Box::new(MessageLiteral {
            tag,
            mailbox,
            index,
            octets: header.octets,
            synchronising: header.synchronising,
            binary: header.binary,
        })),
        // It went as far as there is text: the literal is one that is held.
        Err(Stop::Wrong { at, .. }) if at == input.len() => Letter::None,
        Err(Stop::Wrong { at, expected }) => Letter::Malformed(Malformed { tag: Some(tag), at, expected }),
        Ok(_) => Letter::None,
    }
}

fn carries_letters(cursor: &mut Cursor<'_>) -> bool {
    if cursor.space().is_err() {
        return false;
    }
    if cursor.keyword("UID") && cursor.space().is_err() {
        return false;
    }
    cursor.keyword("APPEND") || cursor.keyword("REPLACE")
}

/// The tag that `input` begins with, whatever stands behind it.
pub(super) fn tag_of(input: &[u8]) -> Option<Tag> {
    let mut cursor = Cursor::new(input, true);
    let tag = cursor.tag().ok()?;
    matches!(cursor.peek(), Some(b' ' | b'\r' | b'\n')).then_some(tag)
}

fn tagged(c: &mut Cursor<'_>) -> Parsed<Tagged> {
    let tag = c.tag()?;
    c.space()?;
    let command = command(c)?;
    c.end()?;
    Ok(Tagged { tag, command })
}

fn command(c: &mut Cursor<'_>) -> Parsed<Command> {
    let at = c.at();
    let name = c.word("a command's name")?;
    match &*name {
        "CAPABILITY" => Ok(Command::Capability),
        "NOOP" => Ok(Command::Noop),
        "LOGOUT" => Ok(Command::Logout),
        "STARTTLS" => Ok(Command::StartTls),
        "NAMESPACE" => Ok(Command::Namespace),
        "IDLE" => Ok(Command::Idle),
        "CHECK" => Ok(Command::Check),
        "CLOSE" => Ok(Command::Close),
        "UNSELECT" => Ok(Command::Unselect),
        "EXPUNGE" => Ok(Command::Expunge(None)),
        "UNAUTHENTICATE" => Ok(Command::Unauthenticate),
        _ => {
            let wrong = c.wrong_at(at, "a command's name");
            with_arguments(c, &name)?.ok_or(wrong)
        }
    }
}

/// Commands with arguments; `None`: there is none of this name.
fn with_arguments(c: &mut Cursor<'_>, name: &str) -> Parsed<Option<Command>> {
    use super::Numbering::{Sequence, Uid};
    let read: fn(&mut Cursor<'_>) -> Parsed<Command> = match name {
        "ID" => auth::id,
        "AUTHENTICATE" => auth::authenticate,
        "LOGIN" => auth::login,
        "ENABLE" => auth::enable,
        "COMPRESS" => auth::compress,
        "SELECT" => |c| mailbox::select(c, false),
        "EXAMINE" => |c| mailbox::select(c, true),
        "CREATE" => mailbox::create,
        "DELETE" => |c| c.mailbox().map(Command::Delete),
        "RENAME" => mailbox::rename,
        "SUBSCRIBE" => |c| c.mailbox().map(Command::Subscribe),
        "UNSUBSCRIBE" => |c| c.mailbox().map(Command::Unsubscribe),
        "LIST" => list::list,
        "LSUB" => list::lsub,
        "STATUS" => mailbox::status,
        "APPEND" => append::append,
        "REPLACE" => |c| append::replace(c, Sequence),
        "GETQUOTA" => metadata::get_quota,
        "GETQUOTAROOT" => |c| c.mailbox().map(Command::GetQuotaRoot),
        "SETQUOTA" => metadata::set_quota,
        "GETMETADATA" => metadata::get_metadata,
        "SETMETADATA" => metadata::set_metadata,
        "NOTIFY" => notify::notify,
        "ESEARCH" => search::multi_search,
        "UIDBATCHES" => message::uid_batches,
        "UID" => |c| {
            let at = c.at();
            let name = c.word("a command of UID")?;
            let wrong = c.wrong_at(at, "a command of UID");
            numbered(c, &name, Uid)?.ok_or(wrong)
        },
        _ => return numbered(c, name, Sequence),
    };
    c.space()?;
    read(c).map(Some)
}

/// Commands that are spelled with and without `UID`; `None`: there is none of this name.
fn numbered(c: &mut Cursor<'_>, name: &str, numbering: super::Numbering) -> Parsed<Option<Command>> {
    let uid = numbering == super::Numbering::Uid;
    let read = match name {
        "FETCH" => fetch::fetch,
        "STORE" => message::store,
        "COPY" => message::copy,
        "MOVE" => message::move_,
        "SEARCH" => search::search,
        "SORT" => search::sort,
        "THREAD" => search::thread,
        "EXPUNGE" if uid => message::uid_expunge,
        "REPLACE" if uid => append::replace,
        _ => return Ok(None),
    };
    c.space()?;
    read(c, numbering).map(Some)
}
