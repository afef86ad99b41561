//! Where a command ends: lines, literals within them (RFC 9051 §4.3, RFC 7888), and letters that are not held.

use std::ops::Range;

use memchr::memchr;
use postern_model::MailboxName;
use zeroize::Zeroize;

use super::drain::{Drain, Drained};
use super::literal::LiteralHeader;
use super::parser::{self, Letter};
use super::{Tag, Tagged};

/// How much a client may say.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Octets of a command with its literals, letters not counted.
    pub command: usize,
    /// Octets of one letter (`POSTERN_MESSAGE_SIZE`). A larger one is announced as any other: who hears of it says why
    /// it is refused.
    pub message: u64,
}

impl Limits {
    /// Before the login: a stranger may keep little.
    pub const STRANGER: Limits = Limits { command: 16 * 1024, message: 0 };
}

/// What a [`Framer`] has found. Bytes of the input up to here are used.
#[derive(Debug, PartialEq, Eq)]
pub enum Frame {
    /// A whole command.
    Command(Box<Tagged>),
    /// A line or command that no grammar has. What belonged to it is used; the next command begins behind it.
    Malformed(Malformed),
    /// A synchronising literal was announced and will be held: say `+`.
    Continue,
    /// A letter is announced; nothing of it has been used yet. [`Framer::accept`] or [`Framer::refuse`] is to be called
    /// before anything else.
    Message(Box<MessageLiteral>),
    /// These octets of the input are the letter's.
    Octets(Range<usize>),
    /// The letter has ended.
    MessageEnd,
    /// A refused letter, and whatever else the client sends for this command without waiting, has gone by.
    Drained,
    /// The client has announced more without waiting than is borne with: nothing behind this can be understood
    /// (RFC 7888 §4); say BYE.
    Hopeless,
}

/// A letter that is about to come.
#[derive(Debug, PartialEq, Eq)]
pub struct MessageLiteral {
    /// The command's tag.
    pub tag: Tag,
    /// Where the letter is to go.
    pub mailbox: MailboxName,
    /// Which letter of the command's it is, from 0.
    pub index: usize,
    /// Its octets, as announced.
    pub octets: u64,
    /// The client waits for `+`.
    pub synchronising: bool,
    /// A `literal8`.
    pub binary: bool,
}

/// Why a command could not be understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// Its tag, where it has one.
    pub tag: Option<Tag>,
    /// The octet at which it went wrong, counted from 0 at the command's beginning, letters not counted.
    pub at: usize,
    /// What should stand there: `a space`, `a mailbox name`, `an end of line`.
    pub expected: &'static str,
}

/// Literals of one command: each one of an APPEND has what stands before it read again.
const MOST_LITERALS: usize = 1_000;

/// Commands out of a stream of bytes. It owns memory only while a command is on its way.
///
/// ```text
///            a line that announces a literal
///   Line ──────────────┬── held ──> Held ──────────────────────────────┐
///    ^ ^               └── a letter ──> Announced ── accept ──> Letter ─┤
///    │ └──────────────────────────────────┬───────────────── all of it ─┘
///    │                                    └ refuse, the client does not wait
///    └── the command's end ── Draining <──┴── too long, or malformed before a literal that comes in any case
/// ```
#[derive(Debug, Default)]
pub struct Framer {
    /// The command so far: its lines with their CRLF and its held literals; nothing of its letters.
    buffer: Vec<u8>,
    /// Where in it the line begins that is being read.
    line: usize,
    /// Literals so far.
    literals: usize,
    state: State,
}

#[derive(Debug, Default)]
enum State {
    /// In a line, or between commands.
    #[default]
    Line,
    /// Octets of a held literal are still to come.
    Held(usize),
    /// [`Frame::Message`] has been said.
    Announced { octets: u64, synchronising: bool },
    /// Octets of an accepted letter are still to come.
    Letter(u64),
    /// The rest of a line goes by that is too long for [`Framer::line`].
    LongLine,
    /// A refused command goes by.
    Draining(Drain),
    /// [`Frame::Hopeless`] is to be said.
    Lost,
    /// It has been said.
    Dead,
}

/// What a step of the framer has come to.
enum Step {
    /// All input is used.
    More,
    /// There may be more in the input.
    Again,
    Found(Frame),
}

