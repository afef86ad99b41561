//! A place in a command, and the smallest things that are read there.

use postern_model::MailboxName;

use crate::imap::grammar::Tag;
use crate::imap::grammar::literal::LiteralHeader;

/// Items of one list.
pub(super) const MOST_ITEMS: usize = 1_000;

/// Why reading has stopped.
#[derive(Debug)]
pub(super) enum Stop {
    /// Something else should stand there.
    Wrong {
        /// The octet.
        at: usize,
        /// What should.
        expected: &'static str,
    },
    /// The text ends with the announcement of a letter.
    Letter {
        /// Where it is to go.
        mailbox: MailboxName,
        /// How it was announced.
        header: LiteralHeader,
        /// Which of the command's it is.
        index: usize,
    },
}

/// What was read, or why not.
pub(super) type Parsed<T> = Result<T, Stop>;

/// A place in a command.
#[derive(Clone, Debug)]
pub(super) struct Cursor<'a> {
    input: &'a [u8],
    at: usize,
    /// Names of folders are UTF-8, and not modified UTF-7.
    pub(super) utf8: bool,
    /// Letters that were announced so far.
    pub(super) letters: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(input: &'a [u8], utf8: bool) -> Cursor<'a> {
        Cursor { input, at: 0, utf8, letters: 0 }
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Goes on, or back, to a place where it has been.
    pub(super) fn go(&mut self, at: usize) {
        self.at = at.min(self.input.len());
    }

    /// What is left.
    pub(super) fn rest(&self) -> &'a [u8] {
        &self.input[self.at..]
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.input.get(self.at).copied()
    }

    pub(super) fn wrong(&self, expected: &'static str) -> Stop {
        Stop::Wrong { at: self.at, expected }
    }

    pub(super) fn wrong_at(&self, at: usize, expected: &'static str) -> Stop {
        Stop::Wrong { at, expected }
    }

    /// Takes one octet where it is `octet`.
    pub(super) fn eat(&mut self, octet: u8) -> bool {
        let there = self.peek() == Some(octet);
        self.at += usize::from(there);
        there
    }

    pub(super) fn expect(&mut self, octet: u8, name: &'static str) -> Parsed<()> {
        if self.eat(octet) { Ok(()) } else { Err(self.wrong(name)) }
    }

    pub(super) fn space(&mut self) -> Parsed<()> {
        self.expect(b' ', "a space")
    }

    /// Takes a space where something stands behind it that begins with `octet`.
    pub(super) fn space_before(&mut self, octet: u8) -> bool {
        let there = self.rest().starts_with(&[b' ', octet]);
        self.at += usize::from(there);
        there
    }

    /// Takes a space and a word behind it.
    pub(super) fn space_and(&mut self, word: &str) -> bool {
        let from = self.at;
        let there = self.eat(b' ') && self.keyword(word);
        if !there {
            self.at = from;
        }
        there
    }

    /// The end of the command. Spaces in front of it are borne with: many programs write them behind a last argument.
    pub(super) fn end(&mut self) -> Parsed<()> {
        let from = self.at;
        while self.eat(b' ') {}
        if self.rest() == b"\r\n" {
            return Ok(());
        }
        Err(self.wrong_at(from, "an end of line"))
    }

    /// Octets for as long as `belongs`.
    pub(super) fn take_while(&mut self, belongs: impl Fn(u8) -> bool) -> &'a [u8] {
        let rest = self.rest();
        let length = rest.iter().position(|b| !belongs(*b)).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    pub(super) fn take(&mut self, octets: usize) -> Option<&'a [u8]> {
        let taken = self.rest().get(..octets)?;
        self.at += octets;
        Some(taken)
    }

    /// A word of the protocol, in upper case.
    pub(super) fn word(&mut self, name: &'static str) -> Parsed<String> {
        let word = self.take_while(is_word);
        if word.is_empty() {
            return Err(self.wrong(name));
        }
        Ok(word.iter().map(|b| char::from(b.to_ascii_uppercase())).collect())
    }

    /// Takes a word of the protocol where it is this one, in upper or lower case.
    pub(super) fn keyword(&mut self, word: &str) -> bool {
        let from = self.at;
        let there = self.take_while(is_word).eq_ignore_ascii_case(word.as_bytes());
        if !there {
            self.at = from;
        }
        there
    }

    /// An `atom` (RFC 9051 §9).
    pub(super) fn atom(&mut self, name: &'static str) -> Parsed<&'a [u8]> {
        let atom = self.take_while(is_atom);
        if atom.is_empty() { Err(self.wrong(name)) } else { Ok(atom) }
    }

    /// A `tag` (RFC 9051 §9): an `astring` without quotes and `+`.
    pub(super) fn tag(&mut self) -> Parsed<Tag> {
        let tag = self.take_while(|b| (is_atom(b) || b == b']') && b != b'+');
        if tag.is_empty() {
            return Err(self.wrong("a tag"));
        }
        Ok(Tag(String::from_utf8_lossy(tag).into()))
    }

    /// A list in parentheses, which may be empty.
    pub(super) fn list<T>(&mut self, mut item: impl FnMut(&mut Cursor<'a>) -> Parsed<T>) -> Parsed<Vec<T>> {
        self.expect(b'(', "an opening parenthesis")?;
        if self.eat(b')') {
            return Ok(Vec::new());
        }
        let items = self.items(&mut item)?;
        self.expect(b')', "a space or a closing parenthesis")?;
        Ok(items)
    }

    /// A list in parentheses that is not empty.
    pub(super) fn list_of_some<T>(
        &mut self,
        item: impl FnMut(&mut Cursor<'a>) -> Parsed<T>,
    ) -> Parsed<Vec<T>> {
        if self.rest().starts_with(b"()") {
            return Err(self.wrong_at(self.at + 1, "an item of the list"));
        }
        self.list(item)
    }

    /// One or more items with a space between them.
    pub(super) fn items<T>(&mut self, mut item: impl FnMut(&mut Cursor<'a>) -> Parsed<T>) -> Parsed<Vec<T>> {
        let mut items = vec![item(self)?];
        // A space before the end of line belongs to the end.
        while self.peek() == Some(b' ') && !self.at_blank_end() {
            if items.len() == MOST_ITEMS {
                return Err(self.wrong("no more than 1,000 items"));
            }
            self.at += 1;
            items.push(item(self)?);
        }
        Ok(items)
    }

    fn at_blank_end(&self) -> bool {
        self.rest().iter().find(|b| **b != b' ') == Some(&b'\r')
    }
}

/// Octets of an `atom` (RFC 9051 §9, `ATOM-CHAR`).
pub(super) fn is_atom(b: u8) -> bool {
    b.is_ascii_graphic() && !b"(){%*\"\\]".contains(&b)
}

/// Octets of the protocol's own words: no sign that ends one or stands behind one.
fn is_word(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_')
}
