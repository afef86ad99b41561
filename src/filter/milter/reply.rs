//! What a milter answers.

use super::packet::Packet;
use crate::filter::failure::Failure;
use crate::filter::words::plain;
use crate::inbound::filter::Action;

/// An answer to a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// Go on.
    Continue,
    /// Go on, but with no more of this.
    Skip,
    /// It is at work.
    Progress,
    /// Nothing more is to be told it.
    Verdict(Action),
}

impl Reply {
    /// Reads an answer; `None` where it is something else, as the changes at the end are.
    pub(super) fn read(packet: &Packet) -> Result<Option<Reply>, Failure> {
        let refused = |permanent| Reply::Verdict(Action::Reject { permanent, text: None });
        Ok(Some(match packet.command {
            b'c' => Reply::Continue,
            b's' => Reply::Skip,
            b'p' => Reply::Progress,
            b'a' => Reply::Verdict(Action::Accept),
            b'd' => Reply::Verdict(Action::Discard),
            b'r' => refused(true),
            // The letter may come again; `4` and `f` would have the connection ended with that.
            b't' | b'4' | b'f' => refused(false),
            b'y' => Reply::Verdict(coded(&packet.data)?),
            _ => return Ok(None),
        }))
    }
}

/// A reply of its own (SMFIR_REPLYCODE): `550 5.7.1 text`, maybe of several lines. Its class is kept, its codes are not.
fn coded(data: &[u8]) -> Result<Action, Failure> {
    let text = data.strip_suffix(b"\0").unwrap_or(data);
    let permanent = match text {
        [b'4', b'0'..=b'9', b'0'..=b'9', ..] => false,
        [b'5', b'0'..=b'9', b'0'..=b'9', ..] => true,
        _ => return Err(Failure::garbage("a reply without a code of 4xx or 5xx")),
    };
    let lines = text.split(|octet| *octet == b'\n').map(without_codes);
    let text = plain(&lines.collect::<Vec<_>>().join(&b' '));
    // An escaped percent sign is Sendmail's; it stands for itself.
    Ok(Action::Reject { permanent, text: text.map(|text| text.replace("%%", "%")) })
}

/// A line of a reply without its code and its enhanced status code (RFC 3463).
fn without_codes(line: &[u8]) -> &[u8] {
    let line = match line {
        [b'4' | b'5', b'0'..=b'9', b'0'..=b'9'] => &[],
        [b'4' | b'5', b'0'..=b'9', b'0'..=b'9', b' ' | b'-', rest @ ..] => rest,
        line => line,
    };
    let word = line.split(|octet| *octet == b' ').next().unwrap_or_default();
    let parts: Vec<&[u8]> = word.split(|octet| *octet == b'.').collect();
    let is_status =
        parts.len() == 3 && parts.iter().all(|part| !part.is_empty() && part.iter().all(u8::is_ascii_digit));
    if is_status { &line[word.len()..] } else { line }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(command: u8, data: &[u8]) -> Option<Reply> {
        Reply::read(&Packet { command, data: data.to_vec() }).expect("an answer")
    }

    fn refused(permanent: bool, text: &str) -> Option<Reply> {
        Some(Reply::Verdict(Action::Reject { permanent, text: Some(text.to_owned()) }))
    }

    #[test]
    fn replies_of_its_own_keep_class_and_words() {
        assert_eq!(read(b'y', b"550 5.7.1 We don't like you\0"), refused(true, "We don't like you"));
        assert_eq!(read(b'y', b"451 later"), refused(false, "later"));
        assert_eq!(read(b'y', b"554-5.7.1 two\r\n554 5.7.1 lines\0"), refused(true, "two lines"));
        assert_eq!(read(b'y', b"550 100%% of 4.2.10.1\0"), refused(true, "100% of 4.2.10.1"));
        let wordless = Action::Reject { permanent: true, text: None };
        assert_eq!(read(b'y', b"550\0"), Some(Reply::Verdict(wordless)));
    }

    #[test]
    fn what_is_no_reply_is_garbage() {
        for data in [&b""[..], b"\0", b"250 fine", b"55", b"five"] {
            assert!(Reply::read(&Packet { command: b'y', data: data.to_vec() }).is_err(), "{data:?}");
        }
        assert_eq!(read(b'h', b"A\0b\0"), None);
    }
}