impl Framer {
    /// Takes some of `input` and says what it has found; `None`: all of it is used and more is needed. `utf8` is whether
    /// UTF8=ACCEPT (or IMAP4rev2) is enabled: names of folders are UTF-8 then, and not modified UTF-7.
    ///
    /// What it finds does not depend on how the stream was cut; only [`Frame::Octets`] comes in as many pieces as the
    /// input. A line ends in CRLF (RFC 9051 §2.2); a bare LF makes the command malformed and the next one begins behind
    /// it. A line that ends like a literal's announcement announces one, whatever stands before it.
    pub fn feed(&mut self, input: &[u8], limits: &Limits, utf8: bool) -> (usize, Option<Frame>) {
        let mut used = 0;
        loop {
            let rest = &input[used..];
            let (taken, step) = match &mut self.state {
                State::Line => self.in_line(rest, limits, utf8),
                State::Held(left) => {
                    let left = *left;
                    self.held(rest, left)
                }
                // Nothing may be read before the caller has decided; who forgets to decide has refused.
                State::Announced { .. } => {
                    self.refuse();
                    (0, Step::Again)
                }
                State::Letter(left) => {
                    let left = *left;
                    self.letter(rest, left, used)
                }
                State::Draining(drain) => {
                    let (taken, drained) = drain.feed(rest);
                    (taken, self.drained(drained))
                }
                State::LongLine => self.line_end_of_long(rest),
                State::Lost => {
                    self.state = State::Dead;
                    (0, Step::Found(Frame::Hopeless))
                }
                State::Dead => (rest.len(), Step::More),
            };
            used += taken;
            match step {
                Step::More => return (used, None),
                Step::Again => {}
                Step::Found(frame) => return (used, Some(frame)),
            }
        }
    }

    /// A bare line, for who waits for one: a response to AUTHENTICATE, or DONE. To be called between commands only.
    /// `Some(None)` is a line of more than `limit` octets (its CRLF not counted), or one that ends in a bare LF; all of
    /// it is used.
    pub fn line(&mut self, input: &[u8], limit: usize) -> (usize, Option<Option<Vec<u8>>>) {
        let end = memchr(b'\n', input).map(|at| at + 1);
        let taken = end.unwrap_or(input.len());
        if self.buffer.len() + taken > limit.saturating_add(2) {
            self.clear();
            self.state = State::LongLine;
        }
        if !matches!(self.state, State::LongLine) {
            self.hold(&input[..taken]);
        }
        if end.is_none() {
            return (taken, None);
        }
        if !self.buffer.ends_with(b"\r\n") {
            self.clear();
            return (taken, Some(None));
        }
        let mut line = std::mem::take(&mut self.buffer);
        line.truncate(line.len() - 2);
        (taken, Some(Some(line)))
    }

    /// The letter that was announced is wanted. The caller says `+` where the client waits for it.
    pub fn accept(&mut self) {
        if let State::Announced { octets, .. } = self.state {
            self.state = State::Letter(octets);
        }
    }

    /// The letter that was announced is not wanted: the command is answered now. Where the client did not wait, it goes
    /// by, with what else belongs to the command, until [`Frame::Drained`]; else the command is over at once.
    pub fn refuse(&mut self) {
        if let State::Announced { octets, synchronising } = self.state {
            self.give_up(octets, synchronising, None);
        }
    }

    /// The command whose literal was announced by [`Frame::Continue`] is answered now, before the literal has come: the
    /// client won't send it. Its tag, where it has one.
    pub fn abandon(&mut self) -> Option<Tag> {
        let tag = parser::tag_of(&self.buffer);
        self.clear();
        tag
    }

    /// Throws away what has come in: TLS begins.
    pub fn clear(&mut self) {
        // A password may stand in it.
        self.buffer.zeroize();
        *self = Framer::default();
    }

    /// Octets of memory that it owns.
    #[cfg(test)]
    pub(super) fn owned(&self) -> usize {
        self.buffer.capacity()
    }

    fn in_line(&mut self, input: &[u8], limits: &Limits, utf8: bool) -> (usize, Step) {
        let room = limits.command.saturating_sub(self.buffer.len());
        let window = &input[..input.len().min(room)];
        if let Some(at) = memchr(b'\n', window) {
            self.hold(&window[..=at]);
            return (at + 1, self.line_end(limits, utf8));
        }
        self.hold(window);
        if window.len() < room {
            return (window.len(), Step::More);
        }
        let failure = self.malformed(self.buffer.len(), "an end of the command: it is too long");
        let drain = Drain::in_line(&self.buffer[self.line..], Some(failure));
        self.clear();
        self.state = State::Draining(drain);
        (window.len(), Step::Again)
    }

