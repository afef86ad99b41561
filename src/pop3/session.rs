//! The session: who may say what when, and the way in (the AUTHORIZATION state, RFC 1939 §4).
//!
//! ```text
//!                     USER+PASS, AUTH                       QUIT
//!  Authorization ──────────────────────▶ Transaction ──────────────▶ AwaitingUpdate ──▶ Over
//!    │       ▲    Exchange, Awaiting…        │
//!    └─STLS──┘                               └─ told: access off, taken over ──▶ Refused ──▶ Over
//! ```

use std::sync::Arc;
use std::time::Duration;

use postern_actors::order::{Proof, ScramCandidates, Tell};
use postern_model::{Timestamp, Uid};
use postern_policy::Refusal;
use zeroize::Zeroizing;

use super::command::{BadCommand, Command, MAX_AUTH_LINE, line_limit};
use super::door::Held;
use super::language::{Language, Text};
use super::line::{Line, Lines};
use super::transaction::{Opened, Row, Transaction};
use super::{MAX_ERRORS, MAX_FAILED_LOGINS, Settings, reply};
use crate::net::session::{Output, Session, Step, TlsInfo};
use crate::sasl::{self, Exchange, Mechanism, Next};
use crate::wording;

/// Octets of answers behind which no more input is taken before they are written.
const ENOUGH: usize = 32 * 1024;

/// What a POP3 session asks of the actors. `H` is the right to the maildrop, which the session holds and never looks at.
pub enum Ask<H> {
    /// Keys to try a SCRAM proof against.
    Keys {
        /// The user name, as given.
        user: String,
    },
    /// A login, and with it the maildrop.
    Login(Proof),
    /// The UPDATE state: these letters away, durably (RFC 1939 §6).
    Update {
        /// The right to the maildrop.
        held: H,
        /// What was marked; not empty.
        deletions: Vec<Uid>,
    },
    /// Nothing: the next rows of a listing. The driver writes what has grown long before it asks, so that no listing
    /// piles up in memory.
    Drain,
}

/// What the actors answer.
pub enum Answer<H> {
    /// To [`Ask::Keys`].
    Keys(Result<ScramCandidates, Refusal>),
    /// To [`Ask::Login`].
    Login(Result<Box<Opened<H>>, Refusal>),
    /// To [`Ask::Update`]: `Ok` is durable.
    Updated(Result<(), Refusal>),
    /// To [`Ask::Drain`].
    Drained,
}

type Out<H> = Output<Ask<H>>;

/// A POP3 session.
pub struct Pop3<H = Held> {
    settings: Arc<Settings>,
    phase: Phase<H>,
    lines: Lines,
    tls: Option<Box<TlsInfo>>,
    opened: Timestamp,
    language: Language,
    utf8: bool,
    errors: u32,
    failed_logins: u32,
    /// A step is being done for us; nothing else is begun meanwhile.
    step_under_way: bool,
    /// What an actor told meanwhile.
    told: Option<Box<Tell>>,
}

enum Phase<H> {
    Authorization {
        user: Option<Box<str>>,
    },
    /// The client owes a response to a challenge.
    Exchange(Box<Exchange>),
    AwaitingKeys(Box<Exchange>),
    AwaitingLogin,
    Transaction(Box<Transaction<H>>),
    AwaitingUpdate {
        left: usize,
    },
    /// The right to be here has ended; the next command is told so.
    Refused(Box<Refusal>),
    Over,
}

impl<H> Pop3<H> {
    /// A session that has not been opened yet.
    pub fn new(settings: Arc<Settings>) -> Pop3<H> {
        Pop3 {
            language: settings.language,
            settings,
            phase: Phase::Authorization { user: None },
            lines: Lines::default(),
            tls: None,
            opened: Timestamp::default(),
            utf8: false,
            errors: 0,
            failed_logins: 0,
            step_under_way: false,
            told: None,
        }
    }

    fn ok(&self, out: &mut Out<H>, text: Text, arguments: &[&dyn std::fmt::Display]) {
        reply::ok(&mut out.bytes, self.language, text, arguments);
    }

    fn err(&self, out: &mut Out<H>, text: Text, arguments: &[&dyn std::fmt::Display]) {
        reply::err(&mut out.bytes, self.language, text, arguments);
    }

    /// The client did something that no program should: say so, and part from it when it goes on and on.
    fn fault(&mut self, out: &mut Out<H>, text: Text, arguments: &[&dyn std::fmt::Display]) {
        if self.bears_one_more(out) {
            self.err(out, text, arguments);
        }
    }

