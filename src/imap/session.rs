//! The session: who may say what when, and what concerns the connection itself: logging in, TLS, IDLE, good-bye.
//!
//! ```text
//!              LOGIN, AUTHENTICATE              a command           IDLE
//!  Stranger ───────────────────────▶ User ◀──────────────▶ Running   ◀────▶ Idling
//!   │    ▲   Exchange, Awaiting…      │  ▲ APPEND's letters
//!   └────┘ STARTTLS                   └──┴──▶ Receiving        LOGOUT, told, fault: Over
//! ```

mod login;

use std::sync::Arc;

use postern_actors::order::{Proof, ScramCandidates, Tell};
use postern_model::{MailboxName, Timestamp};
use postern_policy::Refusal;
use zeroize::Zeroizing;

use super::alert::UserDigest;
use super::grammar::{Command, Frame, Framer, Limits, Malformed, MessageLiteral, Tag, Tagged};
use super::reply::{Done, line};
use super::state::State;
use super::{MAX_COMMAND, MAX_ERRORS, Settings, capability};
use crate::net::session::{Output, Session, Step, TlsInfo};
use crate::sasl::{Exchange, MAX_ENCODED};

/// Octets of answers behind which no more input is taken before they are written.
const ENOUGH: usize = 32 * 1024;

/// What an IMAP session asks.
pub enum Ask {
    /// Keys to try a SCRAM proof against.
    Keys {
        /// The user name, as given.
        user: String,
    },
    /// May this user log in?
    Login {
        /// What the client proved.
        proof: Proof,
        /// What the session goes by.
        settings: Arc<Settings>,
    },
    /// A command is to be performed.
    Run {
        /// The session's state, which comes back with the answer.
        state: Box<State>,
        /// What is to be done.
        command: Box<Tagged>,
    },
    /// IDLE has begun (`begins`), or something has happened meanwhile: tell it.
    Look {
        /// The session's state.
        state: Box<State>,
        /// What the session wants to be woken for from now on.
        wants: Looking,
    },
    /// A letter of an APPEND is about to come: may it?
    Letter {
        /// The session's state.
        state: Box<State>,
        /// Where to.
        mailbox: MailboxName,
        /// Its octets.
        octets: u64,
    },
    /// The letter is whole.
    Park {
        /// The session's state.
        state: Box<State>,
    },
    /// What has come in of an APPEND is not wanted.
    Discard {
        /// The session's state.
        state: Box<State>,
    },
}

/// How IDLE looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Looking {
    /// It begins, or goes on.
    Waiting,
    /// It is over.
    Done,
    /// No IDLE: NOTIFY wants to tell something between commands.
    Notified,
}

/// What comes back.
pub enum Answer {
    /// To [`Ask::Keys`].
    Keys(Result<ScramCandidates, Refusal>),
    /// To [`Ask::Login`].
    Login(Result<Box<State>, Refusal>),
    /// To [`Ask::Run`]: how it ended; `None` where the connection is over.
    Ran(Box<State>, Tag, Option<Done>),
    /// To [`Ask::Look`], [`Ask::Park`], [`Ask::Discard`].
    Back(Box<State>),
    /// To [`Ask::Letter`].
    Letter(Box<State>, Result<(), Done>),
}

type Out = Output<Ask>;

/// An IMAP session.
pub struct Imap {
    settings: Arc<Settings>,
    framer: Framer,
    phase: Phase,
    /// There from the login on, but while a step has it.
    state: Option<Box<State>>,
    tls: Option<Box<TlsInfo>>,
    opened: Timestamp,
    /// When something came in last.
    heard: Timestamp,
    errors: u32,
    failed_logins: u32,
    compressed: bool,
    told: Option<Box<Tell>>,
    /// Something has happened that the client may be told of.
    news: bool,
}

