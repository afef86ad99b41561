//! AUTH (RFC 4954): the exchange, and what its end means.

use postern_actors::order::ScramCandidates;
use postern_policy::Refusal;

use super::{Reading, SmtpSession, Waiting};
use crate::net::session::Output;
use crate::sasl::{self, Exchange, Mechanism, Next};
use crate::smtp::ask::{Ask, LoggedIn};
use crate::smtp::reply::Reply;

impl SmtpSession {
    /// What AUTH may be said with now (SPEC P4, P5, P6).
    pub(super) fn mechanisms(&self) -> Vec<Mechanism> {
        if !self.role.needs_login() {
            return Vec::new();
        }
        sasl::offered(self.tls.as_deref(), self.settings.legacy_plaintext, self.settings.scram)
    }

    pub(super) fn auth(&mut self, mechanism: &str, initial: Option<&str>, out: &mut Output<Ask>) {
        if let Some(reply) = self.auth_is_out_of_place() {
            return self.fail(&reply, out);
        }
        let offered = self.mechanisms();
        let Some(mechanism) = Mechanism::parse(mechanism).filter(|m| offered.contains(m)) else {
            return self.fail(&Reply::new(504, (5, 4), "That mechanism is not offered; see EHLO"), out);
        };
        let initial = match initial.map(|text| sasl::decode_initial(text.as_bytes())).transpose() {
            Ok(initial) => initial,
            Err(fault) => return self.fail(&Reply::new(501, (5, 2), fault), out),
        };
        let initial = initial.as_ref().map(|octets| octets.as_slice());
        let (exchange, next) = Exchange::start(mechanism, self.tls.as_deref(), initial);
        self.go_on(Box::new(exchange), next, out);
    }

    fn auth_is_out_of_place(&self) -> Option<Reply> {
        let said = |code, enhanced, text| Some(Reply::new(code, enhanced, text));
        if !self.role.needs_login() {
            return said(502, (5, 1), "Nobody logs in here; users send through port 465 or 587");
        }
        if self.tls.is_none() && !self.settings.legacy_plaintext {
            return said(530, (7, 0), "Encrypt the connection with STARTTLS first");
        }
        if !self.client.as_ref().is_some_and(|client| client.extended) {
            return said(503, (5, 1), "EHLO comes first");
        }
        // RFC 4954 §4
        if self.user.is_some() {
            return said(503, (5, 1), "You are logged in already");
        }
        if self.transaction.is_some() {
            return said(503, (5, 1), "A letter is under way; RSET forgets it");
        }
        None
    }

    /// A line of the client's within an exchange.
    pub(super) fn exchange_line(&mut self, mut exchange: Box<Exchange>, line: &[u8], out: &mut Output<Ask>) {
        match sasl::decode_line(line) {
            // RFC 4954 §4
            Ok(sasl::Line::Cancel) => self.fail(&Reply::new(501, (7, 0), "Cancelled"), out),
            Ok(sasl::Line::Response(response)) => {
                let next = exchange.respond(&response);
                self.go_on(exchange, next, out);
            }
            Err(fault) => self.fail(&Reply::new(501, (5, 2), fault), out),
        }
    }

    pub(super) fn keys(
        &mut self,
        mut exchange: Box<Exchange>,
        keys: Result<ScramCandidates, Refusal>,
        out: &mut Output<Ask>,
    ) {
        match keys {
            Ok(keys) => {
                let next = exchange.keys(keys);
                self.go_on(exchange, next, out);
            }
            Err(refusal) => self.login_refused(&refusal, out),
        }
    }

    fn go_on(&mut self, exchange: Box<Exchange>, next: Next, out: &mut Output<Ask>) {
        match next {
            Next::Challenge(challenge) => {
                // Not a Reply: a challenge may be longer than one line of those, and is not folded.
                out.bytes.extend_from_slice(b"334 ");
                out.bytes.extend_from_slice(sasl::encode(&challenge).as_bytes());
                out.bytes.extend_from_slice(b"\r\n");
                self.reading = Reading::Exchange(exchange);
            }
            Next::NeedKeys { user } => self.ask(Ask::Keys { user }, Waiting::Keys(exchange), out),
            Next::Done(proof) => self.ask(Ask::Login { proof }, Waiting::Login, out),
            Next::Malformed(fault) => self.fail(&Reply::new(501, (5, 2), fault), out),
        }
    }

    pub(super) fn login(&mut self, login: Result<Box<LoggedIn>, Refusal>, out: &mut Output<Ask>) {
        match login {
            Ok(user) => {
                self.user = Some(user);
                self.failed_logins = 0;
                self.say(&Reply::new(235, (7, 0), "Logged in"), out);
            }
            Err(refusal) => self.login_refused(&refusal, out),
        }
    }

    fn login_refused(&mut self, refusal: &Refusal, out: &mut Output<Ask>) {
        let reply = self.refusal(refusal);
        self.say(&reply, out);
        self.failed_logins += 1;
        if self.failed_logins >= self.settings.failed_logins {
            let text = format!("That were {} logins that failed", self.failed_logins);
            self.say_last(&Reply::new(421, (7, 0), text), out);
        }
    }
}
