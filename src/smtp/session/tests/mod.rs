//! The dialogue against actors that answer from a table: one step at a time, as a driver does it.

mod dialogue;
mod ending;
mod letters;
mod login;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use postern_actors::order::{Proof, Route, Tell};
use postern_model::{AccountId, EmailAddress, LetterId, MailFrom, Protocol, Timestamp};
use postern_policy::Refusal;

use super::SmtpSession;
use crate::net::session::{Output, Session, Step, TlsInfo};
use crate::smtp::{Answer, Ask, Delivery, Grant, LoggedIn, Role, Settings};
use crate::wording::Places;

/// `\0alice@foo.com\0secret`
const ALICE: &str = "AUTH PLAIN AGFsaWNlQGZvby5jb20Ac2VjcmV0";

/// A letter as it was accepted.
#[derive(Debug)]
struct Accepted {
    delivery: Delivery,
    text: Vec<u8>,
}

impl Accepted {
    /// What the client sent, without the fields in front.
    fn sent(&self) -> &[u8] {
        let text = &self.text;
        let at = text.windows(3).position(|w| w == b";\r\n").expect("a Received field") + 3;
        let date = text[at..].iter().position(|&b| b == b'\n').expect("its date") + 1;
        &text[at + date..]
    }

    fn front(&self) -> String {
        String::from_utf8_lossy(&self.text[..self.text.len() - self.sent().len()]).into_owned()
    }
}

/// A driver and the actors behind it.
struct Pump {
    session: SmtpSession,
    now: Timestamp,
    /// Input goes in in pieces of so many octets.
    piece: usize,
    /// By name of the question: what it is refused with.
    refuse: HashMap<&'static str, Refusal>,
    /// Told to the session while the question of this name is under way.
    tell_during: Option<(&'static str, Tell)>,
    asked: Vec<&'static str>,
    spool: Vec<u8>,
    letters: Vec<Accepted>,
    said: Vec<u8>,
    handshake: bool,
    closed: bool,
    next_letter: u64,
}

impl Pump {
    fn new(role: Role) -> Pump {
        Pump::with(role, |_| {})
    }

    fn with(role: Role, change: impl FnOnce(&mut Settings)) -> Pump {
        let places = Places {
            web: "https://foo.com/".into(),
            support: "help@foo.com".into(),
            zone: jiff::tz::TimeZone::UTC,
        };
        let mut settings = Settings::new("foo.com".into(), places);
        change(&mut settings);
        let now = Timestamp::from_seconds(1_772_359_200);
        let session = SmtpSession::new(Arc::new(settings), role, IpAddr::from([192, 0, 2, 7]));
        let mut pump = Pump {
            session,
            now,
            piece: usize::MAX,
            refuse: HashMap::new(),
            tell_during: None,
            asked: Vec::new(),
            spool: Vec::new(),
            letters: Vec::new(),
            said: Vec::new(),
            handshake: false,
            closed: false,
            next_letter: 0x10,
        };
        if role == Role::Submissions {
            pump.call(|session, now, out| session.secured(now, tls(), out));
        }
        pump.call(|session, now, out| session.open(now, out));
        pump
    }

    /// Behind EHLO, and behind AUTH where it is needed.
    fn ready(role: Role) -> Pump {
        Pump::ready_with(role, |_| {})
    }

    fn ready_with(role: Role, change: impl FnOnce(&mut Settings)) -> Pump {
        let mut pump = Pump::with(role, change);
        pump.reply("EHLO client.example");
        if role == Role::Submission {
            pump.reply("STARTTLS");
            pump.secure();
            pump.reply("EHLO client.example");
        }
        if role != Role::Mx {
            pump.expect(ALICE, "235 2.7.0");
        }
        pump.heard();
        pump
    }

    fn call(&mut self, act: impl FnOnce(&mut SmtpSession, Timestamp, &mut Output<Ask>)) {
        let mut out = Output::default();
        act(&mut self.session, self.now, &mut out);
        self.done(out);
    }

    /// Does what the session wants, as long as it wants something.
    fn done(&mut self, out: Output<Ask>) {
        let mut next = Some(out);
        while let Some(out) = next.take() {
            self.said.extend_from_slice(&out.bytes);
            self.spool.extend_from_slice(&out.body);
            match out.step {
                None => {}
                Some(Step::Close) => self.closed = true,
                Some(Step::StartTls) => self.handshake = true,
                Some(Step::Send { .. } | Step::Compress) => {
                    panic!("SMTP sends no letters and compresses nothing")
                }
                Some(Step::Ask(ask)) => {
                    let (name, answer) = self.perform(ask);
                    if let Some((_, tell)) = self.tell_during.take_if(|(during, _)| *during == name) {
                        let mut told = Output::default();
                        self.session.told(self.now, tell, &mut told);
                        assert!(told.step.is_none(), "a step while another is under way");
                        self.said.extend_from_slice(&told.bytes);
                    }
                    let mut out = Output::default();
                    self.session.answer(self.now, answer, &mut out);
                    next = Some(out);
                }
            }
        }
    }

    /// Octets of the client's, whatever they are.
    fn send(&mut self, bytes: impl AsRef<[u8]>) {
        for piece in bytes.as_ref().chunks(self.piece) {
            let mut rest = piece;
            while !rest.is_empty() && !self.closed && !self.handshake {
                let mut out = Output::default();
                let taken = self.session.input(self.now, rest, &mut out);
                assert!(taken == rest.len() || out.step.is_some(), "input was left without a step");
                rest = &rest[taken..];
                self.done(out);
            }
        }
    }

