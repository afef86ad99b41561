//! Charsets of SEARCH (RFC 9051 §6.4.4): UTF-8 and US-ASCII, and what else encoding_rs reads.

use encoding_rs::{Encoding, UTF_8};

use super::Search;

/// What reads a charset; `None`: it is not known. US-ASCII is read as UTF-8, which it is part of.
pub(super) fn encoding(name: &str) -> Option<&'static Encoding> {
    let ascii = ["US-ASCII", "ASCII", "ANSI_X3.4-1968"].iter().any(|known| known.eq_ignore_ascii_case(name));
    if ascii { Some(UTF_8) } else { Encoding::for_label_no_replacement(name.as_bytes()) }
}

impl Search {
    /// Whether the charset is one that can be read. Where it is not, the texts of the keys are guesses, and the answer is
    /// `NO [BADCHARSET (UTF-8 US-ASCII)]` (RFC 9051 §6.4.4).
    pub fn charset_is_known(&self) -> bool {
        self.charset.as_deref().is_none_or(|name| encoding(name).is_some())
    }
}
