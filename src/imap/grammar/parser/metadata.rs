//! What is known of a folder or an account beside its letters: METADATA (RFC 5464), QUOTA (RFC 9208).

use super::cursor::{Cursor, Parsed, is_atom};
use crate::imap::grammar::{Command, Depth};

/// The longest name of an entry, in octets.
const LONGEST_ENTRY: usize = 512;

/// `GETMETADATA [options] mailbox entries` (RFC 5464 §5). The examples in its §4.2 have the options behind the folder, and
/// so have clients: both are taken.
pub(super) fn get_metadata(c: &mut Cursor<'_>) -> Parsed<Command> {
    let (mut max_size, mut depth) = (None, Depth::default());
    if c.peek() == Some(b'(') {
        options(c, &mut max_size, &mut depth)?;
        c.space()?;
    }
    let mailbox = c.mailbox_or_none()?;
    c.space()?;
    if at_options(c) {
        options(c, &mut max_size, &mut depth)?;
        c.space()?;
    }
    let entries = if c.peek() == Some(b'(') { c.list_of_some(entry)? } else { vec![entry(c)?] };
    Ok(Command::GetMetadata { mailbox, max_size, depth, entries })
}

/// Whether the list that begins here has options, and not names of entries, which begin with `/`.
fn at_options(c: &Cursor<'_>) -> bool {
    c.rest().first() == Some(&b'(') && c.rest().get(1).is_some_and(u8::is_ascii_alphabetic)
}

fn options(c: &mut Cursor<'_>, max_size: &mut Option<u64>, depth: &mut Depth) -> Parsed<()> {
    c.list_of_some(|c| {
        if c.keyword("MAXSIZE") {
            c.space()?;
            *max_size = Some(c.number64("a size in octets")?);
        } else if c.keyword("DEPTH") {
            c.space()?;
            let at = c.at();
            *depth = match &*c.word("0, 1 or infinity")? {
                "0" => Depth::Zero,
                "1" => Depth::One,
                "INFINITY" => Depth::Infinity,
                _ => return Err(c.wrong_at(at, "0, 1 or infinity")),
            };
        } else {
            return Err(c.wrong("MAXSIZE or DEPTH"));
        }
        Ok(())
    })?;
    Ok(())
}

/// RFC 5464 §4.3
pub(super) fn set_metadata(c: &mut Cursor<'_>) -> Parsed<Command> {
    let mailbox = c.mailbox_or_none()?;
    c.space()?;
    let entries = c.list_of_some(|c| {
        let name = entry(c)?;
        c.space()?;
        let nil = c.keyword("NIL");
        let value = if nil { None } else { Some(c.string("a value")?.into_owned()) };
        Ok((name, value))
    })?;
    Ok(Command::SetMetadata { mailbox, entries })
}

/// The name of an entry (RFC 5464 §3.2), in lower case.
pub(super) fn entry(c: &mut Cursor<'_>) -> Parsed<String> {
    const ENTRY: &str = "an entry's name (/private/comment)";
    let at = c.at();
    let name = c.string_or(ENTRY, |b| is_atom(b) || b == b']')?;
    let levels = name.strip_prefix(b"/").filter(|_| name.len() <= LONGEST_ENTRY);
    let good = |level: &[u8]| {
        !level.is_empty() && level.iter().all(|b| matches!(b, b' '..=b'~') && !matches!(b, b'*' | b'%'))
    };
    match levels.is_some_and(|levels| levels.split(|b| *b == b'/').all(good)) {
        true => Ok(name.iter().map(|b| char::from(b.to_ascii_lowercase())).collect()),
        false => Err(c.wrong_at(at, ENTRY)),
    }
}

/// RFC 9208 §4.1.2
pub(super) fn get_quota(c: &mut Cursor<'_>) -> Parsed<Command> {
    c.astring("a quota root").map(|root| Command::GetQuota(root.into_owned()))
}

/// RFC 9208 §4.1.1
pub(super) fn set_quota(c: &mut Cursor<'_>) -> Parsed<Command> {
    let root = c.astring("a quota root")?.into_owned();
    c.space()?;
    let limits = c.list(|c| {
        let resource = c.word("a resource")?;
        c.space()?;
        Ok((resource, c.number64("a limit")?))
    })?;
    Ok(Command::SetQuota { root, limits })
}
