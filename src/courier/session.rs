//! A conversation with one server, from the connection to where letters can be sent.
//!
//! ```text
//! connect ─► greeting ─► EHLO ─► STARTTLS ─► EHLO ─► AUTH ─► ready
//!    │           └───────┴─ refused: the next hop      └─ relays alone
//!    └─ TLS failed and is not demanded: once more, in clear
//! ```

use std::net::IpAddr;
use std::sync::Arc;

use postern_model::record::Attempt;
use postern_model::{Domain, Timestamp};
use rustls::RootCertStore;
use zeroize::Zeroizing;

use super::capabilities::Capabilities;
use super::journal::{TlsEntry, TlsFault, TlsFaultKind, TlsJournal};
use super::link::{Link, LinkError};
use super::login::{Exchange, Login};
use super::outcome::Witness;
use super::patience::Patience;
use super::reply::{Reply, cut};
use super::route::{Hop, TlsDemand};
use super::secure;

/// Letters of one connection, where the server doesn't say (RFC 9422 MAILMAX).
const LETTERS: usize = 100;
/// Recipients of one transaction, where the server doesn't say (RFC 5321 §4.5.3.1.8, RFC 9422 RCPTMAX).
const RECIPIENTS: usize = 100;

/// What every conversation needs to know.
#[derive(Debug)]
pub(super) struct Manners {
    /// This server's name.
    pub(super) hostname: String,
    pub(super) patience: Patience,
    pub(super) roots: Arc<RootCertStore>,
    pub(super) journal: Arc<dyn TlsJournal>,
    pub(super) login: Option<Login>,
}

/// Why a hop can't take letters.
#[derive(Debug)]
pub(super) struct Closed {
    /// What is told of it.
    pub(super) attempt: Attempt,
    /// It will not take any another time either.
    pub(super) never: bool,
}

/// A server that is ready for letters.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) link: Link,
    pub(super) hop: Hop,
    pub(super) caps: Capabilities,
    pub(super) patience: Patience,
    pub(super) tls: Option<String>,
    /// Letters that it was offered.
    pub(super) letters: usize,
    /// A transaction is open that has to be ended first.
    pub(super) dirty: bool,
}

/// How opening ended short of a session.
enum Halt {
    Closed(Closed),
    /// TLS did not come about; the connection is gone.
    Tls(TlsFault),
}

impl From<Closed> for Halt {
    fn from(closed: Closed) -> Halt {
        Halt::Closed(closed)
    }
}

/// Opens a conversation with a hop.
pub(super) async fn open(
    manners: &Manners,
    domain: &Domain,
    hop: &Hop,
    witness: &Witness,
) -> Result<Session, Closed> {
    let mut opening = Opening { manners, domain, hop, witness, clear: false };
    let halt = match opening.run().await {
        Err(Halt::Tls(_)) if !hop.tls.is_strict() && !hop.implicit_tls => {
            opening.clear = true;
            opening.run().await
        }
        other => other,
    };
    halt.map_err(|halt| match halt {
        Halt::Closed(closed) => closed,
        Halt::Tls(fault) => soft(witness.words((4, 7, 5), format!("TLS: {}", fault.said))),
    })
}

fn soft(attempt: Attempt) -> Closed {
    Closed { attempt, never: false }
}

struct Opening<'a> {
    manners: &'a Manners,
    domain: &'a Domain,
    hop: &'a Hop,
    witness: &'a Witness,
    /// TLS was tried and failed.
    clear: bool,
}