enum Phase {
    /// A command is awaited.
    Ready,
    /// The client owes a response to a challenge.
    Exchange {
        tag: Tag,
        exchange: Box<Exchange>,
    },
    /// The actors are asked.
    AwaitingKeys {
        tag: Tag,
        exchange: Box<Exchange>,
    },
    AwaitingLogin {
        tag: Tag,
        user: UserDigest,
    },
    /// A command is being performed, or the state is away for something else.
    Running,
    /// May the letter come?
    AwaitingLetter(Box<MessageLiteral>),
    /// A letter of an APPEND comes in.
    Receiving,
    /// IDLE.
    Idling {
        tag: Tag,
    },
    /// Over.
    Over,
}

impl Imap {
    /// A session that has not been opened yet.
    pub fn new(settings: Arc<Settings>) -> Imap {
        Imap {
            settings,
            framer: Framer::default(),
            phase: Phase::Ready,
            state: None,
            tls: None,
            opened: Timestamp::default(),
            heard: Timestamp::default(),
            errors: 0,
            failed_logins: 0,
            compressed: false,
            told: None,
            news: false,
        }
    }

    fn capabilities(&self) -> String {
        match self.state {
            Some(_) => capability::user(&self.settings, self.compressed),
            None => capability::stranger(&self.settings, self.tls.as_deref(), self.compressed),
        }
    }

    fn may_log_in(&self) -> bool {
        self.tls.is_some() || self.settings.legacy_plaintext
    }

    fn close(&mut self, out: &mut Out) {
        self.phase = Phase::Over;
        self.framer.clear();
        // With the state go its rights.
        self.state = None;
        out.step = Some(Step::Close);
    }

    fn bye(&mut self, text: std::fmt::Arguments<'_>, out: &mut Out) {
        line(&mut out.bytes, format_args!("* BYE {text}"));
        self.close(out);
    }

    fn bye_refused(&mut self, refusal: &Refusal, out: &mut Out) {
        let (code, text) = crate::wording::imap(refusal, &self.settings.places);
        let code = code.map_or_else(String::new, |code| format!("[{code}] "));
        self.bye(format_args!("{code}{text}"), out);
    }

    fn done(&mut self, tag: &Tag, done: &Done, out: &mut Out) {
        done.write(tag.as_str(), &mut out.bytes);
        if done.is_bad() {
            self.count_error(out);
        }
    }

    fn count_error(&mut self, out: &mut Out) {
        self.errors += 1;
        if self.errors >= MAX_ERRORS {
            self.bye(format_args!("Too many errors ({MAX_ERRORS})."), out);
        }
    }

    fn malformed(&mut self, malformed: &Malformed, out: &mut Out) {
        let Malformed { tag, at, expected } = malformed;
        let text = format!("Not understood at octet {}: {expected} should stand there.", at + 1);
        match tag {
            Some(tag) => self.done(tag, &Done::bad(text), out),
            None => {
                Done::bad(text).write("*", &mut out.bytes);
                self.count_error(out);
            }
        }
    }

    /// Gives the state to whoever performs `ask`.
    fn ask(&mut self, ask: impl FnOnce(Box<State>) -> Ask, phase: Phase, out: &mut Out) {
        let Some(state) = self.state.take() else { return self.close(out) };
        self.phase = phase;
        out.step = Some(Step::Ask(ask(state)));
    }

    fn frame(&mut self, frame: Frame, input: &[u8], out: &mut Out) {
        match frame {
            Frame::Command(command) => self.command(*command, out),
            Frame::Malformed(malformed) => {
                self.malformed(&malformed, out);
                self.discard(out);
            }
            // SPEC P5: whoever may not log in is not asked for a password either.
            Frame::Continue if self.state.is_none() && !self.may_log_in() => match self.framer.abandon() {
                Some(tag) => self.tls_first(&tag, out),
                None => self.bye(format_args!("A command begins with a tag."), out),
            },
            Frame::Continue => line(&mut out.bytes, format_args!("+ Go on")),
            Frame::Message(message) if self.state.is_none() => {
                self.framer.refuse();
                self.done(&message.tag, &Done::bad("Log in first."), out);
            }
            Frame::Message(message) => {
                let (mailbox, octets) = (message.mailbox.clone(), message.octets);
                let phase = Phase::AwaitingLetter(message);
                self.ask(|state| Ask::Letter { state, mailbox, octets }, phase, out);
            }
            Frame::Octets(range) => out.body.extend_from_slice(input.get(range).unwrap_or_default()),
            Frame::MessageEnd => self.ask(|state| Ask::Park { state }, Phase::Running, out),
            Frame::Drained => self.discard(out),
            Frame::Hopeless => self.bye(format_args!("More was announced than can be taken."), out),
        }
    }

