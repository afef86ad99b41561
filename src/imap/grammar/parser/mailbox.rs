//! One folder as a whole: SELECT, EXAMINE, CREATE, RENAME, STATUS.

use postern_model::imap::{SpecialUse, UidValidity};

use super::cursor::{Cursor, Parsed, is_atom};
use crate::imap::grammar::{Command, QResync, Select, StatusItem};

/// RFC 9051 §6.3.2, with RFC 7162 §3.1.8 and §3.2.5
pub(super) fn select(c: &mut Cursor<'_>, read_only: bool) -> Parsed<Command> {
    let mailbox = c.mailbox()?;
    let mut select = Select { mailbox, read_only, condstore: false, qresync: None };
    if c.space_before(b'(') {
        c.list_of_some(|c| {
            if c.keyword("CONDSTORE") {
                select.condstore = true;
            } else if c.keyword("QRESYNC") {
                c.space()?;
                select.qresync = Some(qresync(c)?);
            } else {
                return Err(c.wrong("CONDSTORE or QRESYNC"));
            }
            Ok(())
        })?;
    }
    Ok(Command::Select(select))
}

/// `(uidvalidity mod-sequence [known-uids] [(known-sequence-set known-uid-set)])`
fn qresync(c: &mut Cursor<'_>) -> Parsed<QResync> {
    c.expect(b'(', "an opening parenthesis")?;
    let uid_validity = UidValidity(c.nz_number("a UIDVALIDITY")?.get());
    c.space()?;
    let mod_seq = c.mod_seq()?;
    let (mut known, mut matched) = (None, None);
    if c.peek() == Some(b' ') && !c.rest().starts_with(b" (") {
        c.space()?;
        known = Some(c.uid_set()?);
    }
    if c.space_before(b'(') {
        let at = c.at();
        c.expect(b'(', "an opening parenthesis")?;
        let numbers = c.uid_set()?;
        c.space()?;
        let uids = c.uid_set()?;
        c.expect(b')', "a closing parenthesis")?;
        if numbers.len() != uids.len() {
            return Err(c.wrong_at(at, "as many sequence numbers as UIDs"));
        }
        matched = Some((numbers, uids));
    }
    c.expect(b')', "a closing parenthesis")?;
    Ok(QResync { uid_validity, mod_seq, known, matched })
}

/// RFC 9051 §6.3.4, with RFC 6154 §3
pub(super) fn create(c: &mut Cursor<'_>) -> Parsed<Command> {
    let mailbox = c.mailbox()?;
    let mut uses = Vec::new();
    if c.space_before(b'(') {
        c.list_of_some(|c| {
            if !c.keyword("USE") {
                return Err(c.wrong("USE"));
            }
            c.space()?;
            uses = c.list(special_use)?;
            Ok(())
        })?;
    }
    Ok(Command::Create { mailbox, uses })
}

fn special_use(c: &mut Cursor<'_>) -> Parsed<SpecialUse> {
    let at = c.at();
    c.expect(b'\\', "a special use")?;
    let name = c.take_while(is_atom);
    let known = SpecialUse::NAMES.iter().find(|(_, known)| known.as_bytes()[1..].eq_ignore_ascii_case(name));
    known.map(|(special, _)| *special).ok_or(c.wrong_at(at, "a special use"))
}

/// RFC 9051 §6.3.6
pub(super) fn rename(c: &mut Cursor<'_>) -> Parsed<Command> {
    let from = c.mailbox()?;
    c.space()?;
    Ok(Command::Rename { from, to: c.mailbox()? })
}

/// RFC 9051 §6.3.11
pub(super) fn status(c: &mut Cursor<'_>) -> Parsed<Command> {
    let mailbox = c.mailbox()?;
    c.space()?;
    Ok(Command::Status { mailbox, items: c.list_of_some(status_item)? })
}

/// One figure; also in LIST's `RETURN (STATUS (…))`.
pub(super) fn status_item(c: &mut Cursor<'_>) -> Parsed<StatusItem> {
    let at = c.at();
    Ok(match &*c.word("an item of STATUS")? {
        "MESSAGES" => StatusItem::Messages,
        "RECENT" => StatusItem::Recent,
        "UIDNEXT" => StatusItem::UidNext,
        "UIDVALIDITY" => StatusItem::UidValidity,
        "UNSEEN" => StatusItem::Unseen,
        "DELETED" => StatusItem::Deleted,
        "SIZE" => StatusItem::Size,
        "HIGHESTMODSEQ" => StatusItem::HighestModSeq,
        "APPENDLIMIT" => StatusItem::AppendLimit,
        "MAILBOXID" => StatusItem::MailboxId,
        "DELETED-STORAGE" => StatusItem::DeletedStorage,
        _ => return Err(c.wrong_at(at, "an item of STATUS")),
    })
}
