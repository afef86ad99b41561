//! What the server says: reply code, enhanced code and text as one or several lines (RFC 5321 §4.2, RFC 2034).

use std::borrow::Cow;

use postern_model::{EnhancedStatusCode, ReplyCode};

use crate::wording::SmtpRefusal;

/// Longest reply line with its CRLF, in octets (RFC 5321 §4.5.3.1.5).
const MAX_REPLY_LINE: usize = 512;

/// One answer to one command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reply {
    code: ReplyCode,
    enhanced: Option<EnhancedStatusCode>,
    text: Cow<'static, str>,
}

impl Reply {
    /// A reply with an enhanced code, which carries the class of `code` (RFC 3463 §2).
    pub(super) fn new(code: u16, (subject, detail): (u8, u16), text: impl Into<Cow<'static, str>>) -> Reply {
        Reply {
            code: ReplyCode::new(code),
            enhanced: Some(EnhancedStatusCode::new(subject, detail)),
            text: text.into(),
        }
    }

    /// A reply without an enhanced code: greeting, EHLO, HELO and 3yz (RFC 2034 §4).
    pub(super) fn plain(code: u16, text: impl Into<Cow<'static, str>>) -> Reply {
        Reply { code: ReplyCode::new(code), enhanced: None, text: text.into() }
    }

    /// The three digits.
    pub(super) fn code(&self) -> u16 {
        self.code.value()
    }

    /// The same words under another code; what ends a session is said with 421 whatever its reason.
    pub(super) fn with_code(self, code: u16, (subject, detail): (u8, u16)) -> Reply {
        Reply::new(code, (subject, detail), self.text)
    }

    /// Appends the reply as it goes over the wire. Lines of the text become lines of the reply; a line that grows
    /// beyond RFC 5321's limit is folded at a space.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let mark =
            self.enhanced.map(|code| format!("{} ", code.of(self.code.severity()))).unwrap_or_default();
        let room = MAX_REPLY_LINE - "250-".len() - mark.len() - "\r\n".len();
        let mut lines = self.text.split('\n').flat_map(|line| fold(line, room)).peekable();
        while let Some(line) = lines.next() {
            let separator = if lines.peek().is_some() { '-' } else { ' ' };
            out.extend_from_slice(format!("{}{separator}{mark}", self.code.value()).as_bytes());
            // RFC 5321 §4.2: textstring is HT, SP and printable ASCII.
            out.extend(line.chars().map(|c| if matches!(c, ' '..='~') { c as u8 } else { b'?' }));
            out.extend_from_slice(b"\r\n");
        }
    }
}

impl From<SmtpRefusal> for Reply {
    fn from(refusal: SmtpRefusal) -> Reply {
        Reply { code: refusal.code, enhanced: Some(refusal.enhanced), text: refusal.text.into() }
    }
}

/// `line` in pieces of at most `room` characters.
fn fold(line: &str, room: usize) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = line;
    while rest.len() > room {
        let limit = (0..=room).rev().find(|&at| rest.is_char_boundary(at)).unwrap_or(0);
        let (head, tail) = match rest[..limit].rfind(' ') {
            Some(space) if space > 0 => (&rest[..space], &rest[space + 1..]),
            _ => rest.split_at(limit),
        };
        pieces.push(head);
        rest = tail;
    }
    pieces.push(rest);
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(reply: &Reply) -> String {
        let mut out = Vec::new();
        reply.write(&mut out);
        String::from_utf8(out).expect("replies are ASCII")
    }

    #[test]
    fn the_class_of_the_enhanced_code_follows_the_reply_code() {
        assert_eq!(written(&Reply::new(250, (1, 5), "Yes")), "250 2.1.5 Yes\r\n");
        assert_eq!(written(&Reply::new(452, (3, 1), "Full")), "452 4.3.1 Full\r\n");
        assert_eq!(written(&Reply::new(550, (1, 1), "No")), "550 5.1.1 No\r\n");
    }

    #[test]
    fn several_lines_are_joined_by_hyphens() {
        assert_eq!(written(&Reply::plain(250, "a\nb")), "250-a\r\n250 b\r\n");
        assert_eq!(written(&Reply::new(214, (0, 0), "a\nb")), "214-2.0.0 a\r\n214 2.0.0 b\r\n");
    }

    #[test]
    fn a_long_text_is_folded_at_spaces() {
        let text = "word ".repeat(300);
        let all = written(&Reply::new(550, (7, 1), text.trim().to_owned()));
        assert!(all.lines().all(|line| line.len() + 2 <= MAX_REPLY_LINE));
        assert!(all.lines().count() > 2 && all.starts_with("550-5.7.1 word") && !all.contains("wor\r\n"));
    }

    #[test]
    fn nothing_but_printable_ascii_goes_out() {
        assert_eq!(written(&Reply::new(550, (7, 1), "ē\t\rx")), "550 5.7.1 ???x\r\n");
        let long = "ē".repeat(600);
        assert!(written(&Reply::new(550, (7, 1), long)).is_ascii());
    }
}