    /// Letters that came in with a command that came to nothing are thrown away.
    fn discard(&mut self, out: &mut Out) {
        let parked = self.state.as_ref().is_some_and(|state| !state.parked.is_empty());
        if out.step.is_none() && parked {
            self.ask(|state| Ask::Discard { state }, Phase::Running, out);
        }
    }

    fn command(&mut self, tagged: Tagged, out: &mut Out) {
        let Tagged { tag, command } = tagged;
        match command {
            Command::Capability => {
                line(&mut out.bytes, format_args!("* CAPABILITY {}", self.capabilities()));
                self.done(&tag, &Done::ok("CAPABILITY completed"), out);
            }
            Command::Logout => {
                line(&mut out.bytes, format_args!("* BYE {} says good-bye", self.settings.hostname));
                self.done(&tag, &Done::ok("LOGOUT completed"), out);
                self.close(out);
            }
            _ if self.state.is_some() => self.user_command(Tagged { tag, command }, out),
            command => self.stranger_command(tag, command, out),
        }
    }

    fn stranger_command(&mut self, tag: Tag, command: Command, out: &mut Out) {
        match command {
            Command::Noop => self.done(&tag, &Done::ok("NOOP completed"), out),
            Command::Id(_) => {
                line(&mut out.bytes, format_args!("* ID {}", super::command::id::ourselves()));
                self.done(&tag, &Done::ok("ID completed"), out);
            }
            Command::StartTls if self.tls.is_some() || self.compressed => {
                self.done(&tag, &Done::bad("It is too late for TLS."), out);
            }
            Command::StartTls => {
                self.done(&tag, &Done::ok("Begin TLS now"), out);
                out.step = Some(Step::StartTls);
            }
            // SPEC P5: refused before a password is looked at.
            Command::Login { .. } | Command::Authenticate { .. } if !self.may_log_in() => {
                self.tls_first(&tag, out);
            }
            Command::Login { user, password } => self.login(tag, user, &password, out),
            Command::Authenticate { mechanism, initial } => self.authenticate(tag, &mechanism, initial, out),
            _ => self.done(&tag, &Done::bad("Log in first."), out),
        }
    }

    fn user_command(&mut self, tagged: Tagged, out: &mut Out) {
        match tagged.command {
            Command::StartTls | Command::Login { .. } | Command::Authenticate { .. } => {
                self.done(&tagged.tag, &Done::bad("You are logged in already."), out);
            }
            Command::Idle => {
                line(&mut out.bytes, format_args!("+ idling"));
                self.news = false;
                let phase = Phase::Idling { tag: tagged.tag };
                self.ask(|state| Ask::Look { state, wants: Looking::Waiting }, phase, out);
            }
            Command::Compress(algorithm) => self.compress(&tagged.tag, &algorithm, out),
            Command::Unauthenticate => {
                // RFC 8437 §2: as before the login, but for the encryption.
                self.state = None;
                self.opened = self.heard;
                self.done(&tagged.tag, &Done::ok("UNAUTHENTICATE completed"), out);
            }
            _ => {
                let command = Box::new(tagged);
                self.ask(|state| Ask::Run { state, command }, Phase::Running, out);
            }
        }
    }

    /// RFC 4978
    fn compress(&mut self, tag: &Tag, algorithm: &str, out: &mut Out) {
        if self.compressed {
            let done = Done::no_with("COMPRESSIONACTIVE", "The connection is compressed already.");
            return self.done(tag, &done, out);
        }
        if algorithm != "DEFLATE" {
            return self.done(tag, &Done::no("DEFLATE is the only way to compress here."), out);
        }
        self.done(tag, &Done::ok("DEFLATE active"), out);
        self.compressed = true;
        out.step = Some(Step::Compress);
    }

