//! One letter on its way in, decoded already: its size and line ends are watched, its header is kept until it is whole,
//! and its body goes on to the spool as it comes. What is wrong with it is remembered and said when it has ended, since
//! a client listens only then.

use postern_model::{LetterId, Timestamp};

use super::data::LineEnds;
use super::header;
use super::reply::Reply;

/// Bounds of a letter.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Octets of all of it (SIZE, RFC 1870).
    pub(super) size: u64,
    /// Octets of its header.
    pub(super) header: usize,
    /// Its octets need not be lines (BINARYMIME, RFC 3030 §3).
    pub(super) binary: bool,
}

/// A letter on its way in.
#[derive(Debug)]
pub(super) struct Incoming {
    /// Its id.
    pub(super) id: LetterId,
    /// When it began.
    pub(super) at: Timestamp,
    bounds: Bounds,
    size: u64,
    line_ends: LineEnds,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// The header comes in; kept are it and what stands behind it in the piece that ended it.
    Header(Vec<u8>),
    /// The header has ended at this octet of what is kept, and waits for its verdict.
    Judged(Vec<u8>, usize),
    /// The header is through; the rest goes to the spool at once. Set where something went there.
    Body,
    /// The letter will be refused with this; the rest of it is let go by. `spooled`: something went to the spool.
    Refused { reply: Reply, spooled: bool },
}

impl Incoming {
    /// A letter of which nothing has come yet.
    pub(super) fn new(id: LetterId, at: Timestamp, bounds: Bounds) -> Incoming {
        let stage = Stage::Header(Vec::new());
        Incoming { id, at, bounds, size: 0, line_ends: LineEnds::default(), stage }
    }

    /// The next octets; `spool` gets what is ready for it.
    pub(super) fn take(&mut self, bytes: &[u8], spool: &mut Vec<u8>) {
        if matches!(self.stage, Stage::Refused { .. }) {
            return;
        }
        self.size += bytes.len() as u64;
        self.line_ends.feed(bytes);
        if self.size > self.bounds.size {
            return self.refuse(too_big(self.bounds.size));
        }
        if self.line_ends.bare() && !self.bounds.binary {
            return self.refuse(bare_line_end());
        }
        match &mut self.stage {
            Stage::Header(kept) => {
                let looked_at = kept.len();
                kept.extend_from_slice(bytes);
                match header::end(kept, looked_at) {
                    Some(end) if end <= self.bounds.header => {
                        self.stage = Stage::Judged(std::mem::take(kept), end)
                    }
                    None if kept.len() <= self.bounds.header => {}
                    _ => {
                        let limit = self.bounds.header;
                        self.refuse(Reply::new(
                            552,
                            (3, 4),
                            format!("The header is longer than {limit} octets"),
                        ));
                    }
                }
            }
            Stage::Judged(kept, _) => kept.extend_from_slice(bytes),
            Stage::Body => spool.extend_from_slice(bytes),
            Stage::Refused { .. } => {}
        }
    }

    /// The letter has ended: a header without a blank line is all header, a CR at the very end stands alone.
    pub(super) fn end(&mut self) {
        if self.line_ends.bare_at_end() && !self.bounds.binary {
            self.refuse(bare_line_end());
        }
        if let Stage::Header(kept) = &mut self.stage {
            let end = kept.len();
            self.stage = Stage::Judged(std::mem::take(kept), end);
        }
    }

    /// The header, where it is whole and waits to be judged.
    pub(super) fn header(&self) -> Option<&[u8]> {
        match &self.stage {
            Stage::Judged(kept, end) => Some(&kept[..*end]),
            _ => None,
        }
    }

    /// The header is good: what we put in front, the header and what stands behind it go to the spool.
    pub(super) fn pass(&mut self, front: &str, spool: &mut Vec<u8>) {
        if let Stage::Judged(kept, _) = &self.stage {
            spool.reserve(front.len() + kept.len());
            spool.extend_from_slice(front.as_bytes());
            spool.extend_from_slice(kept);
            self.stage = Stage::Body;
        }
    }

