//! Transcripts: dialogues as text, that say what goes over the wire and when the clock moves.
//!
//! ```text
//! # a comment
//! @ door pop3                        smtp | submission | submissions | lmtp | pop3 | pop3s | imap | imaps
//! @ door 2 pop3                      the second connection goes there
//! @ over direct tcp                  where it can be played; everywhere (direct tcp tls) without this line
//! @ hostname mail.demo.test
//! @ domain demo.test
//! @ account a@demo.test secret on    with access on; without "on" everything is off
//! @ alias a@demo.test b@demo.test    one more address for an account
//! @ letter a@demo.test Subject: x\r\n\r\nbody\r\n
//! @ letter a@demo.test 120           a letter of that many octets
//! @ set legacy-plaintext on          logins without TLS are allowed, and each account has ticked that
//! @ env POSTERN_PLANS free           any variable of the configuration
//! C: STAT                            sent with CRLF
//! C> STAT\r\nQUIT\r\n                sent as it stands, in one piece; \r \n \t \0 \xNN \\
//! S: +OK … 320                       the next line; … stands for anything, and so does «name» where it comes first
//! C: UID FETCH «name» FLAGS          what «name» stood for, in what is sent or expected later
//! S+ .                               lines up to one like this
//! TLS:                               the client's side of STARTTLS or STLS
//! X:                                 the server closes
//! H:                                 the client hangs up, and waits until the server has closed, too
//! T: 10m                             the clock moves on
//! A: account access a@demo.test off  what an operator does
//! C2: S2: X2: …                      another connection; opened when it is first named
//! ```

use std::collections::BTreeMap;
use std::time::Duration;

/// A transcript.
#[derive(Debug)]
pub(crate) struct Script {
    pub(crate) door: DoorKind,
    /// Doors of single connections.
    pub(crate) others: BTreeMap<usize, DoorKind>,
    pub(crate) over: Vec<Way>,
    pub(crate) setup: Setup,
    pub(crate) steps: Vec<Step>,
}

/// Which door it knocks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DoorKind {
    Smtp,
    Lmtp,
    Submission,
    Submissions,
    Pop3,
    Pop3s,
    Imap,
    Imaps,
}

impl DoorKind {
    /// TLS begins with the first octet.
    pub(crate) fn is_implicit_tls(self) -> bool {
        matches!(self, DoorKind::Submissions | DoorKind::Pop3s | DoorKind::Imaps)
    }
}

/// How a transcript is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// On the state machine, without a socket.
    Direct,
    /// Over a connection that begins in the clear.
    Tcp,
    /// Over one that begins with TLS.
    Tls,
}

impl Way {
    pub(crate) const ALL: [Way; 3] = [Way::Direct, Way::Tcp, Way::Tls];
}

/// What is there when the dialogue begins.
#[derive(Debug, Default)]
pub(crate) struct Setup {
    pub(crate) hostname: Option<String>,
    pub(crate) domains: Vec<String>,
    pub(crate) accounts: Vec<AccountSetup>,
    /// Account, one more address.
    pub(crate) aliases: Vec<(String, String)>,
    /// Recipient, octets.
    pub(crate) letters: Vec<(String, Vec<u8>)>,
    pub(crate) legacy_plaintext: bool,
    /// Variable, value.
    pub(crate) variables: Vec<(String, String)>,
}

impl Setup {
    /// One account whose programs may speak without TLS.
    pub(crate) fn with_account(address: &str, password: &str) -> Setup {
        let domain = address.rsplit('@').next().unwrap_or_default().to_owned();
        let account = AccountSetup { address: address.to_owned(), password: password.to_owned(), on: true };
        Setup { domains: vec![domain], accounts: vec![account], legacy_plaintext: true, ..Setup::default() }
    }
}

#[derive(Debug)]
pub(crate) struct AccountSetup {
    pub(crate) address: String,
    pub(crate) password: String,
    pub(crate) on: bool,
}

