//! The way in: LOGIN and AUTHENTICATE (RFC 9051 §6.2, RFC 4959).

use std::sync::Arc;

use postern_actors::order::Proof;
use postern_policy::Refusal;
use zeroize::Zeroizing;

use super::super::MAX_FAILED_LOGINS;
use super::super::alert::digest;
use super::super::grammar::Tag;
use super::super::reply::{Done, line};
use super::super::state::State;
use super::{Ask, Imap, Out, Phase};
use crate::net::session::Step;
use crate::sasl::{self, Exchange, Mechanism, Next};

impl Imap {
    pub(super) fn tls_first(&mut self, tag: &Tag, out: &mut Out) {
        let text = "Logging in needs TLS: turn on SSL/TLS or STARTTLS in your program.";
        self.done(tag, &Done::no_with("PRIVACYREQUIRED", text), out);
        self.count_error(out);
    }

    pub(super) fn login(&mut self, tag: Tag, user: Vec<u8>, password: &[u8], out: &mut Out) {
        let (Ok(user), Ok(password)) = (String::from_utf8(user), std::str::from_utf8(password)) else {
            let done = Done::no_with("AUTHENTICATIONFAILED", "The user name or the password is not UTF-8.");
            return self.done(&tag, &done, out);
        };
        let password = Zeroizing::new(password.to_owned());
        self.log_in(tag, Proof::Password { user, password }, out);
    }

    fn log_in(&mut self, tag: Tag, proof: Proof, out: &mut Out) {
        let user = match &proof {
            Proof::Password { user, .. } | Proof::Scram { user, .. } => digest(user),
        };
        self.phase = Phase::AwaitingLogin { tag, user };
        out.step = Some(Step::Ask(Ask::Login { proof, settings: Arc::clone(&self.settings) }));
    }

    /// RFC 9051 §6.2.2, RFC 4959.
    pub(super) fn authenticate(
        &mut self,
        tag: Tag,
        name: &str,
        initial: Option<Zeroizing<Vec<u8>>>,
        out: &mut Out,
    ) {
        let offered = sasl::offered(self.tls.as_deref(), self.settings.legacy_plaintext, self.settings.scram);
        let Some(mechanism) = Mechanism::parse(name).filter(|m| offered.contains(m)) else {
            return self.done(&tag, &Done::no_with("CANNOT", "No such mechanism here."), out);
        };
        let initial = match initial.map(|initial| sasl::decode_initial(&initial)).transpose() {
            Ok(initial) => initial,
            Err(_) => return self.done(&tag, &Done::bad("The initial response is not base64."), out),
        };
        let (exchange, next) =
            Exchange::start(mechanism, self.tls.as_deref(), initial.as_ref().map(|i| i.as_slice()));
        self.go_on(tag, Box::new(exchange), next, out);
    }

    pub(super) fn response(&mut self, response: Option<&[u8]>, out: &mut Out) {
        let Phase::Exchange { tag, mut exchange } = std::mem::replace(&mut self.phase, Phase::Ready) else {
            return;
        };
        match response.map(sasl::decode_line) {
            Some(Ok(sasl::Line::Cancel)) => self.done(&tag, &Done::bad("Cancelled."), out),
            Some(Ok(sasl::Line::Response(response))) => {
                let next = exchange.respond(&response);
                self.go_on(tag, exchange, next, out);
            }
            Some(Err(_)) => self.done(&tag, &Done::bad("The response is not base64."), out),
            None => self.done(&tag, &Done::bad("The response is too long."), out),
        }
    }

    pub(super) fn go_on(&mut self, tag: Tag, exchange: Box<Exchange>, next: Next, out: &mut Out) {
        match next {
            Next::Challenge(challenge) => {
                line(&mut out.bytes, format_args!("+ {}", sasl::encode(&challenge)));
                self.phase = Phase::Exchange { tag, exchange };
            }
            Next::NeedKeys { user } => {
                self.phase = Phase::AwaitingKeys { tag, exchange };
                out.step = Some(Step::Ask(Ask::Keys { user }));
            }
            Next::Done(proof) => self.log_in(tag, proof, out),
            Next::Malformed(why) => self.done(&tag, &Done::bad(why), out),
        }
    }

    pub(super) fn logged_in(&mut self, tag: &Tag, state: Box<State>, out: &mut Out) {
        self.state = Some(state);
        self.errors = 0;
        let code = format!("CAPABILITY {}", self.capabilities());
        self.done(tag, &Done::ok_with(code, "Logged in"), out);
    }

    pub(super) fn login_refused(&mut self, tag: &Tag, refusal: &Refusal, alert: bool, out: &mut Out) {
        let done = Done::refused(refusal, &self.settings.places);
        if alert {
            let (_, text) = crate::wording::imap(refusal, &self.settings.places);
            Done::no_with("ALERT", text).write("*", &mut out.bytes);
        }
        self.done(tag, &done, out);
        self.failed_logins += 1;
        if self.failed_logins >= MAX_FAILED_LOGINS {
            self.bye(format_args!("Too many failed logins."), out);
        }
    }
}
