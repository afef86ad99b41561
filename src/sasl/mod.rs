//! SASL (RFC 4422) without sockets: a door hands in what the client sent, decoded, and does what [`Next`] says.
//!
//! PLAIN and LOGIN end in a password that AuthActor verifies. SCRAM needs the account's keys half-way
//! ([`Next::NeedKeys`]), and verifies the proof here, so that only its outcome leaves the exchange. The doors of POP3
//! (RFC 5034) and SMTP (RFC 4954) share the base64 of their lines as well ([`decode_initial`], [`decode_line`],
//! [`encode`]).

mod scram;
mod wire;

pub use wire::{Line, MAX_ENCODED, decode_initial, decode_line, encode};

use postern_actors::order::{Proof, ScramCandidates};
use zeroize::Zeroizing;

use crate::net::session::TlsInfo;

/// A mechanism that Postern speaks (SPEC M4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mechanism {
    /// RFC 4616
    Plain,
    /// The pair of prompts that old programs know (draft-murchison-sasl-login).
    Login,
    /// RFC 7677
    ScramSha256,
    /// RFC 7677 with the channel binding `tls-exporter` (RFC 9266)
    ScramSha256Plus,
}

impl Mechanism {
    /// Reads a mechanism's name in any case (RFC 4422 §3.1); `None` for one that Postern does not speak.
    pub fn parse(name: &str) -> Option<Mechanism> {
        const ALL: [Mechanism; 4] =
            [Mechanism::Plain, Mechanism::Login, Mechanism::ScramSha256, Mechanism::ScramSha256Plus];
        ALL.into_iter().find(|mechanism| mechanism.name().eq_ignore_ascii_case(name))
    }

    /// The name it is announced by.
    pub fn name(self) -> &'static str {
        match self {
            Mechanism::Plain => "PLAIN",
            Mechanism::Login => "LOGIN",
            Mechanism::ScramSha256 => "SCRAM-SHA-256",
            Mechanism::ScramSha256Plus => "SCRAM-SHA-256-PLUS",
        }
    }
}

/// The mechanisms to announce, strongest first. A door accepts no other.
///
/// Without TLS there is none unless the operator allowed plaintext logins (SPEC P4, P5); PLUS needs the connection's
/// exporter (RFC 9266 §3); SCRAM is left out where the keys are not kept (`POSTERN_SCRAM=off`).
pub fn offered(tls: Option<&TlsInfo>, plaintext_allowed: bool, scram: bool) -> Vec<Mechanism> {
    if tls.is_none() && !plaintext_allowed {
        return Vec::new();
    }
    let mut mechanisms = Vec::with_capacity(4);
    if scram && tls.is_some_and(|tls| tls.exporter.is_some()) {
        mechanisms.push(Mechanism::ScramSha256Plus);
    }
    if scram {
        mechanisms.push(Mechanism::ScramSha256);
    }
    mechanisms.extend([Mechanism::Plain, Mechanism::Login]);
    mechanisms
}

/// What is to be done next in an exchange.
pub enum Next {
    /// Send this, encoded with [`encode`], and wait for the client's response.
    Challenge(Vec<u8>),
    /// Ask [`ScramCandidates`] for this user name and hand them to [`Exchange::keys`].
    NeedKeys {
        /// The name as the client gave it.
        user: String,
    },
    /// The exchange is over: ask for the login with this proof, right or wrong.
    Done(Proof),
    /// The exchange is over without a login: the client broke the mechanism's rules in this way.
    Malformed(&'static str),
}

/// One exchange: made by AUTH, over at [`Next::Done`] or [`Next::Malformed`].
pub struct Exchange {
    state: State,
}

enum State {
    Plain,
    LoginUser,
    LoginPassword { user: String },
    Scram(Box<scram::Server>),
    Over,
}

impl Exchange {
    /// Begins an exchange, with the client's initial response, decoded, where it sent one.
    pub fn start(mechanism: Mechanism, tls: Option<&TlsInfo>, initial: Option<&[u8]>) -> (Exchange, Next) {
        let state = match mechanism {
            Mechanism::Plain => State::Plain,
            Mechanism::Login => State::LoginUser,
            Mechanism::ScramSha256 | Mechanism::ScramSha256Plus => {
                let exporter = tls.and_then(|tls| tls.exporter);
                let plus = mechanism == Mechanism::ScramSha256Plus;
                match scram::nonce() {
                    Some(nonce) => State::Scram(Box::new(scram::Server::new(plus, exporter, nonce))),
                    None => return (Exchange { state: State::Over }, Next::Malformed(scram::NO_NONCE)),
                }
            }
        };
        Exchange { state }.begin(initial)
    }