    /// Counts an error; closes behind the last one that is borne.
    fn bears_one_more(&mut self, out: &mut Out<H>) -> bool {
        self.errors += 1;
        if self.errors < MAX_ERRORS {
            return true;
        }
        self.err(out, Text::TooManyErrors, &[&MAX_ERRORS]);
        self.close(out);
        false
    }

    fn refuse(&self, out: &mut Out<H>, refusal: &Refusal) {
        reply::raw(&mut out.bytes, &wording::pop3(refusal, &self.settings.places));
    }

    fn close(&mut self, out: &mut Out<H>) {
        // With the phase goes the lease: the mailbox is free at once (SPEC C2).
        self.phase = Phase::Over;
        self.lines.clear();
        out.step = Some(Step::Close);
    }

    fn line(&mut self, line: &[u8], out: &mut Out<H>) {
        match std::mem::replace(&mut self.phase, Phase::Over) {
            Phase::Exchange(exchange) => self.response(exchange, line, out),
            Phase::Refused(refusal) => {
                self.refuse(out, &refusal);
                self.close(out);
            }
            phase => {
                self.phase = phase;
                self.command(line, out);
            }
        }
    }

    fn command(&mut self, line: &[u8], out: &mut Out<H>) {
        let command = match Command::parse(line) {
            Ok(command) => command,
            Err(BadCommand::Unknown) => return self.fault(out, Text::UnknownCommand, &[]),
            Err(BadCommand::Arguments) => return self.fault(out, Text::BadArguments, &[]),
            Err(BadCommand::Characters) => return self.fault(out, Text::BadCharacters, &[]),
        };
        match (command, &self.phase) {
            (Command::Quit, _) => self.quit(out),
            (Command::Capa, _) => self.capabilities(out),
            (Command::Lang(range), _) => self.lang(range, out),
            (command, Phase::Authorization { .. }) => self.authorization(command, out),
            (command, Phase::Transaction(_)) => self.transaction(&command, out),
            // No line is read while an answer is awaited.
            _ => {}
        }
    }

    fn authorization(&mut self, command: Command<'_>, out: &mut Out<H>) {
        match command {
            Command::Stls => self.stls(out),
            Command::Utf8 => {
                self.utf8 = true;
                self.ok(out, Text::Utf8On, &[]);
            }
            // SPEC P5: refused before a password is read.
            Command::User(_) | Command::Pass(_) | Command::Auth(_) if !self.may_log_in() => {
                if self.bears_one_more(out) {
                    reply::err_for_good(&mut out.bytes, self.language, Text::TlsFirst);
                }
            }
            Command::User(name) => {
                self.phase = Phase::Authorization { user: Some(name.into()) };
                self.ok(out, Text::PasswordNext, &[]);
            }
            Command::Pass(password) => self.pass(password, out),
            Command::Auth(None) => {
                self.ok(out, Text::MechanismsFollow, &[]);
                for mechanism in self.mechanisms() {
                    reply::raw(&mut out.bytes, mechanism.name());
                }
                reply::raw(&mut out.bytes, ".");
            }
            Command::Auth(Some((mechanism, initial))) => self.auth(mechanism, initial, out),
            _ => self.fault(out, Text::LoginFirst, &[]),
        }
    }

    fn may_log_in(&self) -> bool {
        self.tls.is_some() || self.settings.legacy_plaintext
    }

    fn mechanisms(&self) -> Vec<Mechanism> {
        sasl::offered(self.tls.as_deref(), self.settings.legacy_plaintext, self.settings.scram)
    }

    /// RFC 2595 §4.
    fn stls(&mut self, out: &mut Out<H>) {
        if self.tls.is_some() {
            return self.fault(out, Text::TlsAlready, &[]);
        }
        if !self.settings.stls {
            return self.fault(out, Text::UnknownCommand, &[]);
        }
        if self.utf8 {
            // RFC 6856 §2.1
            return self.fault(out, Text::TlsBeforeUtf8, &[]);
        }
        self.ok(out, Text::BeginTls, &[]);
        out.step = Some(Step::StartTls);
    }

    fn pass(&mut self, password: &str, out: &mut Out<H>) {
        let Phase::Authorization { user } = &mut self.phase else { return };
        let Some(user) = user.take() else { return self.fault(out, Text::UserFirst, &[]) };
        let password = Zeroizing::new(password.to_owned());
        self.log_in(Proof::Password { user: user.into(), password }, out);
    }

