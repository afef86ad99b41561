//! Strings (RFC 9051 §4.3): quoted, as literals, and as atoms where the grammar lets them.

use std::borrow::Cow;

use super::cursor::{Cursor, Parsed, is_atom};
use crate::imap::grammar::literal::LiteralHeader;

impl<'a> Cursor<'a> {
    /// An `astring`: an atom (`]` allowed) or a string.
    pub(super) fn astring(&mut self, name: &'static str) -> Parsed<Cow<'a, [u8]>> {
        self.string_or(name, |b| is_atom(b) || b == b']')
    }

    /// A string, or an atom of octets that `belong` in it.
    pub(super) fn string_or(
        &mut self,
        name: &'static str,
        belongs: impl Fn(u8) -> bool,
    ) -> Parsed<Cow<'a, [u8]>> {
        if self.at_string() {
            return self.string(name);
        }
        let atom = self.take_while(belongs);
        if atom.is_empty() { Err(self.wrong(name)) } else { Ok(Cow::Borrowed(atom)) }
    }

    /// A `string`.
    pub(super) fn string(&mut self, name: &'static str) -> Parsed<Cow<'a, [u8]>> {
        match self.peek() {
            Some(b'"') => self.quoted(),
            Some(b'{' | b'~') => self.literal(name).map(Cow::Borrowed),
            _ => Err(self.wrong(name)),
        }
    }

    /// A string, an atom, or NIL, which is `None`. RFCs that ask for `nstring` get atoms from some clients.
    pub(super) fn nil_or_astring(&mut self, name: &'static str) -> Parsed<Option<Cow<'a, [u8]>>> {
        if self.keyword("NIL") { Ok(None) } else { self.astring(name).map(Some) }
    }

    /// Whether a string stands here that is no atom.
    pub(super) fn at_string(&self) -> bool {
        let rest = self.rest();
        rest.starts_with(b"\"") || rest.starts_with(b"{") || rest.starts_with(b"~{")
    }

    fn quoted(&mut self) -> Parsed<Cow<'a, [u8]>> {
        self.expect(b'"', "a quote")?;
        let plain = self.take_while(is_quotable);
        if self.eat(b'"') {
            return Ok(Cow::Borrowed(plain));
        }
        // Room for all that may come: a password is not left behind where the text would have moved.
        let room = memchr::memchr(b'\r', self.rest()).unwrap_or(0);
        let mut text = Vec::with_capacity(plain.len() + room);
        text.extend_from_slice(plain);
        while !self.eat(b'"') {
            self.expect(b'\\', "a closing quote")?;
            let escaped = self.peek().filter(|b| matches!(b, b'"' | b'\\'));
            text.push(escaped.ok_or_else(|| self.wrong("a quote or a backslash behind the backslash"))?);
            self.go(self.at() + 1);
            text.extend_from_slice(self.take_while(is_quotable));
        }
        Ok(Cow::Owned(text))
    }

    /// A literal that is held; a `literal8` too, which alone may have NUL in it (RFC 3516).
    fn literal(&mut self, name: &'static str) -> Parsed<&'a [u8]> {
        let (header, length) = LiteralHeader::read(self.rest()).ok_or_else(|| self.wrong(name))?;
        self.go(self.at() + length);
        let from = self.at();
        let octets = usize::try_from(header.octets).ok().and_then(|octets| self.take(octets));
        let Some(octets) = octets else {
            // Where the framer asks about a literal's meaning, its octets are still to come.
            return Err(self.wrong_at(from + self.rest().len(), "the literal"));
        };
        match memchr::memchr(0, octets).filter(|_| !header.binary) {
            Some(nul) => Err(self.wrong_at(from + nul, "no NUL in a literal")),
            None => Ok(octets),
        }
    }
}

/// Octets that stand in quotes without a backslash. Eight bits are UTF-8 (RFC 9051 §4.3), or whatever a client of rev1 sends.
fn is_quotable(b: u8) -> bool {
    !matches!(b, 0 | b'\r' | b'\n' | b'"' | b'\\')
}
