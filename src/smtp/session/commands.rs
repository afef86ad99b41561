//! What each command does, but for AUTH and letters.

use postern_model::Timestamp;

use super::{Client, Reading, SmtpSession, Waiting, transaction};
use crate::net::session::{Output, Step};
use crate::sasl;
use crate::smtp::ask::Ask;
use crate::smtp::command::{Command, SyntaxError, parse};
use crate::smtp::reply::Reply;
use crate::smtp::settings::Role;

const HELP: &str = "EHLO HELO STARTTLS AUTH MAIL RCPT DATA BDAT RSET VRFY NOOP HELP QUIT\n\
                    See RFC 5321; users' guides are on the web page of this service";

impl SmtpSession {
    pub(super) fn command_line(&mut self, line: &[u8], out: &mut Output<Ask>) {
        match parse(line) {
            Ok(command) => self.command(command, out),
            Err(error) => self.syntax_error(error, out),
        }
    }

    fn command(&mut self, command: Command<'_>, out: &mut Output<Ask>) {
        match command {
            // RFC 2033 §4.1: each of the two protocols has its own greeting and no other's.
            Command::Ehlo(_) | Command::Helo(_) if self.role == Role::Lmtp => {
                self.fail(&Reply::new(500, (5, 1), "LMTP is spoken here: LHLO comes first"), out);
            }
            Command::Lhlo(_) if self.role != Role::Lmtp => {
                self.fail(&Reply::new(500, (5, 1), "SMTP is spoken here: EHLO comes first"), out);
            }
            Command::Ehlo(name) | Command::Lhlo(name) => self.hello(name, true, out),
            Command::Helo(name) => self.hello(name, false, out),
            Command::StartTls => self.start_tls(out),
            Command::Auth { mechanism, initial } => self.auth(mechanism, initial, out),
            Command::Mail(mail) => self.mail(mail, out),
            Command::Rcpt(rcpt) => self.rcpt(rcpt, out),
            Command::Data => self.data(out),
            Command::Bdat { octets, last } => self.bdat(octets, last, out),
            Command::Rset => {
                self.say(&Reply::new(250, (0, 0), "Forgotten"), out);
                self.mail_refused = false;
                self.end_transaction(out);
            }
            Command::Noop => self.say(&Reply::new(250, (0, 0), "Here"), out),
            Command::Help => self.say(&Reply::new(214, (0, 0), HELP), out),
            // RFC 5321 §7.3: whether an address exists is told to nobody who only asks.
            Command::Vrfy => {
                self.say(&Reply::new(252, (0, 0), "Not told; a letter to the address will be tried"), out);
            }
            Command::Expn => self.fail(&Reply::new(502, (5, 1), "There are no lists here"), out),
            Command::Quit => {
                self.say(&Reply::new(221, (0, 0), format!("{} closes", self.settings.hostname)), out);
                self.close(out);
            }
        }
    }

    fn syntax_error(&mut self, error: SyntaxError, out: &mut Output<Ask>) {
        let reply = match error {
            SyntaxError::Unknown => Reply::new(500, (5, 1), "No such command; HELP lists them"),
            SyntaxError::NotUtf8 => Reply::new(500, (5, 2), "That line is neither ASCII nor UTF-8"),
            SyntaxError::Usage(usage) => Reply::new(501, (5, 4), format!("Written so: {usage}")),
            // RFC 3463 §3.2
            SyntaxError::Sender(error) => Reply::new(501, (1, 7), format!("No address: {error}")),
            SyntaxError::Recipient(error) => Reply::new(501, (1, 3), format!("No address: {error}")),
            SyntaxError::Parameter => Reply::new(555, (5, 4), "A parameter that is not offered here"),
            SyntaxError::ChunkSize => Reply::new(501, (5, 4), "Written so: BDAT octets [LAST]"),
        };
        self.fail(&reply, out);
        if matches!(error, SyntaxError::ChunkSize) {
            // What follows may be a chunk or a command; to guess is what smuggling lives by.
            let last = Reply::new(421, (5, 4), "Nobody can tell where that chunk ends");
            self.say_last(&last, out);
        }
    }

    /// RFC 5321 §4.1.1.1
    fn hello(&mut self, name: &str, extended: bool, out: &mut Output<Ask>) {
        self.client = Some(Client { name: name.into(), extended });
        let text = if extended { self.extensions() } else { self.settings.hostname.clone() };
        self.say(&Reply::plain(250, text), out);
        self.mail_refused = false;
        self.end_transaction(out);
    }

    /// The answer to EHLO: one extension a line.
    fn extensions(&self) -> String {
        let settings = &self.settings;
        let mut lines = vec![
            settings.hostname.clone(),
            "PIPELINING".to_owned(),
            format!("SIZE {}", settings.message_size),
            "8BITMIME".to_owned(),
            "SMTPUTF8".to_owned(),
            "CHUNKING".to_owned(),
            "BINARYMIME".to_owned(),
            "DSN".to_owned(),
            "DELIVERBY".to_owned(),
            "ENHANCEDSTATUSCODES".to_owned(),
            format!("LIMITS MAILMAX={} RCPTMAX={}", settings.letters, settings.recipients),
        ];
        if self.starttls_offered() {
            lines.push("STARTTLS".to_owned());
        }
        if self.tls.is_some() {
            lines.push("REQUIRETLS".to_owned());
        }
        if self.role.needs_login() {
            let most = self.opened.plus(transaction::LONGEST_HOLD);
            let until = Timestamp::from_seconds(most.seconds()).rfc3339();
            lines.push(format!("FUTURERELEASE {} {until}", transaction::LONGEST_HOLD.as_secs()));
            lines.push("MT-PRIORITY MIXER".to_owned());
        }
        let mechanisms = self.mechanisms();
        if !mechanisms.is_empty() {
            let names: Vec<_> = mechanisms.into_iter().map(sasl::Mechanism::name).collect();
            lines.push(format!("AUTH {}", names.join(" ")));
        }
        lines.join("\n")
    }

    pub(super) fn starttls_offered(&self) -> bool {
        self.tls.is_none() && !matches!(self.role, Role::Submissions | Role::Lmtp)
    }

    /// RFC 3207 §4
    fn start_tls(&mut self, out: &mut Output<Ask>) {
        if !self.starttls_offered() {
            return self.fail(&Reply::new(503, (5, 1), "This connection is encrypted already"), out);
        }
        if self.transaction.is_some() {
            return self.fail(&Reply::new(503, (5, 1), "A letter is under way; RSET forgets it"), out);
        }
        self.say(&Reply::new(220, (0, 0), "Begin the TLS handshake"), out);
        self.waiting = Some(Waiting::Tls);
        self.reading = Reading::Commands;
        out.step = Some(Step::StartTls);
    }
}
