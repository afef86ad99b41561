//! Command lines out of a stream of bytes, cut anywhere. Only CRLF ends a line (RFC 5321 §2.3.8): a bare LF must never
//! let one server see a command where another saw text, so a line that holds one is refused whole.

use std::borrow::Cow;

use memchr::{memchr, memchr2};
use zeroize::Zeroize;

/// A command line, with its CRLF, in octets (RFC 5321 §4.5.3.1.4).
const MAX_COMMAND: usize = 512;
/// A MAIL command: 26 more for SIZE (RFC 1870 §3), 17 for BODY (RFC 6152 §3), 10 for SMTPUTF8 (RFC 6531 §3.4) and 500
/// for AUTH (RFC 4954 §3).
const MAX_MAIL: usize = MAX_COMMAND + 26 + 17 + 10 + 500;
/// An AUTH command or a line of its exchange (RFC 4954 §4).
const MAX_AUTH: usize = 12_288;
/// What of a line that is refused already is still read, in octets, before the connection is ended.
const MAX_DRAINED: usize = 64 * 1024;

/// What is wrong with a line. Said at once, and only once for a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LineFault {
    /// Longer than this many octets.
    TooLong(usize),
    /// A CR or LF that stands alone.
    BareLineEnd,
    /// A NUL.
    Nul,
    /// It does not end.
    Endless,
}

/// What [`LineBuffer::feed`] found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fed<'a> {
    /// No end yet.
    Partial,
    /// A line without its CRLF.
    Line(Cow<'a, [u8]>),
    /// A line to refuse.
    Fault(LineFault),
}

/// The beginning of a line whose end has not come yet; empty between commands.
#[derive(Debug, Default)]
pub(super) struct LineBuffer {
    kept: Vec<u8>,
    /// Set while the rest of a refused line goes by: its octets so far, and whether the last was a CR.
    draining: Option<(usize, bool)>,
}

impl LineBuffer {
    /// Reads up to the end of one line; returns how many octets it took. `exchange`: a line of an AUTH exchange.
    pub(super) fn feed<'a>(&mut self, bytes: &'a [u8], exchange: bool) -> (usize, Fed<'a>) {
        if let Some(drained) = self.draining {
            return self.drain(bytes, drained);
        }
        let Some(lf) = memchr(b'\n', bytes) else {
            return self.keep(bytes, exchange);
        };
        let before = if lf == 0 { self.kept.last() } else { bytes.get(lf - 1) };
        if before != Some(&b'\r') {
            self.clear();
            self.draining = Some((0, false));
            return (lf + 1, Fed::Fault(LineFault::BareLineEnd));
        }
        let line = self.whole(&bytes[..=lf]);
        let limit = limit(&line, exchange);
        let fed = if line.len() + 2 > limit {
            Fed::Fault(LineFault::TooLong(limit))
        } else {
            match memchr2(b'\r', 0, &line).map(|at| line[at]) {
                Some(0) => Fed::Fault(LineFault::Nul),
                Some(_) => Fed::Fault(LineFault::BareLineEnd),
                None => Fed::Line(line),
            }
        };
        (lf + 1, fed)
    }

    /// Forgets a line that has begun (RFC 3207 §4.2); passwords may stand in it.
    pub(super) fn clear(&mut self) {
        self.kept.zeroize();
        self.kept = Vec::new();
        self.draining = None;
    }

    fn keep<'a>(&mut self, bytes: &[u8], exchange: bool) -> (usize, Fed<'a>) {
        let limit = limit(if self.kept.is_empty() { bytes } else { &self.kept }, exchange);
        if self.kept.len() + bytes.len() >= limit {
            self.clear();
            self.draining = Some((0, bytes.last() == Some(&b'\r')));
            return (bytes.len(), Fed::Fault(LineFault::TooLong(limit)));
        }
        self.kept.extend_from_slice(bytes);
        (bytes.len(), Fed::Partial)
    }

    fn drain<'a>(&mut self, bytes: &[u8], (drained, mut cr): (usize, bool)) -> (usize, Fed<'a>) {
        let mut at = 0;
        while let Some(lf) = memchr(b'\n', &bytes[at..]).map(|lf| at + lf) {
            if if lf == 0 { cr } else { bytes[lf - 1] == b'\r' } {
                self.draining = None;
                return (lf + 1, Fed::Partial);
            }
            at = lf + 1;
        }
        cr = bytes.last().map_or(cr, |&last| last == b'\r');
        let drained = drained + bytes.len();
        self.draining = Some((drained, cr));
        let fed = if drained > MAX_DRAINED { Fed::Fault(LineFault::Endless) } else { Fed::Partial };
        (bytes.len(), fed)
    }

    /// What was kept and `end`, which ends in CRLF, without that.
    fn whole<'a>(&mut self, end: &'a [u8]) -> Cow<'a, [u8]> {
        if self.kept.is_empty() {
            return Cow::Borrowed(&end[..end.len() - 2]);
        }
        let mut line = std::mem::take(&mut self.kept);
        line.extend_from_slice(end);
        line.truncate(line.len() - 2);
        Cow::Owned(line)
    }
}

