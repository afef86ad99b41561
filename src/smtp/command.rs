//! SMTP commands and their arguments (RFC 5321 §4.1.1), read from one line.
//!
//! Read here rather than by smtp-proto: that parser ends a line at a bare LF, skips a CR wherever it stands, and overlooks
//! what is written behind DATA, RSET, QUIT and STARTTLS, where this door must refuse.

use postern_model::record::RcptTerms;
use postern_model::{AddressError, EmailAddress, MailFrom};

use super::params::{self, MailParams, Wrong, number};

/// A command with its arguments.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Command<'a> {
    /// RFC 5321 §4.1.1.1, with the client's name.
    Ehlo(&'a str),
    /// The same without extensions.
    Helo(&'a str),
    /// The same in LMTP (RFC 2033 §4.1).
    Lhlo(&'a str),
    /// RFC 5321 §4.1.1.2
    Mail(Mail),
    /// RFC 5321 §4.1.1.3
    Rcpt(Rcpt),
    /// RFC 5321 §4.1.1.4
    Data,
    /// RFC 3030 §2
    Bdat {
        /// Octets of the chunk that follows.
        octets: u64,
        /// It is the letter's last.
        last: bool,
    },
    /// RFC 4954 §4
    Auth {
        /// The SASL mechanism.
        mechanism: &'a str,
        /// The initial response as it was sent, base64 or `=`.
        initial: Option<&'a str>,
    },
    /// RFC 3207 §4
    StartTls,
    /// RFC 5321 §4.1.1.5
    Rset,
    /// RFC 5321 §4.1.1.9
    Noop,
    /// RFC 5321 §4.1.1.10
    Quit,
    /// RFC 5321 §4.1.1.8
    Help,
    /// RFC 5321 §4.1.1.6
    Vrfy,
    /// RFC 5321 §4.1.1.7
    Expn,
}

/// Arguments of MAIL.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mail {
    /// The reverse path.
    pub(super) from: MailFrom,
    /// Its parameters.
    pub(super) params: MailParams,
    /// The address was written with characters beyond ASCII.
    pub(super) beyond_ascii: bool,
}

/// Arguments of RCPT.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Rcpt {
    /// The mailbox; `None` for `<Postmaster>` without a domain (RFC 5321 §4.1.1.3).
    pub(super) to: Option<EmailAddress>,
    /// Its parameters.
    pub(super) terms: RcptTerms,
    /// The address was written with characters beyond ASCII.
    pub(super) beyond_ascii: bool,
}

/// Why a line is no command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SyntaxError {
    /// No such command.
    Unknown,
    /// Octets beyond ASCII that are no UTF-8 (RFC 6531 §3.3).
    NotUtf8,
    /// Arguments are missing, unexpected or malformed; this is how it is written.
    Usage(&'static str),
    /// The address of MAIL.
    Sender(AddressError),
    /// The address of RCPT.
    Recipient(AddressError),
    /// A parameter that was not offered.
    Parameter,
    /// A chunk whose length can't be told, so that nobody knows where the next command begins.
    ChunkSize,
}

const MAIL_USAGE: &str = "MAIL FROM:<address> [parameters as their extensions have them]";
const RCPT_USAGE: &str = "RCPT TO:<address> [NOTIFY=...] [ORCPT=...]";
/// Longest name that a client may give itself (RFC 5321 §4.5.3.1.2).
const MAX_CLIENT_NAME: usize = 255;

