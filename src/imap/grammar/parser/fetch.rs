//! FETCH (RFC 9051 §6.4.5) with BINARY (RFC 3516), CONDSTORE and QRESYNC (RFC 7162), PREVIEW (RFC 8970), SAVEDATE
//! (RFC 8514), OBJECTID (RFC 8474) and PARTIAL (RFC 9394).

use super::cursor::{Cursor, Parsed};
use crate::imap::grammar::{Command, Fetch, FetchItem, Numbering, Section, SectionFetch, SectionText};

/// Numbers of one part: MIME is not nested deeper.
const DEEPEST_PART: usize = 100;

/// RFC 9051 §9, `fetch`
pub(super) fn fetch(c: &mut Cursor<'_>, numbering: Numbering) -> Parsed<Command> {
    let targets = c.targets()?;
    c.space()?;
    let mut fetch = Fetch { items: items(c)?, ..Fetch::default() };
    if c.space_before(b'(') {
        let at = c.at();
        c.list_of_some(|c| modifier(c, &mut fetch))?;
        // RFC 7162 §3.2.6
        if fetch.vanished && (fetch.changed_since.is_none() || numbering == Numbering::Sequence) {
            return Err(c.wrong_at(at, "UID FETCH and CHANGEDSINCE with VANISHED"));
        }
    }
    Ok(Command::Fetch(numbering, targets, fetch))
}

/// A macro, one item without parentheses, or a list.
fn items(c: &mut Cursor<'_>) -> Parsed<Vec<FetchItem>> {
    use FetchItem::{Body, Envelope, Flags, InternalDate, Rfc822Size};
    if c.peek() == Some(b'(') {
        return c.list_of_some(item);
    }
    if c.keyword("FAST") {
        return Ok(vec![Flags, InternalDate, Rfc822Size]);
    }
    if c.keyword("ALL") {
        return Ok(vec![Flags, InternalDate, Rfc822Size, Envelope]);
    }
    if c.keyword("FULL") {
        return Ok(vec![Flags, InternalDate, Rfc822Size, Envelope, Body]);
    }
    Ok(vec![item(c)?])
}

/// `fetch-modifier`
fn modifier(c: &mut Cursor<'_>, fetch: &mut Fetch) -> Parsed<()> {
    let at = c.at();
    match &*c.word("a modifier of FETCH")? {
        "CHANGEDSINCE" => {
            c.space()?;
            fetch.changed_since = Some(c.mod_seq()?);
        }
        "VANISHED" => fetch.vanished = true,
        "PARTIAL" => {
            c.space()?;
            fetch.partial = Some(c.partial_range()?);
        }
        _ => return Err(c.wrong_at(at, "a modifier of FETCH")),
    }
    Ok(())
}

/// `fetch-att`
pub(super) fn item(c: &mut Cursor<'_>) -> Parsed<FetchItem> {
    const ITEM: &str = "an item of FETCH";
    let at = c.at();
    Ok(match &*c.word(ITEM)? {
        "UID" => FetchItem::Uid,
        "FLAGS" => FetchItem::Flags,
        "INTERNALDATE" => FetchItem::InternalDate,
        "SAVEDATE" => FetchItem::SaveDate,
        "RFC822.SIZE" => FetchItem::Rfc822Size,
        "ENVELOPE" => FetchItem::Envelope,
        "BODYSTRUCTURE" => FetchItem::BodyStructure,
        "MODSEQ" => FetchItem::ModSeq,
        "EMAILID" => FetchItem::EmailId,
        "THREADID" => FetchItem::ThreadId,
        "PREVIEW" => FetchItem::Preview { lazy: lazy(c)? },
        "BODY" if c.peek() != Some(b'[') => FetchItem::Body,
        "BODY" => section(c, false)?,
        "BODY.PEEK" => section(c, true)?,
        "RFC822" => old("RFC822", SectionText::All, false),
        // RFC 3501 §6.4.5: as BODY.PEEK[HEADER].
        "RFC822.HEADER" => old("RFC822.HEADER", SectionText::Header, true),
        "RFC822.TEXT" => old("RFC822.TEXT", SectionText::Text, false),
        "BINARY" => binary(c, false)?,
        "BINARY.PEEK" => binary(c, true)?,
        "BINARY.SIZE" => FetchItem::BinarySize { part: binary_part(c)? },
        _ => return Err(c.wrong_at(at, ITEM)),
    })
}