/// One line of the dialogue.
#[derive(Debug)]
pub(crate) struct Step {
    /// Where it stands in the file.
    pub(crate) line: usize,
    pub(crate) action: Action,
}

#[derive(Debug)]
pub(crate) enum Action {
    Say { session: usize, text: String },
    Send { session: usize, bytes: Vec<u8> },
    Expect { session: usize, pattern: String },
    ExpectEventually { session: usize, pattern: String },
    StartTls { session: usize },
    Closed { session: usize },
    HangUp { session: usize },
    Advance(Duration),
    Operator(String),
}

impl Script {
    /// Reads a transcript.
    ///
    /// # Errors
    /// The first line that is none of the format, with its number.
    pub(crate) fn parse(text: &str) -> Result<Script, String> {
        let mut script = Script {
            door: DoorKind::Pop3,
            others: BTreeMap::new(),
            over: Way::ALL.to_vec(),
            setup: Setup::default(),
            steps: Vec::new(),
        };
        for (index, line) in text.lines().enumerate() {
            let number = index + 1;
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            script.line(number, line).map_err(|why| format!("line {number}: {why}: {line}"))?;
        }
        Ok(script)
    }

    /// Whether it can be played this way, and where not, why.
    pub(crate) fn plays(&self, way: Way) -> Result<(), &'static str> {
        let upgrades = self.steps.iter().any(|s| matches!(s.action, Action::StartTls { .. }));
        match way {
            _ if !self.over.contains(&way) => Err("the transcript says so"),
            Way::Tls if upgrades => Err("there is no STARTTLS within TLS"),
            Way::Tls if matches!(self.door, DoorKind::Smtp | DoorKind::Lmtp) => {
                Err("this door has no TLS from the first octet")
            }
            Way::Tcp if self.door.is_implicit_tls() && !self.setup.legacy_plaintext => {
                Err("nobody logs in without TLS unless legacy-plaintext is on")
            }
            _ => Ok(()),
        }
    }

    fn line(&mut self, number: usize, line: &str) -> Result<(), String> {
        if let Some(directive) = line.strip_prefix("@ ") {
            return self.setup_line(directive.trim());
        }
        let head = line.find([':', '>', '+']).ok_or("neither a directive nor a step")?;
        let (who, rest) = line.split_at(head);
        let (mark, text) = rest.split_at(1);
        let text = text.strip_prefix(' ').unwrap_or(text);
        let letters = who.trim_end_matches(|c: char| c.is_ascii_digit());
        let session = match &who[letters.len()..] {
            "" => 1,
            digits => digits.parse().map_err(|_| "no session number")?,
        };
        let action = match (letters, mark) {
            ("C", ":") => Action::Say { session, text: text.to_owned() },
            ("C", ">") => Action::Send { session, bytes: unescape(text)? },
            ("S", ":") => Action::Expect { session, pattern: text.to_owned() },
            ("S", "+") => Action::ExpectEventually { session, pattern: text.to_owned() },
            ("TLS", ":") => Action::StartTls { session },
            ("X", ":") => Action::Closed { session },
            ("H", ":") => Action::HangUp { session },
            ("T", ":") => Action::Advance(duration(text)?),
            ("A", ":") => Action::Operator(text.to_owned()),
            _ => return Err("no such step".to_owned()),
        };
        self.steps.push(Step { line: number, action });
        Ok(())
    }

    fn setup_line(&mut self, directive: &str) -> Result<(), String> {
        let (name, rest) = directive.split_once(' ').ok_or("the directive says nothing")?;
        let words: Vec<&str> = rest.split_whitespace().collect();
        match (name, &words[..]) {
            ("door", [door]) => self.door = door_kind(door)?,
            ("door", [number, door]) => {
                let number = number.parse().map_err(|_| "no number of a connection")?;
                self.others.insert(number, door_kind(door)?);
            }
            ("over", ways) => self.over = ways.iter().map(|w| way(w)).collect::<Result<_, _>>()?,
            ("hostname", [hostname]) => self.setup.hostname = Some((*hostname).to_owned()),
            ("domain", [domain]) => self.setup.domains.push((*domain).to_owned()),
            ("account", [address, password, on @ ..]) => self.setup.accounts.push(AccountSetup {
                address: (*address).to_owned(),
                password: (*password).to_owned(),
                on: *on == ["on"],
            }),
            ("alias", [address, alias]) => {
                self.setup.aliases.push(((*address).to_owned(), (*alias).to_owned()));
            }
            ("letter", [address, ..]) => {
                let text = rest[address.len()..].trim_start();
                let letter = match text.parse() {
                    Ok(octets) => letter_of(octets),
                    Err(_) => unescape(text)?,
                };
                self.setup.letters.push(((*address).to_owned(), letter));
            }
            ("set", ["legacy-plaintext", "on"]) => self.setup.legacy_plaintext = true,
            ("env", [variable, value]) => {
                self.setup.variables.push(((*variable).to_owned(), (*value).to_owned()));
            }
            _ => return Err("no such directive".to_owned()),
        }
        Ok(())
    }
}

