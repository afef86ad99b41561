//! What a letter is to be like: the keys of a search (RFC 9051 §6.4.4) with WITHIN (RFC 5032), CONDSTORE (RFC 7162),
//! OBJECTID (RFC 8474) and SAVEDATE (RFC 8514).

use encoding_rs::{Encoding, UTF_8};
use postern_model::imap::Flags;

use super::cursor::{Cursor, MOST_ITEMS, Parsed};
use crate::imap::grammar::SearchKey;

/// How deep keys lie in one another: `NOT`, `OR` and parentheses.
const DEEPEST: usize = 50;
const KEY: &str = "a search key";

/// Reads keys; bounds how many there are and how deep they lie.
pub(super) struct Keys {
    encoding: &'static Encoding,
    depth: usize,
    count: usize,
}

impl Keys {
    /// Texts are in this charset; UTF-8 where it is not known.
    pub(super) fn new(encoding: Option<&'static Encoding>) -> Keys {
        Keys { encoding: encoding.unwrap_or(UTF_8), depth: 0, count: 0 }
    }

    /// All keys of a search.
    pub(super) fn all(mut self, c: &mut Cursor<'_>) -> Parsed<Vec<SearchKey>> {
        c.items(|c| self.key(c))
    }

    fn key(&mut self, c: &mut Cursor<'_>) -> Parsed<SearchKey> {
        self.count += 1;
        if self.count > MOST_ITEMS {
            return Err(c.wrong("no more than 1,000 search keys"));
        }
        match c.peek() {
            Some(b'0'..=b'9' | b'*') => c.seq_set().map(SearchKey::Numbers),
            Some(b'$') => {
                c.eat(b'$');
                Ok(SearchKey::Saved)
            }
            Some(b'(') => self.deeper(c, |keys, c| c.list_of_some(|c| keys.key(c)).map(SearchKey::And)),
            _ => self.named(c),
        }
    }

    fn deeper<'a, T>(
        &mut self,
        c: &mut Cursor<'a>,
        read: impl FnOnce(&mut Keys, &mut Cursor<'a>) -> Parsed<T>,
    ) -> Parsed<T> {
        if self.depth == DEEPEST {
            return Err(c.wrong("search keys that lie at most 50 deep"));
        }
        self.depth += 1;
        let inner = read(self, c);
        self.depth -= 1;
        inner
    }

    fn named(&mut self, c: &mut Cursor<'_>) -> Parsed<SearchKey> {
        let at = c.at();
        let word = c.word(KEY)?;
        if let Some(key) = flag(&word) {
            return Ok(key);
        }
        let wrong = c.wrong_at(at, KEY);
        if let Some(key) = self.text(c, &word)? {
            return Ok(key);
        }
        if let Some(key) = number_or_day(c, &word)? {
            return Ok(key);
        }
        self.other(c, &word)?.ok_or(wrong)
    }

    fn text(&mut self, c: &mut Cursor<'_>, word: &str) -> Parsed<Option<SearchKey>> {
        let make: fn(String) -> SearchKey = match word {
            "BCC" => SearchKey::Bcc,
            "CC" => SearchKey::Cc,
            "FROM" => SearchKey::From,
            "TO" => SearchKey::To,
            "SUBJECT" => SearchKey::Subject,
            "BODY" => SearchKey::Body,
            "TEXT" => SearchKey::Text,
            "HEADER" => {
                c.space()?;
                let field = c.astring("a header field's name")?;
                let field = String::from_utf8_lossy(&field).into_owned();
                return Ok(Some(SearchKey::Header(field, self.string(c)?)));
            }
            _ => return Ok(None),
        };
        self.string(c).map(|text| Some(make(text)))
    }

    /// A text with the space before it, in UTF-8. What does not fit the charset becomes U+FFFD, and is not found.
    fn string(&mut self, c: &mut Cursor<'_>) -> Parsed<String> {
        c.space()?;
        let octets = c.astring("a text")?;
        Ok(self.encoding.decode_without_bom_handling(&octets).0.into_owned())
    }

