//! The dialogue of one connection: commands in their order (RFC 5321 §4.1.4), letters between them.
//!
//! ```text
//!             ┌── AUTH ──> Exchange ──┐                     ┌── DATA ──> Data ───┐
//! Commands ───┤                       ├──> Commands ── MAIL, RCPT … ─┤           ├──> Commands
//!             └── STARTTLS ─> (all forgotten)               └── BDAT ──> Chunk ──┘
//! ```
//!
//! Where an answer of the actors is needed the session stops at [`Waiting`]; nothing is read until it has come.

mod auth;
mod commands;
mod letter;
#[cfg(test)]
mod tests;
mod transaction;

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use postern_actors::order::Tell;
use postern_model::record::RcptTerms;
use postern_model::{EmailAddress, Timestamp};
use postern_policy::Refusal;
use zeroize::Zeroize;

use super::ask::{Answer, Ask, LoggedIn};
use super::command::Mail;
use super::data::DotDecoder;
use super::line::{Fed, LineBuffer, LineFault};
use super::reply::Reply;
use super::settings::{Role, Settings};
use crate::inbound::Gatekeeper;
use crate::net::session::{Output, Session, Step, TlsInfo};
use crate::sasl::Exchange;
use crate::wording;
use letter::Then;
use transaction::{Opening, Transaction};

/// SMTP with one client.
pub struct SmtpSession {
    settings: Arc<Settings>,
    role: Role,
    peer: IpAddr,
    opened: Timestamp,
    /// When something was heard last, of the client or of the actors.
    now: Timestamp,
    tls: Option<Box<TlsInfo>>,
    client: Option<Client>,
    user: Option<Box<LoggedIn>>,
    transaction: Option<Box<Transaction>>,
    /// The last MAIL was refused, so that what a pipelining client sent behind it is no error of its own.
    mail_refused: bool,
    line: LineBuffer,
    reading: Reading,
    waiting: Option<Waiting>,
    leaving: Option<Box<Leaving>>,
    letters: u32,
    errors: u32,
    unknown_recipients: u32,
    failed_logins: u32,
}

/// How the client introduced itself.
struct Client {
    name: Box<str>,
    /// By EHLO.
    extended: bool,
}

/// What the next octets are.
enum Reading {
    /// Command lines.
    Commands,
    /// Responses of an AUTH exchange.
    Exchange(Box<Exchange>),
    /// A letter, with dots.
    Data(DotDecoder),
    /// A chunk of a letter.
    Chunk(Box<Chunk>),
    /// Nothing any more: the connection is being ended.
    Nothing,
}

/// A chunk that comes in (RFC 3030 §2).
struct Chunk {
    /// Octets that are still to come.
    left: u64,
    /// Octets of all of it.
    octets: u64,
    /// It is the letter's last.
    last: bool,
    /// It is not wanted, and this is why; it must be read all the same.
    refusal: Option<Reply>,
}

/// What is being asked, and what the answer is needed for.
enum Waiting {
    Tls,
    Keys(Box<Exchange>),
    Login,
    Sender(Box<Mail>),
    Enter,
    Recipient(Box<(EmailAddress, RcptTerms)>),
    Begin(Opening),
    Authors(Then),
    Accept,
    Discard,
}

/// The session was told to end, and does as soon as nothing is under way.
struct Leaving {
    reply: Reply,
    /// A letter that is coming in is refused with it (SPEC A2); else it is still taken.
    refuses: bool,
}

impl SmtpSession {
    /// A session with the client at `peer`.
    pub fn new(settings: Arc<Settings>, role: Role, peer: IpAddr) -> SmtpSession {
        SmtpSession {
            settings,
            role,
            peer,
            opened: Timestamp::NEVER,
            now: Timestamp::NEVER,
            tls: None,
            client: None,
            user: None,
            transaction: None,
            mail_refused: false,
            line: LineBuffer::default(),
            reading: Reading::Commands,
            waiting: None,
            leaving: None,
            letters: 0,
            errors: 0,
            unknown_recipients: 0,
            failed_logins: 0,
        }
    }

    fn greet(&mut self, out: &mut Output<Ask>) {
        let protocol = if self.role == Role::Lmtp { "LMTP" } else { "ESMTP" };
        self.say(&Reply::plain(220, format!("{} {protocol} Postern", self.settings.hostname)), out);
    }

    /// Greets a client, or tells it why not (RFC 5321 §3.1: 554 where it never may).
    fn enter(&mut self, admitted: Result<(), Refusal>, out: &mut Output<Ask>) {
        match admitted {
            Ok(()) => self.greet(out),
            Err(refusal) => {
                let code =
                    if matches!(&refusal, Refusal::Unwanted { permanent: true, .. }) { 554 } else { 421 };
                self.refusal(&refusal).with_code(code, (7, 1)).write(&mut out.bytes);
                self.close(out);
            }
        }
    }