    /// A line while IDLE lasts: DONE, or nonsense that ends it too.
    fn idle_line(&mut self, said: Option<&[u8]>, out: &mut Out) {
        let Phase::Idling { tag } = std::mem::replace(&mut self.phase, Phase::Ready) else { return };
        let done = match said {
            Some(said) if said.eq_ignore_ascii_case(b"DONE") => Done::ok("IDLE completed"),
            _ => Done::bad("DONE ends IDLE."),
        };
        self.done(&tag, &done, out);
        if out.step.is_none() {
            self.ask(|state| Ask::Look { state, wants: Looking::Done }, Phase::Running, out);
        }
    }

    /// Obeys what was told, once nothing is under way.
    fn obey(&mut self, out: &mut Out) {
        if out.step.is_some() || matches!(self.phase, Phase::Over) || self.is_busy() {
            return;
        }
        match self.told.take().map(|tell| *tell) {
            Some(Tell::Closed(refusal)) => return self.bye_refused(&refusal, out),
            Some(Tell::Stopping) => return self.bye_refused(&Refusal::Stopping, out),
            Some(Tell::TakenOver | Tell::News) | None => {}
        }
        let wants = match &self.phase {
            Phase::Idling { .. } => Looking::Waiting,
            Phase::Ready => Looking::Notified,
            _ => return,
        };
        if std::mem::take(&mut self.news)
            && let Some(state) = self.state.take()
        {
            if wants == Looking::Notified {
                self.phase = Phase::Running;
            }
            out.step = Some(Step::Ask(Ask::Look { state, wants }));
        }
    }

    /// Whether the actors are asked, or the state is away.
    fn is_busy(&self) -> bool {
        match self.phase {
            Phase::AwaitingKeys { .. } | Phase::AwaitingLogin { .. } => true,
            Phase::Running | Phase::AwaitingLetter(_) => true,
            Phase::Idling { .. } => self.state.is_none(),
            _ => false,
        }
    }

    fn letter_answered(&mut self, message: &MessageLiteral, verdict: Result<(), Done>, out: &mut Out) {
        match verdict {
            Ok(()) => {
                self.framer.accept();
                self.phase = Phase::Receiving;
                if message.synchronising {
                    line(&mut out.bytes, format_args!("+ Go on"));
                }
            }
            Err(done) => {
                self.framer.refuse();
                self.phase = Phase::Ready;
                self.done(&message.tag, &done, out);
                if message.synchronising {
                    self.discard(out);
                }
            }
        }
    }

    fn back(&mut self, state: Box<State>, out: &mut Out) {
        if state.broken {
            // Whatever is said now would be taken for a letter's octets.
            return self.close(out);
        }
        if let Some(text) = &state.bye {
            let text = text.clone();
            return self.bye(format_args!("{text}"), out);
        }
        self.state = Some(state);
        if let Phase::Running = self.phase {
            self.phase = Phase::Ready;
        }
    }

    fn limits(&self) -> Limits {
        match self.state {
            Some(_) => Limits { command: MAX_COMMAND, message: self.settings.message_size },
            None => Limits::STRANGER,
        }
    }

    /// Takes some of the input.
    fn take(&mut self, bytes: &[u8], out: &mut Out) -> usize {
        let limit = match self.phase {
            Phase::Exchange { .. } => MAX_ENCODED + 2,
            Phase::Idling { .. } => 64,
            _ => {
                let utf8 = self.state.as_ref().is_some_and(|state| state.enabled.wants_utf8());
                let (used, frame) = self.framer.feed(bytes, &self.limits(), utf8);
                if let Some(frame) = frame {
                    self.frame(frame, bytes, out);
                }
                return used;
            }
        };
        let (used, said) = self.framer.line(bytes, limit);
        if let Some(said) = said {
            let said = said.map(Zeroizing::new);
            let said = said.as_ref().map(|said| said.as_slice());
            match self.phase {
                Phase::Idling { .. } => self.idle_line(said, out),
                _ => self.response(said, out),
            }
        }
        used
    }
}

