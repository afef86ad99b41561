//! A notice as a letter (RFC 5322, 2045, 3834): lines of at most 76 printable ASCII characters, so that every program
//! can read it.

use postern_actors::notice::Told;
use postern_model::{Domain, EmailAddress};
use sha2::{Digest, Sha256};

use super::encoding;

/// The longest subject, in characters.
const SUBJECT: usize = 200;

/// What a letter is made of.
#[derive(Debug)]
pub(super) struct Letter<'a> {
    pub(super) told: &'a Told<'a>,
    /// The language that it is really in.
    pub(super) language: &'a str,
    /// The account's domain.
    pub(super) domain: &'a str,
    /// The server's name.
    pub(super) hostname: &'a str,
    /// The display name of whom it is from.
    pub(super) sender: &'a str,
    pub(super) subject: &'a str,
    pub(super) paragraphs: &'a [String],
}

/// The domain of an address, as A-labels; the server's own name where it has none.
pub(super) fn domain_of(address: &str, hostname: &str) -> String {
    let domain = address.rsplit_once('@').and_then(|(_, domain)| Domain::parse(domain).ok());
    domain.map_or_else(|| hostname.to_owned(), |domain| domain.as_str().to_owned())
}

impl Letter<'_> {
    /// The whole letter.
    pub(super) fn write(&self) -> Vec<u8> {
        let (told, hostname) = (self.told, self.hostname);
        let root = format!("<notices-{}-{}@{hostname}>", told.notice.notice.name(), digest(told.address));
        let subject = one_line(self.subject, SUBJECT);
        let (encoding, body) = encoding::body(&self.text());
        // A notice is answered by nobody, so it has no return path (RFC 3834 §3.3, §5).
        let header = [
            ("Return-Path", "<>".to_owned()),
            ("From", self.from()),
            ("To", to(told.address)),
            ("Date", told.now.rfc5322()),
            ("Message-ID", format!("<notice-{}@{hostname}>", told.letter)),
            // Programs put letters with one root beside each other; that it is no letter itself does not matter.
            ("In-Reply-To", root.clone()),
            ("References", root),
            ("Subject", encoding::unstructured(&subject, "Subject: ")),
            ("Auto-Submitted", "auto-generated".to_owned()),
            ("MIME-Version", "1.0".to_owned()),
            ("Content-Type", "text/plain; charset=utf-8".to_owned()),
            ("Content-Transfer-Encoding", encoding.to_owned()),
            ("Content-Language", self.language.to_owned()),
        ];
        let mut letter = String::new();
        for (name, value) in header {
            letter.push_str(&format!("{name}: {value}\r\n"));
        }
        letter.push_str("\r\n");
        letter.push_str(&body);
        letter.into_bytes()
    }

    fn from(&self) -> String {
        let name = encoding::phrase(&one_line(self.sender, SUBJECT));
        format!("{name}\r\n <postmaster@{}>", self.domain)
    }

    /// The paragraphs that are not empty, with an empty line between them.
    fn text(&self) -> String {
        let paragraphs: Vec<String> =
            self.paragraphs.iter().map(|text| clean(text)).filter(|text| !text.is_empty()).collect();
        paragraphs.join("\n\n") + "\n"
    }
}

/// The address in a To field. One beyond ASCII can't stand there before programs speak RFC 6532, so it is shown as the
/// name of an empty group (RFC 6857 §3.1).
pub(super) fn to(address: &str) -> String {
    match EmailAddress::parse(address) {
        Ok(parsed) if parsed.is_ascii() => parsed.to_string(),
        _ => format!("{}:;", encoding::phrase(&one_line(address, SUBJECT))),
    }
}

/// The same for an account for ever, and nothing that tells its address to others.
fn digest(address: &str) -> String {
    Sha256::digest(address.as_bytes()).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// A text as one line of at most `longest` characters.
pub(super) fn one_line(text: &str, longest: usize) -> String {
    let visible: String = text.chars().map(|c| if breaks(c) { ' ' } else { c }).collect();
    let line = visible.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(longest) {
        Some((end, _)) => format!("{}…", line[..end].trim_end()),
        None => line,
    }
}

/// Lines without control characters and spaces at their ends, none of them empty at the beginning or the end.
pub(super) fn clean(text: &str) -> String {
    let line = |line: &str| line.replace(breaks, " ").trim_end().to_owned();
    text.lines().map(line).collect::<Vec<_>>().join("\n").trim_matches('\n').to_owned()
}

/// Characters that end a line, act on a terminal, or turn the direction of what stands behind them.
fn breaks(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
