//! SEARCH, SORT and THREAD (RFC 9051 §6.4.4, RFC 5256) and ESEARCH in several folders (RFC 7377): how the answer is to
//! look, and in which charset texts are. What letters are to be like is in [`super::search_key`].

use encoding_rs::Encoding;

use super::cursor::{Cursor, Parsed};
use super::notify::source;
use super::search_key::Keys;
use crate::imap::grammar::{
    Command, Numbering, Search, SearchReturn, SortBy, SortKey, Source, Threading, charset,
};

/// RFC 9051 §9, `search`
pub(super) fn search(c: &mut Cursor<'_>, numbering: Numbering) -> Parsed<Command> {
    let returns = returns(c)?;
    Ok(Command::Search(numbering, program(c, returns)?))
}

/// RFC 7377 §3
pub(super) fn multi_search(c: &mut Cursor<'_>) -> Parsed<Command> {
    let mut sources = Vec::new();
    if c.keyword("IN") {
        c.space()?;
        sources = c.list_of_some(|c| {
            let at = c.at();
            match source(c)? {
                // NOTIFY's alone.
                Source::SelectedDelayed => Err(c.wrong_at(at, "which folders")),
                source => Ok(source),
            }
        })?;
        c.space()?;
    }
    let returns = returns(c)?;
    Ok(Command::MultiSearch { sources, search: program(c, returns)? })
}

/// RFC 5256 §5, with RFC 5267 §3
pub(super) fn sort(c: &mut Cursor<'_>, numbering: Numbering) -> Parsed<Command> {
    let returns = returns(c)?;
    let criteria = c.list_of_some(sort_key)?;
    c.space()?;
    Ok(Command::Sort(numbering, criteria, program_in_charset(c, returns)?))
}

fn sort_key(c: &mut Cursor<'_>) -> Parsed<SortKey> {
    let reverse = c.keyword("REVERSE");
    if reverse {
        c.space()?;
    }
    let at = c.at();
    let by = match &*c.word("a sort key")? {
        "ARRIVAL" => SortBy::Arrival,
        "CC" => SortBy::Cc,
        "DATE" => SortBy::Date,
        "FROM" => SortBy::From,
        "SIZE" => SortBy::Size,
        "SUBJECT" => SortBy::Subject,
        "TO" => SortBy::To,
        "DISPLAYFROM" => SortBy::DisplayFrom,
        "DISPLAYTO" => SortBy::DisplayTo,
        _ => return Err(c.wrong_at(at, "a sort key")),
    };
    Ok(SortKey { by, reverse })
}

/// RFC 5256 §5
pub(super) fn thread(c: &mut Cursor<'_>, numbering: Numbering) -> Parsed<Command> {
    let at = c.at();
    let threading = match &*c.word("a way to thread")? {
        "ORDEREDSUBJECT" => Threading::OrderedSubject,
        "REFERENCES" => Threading::References,
        _ => return Err(c.wrong_at(at, "ORDEREDSUBJECT or REFERENCES")),
    };
    c.space()?;
    Ok(Command::Thread(numbering, threading, program_in_charset(c, None)?))
}

/// `search-return-opts`, with the space behind them.
fn returns(c: &mut Cursor<'_>) -> Parsed<Option<SearchReturn>> {
    if !c.keyword("RETURN") {
        return Ok(None);
    }
    c.space()?;
    let at = c.at();
    let mut returns = SearchReturn::default();
    let options = c.list(|c| return_option(c, &mut returns))?;
    // RFC 9394 §3.1
    if returns.all && returns.partial.is_some() {
        return Err(c.wrong_at(at, "PARTIAL or ALL, not both"));
    }
    // RFC 9051 §6.4.4: `()` is ALL; SAVE alone is nothing.
    returns.all |= options.is_empty();
    c.space()?;
    Ok(Some(returns))
}

fn return_option(c: &mut Cursor<'_>, returns: &mut SearchReturn) -> Parsed<()> {
    let at = c.at();
    match &*c.word("a return option of SEARCH")? {
        "MIN" => returns.min = true,
        "MAX" => returns.max = true,
        "ALL" => returns.all = true,
        "COUNT" => returns.count = true,
        "SAVE" => returns.save = true,
        "PARTIAL" => {
            c.space()?;
            returns.partial = Some(c.partial_range()?);
        }
        _ => return Err(c.wrong_at(at, "a return option of SEARCH")),
    }
    Ok(())
}

/// `search-program`
fn program(c: &mut Cursor<'_>, returns: Option<SearchReturn>) -> Parsed<Search> {
    if c.keyword("CHARSET") {
        c.space()?;
        return program_in_charset(c, returns);
    }
    let keys = Keys::new(None).all(c)?;
    Ok(Search { returns, charset: None, keys })
}

/// A charset and keys, as SORT and THREAD have them.
fn program_in_charset(c: &mut Cursor<'_>, returns: Option<SearchReturn>) -> Parsed<Search> {
    let name = c.astring("a charset")?;
    let name = String::from_utf8_lossy(&name).into_owned();
    c.space()?;
    let encoding: Option<&'static Encoding> = charset::encoding(&name);
    let keys = Keys::new(encoding).all(c)?;
    Ok(Search { returns, charset: Some(name), keys })
}
