//! A header block taken apart into fields (RFC 5322 §2.2), for the scanner and for the doors.

use memchr::memchr;

use super::MAX_FIELD;
use super::address::AddressList;

/// One field of a header block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    /// Its name, in the spelling of the letter.
    pub name: &'a [u8],
    /// What stands behind the colon, still folded, without the last line break.
    pub value: &'a [u8],
    /// All of it, with its line breaks.
    pub raw: &'a [u8],
}

impl Field<'_> {
    /// Whether it is called `name`, in any spelling (RFC 5322 §1.2.2).
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }
}

/// The fields of a header block, in their order, up to the blank line if there is one. Lines that are no field are
/// passed over (`>From …` of an old mail store), with the folded lines behind them.
pub fn fields(block: &[u8]) -> impl Iterator<Item = Field<'_>> {
    let mut rest = block;
    std::iter::from_fn(move || {
        loop {
            if rest.is_empty() || is_line_break(rest) {
                return None;
            }
            let (raw, tail) = rest.split_at(folded_length(rest));
            rest = tail;
            if let Some(field) = field(raw) {
                return Some(field);
            }
        }
    })
}

/// Where the body begins: behind the first blank line. `None` where all of `letter` is header.
pub fn header_end(letter: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let line = &letter[at..];
        let length = memchr(b'\n', line)? + 1;
        at += length;
        if is_line_break(line) {
            return Some(at);
        }
    }
}

/// The text of a field in one line: without line breaks (RFC 5322 §2.2.3), NUL, and white space at its ends.
pub fn unfold(value: &[u8]) -> Vec<u8> {
    let value = value.iter().copied().filter(|octet| !matches!(octet, b'\r' | b'\n' | 0));
    value.collect::<Vec<u8>>().trim_ascii().to_vec()
}

/// The message ids in a field, without their angle brackets (RFC 5322 §3.6.4); what stands between them is passed
/// over.
pub fn message_ids(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = value;
    std::iter::from_fn(move || {
        loop {
            rest = &rest[memchr(b'<', rest)? + 1..];
            let end = rest.iter().position(|octet| matches!(octet, b'<' | b'>' | b' ' | b'\t'))?;
            let (id, tail) = rest.split_at(end);
            rest = tail;
            if tail[0] == b'>' && !id.is_empty() {
                return Some(id);
            }
        }
    })
}

/// What a door asks of a header before it takes the letter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeaderSummary {
    /// Received fields: hops so far (RFC 5321 §6.3).
    pub received: usize,
    /// Date fields.
    pub date: usize,
    /// Message-ID fields.
    pub message_id: usize,
    /// From fields; a letter has one (RFC 5322 §3.6).
    pub from: usize,
    /// Sender fields.
    pub sender: usize,
    /// The addresses in the From fields, all of them.
    pub from_addresses: AddressList,
    /// The addresses in the Sender fields, all of them.
    pub sender_addresses: AddressList,
    /// Some octet is above 127 (RFC 6532).
    pub has_8bit: bool,
}

impl HeaderSummary {
    /// Reads a header block. A From or Sender field longer than [`MAX_FIELD`] leaves its list not well-formed.
    pub fn of(block: &[u8]) -> HeaderSummary {
        let mut summary = HeaderSummary { has_8bit: !block.is_ascii(), ..HeaderSummary::default() };
        for field in fields(block) {
            if field.is("received") {
                summary.received += 1;
            } else if field.is("date") {
                summary.date += 1;
            } else if field.is("message-id") {
                summary.message_id += 1;
            } else if field.is("from") {
                summary.from += 1;
                summary.from_addresses.append(field.value);
            } else if field.is("sender") {
                summary.sender += 1;
                summary.sender_addresses.append(field.value);
            }
        }
        summary
    }
}

/// The first [`MAX_FIELD`] octets.
pub(super) fn cut(value: &[u8]) -> &[u8] {
    &value[..value.len().min(MAX_FIELD)]
}

fn is_line_break(text: &[u8]) -> bool {
    text.starts_with(b"\r\n") || text.starts_with(b"\n")
}

