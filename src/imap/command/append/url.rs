//! IMAP URLs of pieces of letters, relative to the session (RFC 5092 §7, as RFC 4469 uses them).

use std::num::NonZeroU32;

use postern_model::{MailboxName, Uid, UidValidity};

use crate::imap::grammar::{Section, SectionText};

/// Numbers of one part: MIME is not nested deeper.
const DEEPEST_PART: usize = 100;

/// A piece of a letter.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Url {
    /// `None`: the folder that is selected.
    pub(super) mailbox: Option<MailboxName>,
    pub(super) uid_validity: Option<UidValidity>,
    pub(super) uid: Uid,
    /// The letter, where the URL has no `;SECTION=`.
    pub(super) section: Section,
    /// `;PARTIAL=`: the first octet, and how many.
    pub(super) partial: Option<(u64, Option<u64>)>,
}

/// Reads `/INBOX;UIDVALIDITY=1/;UID=20/;SECTION=1.2`. `None` for what is no such URL: other servers and other users'
/// letters (`imap://…`) are not reached here.
pub(super) fn parse(url: &[u8]) -> Option<Url> {
    let url = std::str::from_utf8(url).ok()?;
    let (place, rest) = split(url, ";UID=")?;
    // `//` would begin the name of a server.
    let place = place.strip_suffix('/').unwrap_or(place);
    let place = place.strip_prefix('/').unwrap_or(place);
    let (name, validity) = match split(place, ";UIDVALIDITY=") {
        Some((name, validity)) => (name, Some(UidValidity(number(validity)?))),
        None => (place, None),
    };
    if name.starts_with('/') {
        return None;
    }
    let mailbox = match name {
        "" => None,
        name => Some(MailboxName::parse(&decoded(name)?).ok()?),
    };
    let mut pieces = rest.split("/;");
    let uid = Uid(number(pieces.next()?)?);
    let section = Section { part: Vec::new(), text: SectionText::All };
    let mut url = Url { mailbox, uid_validity: validity, uid, section, partial: None };
    let mut pieces = pieces.peekable();
    if let Some(section) = pieces.peek().and_then(|piece| after(piece, "SECTION=")) {
        url.section = parse_section(&decoded(section)?)?;
        pieces.next();
    }
    if let Some(partial) = pieces.peek().and_then(|piece| after(piece, "PARTIAL=")) {
        url.partial = Some(parse_partial(partial)?);
        pieces.next();
    }
    pieces.next().is_none().then_some(url)
}

/// What stands before and behind the first `mark`, in any case.
fn split<'a>(text: &'a str, mark: &str) -> Option<(&'a str, &'a str)> {
    let at = text.as_bytes().windows(mark.len()).position(|w| w.eq_ignore_ascii_case(mark.as_bytes()))?;
    Some((text.get(..at)?, text.get(at + mark.len()..)?))
}

fn after<'a>(text: &'a str, mark: &str) -> Option<&'a str> {
    split(text, mark).filter(|(before, _)| before.is_empty()).map(|(_, behind)| behind)
}

/// `nz-number`
fn number(text: &str) -> Option<u32> {
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    text.parse::<NonZeroU32>().ok().filter(|_| digits).map(NonZeroU32::get)
}

/// Undoes `%XX` (RFC 3986 §2.1).
fn decoded(text: &str) -> Option<String> {
    let (mut octets, mut rest) = (Vec::with_capacity(text.len()), text.as_bytes());
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        if *first != b'%' {
            octets.push(*first);
            continue;
        }
        let (code, tail) = rest.split_at_checked(2)?;
        let code = std::str::from_utf8(code).ok().filter(|c| c.bytes().all(|b| b.is_ascii_hexdigit()))?;
        octets.push(u8::from_str_radix(code, 16).ok()?);
        rest = tail;
    }
    String::from_utf8(octets).ok()
}

/// `section-spec` (RFC 9051 §9)
fn parse_section(text: &str) -> Option<Section> {
    let (mut part, mut rest) = (Vec::new(), text);
    while rest.starts_with(|c: char| c.is_ascii_digit()) {
        let (digits, behind) = rest.split_once('.').unwrap_or((rest, ""));
        part.push(number(digits)?);
        let at_end = digits.len() == rest.len();
        if part.len() > DEEPEST_PART || (behind.is_empty() && !at_end) {
            return None;
        }
        rest = behind;
    }
    let (word, names) = rest.split_once(' ').unwrap_or((rest, ""));
    let text = match (&*word.to_ascii_uppercase(), names) {
        ("", "") if !part.is_empty() => SectionText::All,
        ("HEADER", "") => SectionText::Header,
        ("TEXT", "") => SectionText::Text,
        ("MIME", "") if !part.is_empty() => SectionText::Mime,
        ("HEADER.FIELDS", names) => SectionText::HeaderFields(parse_names(names)?),
        ("HEADER.FIELDS.NOT", names) => SectionText::HeaderFieldsNot(parse_names(names)?),
        _ => return None,
    };
    Some(Section { part, text })
}

