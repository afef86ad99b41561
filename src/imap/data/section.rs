//! Sections of a letter (RFC 9051 §6.4.5.1): which of its octets `BODY[…]` names.

use std::io::Write as _;
use std::ops::Range;

use postern_model::mime::{Content, Facts, Part, fields, header_end};

use crate::imap::grammar::{Section, SectionFetch, SectionText};

use super::string::string;

/// The octets that a section names, counted from the beginning of the letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// These, as they stand.
    Range(Range<u64>),
    /// Some fields of the header that stands there.
    Header {
        /// The header, with its blank line.
        range: Range<u64>,
        /// Which fields.
        filter: FieldFilter,
    },
}

/// Fields of a header that are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldFilter {
    /// In lower case and sorted: there may be thousands of names, and of fields.
    names: Vec<Vec<u8>>,
    not: bool,
}

impl FieldFilter {
    /// The fields that have one of `names`, in any spelling (RFC 5322 §1.2.2); with `not` those that have none of them
    /// (`HEADER.FIELDS.NOT`).
    pub fn new(names: &[Vec<u8>], not: bool) -> FieldFilter {
        let mut names: Vec<_> = names.iter().map(|name| name.to_ascii_lowercase()).collect();
        names.sort_unstable();
        FieldFilter { names, not }
    }

    /// Puts the wanted fields of `header` behind `out`: each whole, as it is folded, in their order, and the blank line
    /// if the header has one (RFC 9051 §6.4.5.1). Lines that are no field are no part of it.
    pub fn apply(&self, header: &[u8], out: &mut Vec<u8>) {
        for field in fields(header) {
            let is_named = self.names.binary_search(&field.name.to_ascii_lowercase()).is_ok();
            if is_named != self.not {
                out.extend_from_slice(field.raw);
            }
        }
        if let Some(end) = header_end(header) {
            let blank_line: &[u8] = if header[..end].ends_with(b"\r\n") { b"\r\n" } else { b"\n" };
            out.extend_from_slice(blank_line);
        }
    }
}

/// Where the octets of `section` are; `None` where the letter has no such part, or the part is no letter and so has no
/// HEADER or TEXT: that is answered with NIL.
///
/// Part 1 of a letter that is no multipart is its body, and `1.MIME` its header.
pub fn section(facts: &Facts, section: &Section) -> Option<Piece> {
    let part = facts.structure.at(&section.part)?;
    let is_letter = section.part.is_empty();
    let header = || letter(part, is_letter).map(Part::header);
    let filtered = |names: &[Vec<u8>], not| {
        Some(Piece::Header { range: header()?, filter: FieldFilter::new(names, not) })
    };
    match &section.text {
        SectionText::All if is_letter => Some(Piece::Range(0..facts.size())),
        SectionText::All => Some(Piece::Range(part.body())),
        SectionText::Header => header().map(Piece::Range),
        SectionText::HeaderFields(names) => filtered(names, false),
        SectionText::HeaderFieldsNot(names) => filtered(names, true),
        SectionText::Text => letter(part, is_letter).map(|letter| Piece::Range(letter.body())),
        SectionText::Mime => (!is_letter).then(|| Piece::Range(part.header())),
    }
}

/// The letter that HEADER and TEXT are about.
fn letter(part: &Part, is_letter: bool) -> Option<&Part> {
    match &part.content {
        _ if is_letter => Some(part),
        Content::Message(message) => Some(&message.structure),
        _ => None,
    }
}

/// Writes the name under which a section is answered: `BODY[HEADER.FIELDS (From To)]<0>`, without `.PEEK` and the count
/// (RFC 9051 §7.5.2), or rev1's name where that was asked for.
pub fn section_name(out: &mut Vec<u8>, fetch: &SectionFetch) {
    if let Some(name) = fetch.old_name {
        return out.extend_from_slice(name.as_bytes());
    }
    out.extend_from_slice(b"BODY[");
    for (at, number) in fetch.section.part.iter().enumerate() {
        // Writing to a Vec can't fail.
        let _ = write!(out, "{}{number}", if at == 0 { "" } else { "." });
    }
    let text = match &fetch.section.text {
        SectionText::All => "",
        SectionText::Header => "HEADER",
        SectionText::HeaderFields(_) => "HEADER.FIELDS",
        SectionText::HeaderFieldsNot(_) => "HEADER.FIELDS.NOT",
        SectionText::Text => "TEXT",
        SectionText::Mime => "MIME",
    };
    if !fetch.section.part.is_empty() && !text.is_empty() {
        out.push(b'.');
    }
    out.extend_from_slice(text.as_bytes());
    if let SectionText::HeaderFields(names) | SectionText::HeaderFieldsNot(names) = &fetch.section.text {
        field_names(out, names);
    }
    out.push(b']');
    if let Some((origin, _)) = fetch.partial {
        let _ = write!(out, "<{origin}>");
    }
}

