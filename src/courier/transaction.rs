//! One letter to some recipients at one server: MAIL, RCPT and DATA, in one go where the server allows it (RFC 2920), then
//! the octets; or BDAT with all of them at once where they are not lines (RFC 3030).
//!
//! A letter costs two round trips at a server with PIPELINING. What is sent after that, is sent in full or the connection is
//! dropped: half a letter is never ended with a dot.

use postern_actors::courier::Parcel;
use postern_model::record::{Attempt, BodyKind};

use super::capabilities::Capabilities;
use super::command;
use super::convert::Fit;
use super::letter::{Letter, Needs, Room};
use super::link::LinkError;
use super::outcome::{Outcome, Witness};
use super::reply::Reply;
use super::seal::Seal;
use super::session::Session;
use super::stuffing::Stuffing;

/// Octets that are gathered before they are sent.
const BLOCK: usize = 64 << 10;

/// What is to be sent.
pub(super) struct Job<'a> {
    pub(super) parcel: &'a Parcel,
    pub(super) seal: Option<&'a dyn Seal>,
    pub(super) room: &'a Room,
}

/// The conversation is over, and this is why.
#[derive(Debug)]
pub(super) struct Broken(pub(super) Attempt);

/// One line to say.
struct Step {
    what: Said,
    line: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Said {
    Rset,
    Mail,
    Rcpt(usize),
    Data,
}

/// One transaction under way.
struct Transaction<'a> {
    session: &'a mut Session,
    witness: Witness,
    outcome: &'a mut Outcome,
    batch: &'a [usize],
    mail_refused: bool,
    accepted: Vec<usize>,
    /// Recipients that were too many.
    again: Vec<usize>,
    /// What DATA was answered.
    data: Option<Reply>,
}

/// Sends a letter to `batch`, and settles what becomes settled. Returns whom the server may take in another transaction.
pub(super) async fn send(
    session: &mut Session,
    job: &Job<'_>,
    batch: &[usize],
    outcome: &mut Outcome,
) -> Result<Vec<usize>, Broken> {
    let witness = session.witness(job.parcel.now);
    if let Err(refusal) = suits(session, job.parcel, &witness) {
        outcome.refused(batch, &refusal);
        return Ok(Vec::new());
    }
    let batch = sayable(batch, job.parcel, &session.caps, &witness, outcome);
    if batch.is_empty() {
        return Ok(Vec::new());
    }
    let letter = match prepare(&session.caps, job, &witness).await {
        Ok(letter) => letter,
        Err(refusal) => {
            outcome.refused(&batch, &refusal);
            return Ok(Vec::new());
        }
    };
    session.letters += 1;
    let (accepted, again) = (Vec::new(), Vec::new());
    let mut transaction = Transaction {
        session,
        witness,
        outcome,
        batch: &batch,
        mail_refused: false,
        accepted,
        again,
        data: None,
    };
    transaction.run(job.parcel, letter).await?;
    Ok(transaction.again)
}

/// Whether the server can give what was asked with the letter.
fn suits(session: &Session, parcel: &Parcel, witness: &Witness) -> Result<(), Attempt> {
    let terms = &parcel.envelope.terms;
    let caps = &session.caps;
    let from = &parcel.envelope.mail_from;
    if !command::is_sayable(from) {
        return Err(witness.words((5, 1, 7), "the sender's address can't be said in SMTP"));
    }
    if !from.is_ascii() && !caps.utf8 {
        let said = "the sender's address is not ASCII, and the next server doesn't know SMTPUTF8";
        return Err(witness.words((5, 6, 7), said));
    }
    let Some(by) = terms.deliver_by.filter(|by| by.returns) else { return Ok(()) };
    // RFC 2852 §4.1.3
    let left = command::seconds_left(&by, parcel.now);
    match caps.deliver_by {
        _ if left <= 0 => Err(witness.words((5, 4, 7), "the time by which it had to be there is over")),
        None => Err(witness.words((5, 3, 3), "the next server can't promise delivery by a given time")),
        Some(least) if left.unsigned_abs() < least => {
            let said = format!("the next server wants {least} s for it, and {left} s are left");
            Err(witness.words((5, 4, 7), said))
        }
        Some(_) => Ok(()),
    }
}

/// Recipients that can be named to this server; the others are settled.
fn sayable(
    batch: &[usize],
    parcel: &Parcel,
    caps: &Capabilities,
    witness: &Witness,
    outcome: &mut Outcome,
) -> Vec<usize> {
    let mut named = Vec::with_capacity(batch.len());
    for &n in batch {
        let address = &parcel.recipients[n].address;
        if address.is_empty() || !command::is_sayable(address) {
            outcome.refused(&[n], &witness.words((5, 1, 3), "the address can't be said in SMTP"));
        } else if !address.is_ascii() && !caps.utf8 {
            let said = "the address is not ASCII, and the next server doesn't know SMTPUTF8";
            outcome.refused(&[n], &witness.words((5, 6, 7), said));
        } else {
            named.push(n);
        }
    }
    named
}