impl Session for Imap {
    type Ask = Ask;
    type Answer = Answer;

    fn open(&mut self, now: Timestamp, out: &mut Out) {
        self.opened = now;
        let (capabilities, host) = (self.capabilities(), &self.settings.hostname);
        line(&mut out.bytes, format_args!("* OK [CAPABILITY {capabilities}] {host} ready"));
    }

    fn input(&mut self, now: Timestamp, bytes: &[u8], out: &mut Out) -> usize {
        let mut used = 0;
        self.heard = now;
        while used < bytes.len()
            && out.step.is_none()
            && out.bytes.len() <= ENOUGH
            && out.body.len() <= ENOUGH
            && !matches!(self.phase, Phase::Over)
        {
            used += self.take(&bytes[used..], out);
        }
        self.obey(out);
        if matches!(self.phase, Phase::Over) { bytes.len() } else { used }
    }

    fn answer(&mut self, now: Timestamp, answer: Answer, out: &mut Out) {
        let phase = match self.phase {
            // It lasts.
            Phase::Idling { .. } => None,
            _ => Some(std::mem::replace(&mut self.phase, Phase::Ready)),
        };
        match (answer, phase) {
            (Answer::Keys(Ok(keys)), Some(Phase::AwaitingKeys { tag, mut exchange })) => {
                let next = exchange.keys(keys);
                self.go_on(tag, exchange, next, out);
            }
            (Answer::Keys(Err(refusal)), Some(Phase::AwaitingKeys { tag, .. })) => {
                self.login_refused(&tag, &refusal, false, out);
            }
            (Answer::Login(Ok(state)), Some(Phase::AwaitingLogin { tag, .. })) => {
                self.logged_in(&tag, state, out)
            }
            (Answer::Login(Err(refusal)), Some(Phase::AwaitingLogin { tag, user })) => {
                let alert = self.settings.alerts.is_due(user, &refusal, now);
                self.login_refused(&tag, &refusal, alert, out);
            }
            (Answer::Letter(state, verdict), Some(Phase::AwaitingLetter(message))) => {
                self.back(state, out);
                if self.state.is_some() {
                    self.letter_answered(&message, verdict, out);
                }
            }
            (Answer::Ran(state, tag, done), _) => {
                if let Some(done) = done.filter(|_| !state.broken) {
                    self.done(&tag, &done, out);
                }
                if !matches!(self.phase, Phase::Over) {
                    self.back(state, out);
                }
            }
            (Answer::Back(state), _) => self.back(state, out),
            // Any other answer is none to what was asked.
            _ => self.close(out),
        }
        self.obey(out);
    }

    fn chunk(&mut self, _: &[u8], _: &mut Out) -> bool {
        false
    }

    fn sent(&mut self, _: Timestamp, _: bool, _: &mut Out) {}

    fn secured(&mut self, _now: Timestamp, tls: TlsInfo, out: &mut Out) {
        // What was said in the clear is forgotten (RFC 9051 §6.2.1).
        self.tls = Some(Box::new(tls));
        self.phase = Phase::Ready;
        self.framer.clear();
        self.obey(out);
    }

    fn told(&mut self, _now: Timestamp, tell: Tell, out: &mut Out) {
        match tell {
            Tell::News => self.news = true,
            tell => self.told = Some(Box::new(tell)),
        }
        self.obey(out);
    }

    fn expired(&mut self, _now: Timestamp, out: &mut Out) {
        if !self.is_busy() {
            self.bye(format_args!("Silent for too long."), out);
        }
    }

    fn deadline(&self, last_byte: Timestamp) -> Timestamp {
        match self.phase {
            Phase::Over => Timestamp::NEVER,
            _ if self.is_busy() => Timestamp::NEVER,
            _ if self.state.is_some() => last_byte.plus(self.settings.autologout),
            _ => self.opened.plus(self.settings.login_timeout),
        }
    }
}