/// header-list
fn field_names(out: &mut Vec<u8>, names: &[Vec<u8>]) {
    let is_atom = |name: &[u8]| {
        let fits = |octet: &u8| octet.is_ascii_graphic() && !b"(){%*\"\\]".contains(octet);
        !name.is_empty() && name.iter().all(fits)
    };
    let mut separator = " (";
    for name in names {
        out.extend_from_slice(separator.as_bytes());
        if is_atom(name) {
            out.extend_from_slice(name)
        } else {
            string(out, name, false)
        }
        separator = " ";
    }
    out.push(b')');
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use postern_model::mime::Scanner;

    use super::*;

    const LETTER: &str = "Subject: s|Content-Type: multipart/mixed; boundary=x||pre|--x|A: 1||one|--x|\
        Content-Type: message/rfc822||Subject: in|X: y||\
        text|--x|Content-Type: message/rfc822||Content-Type: multipart/mixed; boundary=y||--y||deep|--y--|--x--|";

    /// What a section of a letter is, with `|` for CRLF; `NIL` where it is not there.
    fn read(letter: &str, part: &[u32], text: SectionText) -> String {
        let letter = letter.replace('|', "\r\n");
        let mut scanner = Scanner::new();
        scanner.feed(letter.as_bytes());
        let at = |range: &Range<u64>| letter[range.start as usize..range.end as usize].to_owned();
        let found = section(&scanner.finish(), &Section { part: part.to_vec(), text });
        let octets = match found {
            None => return "NIL".to_owned(),
            Some(Piece::Range(range)) => at(&range),
            Some(Piece::Header { range, filter }) => {
                let mut out = Vec::new();
                filter.apply(at(&range).as_bytes(), &mut out);
                String::from_utf8(out).expect("the letters are UTF-8")
            }
        };
        octets.replace("\r\n", "|")
    }

    #[test]
    fn parts_are_found_by_their_numbers() {
        use SectionText::{All, Header, Mime, Text};
        for (part, text, wanted) in [
            (&[][..], All, LETTER),
            (&[], Header, "Subject: s|Content-Type: multipart/mixed; boundary=x||"),
            (&[1], All, "one"),
            (&[1], Mime, "A: 1||"),
            (&[1], Header, "NIL"),
            (&[1], Text, "NIL"),
            (&[1, 1], All, "NIL"),
            (&[2], All, "Subject: in|X: y||text"),
            (&[2], Mime, "Content-Type: message/rfc822||"),
            (&[2], Header, "Subject: in|X: y||"),
            (&[2], Text, "text"),
            (&[2, 1], All, "text"),
            (&[2, 1], Mime, "Subject: in|X: y||"),
            (&[3, 1], All, "deep"),
            (&[3, 1], Mime, "|"),
            (&[3, 2], All, "NIL"),
            (&[4], All, "NIL"),
            (&[0], All, "NIL"),
            (&[], Mime, "NIL"),
        ] {
            assert_eq!(read(LETTER, part, text.clone()), wanted, "{part:?} {text:?}");
        }
        assert!(read(LETTER, &[], Text).starts_with("pre|--x|"));
        assert_eq!(read("A: 1||body|", &[1], All), "body|");
        assert_eq!(read("A: 1||body|", &[1], Header), "NIL");
    }

    #[test]
    fn fields_are_picked_whole_and_in_order() {
        let names = |names: &[&str]| names.iter().map(|name| name.as_bytes().to_vec()).collect::<Vec<_>>();
        let fields = |header: &str, of: &[&str]| read(header, &[], SectionText::HeaderFields(names(of)));
        let header = "To: a,|\tb|Subject: s|TO :c|To-Do: x||body";
        assert_eq!(fields(header, &["subject", "to"]), "To: a,|\tb|Subject: s|TO :c||");
        assert_eq!(fields(header, &["cc"]), "|");
        assert_eq!(read(header, &[], SectionText::HeaderFieldsNot(names(&["To", "Subject"]))), "To-Do: x||");
        // Without a body there may be no blank line.
        assert_eq!(fields("To: a|", &["to"]), "To: a|");
        assert_eq!(fields("To: a|", &["cc"]), "");
        assert_eq!(fields("", &["cc"]), "");
        assert_eq!(fields("|", &["cc"]), "|");
        assert_eq!(fields("x\n", &["cc"]), "");
        assert_eq!(fields("To: a\n\nb", &["to"]), "To: a\n\n");
        assert_eq!(read(LETTER, &[2], SectionText::HeaderFields(names(&["x"]))), "X: y||");
        assert_eq!(read(LETTER, &[1], SectionText::HeaderFields(names(&["a"]))), "NIL");
    }

    #[test]
    fn names_of_answers() {
        let name = |part: &[u32], text, partial: Option<u64>, old_name| {
            let partial = partial.map(|origin| (origin, NonZeroU32::MIN));
            let section = Section { part: part.to_vec(), text };
            let mut out = Vec::new();
            section_name(&mut out, &SectionFetch { section, peek: true, partial, old_name });
            String::from_utf8(out).expect("ASCII")
        };
        let names = || vec![b"From".to_vec(), b"a b".to_vec()];
        assert_eq!(name(&[], SectionText::All, None, None), "BODY[]");
        assert_eq!(name(&[], SectionText::All, None, Some("RFC822")), "RFC822");
        assert_eq!(name(&[1, 2], SectionText::All, Some(9), None), "BODY[1.2]<9>");
        assert_eq!(name(&[1], SectionText::Mime, None, None), "BODY[1.MIME]");
        assert_eq!(name(&[], SectionText::Text, None, None), "BODY[TEXT]");
        assert_eq!(name(&[3], SectionText::Header, None, None), "BODY[3.HEADER]");
        assert_eq!(
            name(&[], SectionText::HeaderFields(names()), Some(0), None),
            "BODY[HEADER.FIELDS (From \"a b\")]<0>"
        );
        assert_eq!(
            name(&[2], SectionText::HeaderFieldsNot(names()), None, None),
            "BODY[2.HEADER.FIELDS.NOT (From \"a b\")]"
        );
    }
}