/// The letter as the server can have it.
async fn prepare(caps: &Capabilities, job: &Job<'_>, witness: &Witness) -> Result<Letter, Attempt> {
    let prepared = Letter::prepare(job.parcel, needs(caps, job.parcel), job.seal, job.room).await;
    let letter = prepared.map_err(|why| witness.words(why.enhanced(), why.to_string()))?;
    match caps.max_size {
        Some(most) if most < letter.size => {
            let said =
                format!("the letter has {} octets, and the next server takes {most} at most", letter.size);
            Err(witness.words((5, 3, 4), said))
        }
        _ => Ok(letter),
    }
}

fn needs(caps: &Capabilities, parcel: &Parcel) -> Needs {
    let terms = &parcel.envelope.terms;
    let fit = match terms.body {
        BodyKind::Binary if caps.binary => None,
        BodyKind::Binary if caps.eight_bit => Some(Fit::Eight),
        BodyKind::Binary => Some(Fit::Seven),
        BodyKind::EightBit if !caps.eight_bit => Some(Fit::Seven),
        BodyKind::EightBit | BodyKind::SevenBit => None,
    };
    Needs { fit, ascii_headers: terms.utf8 && !caps.utf8 }
}

impl Transaction<'_> {
    async fn run(&mut self, parcel: &Parcel, letter: Letter) -> Result<(), Broken> {
        let in_chunks = letter.kind == BodyKind::Binary;
        let steps = self.steps(parcel, &letter, in_chunks);
        self.converse(steps).await?;
        self.session.dirty = !self.mail_refused;
        if self.accepted.is_empty() {
            return self.take_back().await;
        }
        if in_chunks {
            return self.send_chunk(letter).await;
        }
        match self.data.take() {
            Some(reply) if reply.code == 354 => self.send_lines(letter).await,
            Some(reply) if !reply.is_done() && reply.code >= 400 => {
                let attempt = self.witness.reply(&reply);
                self.outcome.refused(&self.accepted, &attempt);
                Ok(())
            }
            _ => Err(self.lost("the server answered DATA with what makes no sense")),
        }
    }

    fn steps(&self, parcel: &Parcel, letter: &Letter, in_chunks: bool) -> Vec<Step> {
        let (caps, envelope) = (&self.session.caps, &parcel.envelope);
        let beyond_ascii = |n: &usize| !parcel.recipients[*n].address.is_ascii();
        let wants_utf8 =
            envelope.terms.utf8 || !envelope.mail_from.is_ascii() || self.batch.iter().any(beyond_ascii);
        let said = (caps, caps.utf8 && wants_utf8, parcel.now);
        let mail = command::mail(&envelope.mail_from, &envelope.terms, (letter.size, letter.kind), said);
        let mut steps = Vec::with_capacity(self.batch.len() + 3);
        if self.session.dirty {
            steps.push(Step { what: Said::Rset, line: "RSET\r\n".into() });
        }
        steps.push(Step { what: Said::Mail, line: mail });
        for &n in self.batch {
            steps.push(Step { what: Said::Rcpt(n), line: command::rcpt(&parcel.recipients[n], caps) });
        }
        if !in_chunks {
            steps.push(Step { what: Said::Data, line: "DATA\r\n".into() });
        }
        steps
    }

    async fn converse(&mut self, steps: Vec<Step>) -> Result<(), Broken> {
        let at_once = self.session.caps.pipelining;
        if at_once {
            let lines: String = steps.iter().map(|step| step.line.as_str()).collect();
            self.say(lines.as_bytes()).await?;
        }
        for step in steps {
            if !at_once {
                if self.is_pointless(step.what) {
                    continue;
                }
                self.say(step.line.as_bytes()).await?;
            }
            let patience = &self.session.patience;
            let limit = if step.what == Said::Data { patience.data } else { patience.command };
            let reply = self.session.link.reply(limit).await.map_err(|error| self.broken(&error))?;
            self.take(step.what, reply)?;
        }
        Ok(())
    }

    fn is_pointless(&self, what: Said) -> bool {
        match what {
            Said::Rset | Said::Mail => false,
            Said::Rcpt(_) => self.mail_refused,
            Said::Data => self.accepted.is_empty(),
        }
    }

    fn take(&mut self, what: Said, reply: Reply) -> Result<(), Broken> {
        let attempt = self.witness.reply(&reply);
        if reply.is_farewell() {
            return Err(Broken(attempt));
        }
        match what {
            Said::Rset if reply.is_done() => {}
            Said::Rset => return Err(Broken(attempt)),
            Said::Mail => {
                self.outcome.reached = true;
                self.mail_refused = !reply.is_done();
                if self.mail_refused {
                    self.outcome.refused(self.batch, &classed(attempt));
                }
            }
            // What it says of recipients of a letter that it didn't take is beside the point.
            Said::Rcpt(_) if self.mail_refused => {}
            Said::Rcpt(n) if reply.is_done() => self.accepted.push(n),
            Said::Rcpt(n) => self.refuse(n, &reply, attempt),
            Said::Data => self.data = Some(reply),
        }
        Ok(())
    }

    /// RFC 5321 §4.5.3.1.10: with 452, and with 552 of old, there may be too many; unless it is said to be otherwise.
    fn refuse(&mut self, n: usize, reply: &Reply, mut attempt: Attempt) {
        let is_too_many = matches!(attempt.enhanced, (4 | 5, 0, 0) | (4 | 5, 5, 3));
        if matches!(reply.code, 452 | 552) && is_too_many {
            attempt.enhanced.0 = 4;
            self.again.push(n);
        }
        self.outcome.refused(&[n], &classed(attempt));
    }

    /// Nobody gets the letter. A server that wants it all the same gets none of it (RFC 2920 §3.1).
    async fn take_back(&mut self) -> Result<(), Broken> {
        // Nobody was taken though there may be too many: that is not cured by asking again at once.
        self.again.clear();
        if self.data.take().is_some_and(|reply| reply.code == 354) {
            self.say(b".\r\n").await?;
            let limit = self.session.patience.end;
            let reply = self.session.link.reply(limit).await.map_err(|error| self.broken(&error))?;
            self.session.dirty = false;
            if reply.is_farewell() {
                return Err(Broken(self.witness.reply(&reply)));
            }
        }
        Ok(())
    }

    async fn send_lines(&mut self, mut letter: Letter) -> Result<(), Broken> {
        let (mut stuffing, mut block) = (Stuffing::new(), Vec::with_capacity(BLOCK + BLOCK / 8));
        while let Some(piece) = self.next_piece(&mut letter).await? {
            stuffing.push(&piece, &mut block);
            if block.len() >= BLOCK {
                if let Some(reply) = self.push(&block).await? {
                    return self.settle(&reply, true);
                }
                block.clear();
            }
        }
        stuffing.end(&mut block);
        self.outcome.in_doubt = true;
        match self.push(&block).await? {
            Some(reply) => self.settle(&reply, true),
            None => self.hear_end().await,
        }
    }

    async fn send_chunk(&mut self, mut letter: Letter) -> Result<(), Broken> {
        let mut left = letter.size;
        let mut block = format!("BDAT {left} LAST\r\n").into_bytes();
        while let Some(piece) = self.next_piece(&mut letter).await? {
            left = left.checked_sub(piece.len() as u64).ok_or_else(|| self.lost("the letter has changed"))?;
            self.outcome.in_doubt = left == 0;
            block.extend_from_slice(&piece);
            if let Some(reply) = self.push(&block).await? {
                return self.settle(&reply, true);
            }
            block.clear();
        }
        if left > 0 {
            return Err(self.lost("the letter has changed"));
        }
        // A letter without an octet.
        if !block.is_empty() {
            self.say(&block).await?;
        }
        self.hear_end().await
    }

    async fn next_piece(&self, letter: &mut Letter) -> Result<Option<bytes::Bytes>, Broken> {
        let words = |error| self.lost(&format!("the letter can't be read to its end: {error}"));
        letter.piece().await.map_err(words)
    }

    /// Sends a block; where the server takes no more, what it said about that.
    async fn push(&mut self, block: &[u8]) -> Result<Option<Reply>, Broken> {
        let patience = self.session.patience;
        let Err(error) = self.session.link.send(block, patience.block).await else { return Ok(None) };
        match self.session.link.reply(patience.leave).await {
            Ok(reply) if reply.code >= 400 => Ok(Some(reply)),
            _ => Err(self.broken(&error)),
        }
    }

    async fn hear_end(&mut self) -> Result<(), Broken> {
        let limit = self.session.patience.end;
        let reply = self.session.link.reply(limit).await.map_err(|error| self.broken(&error))?;
        self.settle(&reply, false)
    }

    /// What was said of the letter as a whole; `cut_off`: before all of it was there.
    fn settle(&mut self, reply: &Reply, cut_off: bool) -> Result<(), Broken> {
        let attempt = self.witness.reply(reply);
        self.outcome.in_doubt = false;
        self.session.dirty = false;
        if reply.is_done() && !cut_off {
            self.outcome.relayed(&self.accepted, &attempt, self.session.caps.dsn);
            return Ok(());
        }
        self.outcome.refused(&self.accepted, &classed(attempt.clone()));
        if cut_off || reply.is_farewell() { Err(Broken(attempt)) } else { Ok(()) }
    }

    async fn say(&mut self, octets: &[u8]) -> Result<(), Broken> {
        let limit = self.session.patience.block;
        self.session.link.send(octets, limit).await.map_err(|error| self.broken(&error))
    }

    fn broken(&self, error: &LinkError) -> Broken {
        Broken(self.witness.words(error.enhanced(), error.to_string()))
    }

    fn lost(&self, said: &str) -> Broken {
        Broken(self.witness.words((4, 5, 0), said))
    }
}

/// A refusal's class is that of its code; a success where none makes sense is a failure for now.
fn classed(mut attempt: Attempt) -> Attempt {
    if !matches!(attempt.enhanced.0, 4 | 5) {
        attempt.enhanced = (4, 5, 0);
    }
    attempt
}
