//! How a literal is announced (RFC 9051 §4.3, RFC 7888, RFC 3516): `{5}`, `{5+}`, `~{5}`, `~{5+}`, each at the end of a
//! line. The framer and the parser both read it here, so that they can't disagree.

/// The announcement of a literal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LiteralHeader {
    /// Its octets; what is beyond a `u64` is its maximum.
    pub(super) octets: u64,
    /// The client waits for `+`.
    pub(super) synchronising: bool,
    /// A `literal8`.
    pub(super) binary: bool,
}

impl LiteralHeader {
    /// The most octets that an announcement has with its CRLF. A longer one (zeros in front) is none.
    pub(super) const LONGEST: usize = 32;

    /// Reads one at the beginning of `input`, with its CRLF; also says how many octets it takes.
    pub(super) fn read(input: &[u8]) -> Option<(LiteralHeader, usize)> {
        let binary = input.starts_with(b"~");
        let rest = input.strip_prefix(b"~").unwrap_or(input).strip_prefix(b"{")?;
        let digits = rest.iter().take(LiteralHeader::LONGEST).take_while(|b| b.is_ascii_digit()).count();
        if digits == 0 {
            return None;
        }
        let octets = rest[..digits]
            .iter()
            .fold(0_u64, |sum, digit| sum.saturating_mul(10).saturating_add(u64::from(digit - b'0')));
        let rest = &rest[digits..];
        let synchronising = !rest.starts_with(b"+");
        let rest = rest.strip_prefix(b"+").unwrap_or(rest).strip_prefix(b"}\r\n")?;
        let length = input.len() - rest.len();
        let header = LiteralHeader { octets, synchronising, binary };
        (length <= LiteralHeader::LONGEST).then_some((header, length))
    }

    /// The one that ends a line, whose CRLF is with it.
    pub(super) fn at_end(line: &[u8]) -> Option<LiteralHeader> {
        let tail = &line[line.len().saturating_sub(LiteralHeader::LONGEST)..];
        let brace = memchr::memrchr(b'{', tail)?;
        let from = if brace > 0 && tail[brace - 1] == b'~' { brace - 1 } else { brace };
        let (header, length) = LiteralHeader::read(&tail[from..])?;
        (from + length == tail.len()).then_some(header)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn announcements_are_read_at_the_end_of_a_line_alone() {
        let header = |octets, synchronising, binary| Some(LiteralHeader { octets, synchronising, binary });
        for (line, want) in [
            ("a LOGIN {5}\r\n", header(5, true, false)),
            ("a LOGIN {5+}\r\n", header(5, false, false)),
            ("a APPEND x ~{310}\r\n", header(310, true, true)),
            ("~{0+}\r\n", header(0, false, true)),
            ("{18446744073709551616}\r\n", header(u64::MAX, true, false)),
            ("{}\r\n", None),
            ("{5} \r\n", None),
            ("{5}\n", None),
            ("{5-}\r\n", None),
            ("{-5}\r\n", None),
            ("{000000000000000000000000000001}\r\n", None),
            ("\r\n", None),
            ("", None),
        ] {
            assert_eq!(LiteralHeader::at_end(line.as_bytes()), want, "{line:?}");
        }
    }
}
