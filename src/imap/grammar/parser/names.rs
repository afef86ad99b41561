//! Names of folders, patterns of names, flags.

use postern_model::MailboxName;
use postern_model::imap::{BadName, Flags, Keyword};

use super::cursor::{Cursor, Parsed, is_atom};
use crate::imap::grammar::utf7;

/// The longest pattern of LIST: a name with a wildcard beside each of its levels fits.
const LONGEST_PATTERN: usize = 2 * MailboxName::LONGEST;

impl Cursor<'_> {
    /// `mailbox`
    pub(super) fn mailbox(&mut self) -> Parsed<MailboxName> {
        let at = self.at();
        let spelled = self.astring("a folder's name")?;
        self.decoded(&spelled)
            .and_then(|name| MailboxName::parse(&name))
            .map_err(|bad| self.wrong_at(at, what_is_wrong(bad)))
    }

    /// `mailbox`, or nothing (`""`).
    pub(super) fn mailbox_or_none(&mut self) -> Parsed<Option<MailboxName>> {
        if self.rest().starts_with(b"\"\"") {
            self.go(self.at() + 2);
            return Ok(None);
        }
        self.mailbox().map(Some)
    }

    /// `list-mailbox`, and what stands before it: UTF-8 with `*` and `%`.
    pub(super) fn pattern(&mut self) -> Parsed<String> {
        let at = self.at();
        let spelled =
            self.string_or("a pattern of folder names", |b| is_atom(b) || matches!(b, b'*' | b'%' | b']'))?;
        let pattern = self.decoded(&spelled).map_err(|bad| self.wrong_at(at, what_is_wrong(bad)))?;
        if pattern.len() > LONGEST_PATTERN || pattern.chars().any(char::is_control) {
            return Err(self.wrong_at(at, "a pattern of at most 1,024 octets without control characters"));
        }
        Ok(pattern)
    }

    /// UTF-8 from what a client has spelled. Plain UTF-8 is taken for what it is also where modified UTF-7 is due: it can't
    /// be that, and clients that can't spell it send what the user has typed.
    fn decoded(&self, spelled: &[u8]) -> Result<String, BadName> {
        if self.utf8 || !spelled.is_ascii() {
            return std::str::from_utf8(spelled).map(str::to_owned).map_err(|_| BadName::Encoding);
        }
        utf7::decode(spelled).ok_or(BadName::Encoding)
    }

    /// `flag-list`
    pub(super) fn flag_list(&mut self) -> Parsed<(Flags, Vec<Keyword>)> {
        let items = self.list(Cursor::flag)?;
        Ok(gathered(items))
    }

    /// Flags without parentheses (RFC 9051 §9, `store-att-flags`).
    pub(super) fn bare_flags(&mut self) -> Parsed<(Flags, Vec<Keyword>)> {
        let items = self.items(Cursor::flag)?;
        Ok(gathered(items))
    }

    /// `flag`; `None` is `\Recent`, which nobody can set: programs that copy a letter's flags send it, and it is overlooked.
    fn flag(&mut self) -> Parsed<Option<Flag>> {
        const FLAG: &str = "a flag";
        let at = self.at();
        if !self.eat(b'\\') {
            return self.flag_keyword().map(|keyword| Some(Flag::Keyword(keyword)));
        }
        let name = self.take_while(is_atom);
        if name.eq_ignore_ascii_case(b"Recent") {
            return Ok(None);
        }
        let known = Flags::NAMES.iter().find(|(_, known)| known.as_bytes()[1..].eq_ignore_ascii_case(name));
        known.map(|(flag, _)| Some(Flag::System(*flag))).ok_or(self.wrong_at(at, FLAG))
    }

    /// `flag-keyword`
    pub(super) fn flag_keyword(&mut self) -> Parsed<Keyword> {
        let at = self.at();
        let keyword = self.atom("a flag")?;
        Keyword::parse(keyword).map_err(|_| self.wrong_at(at, "a keyword of at most 100 octets"))
    }
}

enum Flag {
    System(Flags),
    Keyword(Keyword),
}

/// Each once.
fn gathered(items: Vec<Option<Flag>>) -> (Flags, Vec<Keyword>) {
    let (mut flags, mut keywords) = (Flags::default(), Vec::new());
    for item in items.into_iter().flatten() {
        match item {
            Flag::System(flag) => flags = flags.with(flag),
            Flag::Keyword(keyword) if keywords.contains(&keyword) => {}
            Flag::Keyword(keyword) => keywords.push(keyword),
        }
    }
    (flags, keywords)
}

fn what_is_wrong(bad: BadName) -> &'static str {
    match bad {
        BadName::Empty => "a folder's name, which is not empty",
        BadName::TooLong => "a folder's name of at most 512 octets",
        BadName::TooDeep => "a folder's name of at most 20 levels",
        BadName::EmptyLevel => "a folder's name without an empty level",
        BadName::Control => "a folder's name without control characters",
        BadName::Encoding => "a folder's name in UTF-8, or modified UTF-7 without UTF8=ACCEPT",
    }
}
