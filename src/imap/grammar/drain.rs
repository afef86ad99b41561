//! What a client sends of a command that is refused already, without waiting: it has to go by before the next command can
//! be told from it (RFC 7888 §4).

use memchr::memchr;

use super::framer::Malformed;
use super::literal::LiteralHeader;

/// The most octets of one refused command that go by: beyond that the connection is not worth keeping.
pub(super) const MOST: u64 = 64 * 1024 * 1024;

/// What has come of a [`Drain`].
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Drained {
    /// It goes on.
    More,
    /// The command is over.
    Over,
    /// More than [`MOST`].
    Hopeless,
}

/// A refused command on its way by. It keeps the end of a line, to see a literal announced there.
#[derive(Debug)]
pub(super) struct Drain {
    /// Octets of a literal that are still to come.
    literal: u64,
    /// The last octets of the line.
    tail: Vec<u8>,
    /// Octets that may still go by.
    left: u64,
    /// What is to be answered in the end; `None` where the caller has answered already.
    pub(super) failure: Option<Malformed>,
}

impl Drain {
    /// Begins within a line whose last octets are these.
    pub(super) fn in_line(line: &[u8], failure: Option<Malformed>) -> Drain {
        let mut drain = Drain { literal: 0, tail: Vec::new(), left: MOST, failure };
        drain.keep(line);
        drain
    }

    /// Begins at a literal; `None`: it is too large.
    pub(super) fn at_literal(octets: u64, failure: Option<Malformed>) -> Option<Drain> {
        let mut drain = Drain::in_line(&[], failure);
        drain.announce(octets).then_some(drain)
    }

    /// Lets some of `input` go by; says how many octets of it.
    pub(super) fn feed(&mut self, input: &[u8]) -> (usize, Drained) {
        let mut used = 0;
        loop {
            let skipped = usize::try_from(self.literal).unwrap_or(usize::MAX).min(input.len() - used);
            self.literal -= skipped as u64;
            used += skipped;
            let rest = &input[used..];
            if rest.is_empty() {
                return (used, Drained::More);
            }
            let end = memchr(b'\n', rest).map(|at| at + 1);
            let line = &rest[..end.unwrap_or(rest.len())];
            used += line.len();
            if !self.spend(line.len() as u64) {
                return (used, Drained::Hopeless);
            }
            self.keep(line);
            if end.is_none() {
                return (used, Drained::More);
            }
            // A client that waits for `+` is answered by the end of the command, and goes no further.
            let literal = LiteralHeader::at_end(&self.tail).filter(|header| !header.synchronising);
            let Some(literal) = literal else { return (used, Drained::Over) };
            if !self.announce(literal.octets) {
                return (used, Drained::Hopeless);
            }
        }
    }

    fn announce(&mut self, octets: u64) -> bool {
        self.tail.clear();
        self.literal = octets;
        self.spend(octets)
    }

    fn spend(&mut self, octets: u64) -> bool {
        let left = self.left.checked_sub(octets);
        self.left = left.unwrap_or(0);
        left.is_some()
    }

    fn keep(&mut self, line: &[u8]) {
        let line = &line[line.len().saturating_sub(LiteralHeader::LONGEST)..];
        let surplus = (self.tail.len() + line.len()).saturating_sub(LiteralHeader::LONGEST);
        self.tail.drain(..surplus);
        self.tail.extend_from_slice(line);
    }
}