impl Opening<'_> {
    async fn run(&self) -> Result<Session, Halt> {
        let patience = &self.manners.patience;
        let connecting = Link::connect(self.hop.socket(), patience.connect).await;
        let mut link = connecting.map_err(|said| soft(self.witness.words((4, 4, 1), said)))?;
        if self.hop.implicit_tls {
            link = self.secure(link).await?;
        }
        let greeting = link.reply(patience.greeting).await.map_err(|error| self.broken(&error))?;
        if greeting.code != 220 {
            return Err(self.refused(&greeting, "in its greeting").into());
        }
        let mut caps = self.hello(&mut link).await?;
        if !self.hop.implicit_tls && !self.clear && !matches!(self.hop.tls, TlsDemand::Never) {
            (link, caps) = self.upgrade(link, caps).await?;
        }
        if let Some(login) = &self.manners.login {
            self.log_in(&mut link, &caps, login).await?;
        }
        let (hop, tls) = (self.hop.clone(), link.tls());
        Ok(Session { link, hop, caps, patience: *patience, tls, letters: 0, dirty: false })
    }

    /// EHLO, and HELO where a server doesn't know that (RFC 5321 §3.2).
    async fn hello(&self, link: &mut Link) -> Result<Capabilities, Closed> {
        let name = &self.manners.hostname;
        let reply = self.ask(link, &format!("EHLO {name}\r\n")).await?;
        if reply.is_done() {
            return Ok(Capabilities::read(&reply));
        }
        if !reply.is_permanent() {
            return Err(self.refused(&reply, "to EHLO"));
        }
        let reply = self.ask(link, &format!("HELO {name}\r\n")).await?;
        if reply.is_done() { Ok(Capabilities::default()) } else { Err(self.refused(&reply, "to HELO")) }
    }

    async fn ask(&self, link: &mut Link, line: &str) -> Result<Reply, Closed> {
        let limit = self.manners.patience.command;
        let sent = link.send(line.as_bytes(), self.manners.patience.block).await;
        sent.map_err(|error| self.broken(&error))?;
        link.reply(limit).await.map_err(|error| self.broken(&error))
    }

    /// STARTTLS (RFC 3207), where it is offered.
    async fn upgrade(&self, mut link: Link, caps: Capabilities) -> Result<(Link, Capabilities), Halt> {
        if !caps.starttls {
            let lacking = secure::fault(TlsFaultKind::StarttlsNotSupported, "the server offers no STARTTLS");
            return self.without_tls(lacking, link, caps);
        }
        let reply = self.ask(&mut link, "STARTTLS\r\n").await?;
        if reply.is_farewell() {
            return Err(self.refused(&reply, "to STARTTLS").into());
        }
        if reply.code != 220 {
            let said = format!("the server refuses STARTTLS: {} {}", reply.code, reply.text());
            return self.without_tls(secure::fault(TlsFaultKind::StarttlsNotSupported, said), link, caps);
        }
        if link.has_unread() {
            // Somebody on the way put words into what is to be protected (CVE-2011-0411).
            let said = "something came in clear behind the leave to start TLS";
            let fault = secure::fault(TlsFaultKind::Validation, said);
            self.note(&link, Err(fault.clone()));
            return Err(Halt::Tls(fault));
        }
        let mut link = self.secure(link).await?;
        let caps = self.hello(&mut link).await?;
        Ok((link, caps))
    }

    fn without_tls(
        &self,
        fault: TlsFault,
        link: Link,
        caps: Capabilities,
    ) -> Result<(Link, Capabilities), Halt> {
        self.note(&link, Err(fault.clone()));
        if self.hop.tls.is_strict() { Err(Halt::Tls(fault)) } else { Ok((link, caps)) }
    }

    async fn secure(&self, link: Link) -> Result<Link, Halt> {
        let local = link.local();
        let terms = secure::terms(self.hop, &self.manners.roots);
        let terms =
            terms.inspect_err(|fault| self.note_from(local, Err(fault.clone()))).map_err(Halt::Tls)?;
        match link.secure(terms.config, terms.name, self.manners.patience.handshake).await {
            Ok(link) => {
                self.note(&link, terms.tested.get().map_or(Ok(()), |fault| Err(fault.clone())));
                Ok(link)
            }
            Err(error) => {
                let fault = secure::handshake_fault(&error);
                self.note_from(local, Err(fault.clone()));
                Err(Halt::Tls(fault))
            }
        }
    }

    fn note(&self, link: &Link, outcome: Result<(), TlsFault>) {
        self.note_from(link.local(), outcome);
    }

    fn note_from(&self, local: Option<IpAddr>, outcome: Result<(), TlsFault>) {
        let (domain, hop, at) = (self.domain, self.hop, self.witness.at);
        self.manners.journal.note(&TlsEntry { domain, hop, local, at, outcome });
    }

    /// AUTH (RFC 4954), only where the server is the one it should be, or the operator wants it in clear.
    async fn log_in(&self, link: &mut Link, caps: &Capabilities, login: &Login) -> Result<(), Closed> {
        let is_known = self.hop.tls.is_strict() && link.tls().is_some();
        if !is_known && !matches!(self.hop.tls, TlsDemand::Never) {
            return Err(self.no_login("the server is not known for sure"));
        }
        let Some((name, mut exchange)) = Exchange::pick(&caps.auth) else {
            return Err(self.no_login("the server offers no login that is known here"));
        };
        let mut line = Zeroizing::new(format!("AUTH {name}"));
        if let Some(initial) = exchange.initial(login) {
            line.push(' ');
            line.push_str(&initial);
        }
        loop {
            line.push_str("\r\n");
            let reply = self.ask(link, &line).await?;
            let text = reply.lines.first().map_or("", |text| text.trim());
            match reply.code {
                334 => {
                    let (challenge, known) = (text.to_owned(), login.clone());
                    // SCRAM's thousands of hashes are not for a thread on which others wait.
                    let working = tokio::task::spawn_blocking(move || {
                        let answer = exchange.respond(&known, &challenge);
                        (exchange, answer)
                    });
                    let (next, answer) =
                        working.await.map_err(|_| self.no_login("the exchange broke off"))?;
                    exchange = next;
                    line = answer.map_err(|why| self.no_login(why))?;
                }
                235 if exchange.may_end(text) => return Ok(()),
                235 => return Err(self.no_login("the server did not prove that it knows the password")),
                _ => return Err(self.refused(&reply, "to the login")),
            }
        }
    }

    fn no_login(&self, why: &str) -> Closed {
        soft(self.witness.words((4, 7, 0), format!("no login: {why}")))
    }

    fn broken(&self, error: &LinkError) -> Closed {
        soft(self.witness.words(error.enhanced(), error.to_string()))
    }

    /// RFC 7504: 521 and 556 mean that there is no mail service at all.
    fn refused(&self, reply: &Reply, to: &str) -> Closed {
        let mut attempt = self.witness.reply(reply);
        attempt.said = cut(format!("{} ({to})", attempt.said));
        Closed { attempt, never: matches!(reply.code, 521 | 556) }
    }
}

impl Session {
    /// Who speaks here.
    pub(super) fn witness(&self, at: Timestamp) -> Witness {
        Witness { at, remote: Some(self.hop.to_string()), tls: self.tls.clone() }
    }

    /// Whether it takes another letter.
    pub(super) fn has_room(&self) -> bool {
        self.letters < self.caps.mail_max.unwrap_or(LETTERS).min(LETTERS)
    }

    /// Recipients that a transaction may have.
    pub(super) fn most_recipients(&self) -> usize {
        self.caps.rcpt_max.unwrap_or(RECIPIENTS).min(RECIPIENTS)
    }

    /// RFC 8689 §4.2.1: a server that was verified and promises to ask the same of the next one.
    pub(super) fn keeps_tls(&self) -> bool {
        self.tls.is_some() && self.hop.tls.is_strict() && self.caps.require_tls
    }

    /// Takes leave. Nobody waits long for the answer.
    pub(super) async fn quit(mut self) {
        let limit = self.patience.leave;
        if self.link.send(b"QUIT\r\n", limit).await.is_ok() {
            let _ = self.link.reply(limit).await;
        }
    }
}