    fn log_in(&mut self, proof: Proof, out: &mut Out<H>) {
        self.phase = Phase::AwaitingLogin;
        out.step = Some(Step::Ask(Ask::Login(proof)));
    }

    /// RFC 5034 §4.
    fn auth(&mut self, mechanism: &str, initial: Option<&str>, out: &mut Out<H>) {
        let offered = self.mechanisms();
        let Some(mechanism) = Mechanism::parse(mechanism).filter(|m| offered.contains(m)) else {
            return self.fault(out, Text::NoSuchMechanism, &[]);
        };
        let initial = match initial.map(|i| sasl::decode_initial(i.as_bytes())).transpose() {
            Ok(initial) => initial,
            Err(_) => return self.fault(out, Text::BadBase64, &[]),
        };
        let (exchange, next) =
            Exchange::start(mechanism, self.tls.as_deref(), initial.as_ref().map(|i| i.as_slice()));
        self.go_on(Box::new(exchange), next, out);
    }

    fn response(&mut self, mut exchange: Box<Exchange>, line: &[u8], out: &mut Out<H>) {
        self.phase = Phase::Authorization { user: None };
        match sasl::decode_line(line) {
            Ok(sasl::Line::Cancel) => self.err(out, Text::Cancelled, &[]),
            Ok(sasl::Line::Response(response)) => {
                let next = exchange.respond(&response);
                self.go_on(exchange, next, out);
            }
            Err(_) => self.fault(out, Text::BadBase64, &[]),
        }
    }

    fn go_on(&mut self, exchange: Box<Exchange>, next: Next, out: &mut Out<H>) {
        match next {
            Next::Challenge(challenge) => {
                reply::raw(&mut out.bytes, &format!("+ {}", sasl::encode(&challenge)));
                self.phase = Phase::Exchange(exchange);
            }
            Next::NeedKeys { user } => {
                self.phase = Phase::AwaitingKeys(exchange);
                out.step = Some(Step::Ask(Ask::Keys { user }));
            }
            Next::Done(proof) => self.log_in(proof, out),
            Next::Malformed(why) => {
                self.phase = Phase::Authorization { user: None };
                if self.bears_one_more(out) {
                    reply::raw(&mut out.bytes, &format!("-ERR {why}"));
                }
            }
        }
    }

    fn login_refused(&mut self, refusal: &Refusal, out: &mut Out<H>) {
        self.phase = Phase::Authorization { user: None };
        self.refuse(out, refusal);
        self.failed_logins += 1;
        if self.failed_logins >= MAX_FAILED_LOGINS {
            self.close(out);
        }
    }

    fn transaction(&mut self, command: &Command<'_>, out: &mut Out<H>) {
        let language = self.language;
        let Phase::Transaction(open) = &mut self.phase else { return };
        match *command {
            Command::Stat => open.stat(&mut out.bytes),
            Command::List(None) => open.all_rows(Row::Size, language, &mut out.bytes),
            Command::List(Some(n)) => open.one_row(Row::Size, n, language, &mut out.bytes),
            Command::Uidl(None) => open.all_rows(Row::UniqueId, language, &mut out.bytes),
            Command::Uidl(Some(n)) => open.one_row(Row::UniqueId, n, language, &mut out.bytes),
            Command::Dele(n) => open.delete(n, language, &mut out.bytes),
            Command::Noop => reply::raw(&mut out.bytes, "+OK"),
            Command::Rset => {
                open.reset();
                open.listing(language, &mut out.bytes);
            }
            Command::Retr(n) => self.send(n, None, out),
            Command::Top(n, lines) => self.send(n, Some(lines), out),
            _ => self.fault(out, Text::LoggedInAlready, &[]),
        }
    }

    fn send(&mut self, n: super::command::MessageNumber, lines: Option<u32>, out: &mut Out<H>) {
        let Phase::Transaction(open) = &mut self.phase else { return };
        match open.send(n, lines) {
            Ok((account, letter)) => {
                let next = open.behind(n, lines);
                out.step = Some(Step::Send { account, letter, next });
            }
            Err(none) => none.say(self.language, &mut out.bytes),
        }
    }

    fn quit(&mut self, out: &mut Out<H>) {
        let Phase::Transaction(open) = std::mem::replace(&mut self.phase, Phase::Over) else {
            self.ok(out, Text::GoodbyeEarly, &[&self.settings.hostname]);
            return self.close(out);
        };
        let left = open.left();
        let (held, deletions) = open.update();
        if deletions.is_empty() {
            return self.goodbye(left, out);
        }
        self.phase = Phase::AwaitingUpdate { left };
        out.step = Some(Step::Ask(Ask::Update { held, deletions }));
    }