    fn begin(mut self, initial: Option<&[u8]>) -> (Exchange, Next) {
        let next = match (initial, &self.state) {
            (Some(response), _) => self.respond(response),
            (None, State::LoginUser) => Next::Challenge(b"Username:".to_vec()),
            // RFC 4422 §5: a mechanism where the client begins is started by an empty challenge.
            (None, _) => Next::Challenge(Vec::new()),
        };
        (self, next)
    }

    /// Takes the client's response to the last challenge, decoded.
    pub fn respond(&mut self, response: &[u8]) -> Next {
        match std::mem::replace(&mut self.state, State::Over) {
            State::Plain => plain(response),
            State::LoginUser => match text(response) {
                Some(user) if !user.is_empty() => {
                    self.state = State::LoginPassword { user: user.to_owned() };
                    Next::Challenge(b"Password:".to_vec())
                }
                _ => Next::Malformed("the user name is empty or not UTF-8"),
            },
            State::LoginPassword { user } => match text(response) {
                Some(password) if !password.is_empty() => password_proof(user, password),
                _ => Next::Malformed("the password is empty or not UTF-8"),
            },
            State::Scram(mut server) => {
                let next = server.respond(response);
                self.keep(server, next)
            }
            State::Over => Next::Malformed("the exchange is over"),
        }
    }

    /// Takes the keys that [`Next::NeedKeys`] asked for.
    pub fn keys(&mut self, candidates: ScramCandidates) -> Next {
        match std::mem::replace(&mut self.state, State::Over) {
            State::Scram(mut server) => {
                let next = server.keys(candidates);
                self.keep(server, next)
            }
            _ => Next::Malformed("the exchange needs no keys"),
        }
    }

    fn keep(&mut self, server: Box<scram::Server>, next: Next) -> Next {
        if matches!(next, Next::Challenge(_) | Next::NeedKeys { .. }) {
            self.state = State::Scram(server);
        }
        next
    }
}

/// RFC 4616 §2: `[authzid] NUL authcid NUL passwd`.
fn plain(response: &[u8]) -> Next {
    let mut parts = response.split(|&b| b == 0);
    let (Some(authzid), Some(user), Some(password), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Next::Malformed("PLAIN is not made of three parts");
    };
    let (Some(authzid), Some(user), Some(password)) = (text(authzid), text(user), text(password)) else {
        return Next::Malformed("PLAIN is not UTF-8");
    };
    if user.is_empty() || password.is_empty() {
        return Next::Malformed("the user name or the password is empty");
    }
    if !is_self(authzid, user) {
        return Next::Malformed(NOT_SELF);
    }
    password_proof(user.to_owned(), password)
}

const NOT_SELF: &str = "acting for another user is not supported: leave the authorization identity empty";

/// Nobody acts for somebody else here; some programs repeat their own name.
fn is_self(authzid: &str, user: &str) -> bool {
    authzid.is_empty() || authzid.eq_ignore_ascii_case(user)
}

fn password_proof(user: String, password: &str) -> Next {
    Next::Done(Proof::Password { user, password: Zeroizing::new(password.to_owned()) })
}

/// UTF-8 without NUL.
fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok().filter(|text| !text.contains('\0'))
}

#[cfg(test)]
mod tests;