fn old(name: &'static str, text: SectionText, peek: bool) -> FetchItem {
    let section = Section { part: Vec::new(), text };
    FetchItem::Section(SectionFetch { section, peek, partial: None, old_name: Some(name) })
}

/// `(LAZY)` behind PREVIEW (RFC 8970 §5), where it is not the list of modifiers that stands there.
fn lazy(c: &mut Cursor<'_>) -> Parsed<bool> {
    let from = c.at();
    if c.space_before(b'(') && c.eat(b'(') && c.keyword("LAZY") {
        c.expect(b')', "a closing parenthesis")?;
        return Ok(true);
    }
    c.go(from);
    Ok(false)
}

/// `[…]<…>` behind BODY
fn section(c: &mut Cursor<'_>, peek: bool) -> Parsed<FetchItem> {
    c.expect(b'[', "an opening bracket")?;
    let (part, mut more) = part(c)?;
    let at = c.at();
    let mut text = SectionText::All;
    if part.is_empty() {
        more = c.peek() != Some(b']');
    }
    if more {
        const TEXT: &str = "HEADER, HEADER.FIELDS, HEADER.FIELDS.NOT, TEXT or MIME";
        text = match &*c.word(TEXT)? {
            "HEADER" => SectionText::Header,
            "TEXT" => SectionText::Text,
            "MIME" if !part.is_empty() => SectionText::Mime,
            "HEADER.FIELDS" => SectionText::HeaderFields(fields(c)?),
            "HEADER.FIELDS.NOT" => SectionText::HeaderFieldsNot(fields(c)?),
            _ => return Err(c.wrong_at(at, TEXT)),
        };
    }
    c.expect(b']', "a closing bracket")?;
    let partial = c.partial_octets()?;
    Ok(FetchItem::Section(SectionFetch { section: Section { part, text }, peek, partial, old_name: None }))
}

/// `section-part`, and whether a full stop stands behind it.
fn part(c: &mut Cursor<'_>) -> Parsed<(Vec<u32>, bool)> {
    let mut part = Vec::new();
    while c.peek().is_some_and(|b| b.is_ascii_digit()) {
        if part.len() == DEEPEST_PART {
            return Err(c.wrong("a part that is not so deep"));
        }
        part.push(c.nz_number("a part's number")?.get());
        if !c.eat(b'.') {
            return Ok((part, false));
        }
    }
    let more = !part.is_empty();
    Ok((part, more))
}

/// `header-list`, with the space before it.
fn fields(c: &mut Cursor<'_>) -> Parsed<Vec<Vec<u8>>> {
    c.space()?;
    c.list_of_some(|c| {
        let at = c.at();
        let name = c.astring("a header field's name")?;
        // RFC 5322 §3.6.8; the answer repeats the name, so nothing else gets in there.
        if name.is_empty() || !name.iter().all(|b| b.is_ascii_graphic() && *b != b':') {
            return Err(c.wrong_at(at, "a header field's name"));
        }
        Ok(name.into_owned())
    })
}

fn binary(c: &mut Cursor<'_>, peek: bool) -> Parsed<FetchItem> {
    let part = binary_part(c)?;
    Ok(FetchItem::Binary { part, peek, partial: c.partial_octets()? })
}

/// `section-binary`
fn binary_part(c: &mut Cursor<'_>) -> Parsed<Vec<u32>> {
    c.expect(b'[', "an opening bracket")?;
    let (part, more) = part(c)?;
    if more {
        return Err(c.wrong("a part's number"));
    }
    c.expect(b']', "a closing bracket")?;
    Ok(part)
}