fn door_kind(name: &str) -> Result<DoorKind, String> {
    Ok(match name {
        "smtp" => DoorKind::Smtp,
        "lmtp" => DoorKind::Lmtp,
        "submission" => DoorKind::Submission,
        "submissions" => DoorKind::Submissions,
        "pop3" => DoorKind::Pop3,
        "pop3s" => DoorKind::Pop3s,
        "imap" => DoorKind::Imap,
        "imaps" => DoorKind::Imaps,
        _ => return Err("no such door".to_owned()),
    })
}

fn way(name: &str) -> Result<Way, String> {
    Ok(match name {
        "direct" => Way::Direct,
        "tcp" => Way::Tcp,
        "tls" => Way::Tls,
        _ => return Err("no such way".to_owned()),
    })
}

/// A letter of exactly `octets` octets, 30 at least.
fn letter_of(octets: usize) -> Vec<u8> {
    let mut letter = format!("Subject: {octets} octets\r\n\r\n").into_bytes();
    while letter.len() < octets {
        let line = (octets - letter.len()).min(72);
        // No line of one octet is left over, since CRLF takes two.
        let line = if octets - letter.len() - line == 1 { line - 1 } else { line };
        letter.extend(std::iter::repeat_n(b'x', line.saturating_sub(2)));
        letter.extend_from_slice(b"\r\n");
    }
    letter
}

fn duration(text: &str) -> Result<Duration, String> {
    let unit = text.find(|c: char| !c.is_ascii_digit()).ok_or("a duration has a unit")?;
    let (count, unit) = text.split_at(unit);
    let count: u64 = count.parse().map_err(|_| "no number")?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err("no such unit".to_owned()),
    };
    Ok(Duration::from_secs(count * seconds))
}

/// Undoes `\r \n \t \0 \xNN \\`.
fn unescape(text: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, behind @ ..] = rest {
        rest = behind;
        if *first != b'\\' {
            bytes.push(*first);
            continue;
        }
        let (escape, behind) = rest.split_first().ok_or("a lone backslash")?;
        rest = behind;
        bytes.push(match escape {
            b'r' => b'\r',
            b'n' => b'\n',
            b't' => b'\t',
            b'0' => 0,
            b'\\' => b'\\',
            b'x' => {
                let digits =
                    rest.get(..2).and_then(|d| std::str::from_utf8(d).ok()).ok_or("\\x needs two digits")?;
                rest = &rest[2..];
                u8::from_str_radix(digits, 16).map_err(|_| "\\x needs two digits")?
            }
            _ => return Err("no such escape".to_owned()),
        });
    }
    Ok(bytes)
}

/// What names in a transcript stand for.
pub(crate) type Names = BTreeMap<String, String>;