/// Reads a line without its CRLF, free of CR, LF and NUL.
pub(super) fn parse(line: &[u8]) -> Result<Command<'_>, SyntaxError> {
    let line = std::str::from_utf8(line).map_err(|_| SyntaxError::NotUtf8)?;
    // RFC 5321 §4.1.1: white space before the CRLF is tolerated.
    let line = line.trim_end_matches([' ', '\t']);
    let (verb, argument) = line.split_once(' ').unwrap_or((line, ""));
    let argument = argument.trim_start_matches(' ');
    let mut name = [0; 8];
    let name = name.get_mut(..verb.len()).ok_or(SyntaxError::Unknown)?;
    name.copy_from_slice(verb.as_bytes());
    name.make_ascii_uppercase();
    match &*name {
        b"EHLO" => Ok(Command::Ehlo(client_name(argument, "EHLO domain")?)),
        b"HELO" => Ok(Command::Helo(client_name(argument, "HELO domain")?)),
        b"LHLO" => Ok(Command::Lhlo(client_name(argument, "LHLO domain")?)),
        b"MAIL" => mail(argument).map(Command::Mail),
        b"RCPT" => rcpt(argument).map(Command::Rcpt),
        b"DATA" => alone(Command::Data, argument, "DATA"),
        b"BDAT" => bdat(argument),
        b"AUTH" => auth(argument),
        b"STARTTLS" => alone(Command::StartTls, argument, "STARTTLS"),
        b"RSET" => alone(Command::Rset, argument, "RSET"),
        b"QUIT" => alone(Command::Quit, argument, "QUIT"),
        b"NOOP" => Ok(Command::Noop),
        b"HELP" => Ok(Command::Help),
        b"VRFY" if argument.is_empty() => Err(SyntaxError::Usage("VRFY address")),
        b"VRFY" => Ok(Command::Vrfy),
        b"EXPN" => Ok(Command::Expn),
        _ => Err(SyntaxError::Unknown),
    }
}

fn alone<'a>(command: Command<'a>, argument: &str, usage: &'static str) -> Result<Command<'a>, SyntaxError> {
    if argument.is_empty() { Ok(command) } else { Err(SyntaxError::Usage(usage)) }
}

/// RFC 5321 §4.1.4: the name is not verified, so any word will do that can stand in a Received field.
fn client_name<'a>(argument: &'a str, usage: &'static str) -> Result<&'a str, SyntaxError> {
    let one_word = argument.bytes().all(|b| b.is_ascii_graphic());
    if one_word && (1..=MAX_CLIENT_NAME).contains(&argument.len()) {
        Ok(argument)
    } else {
        Err(SyntaxError::Usage(usage))
    }
}

/// RFC 3030 §2: `chunk-size = 1*DIGIT`
fn bdat(argument: &str) -> Result<Command<'_>, SyntaxError> {
    let mut words = argument.split_ascii_whitespace();
    let octets = words.next().and_then(number).ok_or(SyntaxError::ChunkSize)?;
    let last = match words.next() {
        None => false,
        Some(word) if word.eq_ignore_ascii_case("LAST") => true,
        Some(_) => return Err(SyntaxError::ChunkSize),
    };
    match words.next() {
        None => Ok(Command::Bdat { octets, last }),
        Some(_) => Err(SyntaxError::ChunkSize),
    }
}

fn auth(argument: &str) -> Result<Command<'_>, SyntaxError> {
    let mut words = argument.split_ascii_whitespace();
    match (words.next(), words.next(), words.next()) {
        (Some(mechanism), initial, None) => Ok(Command::Auth { mechanism, initial }),
        _ => Err(SyntaxError::Usage("AUTH mechanism [initial-response]")),
    }
}

fn mail(argument: &str) -> Result<Mail, SyntaxError> {
    let path = keyword(argument, "FROM:").ok_or(SyntaxError::Usage(MAIL_USAGE))?;
    let (path, parameters) = split_path(path).ok_or(SyntaxError::Usage(MAIL_USAGE))?;
    let from = match path {
        "" => MailFrom::Null,
        path => MailFrom::Address(mailbox(path).map_err(SyntaxError::Sender)?),
    };
    let mut params = MailParams::default();
    each(parameters, MAIL_USAGE, |parameter| params.take(parameter))?;
    Ok(Mail { from, params, beyond_ascii: !path.is_ascii() })
}

/// Reads parameters, one after the other.
fn each(
    parameters: &str,
    usage: &'static str,
    mut take: impl FnMut(&str) -> Result<(), Wrong>,
) -> Result<(), SyntaxError> {
    parameters.split(' ').filter(|p| !p.is_empty()).try_for_each(|parameter| {
        take(parameter).map_err(|wrong| match wrong {
            Wrong::Unknown => SyntaxError::Parameter,
            Wrong::Malformed => SyntaxError::Usage(usage),
        })
    })
}

