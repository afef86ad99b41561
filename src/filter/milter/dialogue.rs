//! The dialogue with a milter about one letter.

use super::macros::Macros;
use super::packet::{Packet, Wire, number, strings};
use super::reply::Reply;
use super::terms::{Step, Terms, may, offer};
use crate::filter::draft::Draft;
use crate::filter::failure::Failure;
use crate::inbound::Visit;
use crate::inbound::filter::Action;

/// Octets of the body that are told at once: more is not offered.
const CHUNK: usize = 65_535;
/// Answers that may come at the end.
const ANSWERS_MOST: usize = 10_000;

/// A milter that was agreed with.
pub(super) struct Dialogue {
    wire: Wire,
    terms: Terms,
    macros: Macros,
    /// Octets that a new body may have.
    body_most: usize,
}

/// Whether the dialogue goes on behind a step.
enum On {
    Yes,
    /// With no more of the same.
    Next,
    /// There is a verdict.
    No(Action),
}

impl Dialogue {
    /// Comes to terms with a milter.
    pub(super) async fn begin(mut wire: Wire, macros: Macros, body_most: usize) -> Result<Dialogue, Failure> {
        wire.send(b'O', &[&offer()]).await?;
        let terms = Terms::read(&wire.receive().await?)?;
        Ok(Dialogue { wire, terms, macros, body_most })
    }

    /// Tells the milter all of a letter and takes its verdict.
    pub(super) async fn judge(mut self, visit: &Visit, draft: &mut Draft<'_>) -> Result<Action, Failure> {
        let verdict = match self.tell(visit, draft).await? {
            On::No(verdict) => verdict,
            On::Yes | On::Next => self.end(draft).await?,
        };
        // The verdict stands, whether the milter hears the farewell or not.
        if self.wire.send(b'Q', &[]).await.is_ok() {
            let _ = self.wire.flush().await;
        }
        Ok(verdict)
    }

    async fn tell(&mut self, visit: &Visit, draft: &Draft<'_>) -> Result<On, Failure> {
        match self.tell_envelope(visit, draft).await? {
            On::No(verdict) => Ok(On::No(verdict)),
            On::Yes | On::Next => self.tell_letter(draft).await,
        }
    }

    async fn tell_envelope(&mut self, visit: &Visit, draft: &Draft<'_>) -> Result<On, Failure> {
        let (address, family) = (visit.peer.to_string(), if visit.peer.is_ipv4() { '4' } else { '6' });
        // The client's port is not known, which 0 stands for.
        let client = format!("[{address}]\0{family}\0\0{address}\0");
        if let On::No(verdict) = self.step(Step::Connect, client.as_bytes()).await? {
            return Ok(On::No(verdict));
        }
        let helo = format!("{}\0", visit.client_name);
        if let On::No(verdict) = self.step(Step::Helo, helo.as_bytes()).await? {
            return Ok(On::No(verdict));
        }
        let octets = draft.octets();
        let body = if octets.is_ascii() { "" } else { "BODY=8BITMIME\0" };
        let mail = format!("<{}>\0SIZE={}\0{body}", visit.mail_from, octets.len());
        if let On::No(verdict) = self.step(Step::Mail, mail.as_bytes()).await? {
            return Ok(On::No(verdict));
        }
        for recipient in &visit.recipients {
            self.macros.recipient = recipient.to_string();
            let rcpt = format!("<{recipient}>\0");
            if let On::No(verdict) = self.step(Step::Rcpt, rcpt.as_bytes()).await? {
                return Ok(On::No(verdict));
            }
        }
        self.macros.recipient.clear();
        self.step(Step::Data, b"").await
    }

    async fn tell_letter(&mut self, draft: &Draft<'_>) -> Result<On, Failure> {
        for (name, value) in draft.fields() {
            let field = [name, b"\0", &self.told_value(value), b"\0"].concat();
            match self.step(Step::Header, &field).await? {
                On::Yes => {}
                On::Next => break,
                On::No(verdict) => return Ok(On::No(verdict)),
            }
        }
        if let On::No(verdict) = self.step(Step::EndOfHeader, b"").await? {
            return Ok(On::No(verdict));
        }
        for chunk in draft.body().chunks(CHUNK) {
            match self.step(Step::Body, chunk).await? {
                On::Yes => {}
                On::Next => break,
                On::No(verdict) => return Ok(On::No(verdict)),
            }
        }
        Ok(On::Yes)
    }

