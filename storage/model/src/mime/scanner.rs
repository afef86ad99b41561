//! The scanner itself: lines in, a tree of parts out.
//!
//! ```text
//!            blank line                      delimiter of an open multipart
//!   Header ──────────────▶ Body ────────────────────────────────────────────▶ Header of the next part
//!      ▲                    │                                   or, behind `--boundary--`, Body (epilogue)
//!      └────────────────────┘
//!       message/rfc822: the header of the letter in it
//! ```
//!
//! Open parts lie on a stack, the letter itself at the bottom. A delimiter of any open multipart ends all that lies
//! above that multipart, in a header too (RFC 2046 §5.1.2). Outside of multiparts body lines are only counted.

use memchr::{memchr, memchr_iter};

use super::entity::{Budget, Kind, read_envelope, read_part, read_references};
use super::facts::{Content, Envelope, Facts, Message, Octets, Part};
use super::{MAX_BOUNDARY, MAX_DEPTH, MAX_HEADER, MAX_PARTS};

/// Octets of a line that are looked at: a delimiter with its dashes, and some white space.
const LINE_HEAD: usize = MAX_BOUNDARY + 56;

/// Finds the [`Facts`] of a letter that is fed to it in pieces; where the pieces are cut makes no difference.
///
/// It holds at most one header block ([`MAX_HEADER`]), the head of one line, and the facts found so far.
pub struct Scanner {
    /// Where the current line begins.
    line: Mark,
    /// Octets of the current line so far.
    line_length: u64,
    /// Its first octets, where it began in an earlier piece.
    head: Vec<u8>,
    /// The last octet fed.
    last: u8,
    /// Octets of the line break before the current line.
    line_break: u64,
    state: State,
    /// The header block that is being read.
    header: Vec<u8>,
    stack: Vec<Open>,
    /// Some multipart on the stack still expects delimiters.
    watches: bool,
    parts: usize,
    budget: Budget,
    references: Vec<Octets>,
    has_8bit: bool,
    needs_utf8: bool,
    has_nul: bool,
}

/// A place in the letter.
#[derive(Clone, Copy, Debug, Default)]
struct Mark {
    offset: u64,
    /// Line feeds before it.
    lines: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Header,
    Body,
}

/// A part that has not ended yet.
struct Open {
    header_start: u64,
    /// It is a whole letter: it has an envelope.
    is_letter: bool,
    in_digest: bool,
    /// What its header said; nothing until that has ended.
    part: Part,
    body: Mark,
    envelope: Envelope,
    /// Where it is a multipart that expects delimiters, or did.
    multipart: Option<Multipart>,
    parts: Vec<Part>,
    message: Option<Box<Message>>,
}

struct Multipart {
    boundary: Vec<u8>,
    is_digest: bool,
    /// The closing delimiter has passed.
    closed: bool,
}

/// A delimiter line (RFC 2046 §5.1.1).
struct Delimiter {
    /// The multipart it belongs to, counted from the stack's bottom.
    depth: usize,
    closes: bool,
}

impl Default for Scanner {
    fn default() -> Scanner {
        Scanner::new()
    }
}

impl Scanner {
    /// A scanner at the beginning of a letter.
    pub fn new() -> Scanner {
        Scanner {
            line: Mark::default(),
            line_length: 0,
            head: Vec::new(),
            last: 0,
            line_break: 0,
            state: State::Header,
            header: Vec::new(),
            stack: vec![Open::new(0, true, false)],
            watches: false,
            parts: 1,
            budget: Budget::new(),
            references: Vec::new(),
            has_8bit: false,
            needs_utf8: false,
            has_nul: false,
        }
    }

    /// Takes the next piece of the letter.
    pub fn feed(&mut self, piece: &[u8]) {
        self.has_8bit = self.has_8bit || !piece.is_ascii();
        self.has_nul = self.has_nul || memchr(0, piece).is_some();
        let mut rest = piece;
        while !rest.is_empty() {
            if self.state == State::Body && !self.watches {
                return self.count(rest);
            }
            match memchr(b'\n', rest) {
                Some(end) => {
                    let (line, tail) = rest.split_at(end + 1);
                    self.end_line(line);
                    rest = tail;
                }
                None => return self.begin_line(rest),
            }
        }
    }