    /// Says `reply`; a 421 is the last that is said (RFC 5321 §3.8).
    fn say(&mut self, reply: &Reply, out: &mut Output<Ask>) {
        reply.write(&mut out.bytes);
        if reply.code() == 421 {
            self.close(out);
        }
    }

    /// Says `reply` to something that the client should not have sent; too much of that ends the connection.
    fn fail(&mut self, reply: &Reply, out: &mut Output<Ask>) {
        self.say(reply, out);
        self.errors += 1;
        if self.errors >= self.settings.errors {
            let text = format!("That were {} errors, the last that are borne with", self.errors);
            self.say_last(&Reply::new(421, (7, 0), text), out);
        }
    }

    /// Says `reply` behind another, unless the connection is being ended already.
    fn say_last(&mut self, reply: &Reply, out: &mut Output<Ask>) {
        if !matches!(self.reading, Reading::Nothing) {
            self.say(reply, out);
        }
    }

    fn close(&mut self, out: &mut Output<Ask>) {
        self.reading = Reading::Nothing;
        self.waiting = None;
        self.transaction = None;
        self.line.clear();
        out.step = Some(Step::Close);
    }

    fn ask(&mut self, ask: Ask, waiting: Waiting, out: &mut Output<Ask>) {
        self.waiting = Some(waiting);
        out.step = Some(Step::Ask(ask));
    }

    /// Who examines what comes in here; LMTP's client has done that already.
    fn gatekeeper(&self) -> Option<Arc<Gatekeeper>> {
        let gatekeeper = self.settings.gatekeeper.as_ref();
        gatekeeper.filter(|_| self.role != Role::Lmtp).map(Arc::clone)
    }

    fn refusal(&self, refusal: &Refusal) -> Reply {
        wording::smtp(refusal, &self.settings.places).into()
    }

    /// Forgets the letter under way (RFC 5321 §4.1.1.5), and has the spool emptied where something is in it.
    fn end_transaction(&mut self, out: &mut Output<Ask>) {
        let spooled = self.transaction.take().is_some_and(|transaction| transaction.spooled());
        if spooled && out.step.is_none() {
            self.ask(Ask::Discard, Waiting::Discard, out);
        }
    }

    /// One line, or what there is of it; how many octets were taken.
    fn read_line(&mut self, bytes: &[u8], out: &mut Output<Ask>) -> usize {
        let exchange = matches!(self.reading, Reading::Exchange(_));
        let (taken, fed) = self.line.feed(bytes, exchange);
        match fed {
            Fed::Partial => {}
            Fed::Fault(fault) => self.line_fault(fault, out),
            Fed::Line(line) => {
                match std::mem::replace(&mut self.reading, Reading::Commands) {
                    Reading::Exchange(state) => self.exchange_line(state, &line, out),
                    _ => self.command_line(&line, out),
                }
                if let Cow::Owned(mut line) = line {
                    // A password may stand in it.
                    line.zeroize();
                }
            }
        }
        taken
    }

    fn line_fault(&mut self, fault: LineFault, out: &mut Output<Ask>) {
        let exchange = matches!(self.reading, Reading::Exchange(_));
        self.reading = Reading::Commands;
        let reply = match fault {
            // RFC 4954 §4
            LineFault::TooLong(limit) if exchange => {
                Reply::new(500, (5, 6), format!("A line of an AUTH exchange may have {limit} octets"))
            }
            LineFault::TooLong(limit) => {
                Reply::new(500, (5, 2), format!("That line is longer than {limit} octets"))
            }
            LineFault::BareLineEnd => {
                Reply::new(500, (5, 2), "Lines end with CRLF; a CR or LF may not stand alone")
            }
            LineFault::Nul => Reply::new(500, (5, 2), "A NUL may not stand in a command"),
            LineFault::Endless => Reply::new(421, (5, 2), "That line does not end"),
        };
        self.fail(&reply, out);
    }

    /// Ends the session where it was told to and nothing is under way any more.
    fn settle(&mut self, out: &mut Output<Ask>) {
        let busy = matches!(self.reading, Reading::Data(_) | Reading::Chunk(_) | Reading::Nothing);
        if busy || self.waiting.is_some() || out.step.is_some() {
            return;
        }
        if let Some(leaving) = self.leaving.take() {
            self.say(&leaving.reply, out);
        }
    }

    fn login_is_due(&self) -> Timestamp {
        let needed = self.role.needs_login() && self.user.is_none();
        if needed { self.opened.plus(self.settings.login_within) } else { Timestamp::NEVER }
    }
}

impl Session for SmtpSession {
    type Ask = Ask;
    type Answer = Answer;

