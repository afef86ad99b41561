//! Letters made to fit servers that take less than they hold (RFC 6152 §3, RFC 3030 §3): the parts that don't fit are
//! encoded, each for itself, and every other octet stays. Text gets quoted-printable where most of it stays readable, all
//! else base64. What was signed as a part (RFC 1847) is never touched: such a letter can't be sent there.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use postern_model::mime::transfer::Decoder;
use postern_model::mime::{Content, Part, Scanner};

/// Longest line without its end (RFC 5322 §2.1.1).
const LONGEST_LINE: usize = 998;
/// Longest line that is written (RFC 2045 §6.7, §6.8).
const WRITTEN_LINE: usize = 76;
const ENCODING: &str = "Content-Transfer-Encoding";

/// What a server takes at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    /// ASCII lines.
    Seven,
    /// Lines.
    Eight,
}

/// Why a letter can't be made to fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unconvertible {
    #[error("a signed part of it would have to be changed, which would break the signature")]
    Signed,
    #[error("it holds other letters or parts in a way that leaves nothing to encode")]
    Composite,
    #[error("a part of it has a transfer encoding that is not known")]
    UnknownEncoding,
}

/// The letter as a server that takes `fit` may have it. Its last line may lack its end.
pub(super) fn convert(letter: &[u8], fit: Fit) -> Result<Vec<u8>, Unconvertible> {
    let mut scanner = Scanner::new();
    scanner.feed(letter);
    let facts = scanner.finish();
    let mut writer = Writer { letter, fit, out: Vec::with_capacity(letter.len() + letter.len() / 3) };
    writer.part(&facts.structure, true)?;
    Ok(writer.out)
}

struct Writer<'a> {
    letter: &'a [u8],
    fit: Fit,
    out: Vec<u8>,
}

impl Writer<'_> {
    fn part(&mut self, part: &Part, is_letter: bool) -> Result<(), Unconvertible> {
        let body = self.slice(part.body_start, part.body_end);
        match &part.content {
            Content::Multipart(_) if is_signed(part) => {
                if !self.fit.holds(body) {
                    return Err(Unconvertible::Signed);
                }
                self.header(part, self.relabelled(part), is_letter);
                self.out.extend_from_slice(body);
            }
            Content::Multipart(parts) => {
                self.header(part, self.relabelled(part), is_letter);
                let mut behind = part.body_start;
                for inner in parts {
                    self.between(behind, inner.header_start)?;
                    self.part(inner, false)?;
                    behind = inner.body_end;
                }
                self.between(behind, part.body_end)?;
            }
            Content::Message(message) => {
                self.header(part, self.relabelled(part), is_letter);
                self.part(&message.structure, true)?;
                self.between(message.structure.body_end, part.body_end)?;
            }
            Content::Leaf if self.fit.holds(body) => {
                self.header(part, self.relabelled(part), is_letter);
                self.out.extend_from_slice(body);
            }
            Content::Leaf if self.is_composite(part) => return Err(Unconvertible::Composite),
            Content::Leaf => self.encode(part, is_letter)?,
        }
        Ok(())
    }

    fn encode(&mut self, part: &Part, is_letter: bool) -> Result<(), Unconvertible> {
        let mut decoder =
            Decoder::new(part.encoding.as_deref()).map_err(|_| Unconvertible::UnknownEncoding)?;
        let mut decoded = Vec::new();
        decoder.push(self.slice(part.body_start, part.body_end), &mut decoded);
        decoder.finish(&mut decoded);
        let strange = decoded.iter().filter(|octet| !octet.is_ascii() || **octet == 0).count();
        if part.is_text() && strange * 4 <= decoded.len() {
            self.header(part, Some("quoted-printable"), is_letter);
            quoted_printable(&decoded, &mut self.out);
            let is_last = part.body_end == self.letter.len() as u64;
            if is_last && !decoded.ends_with(b"\r\n") {
                // The line end that the letter gets is none of the text's.
                self.out.extend_from_slice(b"=\r\n");
            }
        } else {
            self.header(part, Some("base64"), is_letter);
            base64(&decoded, &mut self.out);
        }
        Ok(())
    }

    /// What stands between parts: delimiters, and text that nobody reads (RFC 2046 §5.1.1).
    fn between(&mut self, from: u64, to: u64) -> Result<(), Unconvertible> {
        let text = self.slice(from, to);
        if self.fit == Fit::Eight || text.is_ascii() {
            self.out.extend_from_slice(text);
            return Ok(());
        }
        for line in text.split_inclusive(|octet| *octet == b'\n') {
            if line.starts_with(b"--") && !line.is_ascii() {
                return Err(Unconvertible::Composite);
            }
            self.out.extend(line.iter().map(|octet| if octet.is_ascii() { *octet } else { b'?' }));
        }
        Ok(())
    }

    /// Writes a part's header, with its encoding named anew where there is one to name.
    fn header(&mut self, part: &Part, encoding: Option<&str>, is_letter: bool) {
        let header = self.slice(part.header_start, part.body_start);
        let Some(encoding) = encoding else { return self.out.extend_from_slice(header) };
        let (mut dropping, mut has_version, mut blank) = (false, false, &b""[..]);
        for line in header.split_inclusive(|octet| *octet == b'\n') {
            if line == b"\r\n" || line == b"\n" {
                blank = line;
                break;
            }
            if !line.starts_with(b" ") && !line.starts_with(b"\t") {
                dropping = is_field(line, ENCODING);
                has_version |= is_field(line, "MIME-Version");
            }
            if !dropping {
                self.out.extend_from_slice(line);
            }
        }
        if is_letter && !has_version {
            self.out.extend_from_slice(b"MIME-Version: 1.0\r\n");
        }
        self.out.extend_from_slice(format!("{ENCODING}: {encoding}\r\n").as_bytes());
        self.out.extend_from_slice(blank);
    }

    /// The name of an encoding for a part that stays as it is, where its own promises too little.
    fn relabelled(&self, part: &Part) -> Option<&'static str> {
        let named = part.encoding.as_deref()?;
        match self.fit {
            Fit::Seven if is(named, "8bit") || is(named, "binary") => Some("7bit"),
            Fit::Eight if is(named, "binary") => Some("8bit"),
            _ => None,
        }
    }

    /// Whether it says that it is made of parts, though none can be told apart: such a part may not be encoded
    /// (RFC 2045 §6.4).
    fn is_composite(&self, part: &Part) -> bool {
        let header = self.slice(part.header_start, part.body_start);
        let mut types = postern_model::mime::fields(header).filter(|field| field.is("Content-Type"));
        types.any(|field| {
            let value = field.value.trim_ascii_start();
            ["multipart/", "message/"].iter().any(|kind| {
                value.get(..kind.len()).is_some_and(|head| head.eq_ignore_ascii_case(kind.as_bytes()))
            })
        })
    }

    fn slice<'a>(&self, from: u64, to: u64) -> &'a [u8]
    where
        Self: 'a,
    {
        let at = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX);
        self.letter.get(at(from)..at(to)).unwrap_or_default()
    }
}