fn rcpt(argument: &str) -> Result<Rcpt, SyntaxError> {
    let path = keyword(argument, "TO:").ok_or(SyntaxError::Usage(RCPT_USAGE))?;
    let (path, parameters) = split_path(path).ok_or(SyntaxError::Usage(RCPT_USAGE))?;
    let to = if path.eq_ignore_ascii_case("postmaster") {
        None
    } else {
        Some(mailbox(path).map_err(SyntaxError::Recipient)?)
    };
    let mut terms = RcptTerms::default();
    each(parameters, RCPT_USAGE, |parameter| params::rcpt(&mut terms, parameter))?;
    Ok(Rcpt { to, terms, beyond_ascii: !path.is_ascii() })
}

/// What stands behind `keyword`; blanks behind the colon are not in the grammar, and in many programs.
fn keyword<'a>(argument: &'a str, keyword: &str) -> Option<&'a str> {
    let (head, rest) = argument.split_at_checked(keyword.len())?;
    head.eq_ignore_ascii_case(keyword).then(|| rest.trim_start_matches(' '))
}

/// `<path>` and the parameters behind it. A `>` in quotes does not end the path.
fn split_path(text: &str) -> Option<(&str, &str)> {
    let inside = text.strip_prefix('<')?;
    let mut quoted = false;
    let mut escaped = false;
    for (at, c) in inside.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '>' if !quoted => {
                let rest = &inside[at + 1..];
                let separated = rest.is_empty() || rest.starts_with(' ');
                return separated.then_some((&inside[..at], rest));
            }
            _ => {}
        }
    }
    None
}

