//! What is asked about a letter, and how Postern answers.

use std::fmt;

use postern::imap::data::{Piece, binary, body_structure, envelope, section, section_name};
use postern::imap::grammar::{Section, SectionFetch, SectionText};
use postern_model::mime::{Content, Facts, Part};

use super::Letter;
use super::value::Value;

/// An item of a FETCH.
#[derive(Debug)]
pub(super) enum Asked {
    Envelope,
    BodyStructure,
    Body,
    Size,
    Section(SectionFetch),
    Binary(Vec<u32>),
}

impl Asked {
    /// All that is asked about a letter: its parts too, and some that are not there.
    pub(super) fn about(facts: &Facts) -> Vec<Asked> {
        let names = |names: &[&str]| names.iter().map(|name| name.as_bytes().to_vec()).collect::<Vec<_>>();
        let mut asked = vec![Asked::Envelope, Asked::BodyStructure, Asked::Body, Asked::Size];
        for text in [
            SectionText::All,
            SectionText::Header,
            SectionText::Text,
            SectionText::HeaderFields(names(&["subject", "FROM", "X-Odd"])),
            SectionText::HeaderFieldsNot(names(&["to", "Date", "X-Odd"])),
        ] {
            asked.push(Asked::section(&[], text));
        }
        let mut parts = vec![vec![1], vec![99], vec![1, 99]];
        if !matches!(facts.structure.content, Content::Multipart(_)) {
            // Of a leaf in a multipart Dovecot takes it for the leaf itself.
            parts.push(vec![1, 1]);
        }
        number_parts(&facts.structure, &[], &mut parts);
        parts.sort();
        parts.dedup();
        for part in parts {
            for text in [
                SectionText::All,
                SectionText::Mime,
                SectionText::Header,
                SectionText::Text,
                SectionText::HeaderFields(names(&["subject"])),
            ] {
                asked.push(Asked::section(&part, text));
            }
            asked.push(Asked::Binary(part));
        }
        asked
    }

    fn section(part: &[u32], text: SectionText) -> Asked {
        let section = Section { part: part.to_vec(), text };
        Asked::Section(SectionFetch { section, peek: true, partial: None, old_name: None })
    }

    /// Whether it is a section that the letter does not have.
    pub(super) fn is_missing(&self, letter: &Letter) -> bool {
        matches!(self, Asked::Section(_) | Asked::Binary(_)) && self.ours(letter) == Value::Nil
    }

    /// What Postern tells.
    pub(super) fn ours(&self, letter: &Letter) -> Value {
        let mut out = Vec::new();
        match self {
            Asked::Envelope => envelope(&mut out, &letter.facts.envelope, false),
            Asked::BodyStructure => body_structure(&mut out, &letter.facts.structure, true, false),
            Asked::Body => body_structure(&mut out, &letter.facts.structure, false, false),
            Asked::Size => out.extend_from_slice(letter.facts.size().to_string().as_bytes()),
            Asked::Section(fetch) => return piece(letter, section(&letter.facts, &fetch.section)),
            Asked::Binary(part) => return decoded(letter, part),
        }
        let mut input = &out[..];
        let value = Value::read(&mut input);
        assert!(input.is_empty(), "{}: {}", letter.name, input.escape_ascii());
        value
    }
}

impl fmt::Display for Asked {
    /// As it is asked and answered, but for `.PEEK`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Asked::Envelope => f.write_str("ENVELOPE"),
            Asked::BodyStructure => f.write_str("BODYSTRUCTURE"),
            Asked::Body => f.write_str("BODY"),
            Asked::Size => f.write_str("RFC822.SIZE"),
            Asked::Section(fetch) => {
                let mut name = Vec::new();
                section_name(&mut name, fetch);
                f.write_str(&String::from_utf8_lossy(&name))
            }
            Asked::Binary(part) => {
                let numbers: Vec<String> = part.iter().map(u32::to_string).collect();
                write!(f, "BINARY[{}]", numbers.join("."))
            }
        }
    }
}

fn piece(letter: &Letter, piece: Option<Piece>) -> Value {
    let at = |range: &std::ops::Range<u64>| &letter.octets[range.start as usize..range.end as usize];
    match piece {
        None => Value::Nil,
        Some(Piece::Range(range)) => Value::Text(at(&range).to_vec()),
        Some(Piece::Header { range, filter }) => {
            let mut out = Vec::new();
            filter.apply(at(&range), &mut out);
            Value::Text(out)
        }
    }
}

fn decoded(letter: &Letter, part: &[u32]) -> Value {
    match binary(&letter.facts, part) {
        None => Value::Nil,
        Some(Err(_)) => Value::Refused,
        Some(Ok((range, mut decoder))) => {
            let mut out = Vec::new();
            decoder.push(&letter.octets[range.start as usize..range.end as usize], &mut out);
            decoder.finish(&mut out);
            Value::Text(out)
        }
    }
}

/// The numbers of all parts within `part`, which has the numbers `above`.
fn number_parts(part: &Part, above: &[u32], into: &mut Vec<Vec<u32>>) {
    match &part.content {
        Content::Leaf => {}
        Content::Multipart(parts) => {
            for (number, part) in (1..).zip(parts) {
                let numbers = [above, &[number]].concat();
                match &part.content {
                    Content::Message(message) => number_parts(&message.structure, &numbers, into),
                    _ => number_parts(part, &numbers, into),
                }
                into.push(numbers);
            }
        }
        // A letter that is a letter has itself as its part 1.
        Content::Message(message) => number_parts(&message.structure, &[above, &[1]].concat(), into),
    }
}