/// Octets of the line at the beginning of `text` and of the folded lines that go on with it.
fn folded_length(text: &[u8]) -> usize {
    let mut at = 0;
    while let Some(end) = memchr(b'\n', &text[at..]) {
        at += end + 1;
        if !matches!(text.get(at), Some(b' ' | b'\t')) {
            return at;
        }
    }
    text.len()
}

fn field(raw: &[u8]) -> Option<Field<'_>> {
    let colon = memchr(b':', raw)?;
    // RFC 5322 §4.5: white space before the colon, as old programs wrote it.
    let name = raw[..colon].trim_ascii_end();
    if name.is_empty() || !name.iter().all(u8::is_ascii_graphic) {
        return None;
    }
    let value = &raw[colon + 1..];
    let value = value.strip_suffix(b"\n").unwrap_or(value);
    Some(Field { name, value: value.strip_suffix(b"\r").unwrap_or(value), raw })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names_and_values(block: &str) -> Vec<(String, String)> {
        let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
        fields(block.as_bytes()).map(|f| (text(f.name), text(&unfold(f.value)))).collect()
    }

    #[test]
    fn fields_are_found_in_odd_blocks() {
        let cases: &[(&str, &[(&str, &str)])] = &[
            ("", &[]),
            ("\r\nSubject: body\r\n", &[]),
            ("Subject: a\r\n\r\nTo: b\r\n", &[("Subject", "a")]),
            ("Subject: a\n\tb\n  c\nTo: d\n", &[("Subject", "a\tb  c"), ("To", "d")]),
            ("SUBJECT :a", &[("SUBJECT", "a")]),
            (">From x Mon\r\n folded: y\r\nTo: d\r\n", &[("To", "d")]),
            (" lost: x\r\nTo: d\r\n", &[("To", "d")]),
            ("no colon\r\nTo: d\r\n", &[("To", "d")]),
            ("two words: x\r\n: y\r\nTo:\r\n", &[("To", "")]),
            ("To: a\r\n \r\nCc: b\r\n", &[("To", "a"), ("Cc", "b")]),
        ];
        for (block, wanted) in cases {
            let wanted: Vec<_> = wanted.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
            assert_eq!(names_and_values(block), wanted, "{block:?}");
        }
    }

    #[test]
    fn raw_fields_put_together_are_the_block() {
        let block = b"A: 1\r\n 2\r\nB: 3\n\tx\r\nC:";
        let raw: Vec<u8> = fields(block).flat_map(|f| f.raw.to_vec()).collect();
        assert_eq!(raw, block);
    }

    #[test]
    fn the_header_ends_behind_the_first_blank_line() {
        assert_eq!(header_end(b"A: 1\r\n\r\nx\r\n\r\n"), Some(8));
        assert_eq!(header_end(b"A: 1\n\nx"), Some(6));
        assert_eq!(header_end(b"\r\nx"), Some(2));
        assert_eq!(header_end(b"A: 1\r\n"), None);
        assert_eq!(header_end(b""), None);
    }

    #[test]
    fn message_ids_are_found_between_other_text() {
        let ids = |text: &'static str| message_ids(text.as_bytes()).collect::<Vec<_>>();
        assert_eq!(ids("<a@b> (was: x) <c@d><e@f>"), [b"a@b", b"c@d", b"e@f"]);
        assert_eq!(ids("Your letter <a b> of <<c@d> <"), [b"c@d"]);
        assert!(ids("<> none").is_empty());
    }

    #[test]
    fn a_summary_counts_what_doors_ask_for() {
        let block = b"Received: x\r\nRECEIVED: y\r\nfrom: A <a@x.test>, b@x.test\r\nFrom: c@x.test\r\n\
            Date: now\r\nX-From: no\r\n\r\nFrom: d@x.test\r\n";
        let summary = HeaderSummary::of(block);
        assert_eq!((summary.received, summary.from, summary.date), (2, 2, 1));
        assert_eq!((summary.message_id, summary.sender), (0, 0));
        let from: Vec<_> =
            summary.from_addresses.mailboxes().map(|m| m.email().expect("an address")).collect();
        assert_eq!(
            from.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["a@x.test", "b@x.test", "c@x.test"]
        );
        assert!(summary.from_addresses.well_formed && !summary.has_8bit);
    }
}
