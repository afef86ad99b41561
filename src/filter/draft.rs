//! A letter that filters change, one after the other: its header line by line, each kept or new, and its body.
//!
//! Fields are numbered from 1, as milters do. What comes of it all is told as [`Edits`] of the letter that it was.

use std::borrow::Cow;
use std::ops::Range;

use memchr::memchr;
use postern_model::mime::header_end;

use super::failure::Failure;
use crate::inbound::Edits;

/// Octets that filters may add to a header.
const HEADER_MOST: usize = 256 << 10;
/// The longest field name (RFC 5322 §2.1.1 leaves no room for a longer one).
const NAME_LONGEST: usize = 998;

/// A letter and what has been changed of it.
#[derive(Clone, Debug)]
pub(super) struct Draft<'a> {
    letter: &'a [u8],
    /// Where the blank line begins, or the letter ends.
    blank: usize,
    lines: Vec<Line>,
    /// Octets that were added to the header.
    grown: usize,
    body: Option<Vec<u8>>,
}

/// A header line with all that is folded behind it.
#[derive(Clone, Debug)]
enum Line {
    Kept(Range<usize>),
    New(Vec<u8>),
}

impl<'a> Draft<'a> {
    /// A letter as it came.
    pub(super) fn new(letter: &'a [u8]) -> Draft<'a> {
        let body = header_end(letter).unwrap_or(letter.len());
        let blank = match &letter[..body] {
            header if header.ends_with(b"\n\r\n") || header == b"\r\n" => body - 2,
            header if header.ends_with(b"\n\n") || header == b"\n" => body - 1,
            _ => body,
        };
        let (mut lines, mut at): (Vec<Line>, usize) = (Vec::new(), 0);
        while at < blank {
            let next = memchr(b'\n', &letter[at..blank]).map_or(blank, |length| at + length + 1);
            match lines.last_mut() {
                Some(Line::Kept(line)) if matches!(letter[at], b' ' | b'\t') => line.end = next,
                _ => lines.push(Line::Kept(at..next)),
            }
            at = next;
        }
        Draft { letter, blank, lines, grown: 0, body: None }
    }

    /// The whole letter as it is now.
    pub(super) fn octets(&self) -> Cow<'_, [u8]> {
        if self.grown == 0 && self.body.is_none() && self.kept() == self.blank {
            return Cow::Borrowed(self.letter);
        }
        let mut octets = Vec::with_capacity(self.letter.len() + self.grown);
        self.lines.iter().for_each(|line| octets.extend_from_slice(self.text(line)));
        let body = self.letter.len().min(self.body_at());
        octets.extend_from_slice(&self.letter[self.blank..body]);
        octets.extend_from_slice(self.body());
        Cow::Owned(octets)
    }

    /// What stands behind the blank line now.
    pub(super) fn body(&self) -> &[u8] {
        self.body.as_deref().unwrap_or(&self.letter[self.body_at()..])
    }

    /// Puts another body in its place.
    pub(super) fn set_body(&mut self, body: Vec<u8>) {
        self.body = Some(body);
    }

    /// All fields: name, and what stands behind the colon without the last line break.
    pub(super) fn fields(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.lines.iter().filter_map(|line| field(self.text(line)))
    }

    /// Adds a field behind all others. `value` stands behind the colon as it is.
    ///
    /// # Errors
    /// [`Failure::Garbage`] where it is no field, or too much has been added.
    pub(super) fn add(&mut self, name: &[u8], value: &[u8]) -> Result<(), Failure> {
        self.put(self.lines.len(), name, value)
    }

    /// Puts a field before the `index`-th; before all where that is 0, behind all where there are fewer.
    ///
    /// # Errors
    /// As [`Draft::add`].
    pub(super) fn insert(&mut self, index: usize, name: &[u8], value: &[u8]) -> Result<(), Failure> {
        let at = self.places(|_| true).nth(index.saturating_sub(1));
        self.put(if index <= 1 { 0 } else { at.unwrap_or(self.lines.len()) }, name, value)
    }

    /// Gives the `index`-th field of this name another value; where there are fewer, it is added.
    ///
    /// # Errors
    /// As [`Draft::add`].
    pub(super) fn change(&mut self, index: usize, name: &[u8], value: &[u8]) -> Result<(), Failure> {
        match self.place(index, name) {
            Some(at) => {
                self.put(at, name, value)?;
                self.lines.remove(at + 1);
                Ok(())
            }
            None => self.add(name, value),
        }
    }

    /// Takes the `index`-th field of this name out, where there is one.
    pub(super) fn remove(&mut self, index: usize, name: &[u8]) {
        if let Some(at) = self.place(index, name) {
            self.lines.remove(at);
        }
    }

