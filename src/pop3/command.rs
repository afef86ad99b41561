//! Commands of POP3 as their RFCs have them, parsed from one line.

use std::fmt;

use postern_model::Uid;

/// Octets of a line that tell which command it is: the longest keyword and a space.
pub(super) const KEYWORD_ROOM: usize = 5;

/// A command line with its CRLF (RFC 2449 §4).
pub(super) const MAX_LINE: usize = 255;
/// The same after the command UTF8 (RFC 6856): names and passwords may take more than one octet a character.
pub(super) const MAX_UTF8_LINE: usize = 512;
/// AUTH with its initial response, and each response behind it (RFC 4954 §4's figure, for tokens).
pub(super) const MAX_AUTH_LINE: usize = 12_288;

/// A message number, from 1 (RFC 1939 §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MessageNumber(pub(super) u32);

impl fmt::Display for MessageNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a client may ask for. Text is borrowed from the line: a password is copied once, into memory that is wiped.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Command<'a> {
    /// RFC 5034: a mechanism and its initial response; without them, the mechanisms are listed.
    Auth(Option<(&'a str, Option<&'a str>)>),
    /// RFC 2449 §5
    Capa,
    Dele(MessageNumber),
    /// RFC 6856 §3
    Lang(Option<&'a str>),
    List(Option<MessageNumber>),
    Noop,
    Pass(&'a str),
    Quit,
    Retr(MessageNumber),
    Rset,
    Stat,
    /// RFC 2595 §4
    Stls,
    Top(MessageNumber, u32),
    Uidl(Option<MessageNumber>),
    User(&'a str),
    /// RFC 6856 §2
    Utf8,
}

/// Why a line is no command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BadCommand {
    /// No such keyword.
    Unknown,
    /// The keyword is known, what stands behind it doesn't fit.
    Arguments,
    /// Not UTF-8, or a control character in it.
    Characters,
}

impl<'a> Command<'a> {
    /// Reads a line without its end. Keywords are case-insensitive, arguments are parted by single spaces
    /// (RFC 1939 §3); more spaces are let pass, but a password's are its own.
    pub(super) fn parse(line: &'a [u8]) -> Result<Command<'a>, BadCommand> {
        let text = std::str::from_utf8(line).map_err(|_| BadCommand::Characters)?;
        if text.chars().any(|c| c.is_control() && c != '\t') {
            return Err(BadCommand::Characters);
        }
        let (keyword, rest) = match text.split_once(' ') {
            Some((keyword, rest)) => (keyword, Some(rest)),
            None => (text, None),
        };
        let mut upper = [0_u8; KEYWORD_ROOM];
        let upper = upper.get_mut(..keyword.len()).ok_or(BadCommand::Unknown)?;
        upper.copy_from_slice(keyword.as_bytes());
        upper.make_ascii_uppercase();
        // RFC 1939 §7: a password may contain spaces.
        if upper == b"PASS" {
            return rest.map(Command::Pass).ok_or(BadCommand::Arguments);
        }
        let rest = rest.map(|r| r.trim_matches(' ')).filter(|r| !r.is_empty());
        Command::with_arguments(upper, rest)
    }

    fn with_arguments(keyword: &[u8], rest: Option<&'a str>) -> Result<Command<'a>, BadCommand> {
        let alone = |command| if rest.is_none() { Ok(command) } else { Err(BadCommand::Arguments) };
        Ok(match keyword {
            b"AUTH" => Command::Auth(rest.map(|r| match r.split_once(' ') {
                Some((mechanism, initial)) => (mechanism, Some(initial)),
                None => (r, None),
            })),
            b"CAPA" => alone(Command::Capa)?,
            b"DELE" => Command::Dele(number(rest.ok_or(BadCommand::Arguments)?)?),
            b"LANG" => Command::Lang(rest),
            b"LIST" => Command::List(rest.map(number).transpose()?),
            b"NOOP" => alone(Command::Noop)?,
            b"QUIT" => alone(Command::Quit)?,
            b"RETR" => Command::Retr(number(rest.ok_or(BadCommand::Arguments)?)?),
            b"RSET" => alone(Command::Rset)?,
            b"STAT" => alone(Command::Stat)?,
            b"STLS" => alone(Command::Stls)?,
            b"TOP" => {
                let (message, lines) = rest.and_then(|r| r.split_once(' ')).ok_or(BadCommand::Arguments)?;
                Command::Top(number(message)?, digits(lines.trim_start_matches(' '))?)
            }
            b"UIDL" => Command::Uidl(rest.map(number).transpose()?),
            b"USER" => Command::User(rest.ok_or(BadCommand::Arguments)?),
            b"UTF8" => alone(Command::Utf8)?,
            _ => return Err(BadCommand::Unknown),
        })
    }
}

fn number(text: &str) -> Result<MessageNumber, BadCommand> {
    match digits(text)? {
        0 => Err(BadCommand::Arguments),
        n => Ok(MessageNumber(n)),
    }
}

/// A number in digits alone: no sign, no space.
fn digits(text: &str) -> Result<u32, BadCommand> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(BadCommand::Arguments);
    }
    // What is larger than any maildrop is a number all the same: it just names no message.
    Ok(text.parse().unwrap_or(u32::MAX))
}

/// The limit of a line that begins with these octets.
pub(super) fn line_limit(begins: &[u8], utf8: bool) -> usize {
    match begins.get(..5) {
        Some(keyword) if keyword.eq_ignore_ascii_case(b"AUTH ") => MAX_AUTH_LINE,
        _ if utf8 => MAX_UTF8_LINE,
        _ => MAX_LINE,
    }
}

/// The unique-id of a letter that brought none along (RFC 1939 §7: 1 to 70 octets of 0x21 to 0x7E).
pub(super) fn uidl(uid_validity: postern_model::UidValidity, uid: Uid) -> String {
    format!("{:08x}{:08x}", uid_validity.0, uid.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Command<'_>, BadCommand> {
        Command::parse(line.as_bytes())
    }

    #[test]
    fn commands_are_read_in_any_case() {
        let one = MessageNumber(1);
        assert_eq!(parse("stat"), Ok(Command::Stat));
        assert_eq!(parse("Retr 1"), Ok(Command::Retr(one)));
        assert_eq!(parse("LIST 1 "), Ok(Command::List(Some(one))));
        assert_eq!(parse("UIDL"), Ok(Command::Uidl(None)));
        assert_eq!(parse("top 1 0"), Ok(Command::Top(one, 0)));
        assert_eq!(parse("TOP  1  7"), Ok(Command::Top(one, 7)));
        assert_eq!(parse("AUTH"), Ok(Command::Auth(None)));
        assert_eq!(parse("AUTH PLAIN ="), Ok(Command::Auth(Some(("PLAIN", Some("="))))));
        assert_eq!(parse("PASS two words "), Ok(Command::Pass("two words ")));
        assert_eq!(parse("PASS пароль"), Ok(Command::Pass("пароль")));
        assert_eq!(parse("DELE 99999999999"), Ok(Command::Dele(MessageNumber(u32::MAX))));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for line in [
            "RETR", "RETR 0", "RETR x", "RETR -1", "RETR +1", "RETR 1 2", "TOP 1", "TOP 1 -1", "USER", "PASS",
        ] {
            assert_eq!(parse(line), Err(BadCommand::Arguments), "{line}");
        }
        for line in ["STAT 1", "QUIT now", "CAPA x", "NOOP x", "LIST a"] {
            assert_eq!(parse(line), Err(BadCommand::Arguments), "{line}");
        }
        for line in ["", " ", "APOP a b", "XTND XMIT", "GET / HTTP/1.1", "RETR1"] {
            assert_eq!(parse(line), Err(BadCommand::Unknown), "{line}");
        }
        assert_eq!(Command::parse(b"USER a\0b"), Err(BadCommand::Characters));
        assert_eq!(Command::parse(b"PASS \xff"), Err(BadCommand::Characters));
    }
}
