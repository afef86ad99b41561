//! What servers answer (RFC 5321 §4.2), read with patience and bounded: a line, the lines of a reply and all of its octets
//! have limits, and what is kept for people holds no control characters.

use postern_model::record::Attempt;

/// Longest line of a reply; RFC 5321 §4.5.3.1.5 has 512.
pub(super) const LONGEST_LINE: usize = 2 << 10;
/// Lines of one reply at most.
const MOST_LINES: usize = 100;
/// Octets of one reply at most.
const LONGEST_REPLY: usize = 64 << 10;

/// What was wrong with a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ReplyError {
    #[error("answered with a line of more than 2,048 octets")]
    LongLine,
    #[error("answered without an end")]
    Endless,
    #[error("answered what is no SMTP reply")]
    Garbage,
}

/// A whole reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reply {
    /// 200 to 599.
    pub(super) code: u16,
    /// The lines' texts, without the code; what is not UTF-8 is replaced, control characters are blanks.
    pub(super) lines: Vec<String>,
}

impl Reply {
    /// 2yz
    pub(super) fn is_done(&self) -> bool {
        self.code / 100 == 2
    }

    /// 5yz
    pub(super) fn is_permanent(&self) -> bool {
        self.code / 100 == 5
    }

    /// The server is about to close (RFC 5321 §3.8).
    pub(super) fn is_farewell(&self) -> bool {
        self.code == 421
    }

    /// Class, subject and detail (RFC 2034 §4), where the server said them and the class fits the code.
    fn said_enhanced(&self) -> Option<(u8, u16, u16)> {
        let mut parts = first_word(self.lines.first()?).split('.');
        let class: u8 = parts.next()?.parse().ok()?;
        let subject = parts.next()?.parse().ok().filter(|subject| *subject < 1_000)?;
        let detail = parts.next()?.parse().ok().filter(|detail| *detail < 1_000)?;
        let fits = parts.next().is_none() && u16::from(class) == self.code / 100;
        fits.then_some((class, subject, detail))
    }

    /// The enhanced code: the server's, or `x.0.0` for the reply's class (4 for what is neither done nor refused).
    pub(super) fn enhanced(&self) -> (u8, u16, u16) {
        self.said_enhanced().unwrap_or(match self.code / 100 {
            2 => (2, 0, 0),
            5 => (5, 0, 0),
            _ => (4, 0, 0),
        })
    }

    /// The text for people on one line, cut to [`Attempt::LONGEST`]; the enhanced code is told apart and left out.
    pub(super) fn text(&self) -> String {
        let coded = self.said_enhanced().is_some();
        let mut text = String::new();
        for line in &self.lines {
            let first = first_word(line);
            let is_code = coded && self.lines.first().is_some_and(|head| first_word(head) == first);
            let rest = if is_code { &line[first.len()..] } else { line };
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(rest.trim());
            if text.len() > Attempt::LONGEST {
                break;
            }
        }
        cut(text)
    }
}

fn first_word(line: &str) -> &str {
    line.split(' ').next().unwrap_or_default()
}

/// Cuts a text to what an [`Attempt`] keeps, between characters.
pub(super) fn cut(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(Attempt::LONGEST));
    text
}

/// Puts lines together to a reply.
#[derive(Debug, Default)]
pub(super) struct Assembly {
    lines: Vec<String>,
    octets: usize,
}

impl Assembly {
    /// Takes a line without its end; the reply, where this was its last. A code that changes on the way is the last one.
    pub(super) fn line(&mut self, line: &[u8]) -> Result<Option<Reply>, ReplyError> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.len() > LONGEST_LINE {
            return Err(ReplyError::LongLine);
        }
        self.octets += line.len();
        let (digits, rest) = line.split_at_checked(3).ok_or(ReplyError::Garbage)?;
        if !digits.iter().all(u8::is_ascii_digit) {
            return Err(ReplyError::Garbage);
        }
        let code = digits.iter().fold(0, |code, digit| code * 10 + u16::from(digit - b'0'));
        let (last, text) = match rest.split_first() {
            None => (true, rest),
            Some((b' ', text)) => (true, text),
            Some((b'-', text)) => (false, text),
            Some(_) => return Err(ReplyError::Garbage),
        };
        if !(200..600).contains(&code) {
            return Err(ReplyError::Garbage);
        }
        self.lines.push(printable(text));
        if last {
            self.octets = 0;
            return Ok(Some(Reply { code, lines: std::mem::take(&mut self.lines) }));
        }
        if self.lines.len() >= MOST_LINES || self.octets > LONGEST_REPLY {
            return Err(ReplyError::Endless);
        }
        Ok(None)
    }
}

fn printable(text: &[u8]) -> String {
    String::from_utf8_lossy(text).chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Option<Reply>, ReplyError> {
        let mut assembly = Assembly::default();
        for line in text.lines() {
            if let Some(reply) = assembly.line(line.as_bytes())? {
                return Ok(Some(reply));
            }
        }
        Ok(None)
    }

    #[test]
    fn replies_as_servers_write_them() {
        for (text, code, enhanced, said) in [
            ("250 ok", 250, (2, 0, 0), "ok"),
            ("250", 250, (2, 0, 0), ""),
            ("550 5.1.1 <x@b.test>: nobody", 550, (5, 1, 1), "<x@b.test>: nobody"),
            ("550-5.1.1 nobody\n550 5.1.1 of that name", 550, (5, 1, 1), "nobody of that name"),
            ("550-5.1.1 nobody\n550 of that name", 550, (5, 1, 1), "nobody of that name"),
            // A class that doesn't fit is text.
            ("450 5.1.1 odd", 450, (4, 0, 0), "5.1.1 odd"),
            ("354 go on", 354, (4, 0, 0), "go on"),
            ("250-a\n550 b", 550, (5, 0, 0), "a b"),
            ("550 \u{1b}[31mred\u{7}", 550, (5, 0, 0), "[31mred"),
        ] {
            let reply = read(text).expect(text).expect(text);
            assert_eq!(
                (reply.code, reply.enhanced(), reply.text().as_str()),
                (code, enhanced, said),
                "{text}"
            );
        }
    }

    #[test]
    fn garbage_is_told_apart() {
        for text in ["", "25", "HTTP/1.1 400 Bad Request", "250_x", "99 x", "600 x", "100 x", "٢٥٠ x"] {
            assert_eq!(read(&format!("{text}\n")), Err(ReplyError::Garbage), "{text}");
        }
        assert_eq!(read(&"250-x\n".repeat(100)), Err(ReplyError::Endless));
        let long = format!("250-{}\n", "x".repeat(2_000)).repeat(40);
        assert_eq!(read(&long), Err(ReplyError::Endless));
        assert_eq!(read(&format!("250 {}", "x".repeat(2_048))), Err(ReplyError::LongLine));
    }

    #[test]
    fn what_is_kept_is_short() {
        let reply = read(&format!("550-{0}\n550 {0}", "ž".repeat(900))).expect("a reply").expect("whole");
        assert_eq!(reply.text().len(), Attempt::LONGEST);
    }
}