    /// The letter will be refused; the first reason stands.
    pub(super) fn refuse(&mut self, reply: Reply) {
        if self.refusal().is_none() {
            let spooled = self.spooled();
            self.stage = Stage::Refused { reply, spooled };
        }
    }

    /// Why it will be refused, where it will.
    pub(super) fn refusal(&self) -> Option<&Reply> {
        match &self.stage {
            Stage::Refused { reply, .. } => Some(reply),
            _ => None,
        }
    }

    /// Whether the spool holds something of it.
    pub(super) fn spooled(&self) -> bool {
        matches!(self.stage, Stage::Body | Stage::Refused { spooled: true, .. })
    }

    /// Octets so far.
    pub(super) fn size(&self) -> u64 {
        self.size
    }
}

/// RFC 1870 §6.1
pub(super) fn too_big(limit: u64) -> Reply {
    Reply::new(552, (3, 4), format!("A letter may have {limit} octets"))
}

fn bare_line_end() -> Reply {
    Reply::new(550, (6, 0), "The letter holds a CR or LF that stands alone; lines end with CRLF")
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds { size: 100, header: 40, binary: false };

    fn incoming() -> Incoming {
        Incoming::new(LetterId(1), Timestamp::from_seconds(0), BOUNDS)
    }

    #[test]
    fn the_body_follows_its_header_whatever_the_pieces() {
        let letter = b"A: b\r\n\r\nbody\r\n\r\nmore\r\n";
        for size in 1..letter.len() {
            let (mut incoming, mut spool) = (incoming(), Vec::new());
            for piece in letter.chunks(size) {
                incoming.take(piece, &mut spool);
                if incoming.header().is_some() {
                    assert!(spool.is_empty());
                    assert_eq!(incoming.header(), Some(&b"A: b\r\n\r\n"[..]));
                    incoming.pass("X: y\r\n", &mut spool);
                }
            }
            incoming.end();
            assert_eq!(spool, [b"X: y\r\n", &letter[..]].concat());
            assert!(incoming.refusal().is_none() && incoming.spooled());
        }
    }

    #[test]
    fn bytes_that_come_while_the_header_is_judged_are_not_lost() {
        let (mut incoming, mut spool) = (incoming(), Vec::new());
        incoming.take(b"A: b\r\n\r\nx", &mut spool);
        incoming.take(b"y", &mut spool);
        incoming.pass("", &mut spool);
        assert_eq!(spool, b"A: b\r\n\r\nxy");
    }

    #[test]
    fn a_letter_without_a_blank_line_is_all_header() {
        let (mut incoming, mut spool) = (incoming(), Vec::new());
        incoming.take(b"A: b\r\n", &mut spool);
        assert!(incoming.header().is_none());
        incoming.end();
        assert_eq!(incoming.header(), Some(&b"A: b\r\n"[..]));
    }

    #[test]
    fn what_is_too_much_is_refused_and_let_go_by() {
        let code = |incoming: &Incoming| incoming.refusal().map(Reply::code);
        let (mut incoming, mut spool) = (incoming(), Vec::new());
        incoming.take(b"\r\n", &mut spool);
        incoming.pass("", &mut spool);
        incoming.take(&[b'x'; 98], &mut spool);
        assert_eq!(code(&incoming), None);
        incoming.take(b"x", &mut spool);
        assert_eq!((code(&incoming), spool.len(), incoming.spooled()), (Some(552), 100, true));

        let (mut incoming, mut spool) = (super::tests::incoming(), Vec::new());
        incoming.take(&[b'x'; 41], &mut spool);
        assert_eq!((code(&incoming), incoming.spooled()), (Some(552), false));

        let (mut incoming, mut spool) = (super::tests::incoming(), Vec::new());
        incoming.take(b"A: b\r\n\r\nx\r", &mut spool);
        assert_eq!(code(&incoming), None);
        incoming.end();
        assert_eq!(code(&incoming), Some(550));
    }
}