impl Fit {
    /// Whether octets can go as they are: lines ended by CRLF, none too long, no NUL, and ASCII where that is asked.
    fn holds(self, octets: &[u8]) -> bool {
        let line_fits = |line: &[u8]| {
            let text = line.strip_suffix(b"\r\n").unwrap_or(line);
            text.len() <= LONGEST_LINE && !text.iter().any(|octet| matches!(octet, b'\r' | b'\n' | 0))
        };
        (self == Fit::Eight || octets.is_ascii())
            && octets.split_inclusive(|octet| *octet == b'\n').all(line_fits)
    }
}

fn is(named: &[u8], name: &str) -> bool {
    named.eq_ignore_ascii_case(name.as_bytes())
}

fn is_field(line: &[u8], name: &str) -> bool {
    let called = line.split(|octet| *octet == b':').next().unwrap_or_default();
    called.len() < line.len() && is(called.trim_ascii_end(), name)
}

fn is_signed(part: &Part) -> bool {
    let (kind, subtype) = part.media_type();
    is(kind, "multipart") && is(subtype, "signed")
}

/// RFC 2045 §6.7. CRLF ends a line; a CR or LF alone is an octet like others.
fn quoted_printable(text: &[u8], out: &mut Vec<u8>) {
    let (mut rest, mut column) = (text, 0);
    while let Some((&octet, tail)) = rest.split_first() {
        if rest.starts_with(b"\r\n") {
            out.extend_from_slice(b"\r\n");
            (rest, column) = (&rest[2..], 0);
            continue;
        }
        let ends_line = tail.is_empty() || tail.starts_with(b"\r\n");
        let stays = |column: usize| match octet {
            b'=' => false,
            // A dash at a line's beginning could make a delimiter of it.
            b'-' => column > 0,
            b' ' | b'\t' => !ends_line,
            _ => octet.is_ascii_graphic(),
        };
        let width = if stays(column) { 1 } else { 3 };
        if column + width >= WRITTEN_LINE {
            out.extend_from_slice(b"=\r\n");
            column = 0;
        }
        if stays(column) {
            out.push(octet);
            column += 1;
        } else {
            out.extend_from_slice(format!("={octet:02X}").as_bytes());
            column += 3;
        }
        rest = tail;
    }
}

fn base64(octets: &[u8], out: &mut Vec<u8>) {
    for (n, line) in octets.chunks(WRITTEN_LINE / 4 * 3).enumerate() {
        if n > 0 {
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(STANDARD.encode(line).as_bytes());
    }
}

#[cfg(test)]
#[path = "convert_tests.rs"]
mod tests;