/// `header-list`, of plain names.
fn parse_names(text: &str) -> Option<Vec<Vec<u8>>> {
    let names: Vec<Vec<u8>> = text
        .strip_prefix('(')?
        .strip_suffix(')')?
        .split(' ')
        .map(|name| name.trim_matches('"').as_bytes().to_vec())
        .collect();
    names.iter().all(|name| !name.is_empty()).then_some(names)
}

/// `partial-range`: `0.1024`, or `1024` for all from there on.
fn parse_partial(text: &str) -> Option<(u64, Option<u64>)> {
    let (origin, count) = match text.split_once('.') {
        Some((origin, count)) => (origin, Some(u64::from(number(count)?))),
        None => (text, None),
    };
    let digits = origin.bytes().all(|b| b.is_ascii_digit());
    Some((origin.parse().ok().filter(|_| digits)?, count))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(
        mailbox: &str,
        validity: u32,
        uid: u32,
        part: &[u32],
        text: SectionText,
        partial: Option<(u64, Option<u64>)>,
    ) -> Option<Url> {
        Some(Url {
            mailbox: MailboxName::parse(mailbox).ok(),
            uid_validity: Some(UidValidity(validity)).filter(|v| v.0 > 0),
            uid: Uid(uid),
            section: Section { part: part.to_vec(), text },
            partial,
        })
    }

    #[test]
    fn pieces_of_letters_are_named_by_urls() {
        use SectionText::{All, Header, HeaderFields, HeaderFieldsNot, Mime, Text};
        let names = |names: &[&str]| names.iter().map(|name| name.as_bytes().to_vec()).collect();
        for (text, wanted) in [
            (
                "/Drafts;UIDVALIDITY=385759045/;UID=20/;section=HEADER",
                url("Drafts", 385_759_045, 20, &[], Header, None),
            ),
            ("/inbox/;uid=7/;SECTION=1.2.mime", url("INBOX", 0, 7, &[1, 2], Mime, None)),
            ("/a%20b/%C3%B6/;UID=7", url("a b/ö", 0, 7, &[], All, None)),
            ("INBOX/;UID=7/;SECTION=1", url("INBOX", 0, 7, &[1], All, None)),
            (";UID=7/;SECTION=TEXT", url("", 0, 7, &[], Text, None)),
            ("/;UID=7/;SECTION=2/;PARTIAL=0.1024", url("", 0, 7, &[2], All, Some((0, Some(1_024))))),
            ("/INBOX/;UID=7/;PARTIAL=9", url("INBOX", 0, 7, &[], All, Some((9, None)))),
            (
                "/INBOX/;UID=7/;SECTION=HEADER.FIELDS%20(To%20Cc)",
                url("INBOX", 0, 7, &[], HeaderFields(names(&["To", "Cc"])), None),
            ),
            (
                "/INBOX/;UID=7/;SECTION=3.header.fields.not%20(%22To%22)",
                url("INBOX", 0, 7, &[3], HeaderFieldsNot(names(&["To"])), None),
            ),
        ] {
            assert_eq!(parse(text.as_bytes()), wanted, "{text}");
        }
    }

    #[test]
    fn what_is_no_such_url_is_refused() {
        for text in [
            "",
            "/INBOX",
            "/INBOX/;UID=0",
            "/INBOX/;UID=x",
            "/INBOX/;UID=+7",
            "/INBOX;UIDVALIDITY=/;UID=7",
            "imap://other.test/INBOX/;UID=7",
            "//other.test/INBOX/;UID=7",
            "/INBOX/;UID=7/;SECTION=MIME",
            "/INBOX/;UID=7/;SECTION=1.",
            "/INBOX/;UID=7/;SECTION=1..2",
            "/INBOX/;UID=7/;SECTION=0",
            "/INBOX/;UID=7/;SECTION=HEADER.FIELDS",
            "/INBOX/;UID=7/;SECTION=HEADER.FIELDS%20()",
            "/INBOX/;UID=7/;PARTIAL=1.0",
            "/INBOX/;UID=7/;PARTIAL=1/;SECTION=1",
            "/INBOX/;UID=7/;URLAUTH=anonymous",
            "/IN%4/;UID=7",
            "/%FF/;UID=7",
        ] {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
        assert_eq!(parse(b"/\xff/;UID=7"), None);
    }
}