    fn goodbye(&mut self, left: usize, out: &mut Out<H>) {
        match left {
            0 => self.ok(out, Text::GoodbyeEmpty, &[&self.settings.hostname]),
            _ => self.ok(out, Text::GoodbyeLeft, &[&self.settings.hostname, &left]),
        }
        self.close(out);
    }

    /// RFC 6856 §3.
    fn lang(&mut self, range: Option<&str>, out: &mut Out<H>) {
        let Some(range) = range else {
            self.ok(out, Text::LanguagesFollow, &[]);
            for language in Language::ALL {
                reply::raw(&mut out.bytes, &format!("{} {}", language.tag(), language.name()));
            }
            return reply::raw(&mut out.bytes, ".");
        };
        let language = if range == "*" { Some(self.settings.language) } else { Language::lookup(range) };
        match language {
            Some(language) => {
                self.language = language;
                self.ok(out, Text::LanguageSet, &[&language.tag()]);
            }
            None => self.fault(out, Text::NoSuchLanguage, &[]),
        }
    }

    /// RFC 2449 §5 and 6; what may be announced here and now.
    fn capabilities(&self, out: &mut Out<H>) {
        self.ok(out, Text::CapabilitiesFollow, &[]);
        let before_login = matches!(self.phase, Phase::Authorization { .. });
        let login_delay = self.login_delay();
        let mut say = |line: &str| reply::raw(&mut out.bytes, line);
        say("TOP");
        say("UIDL");
        if self.may_log_in() {
            say("USER");
            let mechanisms: Vec<_> = self.mechanisms().into_iter().map(Mechanism::name).collect();
            say(&format!("SASL {}", mechanisms.join(" ")));
        }
        say("RESP-CODES");
        say("AUTH-RESP-CODE");
        say("PIPELINING");
        match (login_delay, before_login) {
            (0, _) => {}
            (seconds, true) => say(&format!("LOGIN-DELAY {seconds} USER")),
            (seconds, false) => say(&format!("LOGIN-DELAY {seconds}")),
        }
        say("EXPIRE NEVER");
        if self.settings.stls && self.tls.is_none() {
            say("STLS");
        }
        say("UTF8 USER");
        say("LANG");
        say("IMPLEMENTATION Postern");
        say(".");
    }

    /// The seconds that LOGIN-DELAY announces: the plan's, and before the login, when nobody knows whose plan it will be,
    /// the largest of all (SPEC C3; RFC 2449 §6.5).
    fn login_delay(&self) -> u64 {
        let delays = &self.settings.login_delays;
        let delay = match &self.phase {
            Phase::Transaction(open) => delays.get(open.plan()),
            _ => delays.values().max(),
        };
        delay.map_or(0, Duration::as_secs)
    }

    /// Obeys what was told, once no answer is on its way any more.
    fn obey(&mut self, out: &mut Out<H>) {
        if self.step_under_way || out.step.is_some() || matches!(self.phase, Phase::Over) {
            return;
        }
        let Some(tell) = self.told.take() else { return };
        // The maildrop goes now; its refusal is the answer to the next command (SPEC A2, C2).
        let refused = |refusal| Phase::Refused(Box::new(refusal));
        match *tell {
            Tell::Closed(refusal) => self.phase = refused(refusal),
            Tell::TakenOver => self.phase = refused(Refusal::InUse),
            Tell::Stopping => {
                self.refuse(out, &Refusal::Stopping);
                self.close(out);
            }
            // Of IMAP's folders.
            Tell::News => {}
        }
    }
}

