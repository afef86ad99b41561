//! Address lists (RFC 5322 §3.4, §4.4), read with patience: what is broken is shown as well as it can be, and said
//! to be broken.

use super::facts::{Address, Mailbox, Octets};
use super::header::cut;
use super::lexer::{Cursor, Token};
use super::{MAX_ADDRESSES, MAX_FIELD};

/// The addresses of one or more fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressList {
    /// What was found, in order, with at most [`MAX_ADDRESSES`] mailboxes and groups.
    pub addresses: Vec<Address>,
    /// All of it followed the grammar and nothing was left out: nobody can read other addresses into it.
    pub well_formed: bool,
}

impl Default for AddressList {
    fn default() -> AddressList {
        AddressList { addresses: Vec::new(), well_formed: true }
    }
}

impl AddressList {
    /// Reads the value of an address field, folded or not. Never fails: see [`AddressList::well_formed`].
    pub fn parse(value: &[u8]) -> AddressList {
        let mut list = AddressList::default();
        list.append(value);
        list
    }

    /// The mailboxes, those in groups too.
    pub fn mailboxes(&self) -> impl Iterator<Item = &Mailbox> {
        self.addresses.iter().filter_map(|address| match address {
            Address::Mailbox(mailbox) => Some(mailbox),
            _ => None,
        })
    }

    /// Reads one more field into the list.
    pub(super) fn append(&mut self, value: &[u8]) {
        let addresses = std::mem::take(&mut self.addresses);
        let mut parser = Parser { cursor: Cursor::new(cut(value)), addresses, in_group: false };
        parser.list();
        self.well_formed &= !parser.cursor.broken && value.len() <= MAX_FIELD;
        self.addresses = parser.addresses;
    }
}

struct Parser<'a> {
    cursor: Cursor<'a>,
    addresses: Vec<Address>,
    in_group: bool,
}