/// Puts in what is known of `«name»`s.
pub(crate) fn filled(text: &str, names: &Names) -> String {
    names.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("«{name}»"), value))
}

/// Whether a line is what the pattern says; `…` in it stands for any run of characters, and `«name»` as well where it is
/// not known yet: then it is from now on.
pub(crate) fn matches(pattern: &str, line: &str, names: &mut Names) -> bool {
    let pattern = filled(pattern, names);
    let mut found = Vec::new();
    let mut rest = Some(line);
    let mut pattern = pattern.as_str();
    while let Some((before, name, behind)) = wildcard(pattern) {
        let Some(text) = rest.and_then(|rest| rest.strip_prefix(before)) else { return false };
        let next = wildcard(behind).map_or(behind, |(literal, ..)| literal);
        let at =
            if next.len() == behind.len() { text.len().checked_sub(next.len()) } else { text.find(next) };
        let Some((run, behind_it)) = at.and_then(|at| text.split_at_checked(at)) else { return false };
        found.extend(name.map(|name| (name.to_owned(), run.to_owned())));
        (rest, pattern) = (Some(behind_it), behind);
    }
    let whole = rest == Some(pattern);
    if whole {
        names.extend(found);
    }
    whole
}

/// The first wildcard of a pattern: what stands before it, its name, what stands behind it.
fn wildcard(pattern: &str) -> Option<(&str, Option<&str>, &str)> {
    let (before, behind) = pattern.split_at(pattern.find(['…', '«'])?);
    match behind.strip_prefix('…') {
        Some(behind) => Some((before, None, behind)),
        None => {
            let (name, behind) = behind.strip_prefix('«')?.split_once('»')?;
            Some((before, Some(name), behind))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_stands_for_what_it_leaves_out() {
        for (pattern, line, expected) in [
            ("+OK", "+OK", true),
            ("+OK", "+OK x", false),
            ("+OK…", "+OK", true),
            ("+OK … octets", "+OK 12 octets", true),
            ("…a…b", "xaxb", true),
            ("…a…b", "b", false),
            ("ab…b", "ab", false),
            ("", "", true),
        ] {
            assert_eq!(matches(pattern, line, &mut Names::new()), expected, "{pattern} {line}");
        }
    }

    #[test]
    fn what_a_name_stands_for_first_it_stands_for_later() {
        let mut names = Names::new();
        assert!(matches("* OK [UIDVALIDITY «v»] …", "* OK [UIDVALIDITY 77] is valid", &mut names));
        assert_eq!(filled("SELECT INBOX (QRESYNC («v» 1))", &names), "SELECT INBOX (QRESYNC (77 1))");
        assert!(matches("«v» «w»", "77 78", &mut names));
        assert!(!matches("«w»", "77", &mut names));
        assert_eq!(names["w"], "78");
    }

    #[test]
    fn steps_and_directives_are_read() {
        let text = "# x\n@ door pop3s\n@ letter a@b.test 40\nC2> a\\r\\n\\x2e\\\\\nS: +OK: x\nT: 2m\nX2:\n";
        let script = Script::parse(text).expect("a transcript");
        assert_eq!(script.door, DoorKind::Pop3s);
        assert_eq!(script.setup.letters[0].1.len(), 40);
        assert!(
            matches!(&script.steps[0].action, Action::Send { session: 2, bytes } if bytes == b"a\r\n.\\")
        );
        assert!(
            matches!(&script.steps[1].action, Action::Expect { session: 1, pattern } if pattern == "+OK: x")
        );
        assert_eq!(script.steps[3].line, 7);
        assert!(Script::parse("nonsense\n").is_err());
    }

    #[test]
    fn letters_have_the_octets_asked_for() {
        for octets in 30..400 {
            let letter = letter_of(octets);
            assert_eq!(letter.len(), octets);
            assert!(letter.ends_with(b"\r\n"));
        }
    }
}
