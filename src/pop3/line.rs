//! Lines of commands out of a stream of bytes, in bounded memory.
//!
//! A line that arrives whole is handed on where it lies; only one that arrives in pieces is kept, and its memory is
//! wiped and given back as soon as it is complete: it may hold a password, and an idle connection owns nothing.

use memchr::memchr;
use zeroize::Zeroizing;

/// Octets behind the limit of a line that are read and dropped before the connection is given up.
const MAX_DROPPED: usize = 64 * 1024;

/// The line that is being received.
#[derive(Default)]
pub(super) struct Lines {
    kept: Zeroizing<Vec<u8>>,
    dropped: usize,
}

/// What [`Lines::next`] found.
pub(super) enum Line<'a> {
    /// A line, without its end.
    Whole(Received<'a>),
    /// A line that was longer than its limit; it is gone.
    TooLong {
        /// The limit, in octets with CRLF.
        limit: usize,
    },
    /// A line that doesn't end.
    Endless,
    /// The bytes ended within a line.
    Partial,
}

/// A line's octets: still in the buffer they came in, or gathered from several.
pub(super) enum Received<'a> {
    Here(&'a [u8]),
    Gathered(Zeroizing<Vec<u8>>),
}

impl Received<'_> {
    /// The octets, without CRLF. A bare LF ends a command too: in POP3 nothing hangs on it, and people type.
    pub(super) fn octets(&self) -> &[u8] {
        let line = match self {
            Received::Here(line) => line,
            Received::Gathered(line) => line.as_slice(),
        };
        line.strip_suffix(b"\r").unwrap_or(line)
    }
}

impl Lines {
    /// Takes one line from the front of `bytes`. `limit_of` names how long a line may be with its CRLF, by what it
    /// begins with. Returns how many octets were taken, and what they were.
    pub(super) fn next<'a>(
        &mut self,
        bytes: &'a [u8],
        limit_of: impl Fn(&[u8]) -> usize,
    ) -> (usize, Line<'a>) {
        let end = memchr(b'\n', bytes);
        let taken = end.map_or(bytes.len(), |at| at + 1);
        if self.dropped > 0 {
            return (taken, self.skip(taken, end.is_some(), limit_of(&self.kept)));
        }
        if self.kept.is_empty() && end.is_some() {
            let limit = limit_of(bytes);
            let line = if taken > limit {
                Line::TooLong { limit }
            } else {
                Line::Whole(Received::Here(&bytes[..taken - 1]))
            };
            return (taken, line);
        }
        self.keep(bytes, taken, end.is_some(), limit_of)
    }

    fn keep<'a>(
        &mut self,
        bytes: &[u8],
        taken: usize,
        ended: bool,
        limit_of: impl Fn(&[u8]) -> usize,
    ) -> (usize, Line<'a>) {
        // The limit hangs on the keyword, which may still be on its way: look at enough of it.
        let begins: Vec<u8> =
            self.kept.iter().chain(&bytes[..taken]).take(super::command::KEYWORD_ROOM).copied().collect();
        let limit = limit_of(&begins);
        if self.kept.len() + taken > limit {
            let over = self.kept.len() + taken - limit;
            // Enough of it stays for the limit to be known again when its end comes.
            self.kept = Zeroizing::new(begins);
            return (taken, self.skip(over, ended, limit));
        }
        self.kept.extend_from_slice(&bytes[..taken]);
        if !ended {
            return (taken, Line::Partial);
        }
        let mut line = std::mem::take(&mut self.kept);
        line.pop();
        (taken, Line::Whole(Received::Gathered(line)))
    }

    fn skip<'a>(&mut self, octets: usize, ended: bool, limit: usize) -> Line<'a> {
        self.dropped += octets;
        if ended {
            self.clear();
            Line::TooLong { limit }
        } else if self.dropped > MAX_DROPPED {
            Line::Endless
        } else {
            Line::Partial
        }
    }

    /// Forgets what has come of a line.
    pub(super) fn clear(&mut self) {
        *self = Lines::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds `bytes` in pieces of `step` octets and tells what came out.
    fn read(bytes: &[u8], step: usize) -> Vec<String> {
        let mut lines = Lines::default();
        let mut said = Vec::new();
        for piece in bytes.chunks(step) {
            let mut rest = piece;
            while !rest.is_empty() {
                let (taken, line) = lines.next(rest, |l| if l.starts_with(b"AUTH") { 40 } else { 10 });
                rest = &rest[taken..];
                match line {
                    Line::Whole(line) => said.push(String::from_utf8_lossy(line.octets()).into_owned()),
                    Line::TooLong { limit } => said.push(format!("over {limit}")),
                    Line::Endless => said.push("endless".into()),
                    Line::Partial => {}
                }
            }
        }
        said
    }

    #[test]
    fn lines_are_the_same_however_they_arrive() {
        let stream = b"STAT\r\n\r\n12345678\r\n123456789\r\nAUTH PLAIN 123456\r\nnoop\n";
        let expected = ["STAT", "", "12345678", "over 10", "AUTH PLAIN 123456", "noop"];
        for step in 1..=stream.len() {
            assert_eq!(read(stream, step), expected, "in pieces of {step}");
        }
    }

    #[test]
    fn an_endless_line_is_given_up_and_never_kept() {
        let mut lines = Lines::default();
        let piece = [b'x'; 1024];
        let ended = (0..80).find(|_| matches!(lines.next(&piece, |_| 255), (1024, Line::Endless)));
        assert_eq!(ended, Some(64), "64 KiB behind the limit");
        assert!(lines.kept.len() <= 255);
    }

    #[test]
    fn nothing_is_kept_behind_a_line() {
        let mut lines = Lines::default();
        lines.next(b"PASS sec", |_| 255);
        lines.next(b"ret\r\n", |_| 255);
        assert_eq!(lines.kept.capacity(), 0);
    }
}