impl Parser<'_> {
    fn list(&mut self) {
        while let Some(first) = self.cursor.peek() {
            match first {
                // RFC 5322 §4.4: empty elements.
                b',' => self.cursor.step(),
                b';' => {
                    self.cursor.step();
                    self.end_group();
                }
                _ if self.addresses.len() >= MAX_ADDRESSES => {
                    self.cursor.broken = true;
                    break;
                }
                _ => self.element(),
            }
        }
        if self.in_group {
            self.cursor.broken = true;
            self.end_group();
        }
    }

    fn end_group(&mut self) {
        if self.in_group {
            self.addresses.push(Address::GroupEnd);
        } else {
            self.cursor.broken = true;
        }
        self.in_group = false;
    }

    /// One mailbox, or the beginning of a group.
    fn element(&mut self) {
        self.cursor.comment = None;
        let words = self.words();
        match self.cursor.peek() {
            Some(b'@') => self.bare_address(&words),
            Some(b'<') => self.angle_address(phrase(&words)),
            Some(b':') => {
                self.cursor.step();
                self.begin_group(&words);
            }
            // Words alone: a name without an address, or an address without a domain.
            Some(b',' | b';') | None if !words.is_empty() => {
                self.cursor.broken = true;
                self.push(None, None, local_part(&words).0, Vec::new());
            }
            Some(b',' | b';') | None => {}
            Some(_) => {
                self.cursor.broken = true;
                self.cursor.step();
            }
        }
        // Behind a mailbox nothing may stand but a comma, or the end.
        let at_end = matches!(self.cursor.peek(), None | Some(b',' | b';'));
        let group_began = matches!(self.addresses.last(), Some(Address::Group(_)));
        self.cursor.broken |= !at_end && !group_began;
    }

    fn begin_group(&mut self, words: &[Token]) {
        if self.in_group || words.is_empty() {
            self.cursor.broken = true;
            return;
        }
        self.in_group = true;
        self.addresses.push(Address::Group(Octets(phrase(words))));
    }

    /// `local@domain` without angle brackets; `words` stood before the `@`.
    fn bare_address(&mut self, words: &[Token]) {
        let (local, clean) = local_part(words);
        self.cursor.step();
        let domain = self.domain();
        let behind_domain = self.cursor.clone();
        let trailing = self.words();
        if self.cursor.peek() == Some(b'<') {
            return self.named_by_address(&[&local[..], b"@", &domain].concat(), &trailing);
        }
        self.cursor.broken |= !clean || !trailing.is_empty();
        if self.cursor.peek() == Some(b'@') {
            // A comma is missing: the next address is read for itself.
            self.cursor = behind_domain;
            self.cursor.broken = true;
        }
        self.push(None, None, local, domain);
    }

    /// `a@x.test <a@x.test>`, as some programs write it: what looked like an address is the name of one. Where the
    /// two differ, a reader could take the name for the address.
    fn named_by_address(&mut self, name: &[u8], trailing: &[Token]) {
        let mut words = vec![Token::Quoted(name.to_vec())];
        words.extend_from_slice(trailing);
        self.angle_address(phrase(&words));
        let Some(Address::Mailbox(mailbox)) = self.addresses.last() else { return };
        let address = [&mailbox.local[..], b"@", &mailbox.domain].concat();
        self.cursor.broken |= !address.eq_ignore_ascii_case(name);
    }

    /// `<@route:local@domain>` behind `name`.
    fn angle_address(&mut self, name: Vec<u8>) {
        self.cursor.step();
        let route = self.route();
        let (local, clean) = local_part(&self.words());
        let mut domain = Vec::new();
        if self.cursor.peek() == Some(b'@') {
            self.cursor.step();
            domain = self.domain();
        }
        if self.cursor.peek() != Some(b'>') {
            self.cursor.broken = true;
            self.cursor.until(b">,");
        }
        if self.cursor.peek() == Some(b'>') {
            self.cursor.step();
        }
        self.cursor.broken |= !clean || local.is_empty() || domain.is_empty();
        self.push(Some(name).filter(|name| !name.is_empty()), route, local, domain);
    }

    /// `@a,@b:` (RFC 5322 §4.4)
    fn route(&mut self) -> Option<Octets> {
        if self.cursor.peek() != Some(b'@') {
            return None;
        }
        let mut route = Vec::new();
        loop {
            match self.cursor.peek() {
                Some(b'@') => {
                    self.cursor.step();
                    let separator: &[u8] = if route.is_empty() { b"@" } else { b",@" };
                    route.extend_from_slice(separator);
                    let domain = self.domain();
                    route.extend_from_slice(&domain);
                }
                Some(b',') => self.cursor.step(),
                Some(b':') => {
                    self.cursor.step();
                    return Some(Octets(route));
                }
                _ => {
                    self.cursor.broken = true;
                    return Some(Octets(route));
                }
            }
        }
    }

    /// Atoms and quoted strings up to the next special.
    fn words(&mut self) -> Vec<Token> {
        let mut words = Vec::new();
        while !matches!(self.cursor.peek(), None | Some(b'<' | b'>' | b'@' | b',' | b';' | b':')) {
            words.push(self.cursor.next());
        }
        words
    }

    fn domain(&mut self) -> Vec<u8> {
        let mut domain: Vec<u8> = Vec::new();
        loop {
            let goes_on = match self.cursor.peek() {
                None | Some(b'<' | b'>' | b'@' | b',' | b';' | b':' | b'"') => false,
                // RFC 5322 §4.4: white space around dots.
                Some(first) => domain.is_empty() || domain.ends_with(b".") || first == b'.',
            };
            if !goes_on {
                break;
            }
            if let Token::Atom(text) | Token::Literal(text) = self.cursor.next() {
                domain.extend(text);
            }
        }
        self.cursor.broken |= domain.is_empty();
        domain
    }

    fn push(&mut self, name: Option<Vec<u8>>, route: Option<Octets>, local: Vec<u8>, domain: Vec<u8>) {
        self.cursor.skip_blanks();
        // `alice@demo.test (Alice)`, the name's place before RFC 822 and often since.
        let name = name.or_else(|| self.cursor.comment.take().filter(|text| !text.is_empty())).map(Octets);
        let mailbox = Mailbox { name, route, local: Octets(local), domain: Octets(domain) };
        self.addresses.push(Address::Mailbox(mailbox));
    }
}

/// The words of a display name with one space between them.
fn phrase(words: &[Token]) -> Vec<u8> {
    let texts: Vec<&[u8]> = words.iter().map(text).collect();
    texts.join(&b' ')
}

/// Words before an `@` put together, and whether they are a local part: atoms and quoted strings with dots between
/// them (RFC 5322 §3.4.1, §4.4).
fn local_part(words: &[Token]) -> (Vec<u8>, bool) {
    let mut local = Vec::new();
    let mut clean = true;
    let mut joined = true;
    for word in words {
        let begins_with_dot = matches!(word, Token::Atom(text) if text.starts_with(b"."));
        if !joined && !begins_with_dot {
            clean = false;
            local.push(b' ');
        }
        clean &= !matches!(word, Token::Literal(_));
        local.extend_from_slice(text(word));
        joined = matches!(word, Token::Atom(text) if text.ends_with(b"."));
    }
    (local, clean && !words.is_empty())
}