/// An address, without the source route that may stand before it (RFC 5321 §4.1.2, appendix C: accepted, ignored).
fn mailbox(path: &str) -> Result<EmailAddress, AddressError> {
    let address = match path.starts_with('@') {
        true => path.split_once(':').ok_or(AddressError::LocalPart)?.1,
        false => path,
    };
    EmailAddress::parse(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail_from(line: &str) -> Result<Mail, SyntaxError> {
        match parse(line.as_bytes())? {
            Command::Mail(mail) => Ok(mail),
            other => panic!("{line} is {other:?}"),
        }
    }

    fn rcpt_to(line: &str) -> Result<Rcpt, SyntaxError> {
        match parse(line.as_bytes())? {
            Command::Rcpt(rcpt) => Ok(rcpt),
            other => panic!("{line} is {other:?}"),
        }
    }

    #[test]
    fn verbs_are_read_in_any_case_and_arguments_are_minded() {
        assert_eq!(parse(b"ehlo [192.0.2.1] "), Ok(Command::Ehlo("[192.0.2.1]")));
        assert_eq!(parse(b"HELO my_pc"), Ok(Command::Helo("my_pc")));
        assert_eq!(parse(b"data"), Ok(Command::Data));
        assert_eq!(parse(b"DATA now"), Err(SyntaxError::Usage("DATA")));
        assert_eq!(parse(b"NOOP whatever it is"), Ok(Command::Noop));
        assert_eq!(parse(b"QUIT \t"), Ok(Command::Quit));
        for unknown in
            [&b""[..], b" ", b"GET / HTTP/1.1", b"STARTTLSX", b"DATAS", b"\x16\x03\x01\x02", b"ATRN x"]
        {
            assert_eq!(parse(unknown), Err(SyntaxError::Unknown), "{unknown:?}");
        }
        assert_eq!(parse(b"NOOP \xff"), Err(SyntaxError::NotUtf8));
        assert!(matches!(parse(b"EHLO"), Err(SyntaxError::Usage(_))));
        assert!(matches!(parse(b"EHLO a b"), Err(SyntaxError::Usage(_))));
        assert!(matches!(parse("EHLO ē.lv".as_bytes()), Err(SyntaxError::Usage(_))));
        assert!(matches!(parse(b"VRFY"), Err(SyntaxError::Usage(_))));
    }

    #[test]
    fn paths_are_read_by_the_grammar() {
        for (line, address) in [
            ("MAIL FROM:<a@b.test>", "a@b.test"),
            ("mail from: <a@b.test>", "a@b.test"),
            ("MAIL FROM:<@one.test,@two.test:a@b.test>", "a@b.test"),
            ("MAIL FROM:<\"a >b\"@b.test>", "\"a >b\"@b.test"),
            ("MAIL FROM:<\"a\\\">b\"@b.test>", "\"a\\\">b\"@b.test"),
            ("MAIL FROM:<a@[192.0.2.1]>", "a@[192.0.2.1]"),
        ] {
            let address = EmailAddress::parse(address).expect("an address");
            assert_eq!(mail_from(line).map(|m| m.from), Ok(MailFrom::Address(address)), "{line}");
        }
        assert_eq!(mail_from("MAIL FROM: <>").map(|m| m.from), Ok(MailFrom::Null));
        for line in [
            "MAIL",
            "MAIL FROM",
            "MAIL FROM:",
            "MAIL FROM:a@b.test",
            "MAIL FROM:<a@b.test",
            "MAIL TO:<a@b.test>",
        ] {
            assert_eq!(mail_from(line), Err(SyntaxError::Usage(MAIL_USAGE)), "{line}");
        }
        assert_eq!(mail_from("MAIL FROM:<a@b.test>SIZE=1"), Err(SyntaxError::Usage(MAIL_USAGE)));
        assert_eq!(mail_from("MAIL FROM:<alice>"), Err(SyntaxError::Sender(AddressError::NoDomain)));
        assert_eq!(mail_from("MAIL FROM:<a b@b.test>"), Err(SyntaxError::Sender(AddressError::LocalPart)));
        assert_eq!(rcpt_to("RCPT TO:<>"), Err(SyntaxError::Recipient(AddressError::NoDomain)));
        assert_eq!(rcpt_to("RCPT TO:<PostMaster>").map(|r| r.to), Ok(None));
        assert!(rcpt_to("RCPT TO:<jānis@demo.test>").expect("an address").beyond_ascii);
        assert_eq!(rcpt_to("RCPT TO:<a@b.test> SIZE=1"), Err(SyntaxError::Parameter));
    }

    #[test]
    fn parameters_of_mail_are_those_that_are_offered() {
        let mail = mail_from("MAIL FROM:<> size=123 BODY=8bitmime SMTPUTF8 AUTH=<>").expect("all offered");
        let MailParams { size, utf8, used, .. } = mail.params;
        assert_eq!((size, utf8, used.any, used.auth), (Some(123), true, true, true));
        for line in ["X", "=", "NOTIFY=NEVER"] {
            assert_eq!(mail_from(&format!("MAIL FROM:<> {line}")), Err(SyntaxError::Parameter), "{line}");
        }
        for line in
            ["SIZE=x", "SIZE=", "SIZE", "SIZE=1 SIZE=1", "SMTPUTF8=1", "AUTH=", "SIZE=999999999999999999999"]
        {
            assert_eq!(
                mail_from(&format!("MAIL FROM:<> {line}")),
                Err(SyntaxError::Usage(MAIL_USAGE)),
                "{line}"
            );
        }
    }

    #[test]
    fn a_chunk_names_its_octets() {
        assert_eq!(parse(b"BDAT 86 last"), Ok(Command::Bdat { octets: 86, last: true }));
        assert_eq!(parse(b"bdat 0"), Ok(Command::Bdat { octets: 0, last: false }));
        for line in
            ["BDAT", "BDAT x", "BDAT -1", "BDAT 1 FIRST", "BDAT 1 LAST 2", "BDAT 99999999999999999999"]
        {
            assert_eq!(parse(line.as_bytes()), Err(SyntaxError::ChunkSize), "{line}");
        }
    }

    #[test]
    fn auth_has_a_mechanism_and_perhaps_a_response() {
        assert_eq!(parse(b"AUTH PLAIN ="), Ok(Command::Auth { mechanism: "PLAIN", initial: Some("=") }));
        assert_eq!(parse(b"AUTH login"), Ok(Command::Auth { mechanism: "login", initial: None }));
        assert!(matches!(parse(b"AUTH"), Err(SyntaxError::Usage(_))));
        assert!(matches!(parse(b"AUTH PLAIN a b"), Err(SyntaxError::Usage(_))));
    }
}