    /// The letter has ended.
    pub fn finish(mut self) -> Facts {
        let head = std::mem::take(&mut self.head);
        let end = Mark { offset: self.line.offset + self.line_length, lines: self.line.lines };
        // The last line may be a delimiter without a line break.
        if let Some(delimiter) = self.delimiter(&head) {
            self.delimit(&delimiter, end);
        }
        let (envelope, structure) = self.close_all(end);
        Facts {
            envelope,
            structure,
            references: self.references,
            has_8bit: self.has_8bit,
            needs_utf8: self.needs_utf8,
            has_nul: self.has_nul,
        }
    }

    /// Passes over octets of a body in which no delimiter can stand; only a line's end brings the scanner there.
    fn count(&mut self, piece: &[u8]) {
        self.line.lines += memchr_iter(b'\n', piece).count() as u64;
        self.line.offset += piece.len() as u64;
    }

    /// Takes octets of a line that ends in a later piece.
    fn begin_line(&mut self, piece: &[u8]) {
        self.keep_header(piece);
        let wanted = LINE_HEAD - self.head.len();
        self.head.extend_from_slice(&piece[..piece.len().min(wanted)]);
        self.line_length += piece.len() as u64;
        self.last = piece.last().copied().unwrap_or(self.last);
    }

    /// Takes the last octets of a line, with its line feed.
    fn end_line(&mut self, piece: &[u8]) {
        let before_feed = if piece.len() > 1 { piece[piece.len() - 2] } else { self.last };
        let line_break = if before_feed == b'\r' { 2 } else { 1 };
        if self.line_length == 0 {
            self.keep_header(piece);
            self.whole_line(piece, piece.len() as u64, line_break);
        } else {
            self.begin_line(piece);
            let mut head = std::mem::take(&mut self.head);
            self.whole_line(&head, self.line_length, line_break);
            head.clear();
            self.head = head;
        }
        self.line_length = 0;
        self.last = b'\n';
    }

    /// Takes a line of `length` octets that begins with `head` and ends with `line_break` octets of line break.
    fn whole_line(&mut self, head: &[u8], length: u64, line_break: u64) {
        let next = Mark { offset: self.line.offset + length, lines: self.line.lines + 1 };
        if let Some(delimiter) = self.delimiter(head) {
            self.delimit(&delimiter, next);
        } else if self.state == State::Header && length == line_break {
            self.end_header(next, next);
        }
        self.line = next;
        self.line_break = line_break;
    }

    fn keep_header(&mut self, piece: &[u8]) {
        if self.state == State::Header {
            self.needs_utf8 = self.needs_utf8 || !piece.is_ascii();
            let wanted = MAX_HEADER - self.header.len();
            self.header.extend_from_slice(&piece[..piece.len().min(wanted)]);
        }
    }

    /// Which delimiter a line is, if any. An exact match counts more than a boundary that the line only begins
    /// with (which RFC 2046 §5.1.1 calls sufficient), a longer boundary more than a shorter one, an inner more than
    /// an outer one.
    fn delimiter(&self, head: &[u8]) -> Option<Delimiter> {
        if !self.watches || !head.starts_with(b"--") {
            return None;
        }
        let head = &head[2..head.len().min(LINE_HEAD)];
        let line = head.trim_ascii_end();
        let multiparts = || {
            let open = self.stack.iter().enumerate().rev();
            open.filter_map(|(depth, open)| open.multipart.as_ref().map(|multipart| (depth, multipart)))
        };
        let exact = |multipart: &Multipart| matches!(behind(line, multipart), Some(b"" | b"--"));
        if let Some((depth, multipart)) =
            multiparts().find(|(_, multipart)| !multipart.closed && exact(multipart))
        {
            return Some(Delimiter { depth, closes: behind(line, multipart) == Some(b"--") });
        }
        // What repeats a delimiter of a closed multipart is epilogue, though an outer boundary may begin it.
        if multiparts().any(|(_, multipart)| exact(multipart)) {
            return None;
        }
        let begun = multiparts().filter(|(_, m)| !m.closed && head.starts_with(&m.boundary));
        let (depth, multipart) = begun.rev().max_by_key(|(_, multipart)| multipart.boundary.len())?;
        Some(Delimiter { depth, closes: behind(head, multipart).is_some_and(|rest| rest.starts_with(b"--")) })
    }