fn text(token: &Token) -> &[u8] {
    match token {
        Token::Atom(text) | Token::Quoted(text) | Token::Literal(text) => text,
        Token::Special(_) | Token::End => b"",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `name|route|local|domain`, `name:` for a group, `;` for its end, ` !` behind what is not well-formed.
    fn shown(value: &str) -> String {
        let list = AddressList::parse(value.as_bytes());
        let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
        let option = |octets: &Option<Octets>| octets.as_ref().map_or("-".to_owned(), |o| text(o));
        let shown: Vec<String> = list
            .addresses
            .iter()
            .map(|address| match address {
                Address::Mailbox(m) => {
                    format!("{}|{}|{}|{}", option(&m.name), option(&m.route), text(&m.local), text(&m.domain))
                }
                Address::Group(name) => format!("{}:", text(name)),
                Address::GroupEnd => ";".to_owned(),
            })
            .collect();
        shown.join(" & ") + if list.well_formed { "" } else { " !" }
    }

    #[test]
    fn lists_that_follow_the_rfc() {
        for (value, wanted) in [
            ("", ""),
            ("a@x.test", "-|-|a|x.test"),
            ("<a@x.test>", "-|-|a|x.test"),
            ("Alice <a@x.test>, Bob B. <b@x.test>", "Alice|-|a|x.test & Bob B.|-|b|x.test"),
            ("\"Smith, J. \\\"JJ\\\"\" <j@x.test>", "Smith, J. \"JJ\"|-|j|x.test"),
            ("a@x.test (Alice (home))", "Alice (home)|-|a|x.test"),
            ("(x) Alice (y) <a@x.test> (z)", "Alice|-|a|x.test"),
            ("\"a b\"@x.test, \"a\".b@x.test", "-|-|a b|x.test & -|-|a.b|x.test"),
            ("a . b @ x . test", "-|-|a.b|x.test"),
            ("a@[192.0.\r\n 2.1]", "-|-|a|[192.0. 2.1]"),
            ("A <@r.test,@s.test:a@x.test>", "A|@r.test,@s.test|a|x.test"),
            (
                "Friends: a@x.test, B <b@x.test>;, c@x.test",
                "Friends: & -|-|a|x.test & B|-|b|x.test & ; & -|-|c|x.test",
            ),
            ("undisclosed-recipients:;", "undisclosed-recipients: & ;"),
            (",, a@x.test,,", "-|-|a|x.test"),
            ("a@x.test,\r\n\tb@x.test", "-|-|a|x.test & -|-|b|x.test"),
            ("Jānis <jānis@ēka.lv>", "Jānis|-|jānis|ēka.lv"),
            (
                "=?utf-8?q?J=C4=81nis?= =?utf-8?q?B?= <j@x.test>",
                "=?utf-8?q?J=C4=81nis?= =?utf-8?q?B?=|-|j|x.test",
            ),
            ("a@x.test <A@x.test>", "a@x.test|-|A|x.test"),
        ] {
            assert_eq!(shown(value), wanted, "{value}");
        }
    }

    #[test]
    fn broken_lists_are_shown_and_said_to_be_broken() {
        for (value, wanted) in [
            ("alice", "-|-|alice| !"),
            ("Alice Smith", "-|-|Alice Smith| !"),
            ("<>", "-|-|| !"),
            ("Alice <a@x.test", "Alice|-|a|x.test !"),
            ("<a@x.test, b@y.test>", "-|-|a|x.test & -|-|b|y.test !"),
            ("a@x.test b@y.test", "-|-|a|x.test & -|-|b|y.test !"),
            ("<a@x.test> <b@y.test>", "-|-|a|x.test & -|-|b|y.test !"),
            ("a@x.test; b@y.test", "-|-|a|x.test & -|-|b|y.test !"),
            ("a b@x.test", "-|-|a b|x.test !"),
            ("a@b@x.test", "-|-|a|b & -|-||x.test !"),
            ("a@", "-|-|a| !"),
            ("@x.test", "-|-||x.test !"),
            ("\"open <a@x.test>", "-|-|open <a@x.test>| !"),
            ("a@x.test (open", "open|-|a|x.test !"),
            ("G: a@x.test", "G: & -|-|a|x.test & ; !"),
            ("A: B: a@x.test;", "A: & -|-|a|x.test & ; !"),
            (") a@x.test", "-|-| a|x.test !"),
            ("a@x.test Alice, b@y.test", "-|-|a|x.test & -|-|b|y.test !"),
            ("a@x.test Alice <b@y.test>", "a@x.test Alice|-|b|y.test !"),
            ("a@x.test <b@y.test>", "a@x.test|-|b|y.test !"),
            ("\"a\0\" <a@x.test>", "a|-|a|x.test !"),
        ] {
            assert_eq!(shown(value), wanted, "{value}");
        }
    }

    #[test]
    fn a_list_is_cut_and_then_not_well_formed() {
        let many = AddressList::parse("a@x.test,".repeat(MAX_ADDRESSES + 1).as_bytes());
        assert_eq!((many.addresses.len(), many.well_formed), (MAX_ADDRESSES, false));
        let long = AddressList::parse(format!("a@x.test,{}b@x.test", " ".repeat(MAX_FIELD)).as_bytes());
        assert_eq!((long.addresses.len(), long.well_formed), (1, false));
    }

    #[test]
    fn a_quoted_local_part_makes_the_same_address() {
        let email =
            |text: &str| AddressList::parse(text.as_bytes()).mailboxes().next().and_then(Mailbox::email);
        assert_eq!(email("\"alice\"@demo.test"), email("Alice <alice@demo.test>"));
        assert_eq!(email("\"a\\\"b c\"@demo.test").expect("an address").local().as_str(), "a\"b c");
        assert_eq!(email("alice"), None);
    }
}