    fn open(&mut self, now: Timestamp, out: &mut Output<Ask>) {
        (self.opened, self.now) = (now, now);
        match self.gatekeeper().filter(|_| self.role == Role::Mx) {
            Some(gatekeeper) => self.ask(Ask::Enter { gatekeeper }, Waiting::Enter, out),
            None => self.greet(out),
        }
    }

    fn input(&mut self, now: Timestamp, bytes: &[u8], out: &mut Output<Ask>) -> usize {
        self.now = now;
        let mut used = 0;
        while used < bytes.len() && out.step.is_none() {
            let rest = &bytes[used..];
            used += match self.reading {
                Reading::Commands | Reading::Exchange(_) => self.read_line(rest, out),
                Reading::Data(_) => self.read_data(rest, out),
                Reading::Chunk(_) => self.read_chunk(rest, out),
                Reading::Nothing => rest.len(),
            };
            self.settle(out);
        }
        used
    }

    fn answer(&mut self, now: Timestamp, answer: Answer, out: &mut Output<Ask>) {
        self.now = now;
        match (self.waiting.take(), answer) {
            (Some(Waiting::Keys(exchange)), Answer::Keys(keys)) => self.keys(exchange, keys, out),
            (Some(Waiting::Login), Answer::Login(login)) => self.login(login, out),
            (Some(Waiting::Sender(mail)), Answer::Sender(grant)) => self.sender(*mail, grant, out),
            (Some(Waiting::Recipient(address)), Answer::Recipient(account)) => {
                self.recipient(*address, account, out);
            }
            (Some(Waiting::Enter), Answer::Enter(admitted)) => self.enter(admitted, out),
            (Some(Waiting::Begin(opening)), Answer::Begin(letter)) => self.begin(now, opening, letter, out),
            (Some(Waiting::Authors(then)), Answer::Authors(owned)) => self.authors(then, owned, out),
            (Some(Waiting::Accept), Answer::Accept(accepted)) => self.accepted(accepted, out),
            (Some(Waiting::Discard), Answer::Discard) => {}
            (None, _) if matches!(self.reading, Reading::Nothing) => {}
            _ => {
                let reply = self.refusal(&Refusal::Unavailable).with_code(421, (3, 0));
                self.say(&reply, out);
            }
        }
        self.settle(out);
    }

    fn chunk(&mut self, _bytes: &[u8], _out: &mut Output<Ask>) -> bool {
        false
    }

    fn sent(&mut self, _now: Timestamp, _whole: bool, _out: &mut Output<Ask>) {}

    fn secured(&mut self, _now: Timestamp, tls: TlsInfo, out: &mut Output<Ask>) {
        self.tls = Some(Box::new(tls));
        if matches!(self.waiting, Some(Waiting::Tls)) {
            // RFC 3207 §4.2: whatever was said in the clear was never said. No letter is under way and no line kept:
            // STARTTLS is refused within a letter, and nothing is read behind it.
            self.waiting = None;
            self.client = None;
            self.user = None;
            self.settle(out);
        }
    }

    fn told(&mut self, _now: Timestamp, tell: Tell, out: &mut Output<Ask>) {
        let (refusal, enhanced, refuses) = match tell {
            Tell::Closed(refusal) => (refusal, (7, 0), true),
            Tell::Stopping => (Refusal::Stopping, (3, 2), false),
            // Of POP3's maildrop and IMAP's folders.
            Tell::TakenOver | Tell::News => return,
        };
        let shut_already = self.leaving.as_ref().is_some_and(|leaving| leaving.refuses);
        if !shut_already {
            let reply = self.refusal(&refusal).with_code(421, enhanced);
            self.leaving = Some(Box::new(Leaving { reply, refuses }));
        }
        self.settle(out);
    }

    fn expired(&mut self, now: Timestamp, out: &mut Output<Ask>) {
        if self.waiting.is_some() || matches!(self.reading, Reading::Nothing) {
            return;
        }
        let reply = if now >= self.login_is_due() {
            let seconds = self.settings.login_within.as_secs();
            Reply::new(421, (7, 0), format!("No login within {seconds} seconds"))
        } else {
            Reply::new(421, (4, 2), format!("Nothing came for {} seconds", self.silence_borne().as_secs()))
        };
        self.say(&reply, out);
    }

    fn deadline(&self, last_byte: Timestamp) -> Timestamp {
        if self.waiting.is_some() || matches!(self.reading, Reading::Nothing) {
            return Timestamp::NEVER;
        }
        last_byte.plus(self.silence_borne()).min(self.login_is_due())
    }
}

impl SmtpSession {
    fn silence_borne(&self) -> std::time::Duration {
        match self.reading {
            Reading::Data(_) | Reading::Chunk(_) => self.settings.data_timeout,
            _ => self.settings.command_timeout,
        }
    }
}
