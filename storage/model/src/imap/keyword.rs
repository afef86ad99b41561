//! Keywords: flags that users and programs make up (RFC 9051 §2.3.2).

use std::fmt;

/// A keyword: an atom, 1 to 100 octets of ASCII, compared without regard to case (RFC 5788 §2.1).
#[derive(Clone, Debug)]
pub struct Keyword(Box<str>);

/// What can't be a keyword.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a keyword has 1 to {} characters of ASCII, none of them a space, a control or one of (){{%*\"\\]",
    Keyword::LONGEST
)]
pub struct BadKeyword;

impl Keyword {
    /// The most octets that a keyword may have.
    pub const LONGEST: usize = 100;
    /// Keywords that one folder may know: the bits of [`crate::record::Entry::keywords`].
    pub const MOST: usize = 64;

    /// Reads a keyword.
    ///
    /// # Errors
    /// [`BadKeyword`].
    pub fn parse(text: &[u8]) -> Result<Keyword, BadKeyword> {
        let is_atom = |b: &u8| b.is_ascii_graphic() && !b"(){%*\"\\]".contains(b);
        let fits = (1..=Keyword::LONGEST).contains(&text.len()) && text.iter().all(is_atom);
        let text = std::str::from_utf8(text).ok().filter(|_| fits).ok_or(BadKeyword)?;
        Ok(Keyword(text.into()))
    }

    /// As it was spelled first.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl PartialEq for Keyword {
    fn eq(&self, other: &Keyword) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for Keyword {}

impl fmt::Display for Keyword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