/// How long the line that begins so may be, with its CRLF.
fn limit(beginning: &[u8], exchange: bool) -> usize {
    match beginning.get(..5) {
        _ if exchange => MAX_AUTH,
        Some(verb) if verb.eq_ignore_ascii_case(b"AUTH ") => MAX_AUTH,
        Some(verb) if verb.eq_ignore_ascii_case(b"MAIL ") => MAX_MAIL,
        _ => MAX_COMMAND,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines and faults, whatever the pieces.
    fn read(buffer: &mut LineBuffer, mut bytes: &[u8]) -> Vec<Result<Vec<u8>, LineFault>> {
        let mut seen = Vec::new();
        while !bytes.is_empty() {
            let (taken, fed) = buffer.feed(bytes, false);
            bytes = &bytes[taken..];
            match fed {
                Fed::Line(line) => seen.push(Ok(line.into_owned())),
                Fed::Fault(fault) => seen.push(Err(fault)),
                Fed::Partial => {}
            }
        }
        seen
    }

    #[test]
    fn lines_are_the_same_however_they_are_cut() {
        let stream = b"EHLO a\r\nNOOP\r\nbad\nstill bad\r\nNO\rOP\r\nNO\0OP\r\n\r\nQUIT\r\n";
        let whole = read(&mut LineBuffer::default(), stream);
        let bare = Err(LineFault::BareLineEnd);
        let line = |text: &str| Ok(text.as_bytes().to_vec());
        let want =
            [line("EHLO a"), line("NOOP"), bare.clone(), bare, Err(LineFault::Nul), line(""), line("QUIT")];
        assert_eq!(whole, want);
        let mut buffer = LineBuffer::default();
        let single: Vec<_> = stream.iter().flat_map(|b| read(&mut buffer, &[*b])).collect();
        assert_eq!(single, want);
    }

    #[test]
    fn a_long_line_is_refused_once_and_read_to_its_end() {
        let mut buffer = LineBuffer::default();
        let seen = read(&mut buffer, &[b'x'; 600]);
        assert_eq!(seen, [Err(LineFault::TooLong(512))]);
        assert_eq!(read(&mut buffer, b"more\r\nNOOP\r\n"), [Ok(b"NOOP".to_vec())]);
        let mut long = vec![b'y'; 700];
        long.extend_from_slice(b"\r\nNOOP\r\n");
        assert_eq!(read(&mut buffer, &long), [Err(LineFault::TooLong(512)), Ok(b"NOOP".to_vec())]);
    }

    #[test]
    fn each_command_has_its_own_limit_to_the_octet() {
        for (verb, limit) in [("NOOP ", MAX_COMMAND), ("mail ", MAX_MAIL), ("AUTH ", MAX_AUTH)] {
            let fits = format!("{verb}{}\r\n", "x".repeat(limit - verb.len() - 2));
            assert_eq!(
                read(&mut LineBuffer::default(), fits.as_bytes())[0].as_ref().map(Vec::len),
                Ok(limit - 2)
            );
            let mut buffer = LineBuffer::default();
            let cut: Vec<_> = fits.as_bytes().chunks(7).flat_map(|piece| read(&mut buffer, piece)).collect();
            assert_eq!(cut.len(), 1, "{verb}");
            assert!(cut[0].is_ok(), "{verb}");
            let over = format!("{verb}{}\r\n", "x".repeat(limit - verb.len() - 1));
            let refused = vec![Err(LineFault::TooLong(limit))];
            assert_eq!(read(&mut LineBuffer::default(), over.as_bytes()), refused);
            let cut: Vec<_> = over.as_bytes().chunks(7).flat_map(|piece| read(&mut buffer, piece)).collect();
            assert_eq!(cut, refused, "{verb}");
        }
    }

    #[test]
    fn a_line_without_end_is_given_up() {
        let mut buffer = LineBuffer::default();
        let piece = [b'x'; 8192];
        let seen: Vec<_> = (0..12).flat_map(|_| read(&mut buffer, &piece)).collect();
        assert_eq!(seen[0], Err(LineFault::TooLong(512)));
        assert_eq!(seen[1], Err(LineFault::Endless));
        assert!(buffer.kept.is_empty());
    }
}
