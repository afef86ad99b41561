//! Which folders there are: LIST with RFC 5258, 5819, 6154 and 9590, and LSUB.

use super::cursor::{Cursor, Parsed};
use super::{mailbox, metadata};
use crate::imap::grammar::{Command, List, ListReturn};

/// RFC 9051 §6.3.9
pub(super) fn list(c: &mut Cursor<'_>) -> Parsed<Command> {
    let mut list = List::default();
    if c.peek() == Some(b'(') {
        list.extended = true;
        selection(c, &mut list)?;
        c.space()?;
    }
    list.reference = c.pattern()?;
    c.space()?;
    if c.peek() == Some(b'(') {
        list.extended = true;
        list.patterns = c.list_of_some(Cursor::pattern)?;
    } else {
        list.patterns = vec![c.pattern()?];
    }
    if c.space_and("RETURN") {
        list.extended = true;
        c.space()?;
        c.list(|c| return_option(c, &mut list.returns))?;
    }
    Ok(Command::List(list))
}

/// `list-select-opts`
fn selection(c: &mut Cursor<'_>, list: &mut List) -> Parsed<()> {
    let at = c.at();
    c.list(|c| {
        let at = c.at();
        let option = match &*c.word("a selection option of LIST")? {
            "SUBSCRIBED" => &mut list.subscribed,
            "REMOTE" => &mut list.remote,
            "RECURSIVEMATCH" => &mut list.recursive_match,
            "SPECIAL-USE" => &mut list.special_use,
            _ => return Err(c.wrong_at(at, "a selection option of LIST")),
        };
        *option = true;
        Ok(())
    })?;
    // RFC 5258 §3.1: there is nothing that RECURSIVEMATCH alone could match.
    if list.recursive_match && !list.subscribed && !list.special_use {
        return Err(c.wrong_at(at, "SUBSCRIBED or SPECIAL-USE beside RECURSIVEMATCH"));
    }
    Ok(())
}

/// `return-option`
fn return_option(c: &mut Cursor<'_>, returns: &mut ListReturn) -> Parsed<()> {
    let at = c.at();
    match &*c.word("a return option of LIST")? {
        "SUBSCRIBED" => returns.subscribed = true,
        "CHILDREN" => returns.children = true,
        "SPECIAL-USE" => returns.special_use = true,
        "STATUS" => {
            c.space()?;
            returns.status = Some(c.list_of_some(mailbox::status_item)?);
        }
        "METADATA" => {
            c.space()?;
            returns.metadata = Some(c.list_of_some(metadata::entry)?);
        }
        _ => return Err(c.wrong_at(at, "a return option of LIST")),
    }
    Ok(())
}

/// RFC 3501 §6.3.9
pub(super) fn lsub(c: &mut Cursor<'_>) -> Parsed<Command> {
    let reference = c.pattern()?;
    c.space()?;
    Ok(Command::Lsub { reference, pattern: c.pattern()? })
}