    fn line_end(&mut self, limits: &Limits, utf8: bool) -> Step {
        let line = &self.buffer[self.line..];
        if !line.ends_with(b"\r\n") {
            let failure = self.malformed(self.buffer.len() - 1, "CRLF at the end of the line, not a bare LF");
            self.clear();
            return Step::Found(Frame::Malformed(failure));
        }
        if let Some(header) = LiteralHeader::at_end(line) {
            return self.literal(header, limits, utf8);
        }
        let frame = match parser::parse(&self.buffer, utf8) {
            Ok(tagged) => Frame::Command(Box::new(tagged)),
            Err(failure) => Frame::Malformed(failure),
        };
        self.clear();
        Step::Found(frame)
    }

    fn literal(&mut self, header: LiteralHeader, limits: &Limits, utf8: bool) -> Step {
        let at = self.buffer.len();
        self.line = at;
        self.literals += 1;
        let LiteralHeader { octets, synchronising, .. } = header;
        if self.literals > MOST_LITERALS {
            let failure = self.malformed(at, "a command with fewer literals");
            return self.give_up(octets, synchronising, Some(failure));
        }
        match parser::letter(&self.buffer, utf8) {
            Letter::None => {}
            Letter::Malformed(failure) => return self.give_up(octets, synchronising, Some(failure)),
            Letter::Announced(message) => {
                self.state = State::Announced { octets, synchronising };
                return Step::Found(Frame::Message(message));
            }
        }
        let fits = usize::try_from(octets).ok().filter(|n| *n <= limits.command.saturating_sub(at));
        let Some(left) = fits else {
            let failure = self.malformed(at, "a shorter literal");
            return self.give_up(octets, synchronising, Some(failure));
        };
        self.state = State::Held(left);
        if synchronising { Step::Found(Frame::Continue) } else { Step::Again }
    }

    fn held(&mut self, input: &[u8], left: usize) -> (usize, Step) {
        let taken = left.min(input.len());
        self.hold(&input[..taken]);
        if taken < left {
            self.state = State::Held(left - taken);
            return (taken, Step::More);
        }
        self.line = self.buffer.len();
        self.state = State::Line;
        (taken, Step::Again)
    }

    fn letter(&mut self, input: &[u8], left: u64, from: usize) -> (usize, Step) {
        if left == 0 {
            self.state = State::Line;
            return (0, Step::Found(Frame::MessageEnd));
        }
        let taken = usize::try_from(left).unwrap_or(usize::MAX).min(input.len());
        if taken == 0 {
            return (0, Step::More);
        }
        self.state = State::Letter(left - taken as u64);
        (taken, Step::Found(Frame::Octets(from..from + taken)))
    }

    fn line_end_of_long(&mut self, input: &[u8]) -> (usize, Step) {
        let Some(at) = memchr(b'\n', input) else { return (input.len(), Step::More) };
        self.state = State::Line;
        (at + 1, Step::Again)
    }

    fn drained(&mut self, drained: Drained) -> Step {
        match drained {
            Drained::More => Step::More,
            Drained::Hopeless => {
                self.state = State::Lost;
                Step::Again
            }
            Drained::Over => match std::mem::take(&mut self.state) {
                State::Draining(Drain { failure: Some(failure), .. }) => {
                    Step::Found(Frame::Malformed(failure))
                }
                _ => Step::Found(Frame::Drained),
            },
        }
    }

    /// The command is not wanted from a literal on: over at once where the client waits before it, else the literal and
    /// all that belongs to the command goes by.
    fn give_up(&mut self, octets: u64, synchronising: bool, failure: Option<Malformed>) -> Step {
        self.clear();
        if synchronising {
            return failure.map_or(Step::Again, |failure| Step::Found(Frame::Malformed(failure)));
        }
        self.state = Drain::at_literal(octets, failure).map_or(State::Lost, State::Draining);
        Step::Again
    }

    fn malformed(&self, at: usize, expected: &'static str) -> Malformed {
        Malformed { tag: parser::tag_of(&self.buffer), at, expected }
    }

    /// Adds to the buffer. Where it has to move, what it leaves is wiped: a password may stand in it.
    fn hold(&mut self, bytes: &[u8]) {
        let needed = self.buffer.len() + bytes.len();
        if needed > self.buffer.capacity() {
            let mut larger = Vec::with_capacity(needed.max(2 * self.buffer.capacity()));
            larger.extend_from_slice(&self.buffer);
            self.buffer.zeroize();
            self.buffer = larger;
        }
        self.buffer.extend_from_slice(bytes);
    }
}