    /// A field's value as milters know it: lines end with LF alone, NUL ends it.
    fn told_value(&self, value: &[u8]) -> Vec<u8> {
        let value = match value {
            [b' ', rest @ ..] if !self.terms.leading_space() => rest,
            value => value,
        };
        value.iter().copied().filter(|octet| !matches!(octet, b'\r' | 0)).collect()
    }

    /// Tells a step with its macros, where the milter wants it, and takes the answer, where it gives one.
    async fn step(&mut self, step: Step, data: &[u8]) -> Result<On, Failure> {
        self.tell_macros(step).await?;
        if !self.terms.wants(step) {
            return Ok(On::Yes);
        }
        self.wire.send(step.command(), &[data]).await?;
        if !self.terms.answers(step) {
            return Ok(On::Yes);
        }
        loop {
            let packet = self.wire.receive().await?;
            match Reply::read(&packet)?.ok_or_else(|| unexpected(&packet))? {
                Reply::Continue => return Ok(On::Yes),
                Reply::Skip => return Ok(On::Next),
                Reply::Progress => self.wire.progress(),
                Reply::Verdict(verdict) => return Ok(On::No(verdict)),
            }
        }
    }

    async fn tell_macros(&mut self, step: Step) -> Result<(), Failure> {
        let macros = self.macros.of_step(step, &self.terms);
        if macros.is_empty() {
            return Ok(());
        }
        self.wire.send(b'D', &[&[step.command()], &macros]).await
    }

    /// The letter is at its end: now the milter changes what it likes, and says what it thinks.
    async fn end(&mut self, draft: &mut Draft<'_>) -> Result<Action, Failure> {
        self.tell_macros(Step::End).await?;
        self.wire.send(Step::End.command(), &[]).await?;
        let (mut body, mut quarantined) = (None, false);
        for _ in 0..ANSWERS_MOST {
            let packet = self.wire.receive().await?;
            match (Reply::read(&packet)?, packet.command) {
                (Some(Reply::Progress), _) => self.wire.progress(),
                (Some(Reply::Continue | Reply::Skip | Reply::Verdict(Action::Accept)), _) => {
                    body.into_iter().for_each(|body| draft.set_body(body));
                    return Ok(if quarantined { Action::Quarantine } else { Action::Accept });
                }
                (Some(Reply::Verdict(verdict)), _) => return Ok(verdict),
                (None, b'b') if self.terms.allows(may::CHANGE_BODY) => {
                    let body: &mut Vec<u8> = body.get_or_insert_default();
                    body.extend_from_slice(&packet.data);
                    if body.len() > self.body_most {
                        return Err(Failure::garbage("a body that is larger than a letter may be"));
                    }
                }
                (None, b'q') if self.terms.allows(may::QUARANTINE) => quarantined = true,
                (None, _) => self.change(&packet, draft)?,
            }
        }
        Err(Failure::garbage(format!("more than {ANSWERS_MOST} changes")))
    }

    /// A change of the header.
    fn change(&self, packet: &Packet, draft: &mut Draft<'_>) -> Result<(), Failure> {
        let adds = self.terms.allows(may::ADD_FIELDS);
        let (index, rest) = match packet.command {
            b'h' if adds => (0, &packet.data[..]),
            b'i' if adds => number(&packet.data).ok_or_else(|| unexpected(packet))?,
            b'm' if self.terms.allows(may::CHANGE_FIELDS) => {
                number(&packet.data).ok_or_else(|| unexpected(packet))?
            }
            _ => return Err(unexpected(packet)),
        };
        let mut texts = strings(rest);
        let name = texts.next().ok_or_else(|| unexpected(packet))?;
        let value = texts.next().unwrap_or_default();
        let spaced = if self.terms.leading_space() { value.to_vec() } else { [b" ", value].concat() };
        let index = index as usize;
        match packet.command {
            b'h' => draft.add(name, &spaced),
            b'i' => draft.insert(index, name, &spaced),
            _ if value.is_empty() => {
                draft.remove(index, name);
                Ok(())
            }
            _ => draft.change(index, name, &spaced),
        }
    }
}

fn unexpected(packet: &Packet) -> Failure {
    Failure::garbage(format!("'{}' was not expected", packet.command.escape_ascii()))
}
