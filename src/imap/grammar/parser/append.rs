//! New letters: APPEND with MULTIAPPEND (RFC 3502), CATENATE (RFC 4469), BINARY (RFC 3516) and UTF8 (RFC 6855 §4), and
//! REPLACE (RFC 8508). Octets of the letters are not in the text: they have gone to the store.

use postern_model::MailboxName;
use postern_model::imap::SeqSet;

use super::cursor::{Cursor, MOST_ITEMS, Parsed, Stop};
use crate::imap::grammar::literal::LiteralHeader;
use crate::imap::grammar::{Append, AppendData, CatenatePart, Command, Numbering, Streamed};

/// RFC 9051 §6.3.12
pub(super) fn append(c: &mut Cursor<'_>) -> Parsed<Command> {
    let mailbox = c.mailbox()?;
    let mut messages = Vec::new();
    while messages.is_empty() || more(c) {
        if messages.len() == MOST_ITEMS {
            return Err(c.wrong("no more than 1,000 letters"));
        }
        c.space()?;
        messages.push(message(c, &mailbox)?);
    }
    Ok(Command::Append { mailbox, messages })
}

/// Whether another letter follows, and not spaces before the end of line.
fn more(c: &Cursor<'_>) -> bool {
    c.peek() == Some(b' ') && !matches!(c.rest().get(1), Some(b' ' | b'\r'))
}

/// RFC 8508 §3.1
pub(super) fn replace(c: &mut Cursor<'_>, numbering: Numbering) -> Parsed<Command> {
    let target = c.seq_end()?;
    c.space()?;
    let mailbox = c.mailbox()?;
    c.space()?;
    let message = message(c, &mailbox)?;
    Ok(Command::Replace { numbering, target: SeqSet(vec![(target, target)]), mailbox, message })
}

/// `append-message`
fn message(c: &mut Cursor<'_>, mailbox: &MailboxName) -> Parsed<Append> {
    let (mut flags, mut keywords) = Default::default();
    if c.peek() == Some(b'(') {
        (flags, keywords) = c.flag_list()?;
        c.space()?;
    }
    let mut date = None;
    if c.peek() == Some(b'"') {
        date = Some(c.date_time()?);
        c.space()?;
    }
    Ok(Append { flags, keywords, date, data: data(c, mailbox)? })
}

/// `append-data`
fn data(c: &mut Cursor<'_>, mailbox: &MailboxName) -> Parsed<AppendData> {
    if c.keyword("CATENATE") {
        c.space()?;
        return c.list_of_some(|c| part(c, mailbox)).map(AppendData::Catenate);
    }
    if c.keyword("UTF8") {
        c.space()?;
        c.expect(b'(', "an opening parenthesis")?;
        let letter = streamed(c, mailbox, true)?;
        c.expect(b')', "a closing parenthesis")?;
        return Ok(AppendData::Literal(letter));
    }
    streamed(c, mailbox, false).map(AppendData::Literal)
}

/// `cat-part`
fn part(c: &mut Cursor<'_>, mailbox: &MailboxName) -> Parsed<CatenatePart> {
    if c.keyword("TEXT") {
        c.space()?;
        return streamed(c, mailbox, false).map(CatenatePart::Text);
    }
    if c.keyword("URL") {
        c.space()?;
        return c.astring("a URL").map(|url| CatenatePart::Url(url.into_owned()));
    }
    Err(c.wrong("TEXT or URL"))
}

/// A letter's announcement. Where the text ends with it, its octets are what comes next.
fn streamed(c: &mut Cursor<'_>, mailbox: &MailboxName, utf8: bool) -> Parsed<Streamed> {
    let (header, length) =
        LiteralHeader::read(c.rest()).ok_or_else(|| c.wrong("the letter, as a literal"))?;
    c.go(c.at() + length);
    let index = c.letters;
    if c.rest().is_empty() {
        return Err(Stop::Letter { mailbox: mailbox.clone(), header, index });
    }
    c.letters += 1;
    Ok(Streamed { index, octets: header.octets, binary: header.binary, utf8 })
}