    fn heard(&mut self) -> String {
        String::from_utf8(std::mem::take(&mut self.said)).expect("replies are ASCII")
    }

    /// Sends a line and hears what comes.
    fn reply(&mut self, line: &str) -> String {
        self.send(format!("{line}\r\n"));
        self.heard()
    }

    /// Sends a line, to which exactly one reply of one line comes that begins with `code`.
    #[track_caller]
    fn expect(&mut self, line: &str, code: &str) {
        let heard = self.reply(line);
        assert!(heard.starts_with(code) && heard.lines().count() == 1, "{line}: {heard:?} is not {code}");
    }

    /// The handshake that STARTTLS began.
    fn secure(&mut self) {
        assert!(std::mem::take(&mut self.handshake), "no STARTTLS was asked for");
        self.call(|session, now, out| session.secured(now, tls(), out));
    }

    fn tell(&mut self, tell: Tell) {
        self.call(|session, now, out| session.told(now, tell, out));
    }

    /// The clock goes on in silence; returns whether the session's deadline came.
    fn wait(&mut self, seconds: u64) -> bool {
        let silent_since = self.now;
        self.now = self.now.plus(std::time::Duration::from_secs(seconds));
        let due = self.session.deadline(silent_since) <= self.now;
        if due {
            self.call(|session, now, out| session.expired(now, out));
        }
        due
    }

    fn perform(&mut self, ask: Ask) -> (&'static str, Answer) {
        let name = name(&ask);
        self.asked.push(name);
        let refusal = self.refuse.get(name).cloned();
        let answer = match ask {
            Ask::Keys { .. } => Answer::Keys(Err(refusal.unwrap_or(Refusal::Unavailable))),
            Ask::Login { proof } => Answer::Login(refusal.map_or_else(|| login(&proof), Err)),
            Ask::Sender { account, from, .. } => Answer::Sender(match (refusal, from) {
                (Some(refusal), _) => Err(refusal),
                (None, MailFrom::Address(from)) if account_of(&from) != Some(account) => {
                    Err(Refusal::SenderNotOwned)
                }
                _ => Ok(Grant { recipients: 3, reservation: None }),
            }),
            Ask::Enter { .. } => Answer::Enter(refusal.map_or(Ok(()), Err)),
            Ask::Recipient { address, .. } => Answer::Recipient(match refusal {
                Some(refusal) => Err(refusal),
                None if address.domain().as_str() != "foo.com" => Err(Refusal::NoRoute),
                None => account_of(&address).map(Route::Here).ok_or(Refusal::NoSuchMailbox),
            }),
            Ask::Begin => {
                self.spool.clear();
                self.next_letter += 1;
                Answer::Begin(refusal.map_or(Ok(LetterId(self.next_letter)), Err))
            }
            Ask::Authors { account, addresses } => {
                assert!(!addresses.is_empty(), "nobody to ask about");
                let owned = addresses.iter().all(|address| account_of(address) == Some(account));
                Answer::Authors(
                    refusal.map_or(if owned { Ok(()) } else { Err(Refusal::AuthorNotOwned) }, Err),
                )
            }
            Ask::Accept(delivery) => {
                let text = std::mem::take(&mut self.spool);
                let locals = delivery.locals.len();
                if refusal.is_none() {
                    self.letters.push(Accepted { delivery: *delivery, text });
                }
                Answer::Accept(refusal.map_or(Ok(vec![Ok(()); locals]), Err))
            }
            Ask::Discard => {
                self.spool.clear();
                Answer::Discard
            }
        };
        (name, answer)
    }
}

fn name(ask: &Ask) -> &'static str {
    match ask {
        Ask::Keys { .. } => "keys",
        Ask::Login { .. } => "login",
        Ask::Sender { .. } => "sender",
        Ask::Enter { .. } => "enter",
        Ask::Recipient { .. } => "recipient",
        Ask::Begin => "begin",
        Ask::Authors { .. } => "authors",
        Ask::Accept(_) => "accept",
        Ask::Discard => "discard",
    }
}

fn account_of(address: &EmailAddress) -> Option<AccountId> {
    let id = match address.local().as_str().to_ascii_lowercase().as_str() {
        "alice" | "alice.alias" => 1,
        "bob" | "bob.alias" => 2,
        "carol" => 3,
        "jānis" => 4,
        "postmaster" => 5,
        _ => return None,
    };
    (address.domain().as_str() == "foo.com").then_some(AccountId(id))
}

fn login(proof: &Proof) -> Result<Box<LoggedIn>, Refusal> {
    let wrong = Err(Refusal::BadCredentials { bare_name: false });
    let Proof::Password { user, password } = proof else { return wrong };
    if user != "alice@foo.com" || password.as_str() != "secret" {
        return wrong;
    }
    Ok(Box::new(LoggedIn { account: AccountId(1), held: Box::new(()) }))
}

fn tls() -> TlsInfo {
    TlsInfo {
        version: "TLSv1.3",
        cipher: "TLS_AES_128_GCM_SHA256",
        exporter: Some([7; 32]),
        server_name: None,
    }
}
