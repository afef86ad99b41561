//! Names of folders, and what folders are for.

use std::fmt;

use bincode::{Decode, Encode};

/// The name of a folder: UTF-8, its levels separated by `/`; `INBOX` in any case is `INBOX` (RFC 9051 §5.1).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub struct MailboxName(String);

/// Why a text is no folder's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadName {
    /// Nothing at all.
    #[error("a folder's name is not empty")]
    Empty,
    /// Too long.
    #[error("a folder's name has at most {} octets of UTF-8", MailboxName::LONGEST)]
    TooLong,
    /// Too deep.
    #[error("folders lie at most {} deep in one another", MailboxName::DEEPEST)]
    TooDeep,
    /// `//`, or `/` at the beginning.
    #[error("a level of a folder's name is not empty: no / at its beginning, no two in a row")]
    EmptyLevel,
    /// A control character, U+0000 to U+001F, U+007F to U+009F, U+2028, U+2029 (RFC 5198, RFC 6855 §3).
    #[error("a folder's name has no control characters")]
    Control,
    /// Not UTF-8, or not modified UTF-7.
    #[error("a folder's name is UTF-8, or modified UTF-7 (RFC 3501 §5.1.3) where UTF8=ACCEPT is not enabled")]
    Encoding,
}

impl MailboxName {
    /// What separates the levels.
    pub const SEPARATOR: char = '/';
    /// The most octets of UTF-8 that a name may have.
    pub const LONGEST: usize = 512;
    /// The most levels that a name may have.
    pub const DEEPEST: usize = 20;

    /// The folder that letters are delivered to.
    pub fn inbox() -> MailboxName {
        MailboxName("INBOX".to_owned())
    }

    /// Reads a name in UTF-8. One `/` at the end is dropped (RFC 9051 §6.3.4: it says that children will come).
    ///
    /// # Errors
    /// [`BadName`].
    pub fn parse(text: &str) -> Result<MailboxName, BadName> {
        let text = text.strip_suffix(MailboxName::SEPARATOR).filter(|rest| !rest.is_empty()).unwrap_or(text);
        if text.is_empty() {
            return Err(BadName::Empty);
        }
        if text.len() > MailboxName::LONGEST {
            return Err(BadName::TooLong);
        }
        if text.chars().any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')) {
            return Err(BadName::Control);
        }
        if text.split(MailboxName::SEPARATOR).any(str::is_empty) {
            return Err(BadName::EmptyLevel);
        }
        if text.split(MailboxName::SEPARATOR).count() > MailboxName::DEEPEST {
            return Err(BadName::TooDeep);
        }
        let (first, rest) = text.split_at(text.find(MailboxName::SEPARATOR).unwrap_or(text.len()));
        if first.eq_ignore_ascii_case("INBOX") {
            return Ok(MailboxName(format!("INBOX{rest}")));
        }
        Ok(MailboxName(text.to_owned()))
    }

    /// The name in UTF-8.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is the INBOX.
    pub fn is_inbox(&self) -> bool {
        self.0 == "INBOX"
    }

    /// The folder that this one lies in; `None` at the top.
    pub fn parent(&self) -> Option<MailboxName> {
        self.0.rsplit_once(MailboxName::SEPARATOR).map(|(parent, _)| MailboxName(parent.to_owned()))
    }

    /// What stands behind `ancestor/`, where this lies in it at any depth.
    pub fn below<'a>(&'a self, ancestor: &MailboxName) -> Option<&'a str> {
        self.0.strip_prefix(&*ancestor.0)?.strip_prefix(MailboxName::SEPARATOR)
    }
}

impl fmt::Display for MailboxName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a folder is for (RFC 6154 §2; RFC 8457 adds `\Important`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[expect(missing_docs, reason = "each is the protocol's own word")]
pub enum SpecialUse {
    Sent,
    Drafts,
    Trash,
    Junk,
    Archive,
    /// Flagged letters of all folders; none is offered.
    Flagged,
    /// All letters; none is offered.
    All,
    /// RFC 8457; none is offered.
    Important,
}

impl SpecialUse {
    /// All, with their attributes.
    pub const NAMES: [(SpecialUse, &'static str); 8] = [
        (SpecialUse::Sent, "\\Sent"),
        (SpecialUse::Drafts, "\\Drafts"),
        (SpecialUse::Trash, "\\Trash"),
        (SpecialUse::Junk, "\\Junk"),
        (SpecialUse::Archive, "\\Archive"),
        (SpecialUse::Flagged, "\\Flagged"),
        (SpecialUse::All, "\\All"),
        (SpecialUse::Important, "\\Important"),
    ];

    /// Its attribute: `\Sent`.
    pub fn attribute(self) -> &'static str {
        SpecialUse::NAMES.iter().find(|(of, _)| *of == self).map_or("", |(_, name)| name)
    }
}