    fn other(&mut self, c: &mut Cursor<'_>, word: &str) -> Parsed<Option<SearchKey>> {
        Ok(Some(match word {
            "ALL" => SearchKey::All,
            "RECENT" => SearchKey::Recent,
            "NEW" => SearchKey::New,
            "OLD" => SearchKey::Old,
            "SAVEDATESUPPORTED" => SearchKey::SaveDateSupported,
            "UID" => {
                c.space()?;
                SearchKey::Uid(c.targets()?)
            }
            "KEYWORD" | "UNKEYWORD" => {
                c.space()?;
                keyword(c, word == "KEYWORD")?
            }
            "MODSEQ" => {
                c.space()?;
                mod_seq(c)?
            }
            "EMAILID" => SearchKey::EmailId(object_id(c)?),
            "THREADID" => SearchKey::ThreadId(object_id(c)?),
            "NOT" => {
                c.space()?;
                SearchKey::Not(Box::new(self.deeper(c, Keys::key)?))
            }
            "OR" => {
                c.space()?;
                let first = Box::new(self.deeper(c, Keys::key)?);
                c.space()?;
                SearchKey::Or(first, Box::new(self.deeper(c, Keys::key)?))
            }
            _ => return Ok(None),
        }))
    }
}

fn flag(word: &str) -> Option<SearchKey> {
    let (name, set) = word.strip_prefix("UN").map_or((word, true), |name| (name, false));
    let flag = match name {
        "ANSWERED" => Flags::ANSWERED,
        "DELETED" => Flags::DELETED,
        "DRAFT" => Flags::DRAFT,
        "FLAGGED" => Flags::FLAGGED,
        "SEEN" => Flags::SEEN,
        _ => return None,
    };
    Some(if set { SearchKey::Flag(flag) } else { SearchKey::NotFlag(flag) })
}

fn number_or_day(c: &mut Cursor<'_>, word: &str) -> Parsed<Option<SearchKey>> {
    let day: fn(i64) -> SearchKey = match word {
        "BEFORE" => SearchKey::Before,
        "ON" => SearchKey::On,
        "SINCE" => SearchKey::Since,
        "SENTBEFORE" => SearchKey::SentBefore,
        "SENTON" => SearchKey::SentOn,
        "SENTSINCE" => SearchKey::SentSince,
        "SAVEDBEFORE" => SearchKey::SavedBefore,
        "SAVEDON" => SearchKey::SavedOn,
        "SAVEDSINCE" => SearchKey::SavedSince,
        "LARGER" | "SMALLER" => {
            c.space()?;
            let size = c.number64("a size in octets")?;
            return Ok(Some(if word == "LARGER" {
                SearchKey::Larger(size)
            } else {
                SearchKey::Smaller(size)
            }));
        }
        "OLDER" | "YOUNGER" => {
            c.space()?;
            let seconds = c.nz_number("a number of seconds")?;
            return Ok(Some(if word == "OLDER" {
                SearchKey::Older(seconds)
            } else {
                SearchKey::Younger(seconds)
            }));
        }
        _ => return Ok(None),
    };
    c.space()?;
    c.date().map(|date| Some(day(date)))
}

/// A keyword. A system flag may stand there too: some programs search for all flags in this way.
fn keyword(c: &mut Cursor<'_>, set: bool) -> Parsed<SearchKey> {
    let at = c.at();
    if c.eat(b'\\') {
        let name = c.word("a keyword")?;
        let key = flag(&name).filter(|key| matches!(key, SearchKey::Flag(_)));
        return match key.ok_or(c.wrong_at(at, "a keyword"))? {
            SearchKey::Flag(flag) if !set => Ok(SearchKey::NotFlag(flag)),
            key => Ok(key),
        };
    }
    let keyword = c.flag_keyword()?;
    Ok(if set { SearchKey::Keyword(keyword) } else { SearchKey::NotKeyword(keyword) })
}

/// `MODSEQ ["/flags/\\Seen" shared] 620162338`. Letters have one modification sequence for all of their flags, so the name
/// of a flag says nothing (RFC 7162 §3.1.5).
fn mod_seq(c: &mut Cursor<'_>) -> Parsed<SearchKey> {
    if c.at_string() {
        c.string("an entry's name")?;
        c.space()?;
        if !(c.keyword("ALL") || c.keyword("PRIV") || c.keyword("SHARED")) {
            return Err(c.wrong("all, priv or shared"));
        }
        c.space()?;
    }
    c.mod_seq().map(SearchKey::ModSeq)
}

/// `objectid` (RFC 8474 §7), with the space before it.
fn object_id(c: &mut Cursor<'_>) -> Parsed<String> {
    c.space()?;
    let at = c.at();
    let id = c.astring("an object's identifier")?;
    let good = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    match (1..=255).contains(&id.len()) && id.iter().all(good) {
        true => Ok(id.iter().map(|b| char::from(*b)).collect()),
        false => Err(c.wrong_at(at, "an object's identifier")),
    }
}
