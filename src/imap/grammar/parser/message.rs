//! Letters of the selected folder: STORE, COPY, MOVE, UID EXPUNGE, UIDBATCHES.

use postern_policy::folder::FlagMode;

use super::cursor::{Cursor, Parsed};
use crate::imap::grammar::{Command, Numbering, Store};

/// RFC 9051 §6.4.6, with RFC 7162 §3.1.3
pub(super) fn store(c: &mut Cursor<'_>, numbering: Numbering) -> Parsed<Command> {
    let targets = c.targets()?;
    c.space()?;
    let mut unchanged_since = None;
    if c.peek() == Some(b'(') {
        c.list_of_some(|c| {
            if !c.keyword("UNCHANGEDSINCE") {
                return Err(c.wrong("UNCHANGEDSINCE"));
            }
            c.space()?;
            unchanged_since = Some(c.mod_seq()?);
            Ok(())
        })?;
        c.space()?;
    }
    let mode = match c.peek() {
        Some(b'+') => FlagMode::Add,
        Some(b'-') => FlagMode::Remove,
        _ => FlagMode::Replace,
    };
    c.go(c.at() + usize::from(mode != FlagMode::Replace));
    let silent = c.keyword("FLAGS.SILENT");
    if !silent && !c.keyword("FLAGS") {
        return Err(c.wrong("FLAGS or FLAGS.SILENT"));
    }
    c.space()?;
    let (flags, keywords) = if c.peek() == Some(b'(') { c.flag_list()? } else { c.bare_flags()? };
    Ok(Command::Store(numbering, targets, Store { mode, silent, flags, keywords, unchanged_since }))
}

/// RFC 9051 §6.4.7
pub(super) fn copy(c: &mut Cursor<'_>, numbering: Numbering) -> Parsed<Command> {
    let targets = c.targets()?;
    c.space()?;
    Ok(Command::Copy(numbering, targets, c.mailbox()?))
}

/// RFC 9051 §6.4.8
pub(super) fn move_(c: &mut Cursor<'_>, numbering: Numbering) -> Parsed<Command> {
    let targets = c.targets()?;
    c.space()?;
    Ok(Command::Move(numbering, targets, c.mailbox()?))
}

/// RFC 9051 §6.4.9, `uid-expunge`
pub(super) fn uid_expunge(c: &mut Cursor<'_>, _: Numbering) -> Parsed<Command> {
    c.targets().map(|targets| Command::Expunge(Some(targets)))
}

/// `"UIDBATCHES" SP nz-number [SP nz-number ":" nz-number]`
pub(super) fn uid_batches(c: &mut Cursor<'_>) -> Parsed<Command> {
    const BATCH: &str = "the number of a batch";
    let size = c.nz_number("a count of letters")?;
    let mut range = None;
    if c.rest().get(1).is_some_and(u8::is_ascii_digit) && c.eat(b' ') {
        let first = c.nz_number(BATCH)?;
        c.expect(b':', "a colon")?;
        let last = c.nz_number(BATCH)?;
        range = Some((first.min(last), first.max(last)));
    }
    Ok(Command::UidBatches { size, range })
}