    /// How many fields have this name.
    pub(super) fn count(&self, name: &[u8]) -> usize {
        self.places(|other| other.eq_ignore_ascii_case(name)).count()
    }

    /// Takes out all fields whose name is one of these.
    pub(super) fn remove_all(&mut self, is: impl Fn(&[u8]) -> bool) {
        let letter = self.letter;
        self.lines.retain(|line| !field(text(letter, line)).is_some_and(|(name, _)| is(name)));
    }

    /// What has become of the letter.
    pub(super) fn into_edits(self) -> Edits {
        let mut edits = Edits { body: self.body, ..Edits::default() };
        // Everything of the letter before this is dealt with.
        let mut at = 0;
        for line in self.lines {
            match line {
                Line::Kept(line) => {
                    leave_out(&mut edits.removed, at..line.start);
                    at = line.end;
                }
                Line::New(line) if at == 0 => edits.front.extend(line),
                Line::New(line) => match edits.inserted.last_mut() {
                    Some((place, lines)) if *place == at => lines.extend(line),
                    _ => edits.inserted.push((at, line)),
                },
            }
        }
        leave_out(&mut edits.removed, at..self.blank);
        edits
    }

    fn put(&mut self, at: usize, name: &[u8], value: &[u8]) -> Result<(), Failure> {
        let line = line(name, value).ok_or_else(|| Failure::garbage("a field's name that is none"))?;
        self.grown += line.len();
        if self.grown > HEADER_MOST {
            return Err(Failure::garbage(format!("more than {HEADER_MOST} octets of new fields")));
        }
        self.lines.insert(at, Line::New(line));
        Ok(())
    }

    fn place(&self, index: usize, name: &[u8]) -> Option<usize> {
        self.places(|other| other.eq_ignore_ascii_case(name)).nth(index.saturating_sub(1))
    }

    /// Where in `lines` the fields of such a name are.
    fn places(&self, is: impl Fn(&[u8]) -> bool) -> impl Iterator<Item = usize> {
        let fields = self.lines.iter().enumerate();
        fields.filter_map(move |(at, line)| {
            field(self.text(line)).is_some_and(|(name, _)| is(name)).then_some(at)
        })
    }

    fn body_at(&self) -> usize {
        match self.letter.get(self.blank) {
            Some(b'\r') => self.blank + 2,
            Some(_) => self.blank + 1,
            None => self.letter.len(),
        }
    }

    /// Octets of the header that are still there.
    fn kept(&self) -> usize {
        let length = |line: &Line| if let Line::Kept(range) = line { range.len() } else { 0 };
        self.lines.iter().map(length).sum()
    }

    fn text<'l>(&'l self, line: &'l Line) -> &'l [u8] {
        text(self.letter, line)
    }
}

fn text<'l>(letter: &'l [u8], line: &'l Line) -> &'l [u8] {
    match line {
        Line::Kept(range) => &letter[range.clone()],
        Line::New(line) => line,
    }
}

fn leave_out(removed: &mut Vec<Range<usize>>, range: Range<usize>) {
    match removed.last_mut() {
        _ if range.is_empty() => {}
        Some(last) if last.end == range.start => last.end = range.end,
        _ => removed.push(range),
    }
}

/// A line's name and value; `None` where it is no field.
fn field(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = memchr(b':', line)?;
    // RFC 5322 §4.5.8 lets white space stand before the colon.
    let name = line[..colon].trim_ascii_end();
    let value = &line[colon + 1..];
    let value = value.strip_suffix(b"\n").unwrap_or(value);
    is_name(name).then(|| (name, value.strip_suffix(b"\r").unwrap_or(value)))
}

/// RFC 5322 §3.6.8 `field-name`
fn is_name(name: &[u8]) -> bool {
    !name.is_empty()
        && name.len() <= NAME_LONGEST
        && name.iter().all(|octet| matches!(octet, b'!'..=b'~') && *octet != b':')
}

/// A whole header line: lines of the value end with CRLF and are folded, whatever they were like.
fn line(name: &[u8], value: &[u8]) -> Option<Vec<u8>> {
    if !is_name(name) {
        return None;
    }
    let mut line = [name, b":"].concat();
    let mut parts = value.split(|octet| *octet == b'\n').map(|part| part.trim_ascii_end());
    line.extend(clean(parts.next().unwrap_or_default()));
    for part in parts.filter(|part| !part.is_empty()) {
        line.extend_from_slice(b"\r\n");
        if !matches!(part[0], b' ' | b'\t') {
            line.push(b'\t');
        }
        line.extend(clean(part));
    }
    line.extend_from_slice(b"\r\n");
    Some(line)
}

fn clean(part: &[u8]) -> impl Iterator<Item = u8> {
    part.iter().copied().filter(|octet| !matches!(octet, b'\r' | 0))
}