impl<H: 'static> Session for Pop3<H> {
    type Ask = Ask<H>;
    type Answer = Answer<H>;

    fn open(&mut self, now: Timestamp, out: &mut Out<H>) {
        self.opened = now;
        self.ok(out, Text::Ready, &[&self.settings.hostname]);
    }

    fn input(&mut self, _now: Timestamp, bytes: &[u8], out: &mut Out<H>) -> usize {
        let mut used = 0;
        while used < bytes.len()
            && out.step.is_none()
            && out.bytes.len() <= ENOUGH
            && !matches!(self.phase, Phase::Over)
        {
            let utf8 = self.utf8;
            let in_exchange = matches!(self.phase, Phase::Exchange(_));
            let limit = |begins: &[u8]| if in_exchange { MAX_AUTH_LINE } else { line_limit(begins, utf8) };
            let (taken, line) = self.lines.next(&bytes[used..], limit);
            used += taken;
            match line {
                Line::Whole(line) => self.line(line.octets(), out),
                Line::TooLong { limit } => {
                    if in_exchange {
                        self.phase = Phase::Authorization { user: None };
                    }
                    self.fault(out, Text::LineTooLong, &[&limit]);
                }
                Line::Endless => {
                    self.err(out, Text::LineTooLong, &[&limit(&[])]);
                    self.close(out);
                }
                Line::Partial => {}
            }
            if out.step.is_none() && matches!(&self.phase, Phase::Transaction(open) if open.is_busy()) {
                out.step = Some(Step::Ask(Ask::Drain));
            }
        }
        self.step_under_way = out.step.is_some();
        if matches!(self.phase, Phase::Over) { bytes.len() } else { used }
    }

    fn answer(&mut self, _now: Timestamp, answer: Answer<H>, out: &mut Out<H>) {
        self.step_under_way = false;
        match (answer, std::mem::replace(&mut self.phase, Phase::Over)) {
            (Answer::Keys(Ok(keys)), Phase::AwaitingKeys(mut exchange)) => {
                let next = exchange.keys(keys);
                self.go_on(exchange, next, out);
            }
            (Answer::Keys(Err(refusal)), Phase::AwaitingKeys(_))
            | (Answer::Login(Err(refusal)), Phase::AwaitingLogin) => self.login_refused(&refusal, out),
            (Answer::Login(Ok(opened)), Phase::AwaitingLogin) => {
                let open = Transaction::new(*opened);
                open.welcome(self.language, &mut out.bytes);
                self.phase = Phase::Transaction(Box::new(open));
            }
            (Answer::Updated(Ok(())), Phase::AwaitingUpdate { left }) => self.goodbye(left, out),
            (Answer::Updated(Err(refusal)), Phase::AwaitingUpdate { .. }) => {
                self.refuse(out, &refusal);
                self.close(out);
            }
            (Answer::Drained, Phase::Transaction(mut open)) => {
                open.more_rows(&mut out.bytes);
                if open.is_busy() {
                    out.step = Some(Step::Ask(Ask::Drain));
                }
                self.phase = Phase::Transaction(open);
            }
            // Any other answer is none to what was asked.
            (_, phase) => self.phase = phase,
        }
        self.obey(out);
        self.step_under_way = out.step.is_some();
    }

    fn chunk(&mut self, bytes: &[u8], out: &mut Out<H>) -> bool {
        match &mut self.phase {
            Phase::Transaction(open) => open.chunk(bytes, self.language, &mut out.bytes),
            _ => false,
        }
    }

    fn sent(&mut self, _now: Timestamp, whole: bool, out: &mut Out<H>) {
        self.step_under_way = false;
        let Phase::Transaction(open) = &mut self.phase else { return };
        match open.sent(whole, self.language, &mut out.bytes) {
            Some(true) => {}
            None => self.refuse(out, &Refusal::Unavailable),
            // The final dot would make half a letter look whole.
            Some(false) => self.close(out),
        }
        self.obey(out);
        self.step_under_way = out.step.is_some();
    }

    fn secured(&mut self, _now: Timestamp, tls: TlsInfo, out: &mut Out<H>) {
        // What was said in the clear is forgotten (RFC 2595 §4).
        self.step_under_way = false;
        self.tls = Some(Box::new(tls));
        self.phase = Phase::Authorization { user: None };
        self.lines.clear();
        self.language = self.settings.language;
        self.utf8 = false;
        self.obey(out);
    }

    fn told(&mut self, _now: Timestamp, tell: Tell, out: &mut Out<H>) {
        self.told = Some(Box::new(tell));
        self.obey(out);
    }

    fn expired(&mut self, _now: Timestamp, out: &mut Out<H>) {
        if self.step_under_way {
            return;
        }
        // RFC 1939 §3: who has logged in is left without a word, and nothing is deleted.
        if matches!(self.phase, Phase::Authorization { .. } | Phase::Exchange(_)) {
            self.err(out, Text::LoginTimeout, &[&self.settings.login_timeout.as_secs()]);
        }
        self.close(out);
    }

    fn deadline(&self, last_byte: Timestamp) -> Timestamp {
        match &self.phase {
            _ if self.step_under_way => Timestamp::NEVER,
            Phase::Authorization { .. } | Phase::Exchange(_) => self.opened.plus(self.settings.login_timeout),
            _ => last_byte.plus(self.settings.autologout),
        }
    }
}