    /// The current line is `delimiter`, and the next one begins at `next`.
    fn delimit(&mut self, delimiter: &Delimiter, next: Mark) {
        // RFC 2046 §5.1.1: the line break before the delimiter belongs to it.
        let end = Mark {
            offset: self.line.offset - self.line_break,
            lines: self.line.lines - u64::from(self.line_break > 0),
        };
        self.close_above(delimiter.depth, end, self.line);
        self.state = State::Body;
        let is_full = self.parts >= MAX_PARTS;
        let Some(multipart) = self.stack.last_mut().and_then(|open| open.multipart.as_mut()) else { return };
        let in_digest = multipart.is_digest;
        multipart.closed = delimiter.closes || is_full;
        if multipart.closed {
            self.watch();
        } else {
            self.open(next, false, in_digest);
        }
    }

    /// Begins a part whose header starts at `at`.
    fn open(&mut self, at: Mark, is_letter: bool, in_digest: bool) {
        self.parts += 1;
        self.stack.push(Open::new(at.offset, is_letter, in_digest));
        self.state = State::Header;
        self.header.clear();
    }

    /// The header of the innermost part has ended, its body begins at `body`; `next` is where reading goes on.
    fn end_header(&mut self, body: Mark, next: Mark) {
        let block = std::mem::take(&mut self.header);
        let has_room = self.stack.len() < MAX_DEPTH && self.parts < MAX_PARTS;
        let is_outermost = self.stack.len() == 1;
        self.state = State::Body;
        let Some(open) = self.stack.last_mut() else { return };
        if open.is_letter {
            open.envelope = read_envelope(&block, &mut self.budget);
        }
        if is_outermost {
            self.references = read_references(&block, &mut self.budget);
        }
        let (mut part, kind) = read_part(&block, open.in_digest, &mut self.budget);
        if kind != Kind::Leaf && !has_room {
            part.media_type = None;
        }
        open.part = part;
        open.body = body;
        match kind {
            Kind::Multipart { boundary, is_digest } if has_room => {
                open.multipart = Some(Multipart { boundary, is_digest, closed: false });
                self.watch();
            }
            Kind::Message if has_room => self.open(next, true, false),
            _ => {}
        }
    }

    /// Ends all parts above `depth` at `end`, which lies before the line break in front of `stop`.
    fn close_above(&mut self, depth: usize, mut end: Mark, stop: Mark) {
        while self.stack.len() > depth + 1 {
            end = self.close(end, stop);
        }
        self.watch();
    }

    /// Ends the innermost part; returns where it ended. That is behind `end` where already the blank line of its
    /// header is the line break that belongs to the delimiter.
    fn close(&mut self, end: Mark, stop: Mark) -> Mark {
        while self.state == State::Header {
            self.end_header(stop, stop);
        }
        let Some(open) = self.stack.pop() else { return end };
        let end = if open.body.offset > end.offset { open.body } else { end };
        let is_letter = open.is_letter;
        let (envelope, part) = open.close(end);
        if let Some(parent) = self.stack.last_mut() {
            if is_letter {
                parent.message = Some(Box::new(Message { envelope, structure: part }));
            } else {
                parent.parts.push(part);
            }
        }
        end
    }

    fn close_all(&mut self, end: Mark) -> (Envelope, Part) {
        while self.state == State::Header {
            self.end_header(end, end);
        }
        self.close_above(0, end, end);
        match self.stack.pop() {
            Some(open) => open.close(end),
            None => Open::new(0, true, false).close(end),
        }
    }

    fn watch(&mut self) {
        self.watches = self.stack.iter().any(|open| open.multipart.as_ref().is_some_and(|m| !m.closed));
    }
}

impl Open {
    fn new(header_start: u64, is_letter: bool, in_digest: bool) -> Open {
        Open {
            header_start,
            is_letter,
            in_digest,
            part: Part::default(),
            body: Mark::default(),
            envelope: Envelope::default(),
            multipart: None,
            parts: Vec::new(),
            message: None,
        }
    }

    fn close(self, end: Mark) -> (Envelope, Part) {
        let mut part = self.part;
        part.header_start = self.header_start;
        part.body_start = self.body.offset;
        part.body_end = end.offset;
        part.lines = end.lines - self.body.lines;
        part.content = match self.message {
            Some(message) => Content::Message(message),
            None if !self.parts.is_empty() => Content::Multipart(self.parts),
            None => Content::Leaf,
        };
        if self.multipart.is_some() && part.content == Content::Leaf {
            // RFC 9051 §9 (body-type-mpart) wants one part at least: without one it is shown as the text it is.
            part.media_type = None;
        }
        (self.envelope, part)
    }
}

/// What stands behind the boundary in a line that begins with it.
fn behind<'a>(line: &'a [u8], multipart: &Multipart) -> Option<&'a [u8]> {
    line.strip_prefix(&multipart.boundary[..])
}
