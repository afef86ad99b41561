//! Who a client is, and what it wants of the connection: ID, AUTHENTICATE, LOGIN, ENABLE, COMPRESS.

use zeroize::Zeroizing;

use super::cursor::{Cursor, Parsed, is_atom};
use crate::imap::grammar::Command;

/// Pairs of ID (RFC 2971 §3.3).
const MOST_PAIRS: usize = 30;
/// Octets of a field's name in ID.
const LONGEST_FIELD: usize = 30;
/// Octets of a field's value in ID.
const LONGEST_VALUE: usize = 1_024;

/// RFC 2971 §4
pub(super) fn id(c: &mut Cursor<'_>) -> Parsed<Command> {
    if c.keyword("NIL") {
        return Ok(Command::Id(None));
    }
    let mut pairs = 0;
    c.list(|c| {
        pairs += 1;
        if pairs > MOST_PAIRS {
            return Err(c.wrong("no more than 30 fields"));
        }
        let at = c.at();
        let field = c.astring("a field's name")?;
        if field.len() > LONGEST_FIELD {
            return Err(c.wrong_at(at, "a field's name of at most 30 octets"));
        }
        c.space()?;
        let at = c.at();
        let value = c.nil_or_astring("a field's value")?;
        if value.as_ref().is_some_and(|value| value.len() > LONGEST_VALUE) {
            return Err(c.wrong_at(at, "a field's value of at most 1,024 octets"));
        }
        Ok((field.into_owned(), value.map(Into::into)))
    })
    .map(|pairs| Command::Id(Some(pairs)))
}

/// RFC 9051 §6.2.2, with RFC 4959
pub(super) fn authenticate(c: &mut Cursor<'_>) -> Parsed<Command> {
    let mechanism = c.word("a SASL mechanism")?;
    let is_base64 = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=');
    let mut initial = None;
    if c.rest().get(1).is_some_and(|b| is_base64(*b)) && c.eat(b' ') {
        initial = Some(Zeroizing::new(c.take_while(is_base64).to_vec()));
    }
    Ok(Command::Authenticate { mechanism, initial })
}

/// RFC 9051 §6.2.3
pub(super) fn login(c: &mut Cursor<'_>) -> Parsed<Command> {
    let user = c.astring("a user name")?.into_owned();
    c.space()?;
    let password = Zeroizing::new(c.astring("a password")?.into_owned());
    Ok(Command::Login { user, password })
}

/// RFC 5161 §3.1
pub(super) fn enable(c: &mut Cursor<'_>) -> Parsed<Command> {
    c.items(|c| upper_atom(c, "a capability")).map(Command::Enable)
}

/// RFC 4978 §3
pub(super) fn compress(c: &mut Cursor<'_>) -> Parsed<Command> {
    upper_atom(c, "a way to compress").map(Command::Compress)
}

fn upper_atom(c: &mut Cursor<'_>, name: &'static str) -> Parsed<String> {
    let at = c.at();
    let atom = c.take_while(is_atom);
    if atom.is_empty() {
        return Err(c.wrong_at(at, name));
    }
    Ok(atom.iter().map(|b| char::from(b.to_ascii_uppercase())).collect())
}
