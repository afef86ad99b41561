//! A letter's octets: by DATA or in chunks, its header judged on the way, and its end.

use postern_policy::Refusal;

use super::transaction::Letter;
use super::{Reading, SmtpSession, Waiting};
use crate::inbound::Visit;
use crate::net::session::Output;
use crate::smtp::ask::{Ask, Delivery};
use crate::smtp::header::{Authors, Header};
use crate::smtp::incoming::Incoming;
use crate::smtp::received::{Trace, With, date, message_id, return_path};
use crate::smtp::reply::Reply;
use crate::smtp::settings::Role;

/// What to do when the header has been judged.
#[derive(Clone, Copy)]
pub(super) struct Then {
    end: End,
    missing: Missing,
}

/// What has come to its end with the octets just read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Nothing,
    Letter,
    Chunk,
}

/// Fields that a submitted letter lacks.
#[derive(Clone, Copy)]
struct Missing {
    date: bool,
    message_id: bool,
}

impl SmtpSession {
    fn incoming(&mut self) -> Option<&mut Incoming> {
        self.transaction.as_deref_mut()?.incoming()
    }

    /// Octets of a letter that comes by DATA; how many were taken.
    pub(super) fn read_data(&mut self, bytes: &[u8], out: &mut Output<Ask>) -> usize {
        let incoming = self.transaction.as_deref_mut().and_then(|transaction| transaction.incoming());
        let (Reading::Data(decoder), Some(incoming)) = (&mut self.reading, incoming) else {
            self.reading = Reading::Commands;
            return 0;
        };
        let (taken, ended) = decoder.decode(bytes, |text| incoming.take(text, &mut out.body));
        if ended {
            incoming.end();
            self.reading = Reading::Commands;
        }
        self.judge(if ended { End::Letter } else { End::Nothing }, out);
        taken
    }

    /// Octets of a chunk; how many were taken.
    pub(super) fn read_chunk(&mut self, bytes: &[u8], out: &mut Output<Ask>) -> usize {
        let Reading::Chunk(chunk) = &mut self.reading else { return 0 };
        let taken = usize::try_from(chunk.left).unwrap_or(usize::MAX).min(bytes.len());
        chunk.left -= taken as u64;
        let (unwanted, ended) = (chunk.refusal.is_some(), chunk.left == 0);
        if !unwanted && let Some(incoming) = self.incoming() {
            incoming.take(&bytes[..taken], &mut out.body);
        }
        match (ended, unwanted) {
            (true, _) => self.chunk_ended(out),
            (false, false) => self.judge(End::Nothing, out),
            (false, true) => {}
        }
        taken
    }

    /// All octets of a chunk are there.
    pub(super) fn chunk_ended(&mut self, out: &mut Output<Ask>) {
        let Reading::Chunk(chunk) = &mut self.reading else { return };
        if let Some(refusal) = chunk.refusal.take() {
            let last = chunk.last;
            self.reading = Reading::Commands;
            if self.leave_now(out) {
                return;
            }
            self.blame(&refusal, out);
            if last {
                self.end_transaction(out);
            }
            return;
        }
        if chunk.last
            && let Some(incoming) = self.incoming()
        {
            incoming.end();
        }
        self.judge(End::Chunk, out);
    }

    /// Judges the header where it has just become whole, then goes on with what has ended.
    fn judge(&mut self, end: End, out: &mut Output<Ask>) {
        let Some(header) = self.incoming().and_then(|incoming| incoming.header().map(Header::of)) else {
            return self.ended(end, out);
        };
        let sender = self.user.as_ref().map(|user| user.account);
        let missing = Missing {
            date: sender.is_some() && !header.date,
            message_id: sender.is_some() && !header.message_id,
        };
        let then = Then { end, missing };
        let hops = self.settings.hops;
        if header.hops > hops {
            // RFC 5321 §6.3
            let text = format!("The letter came through more than {hops} servers; it goes in circles");
            return self.refuse(Reply::new(554, (4, 6), text), end, out);
        }
        match (sender, header.authors) {
            (Some(account), Authors::Are(addresses)) if !addresses.is_empty() => {
                self.ask(Ask::Authors { account, addresses }, Waiting::Authors(then), out);
            }
            (Some(_), Authors::Unclear) => {
                self.refuse(self.refusal(&Refusal::AuthorNotOwned), end, out);
            }
            _ => self.pass(then, out),
        }
    }

    fn refuse(&mut self, reply: Reply, end: End, out: &mut Output<Ask>) {
        if let Some(incoming) = self.incoming() {
            incoming.refuse(reply);
        }
        self.ended(end, out);
    }

    /// Whether the authors are the sender's own (SPEC I5).
    pub(super) fn authors(&mut self, then: Then, owned: Result<(), Refusal>, out: &mut Output<Ask>) {
        match owned {
            Ok(()) => self.pass(then, out),
            Err(refusal) => self.refuse(self.refusal(&refusal), then.end, out),
        }
    }

    /// The header is good: it goes to the spool behind our own fields (SPEC M5).
    fn pass(&mut self, then: Then, out: &mut Output<Ask>) {
        let front = self.front(then.missing);
        if let Some(incoming) = self.incoming() {
            incoming.pass(&front, &mut out.body);
        }
        self.ended(then.end, out);
    }

    fn front(&self, missing: Missing) -> String {
        let (Some(transaction), Some(client)) = (self.transaction.as_deref(), &self.client) else {
            return String::new();
        };
        let Letter::Coming(incoming) = &transaction.letter else { return String::new() };
        let hostname = &self.settings.hostname;
        let trace = Trace {
            client_name: &client.name,
            peer: self.peer,
            hostname,
            with: With {
                lmtp: self.role == Role::Lmtp,
                extended: client.extended,
                utf8: transaction.terms.utf8,
                tls: self.tls.is_some(),
                auth: self.user.is_some(),
            },
            tls: self.tls.as_ref().map(|tls| (tls.version, tls.cipher)),
            id: incoming.id,
            only_recipient: transaction.only_recipient.as_ref(),
            at: incoming.at,
        };
        let mut front = return_path(&transaction.from);
        front.push_str(&trace.field());
        if missing.date {
            front.push_str(&date(incoming.at));
        }
        if missing.message_id {
            front.push_str(&message_id(incoming.id, incoming.at, hostname));
        }
        front
    }

    /// Goes on with what has ended.
    fn ended(&mut self, end: End, out: &mut Output<Ask>) {
        let last = match (end, &self.reading) {
            (End::Nothing, _) => return,
            (End::Chunk, Reading::Chunk(chunk)) => chunk.last.then_some(()).ok_or(chunk.octets),
            _ => Ok(()),
        };
        self.reading = Reading::Commands;
        if self.leave_now(out) {
            return;
        }
        let refusal = match self.incoming() {
            Some(incoming) => incoming.refusal().cloned(),
            None => Some(self.refusal(&Refusal::Unavailable)),
        };
        match (last, refusal) {
            (Ok(()), None) => self.accept(out),
            (Ok(()), Some(reply)) => {
                (0..self.answers()).for_each(|_| self.say(&reply, out));
                self.end_transaction(out);
            }
            (Err(octets), None) => self.say(&Reply::new(250, (0, 0), format!("{octets} octets taken")), out),
            (Err(_), Some(reply)) => {
                self.say(&reply, out);
                self.fail_letter(out);
            }
        }
    }

    /// A chunk was refused, so the rest of the letter will be; what is in the spool of it goes.
    fn fail_letter(&mut self, out: &mut Output<Ask>) {
        let Some(transaction) = self.transaction.as_deref_mut() else { return };
        let spooled = transaction.spooled();
        transaction.letter = Letter::Failed;
        if spooled {
            self.ask(Ask::Discard, Waiting::Discard, out);
        }
    }

    /// Ends the session instead of taking the letter, where it was told that its right to be here has ended.
    fn leave_now(&mut self, out: &mut Output<Ask>) -> bool {
        match self.leaving.take_if(|leaving| leaving.refuses) {
            Some(leaving) => {
                self.say(&leaving.reply, out);
                true
            }
            None => false,
        }
    }

    fn accept(&mut self, out: &mut Output<Ask>) {
        let Some(transaction) = self.transaction.as_deref_mut() else { return };
        let Letter::Coming(incoming) = &transaction.letter else { return };
        let (at, letter) = (incoming.at, incoming.id);
        let gatekeeper = self.gatekeeper();
        let Some(transaction) = self.transaction.as_deref_mut() else { return };
        let visit = gatekeeper.map(|gatekeeper| {
            let locals = transaction.locals.iter().map(|local| &local.address);
            let recipients = locals.chain(transaction.remotes.iter().map(|remote| &remote.address));
            let visit = Visit {
                letter,
                at,
                peer: self.peer,
                client_name: self.client.as_ref().map_or_else(String::new, |client| client.name.to_string()),
                tls: self.tls.as_ref().map(|tls| (tls.version, tls.cipher)),
                mail_from: transaction.from.clone(),
                recipients: recipients.cloned().collect(),
                sender: self.user.as_ref().map(|user| user.account),
            };
            Box::new((gatekeeper, visit))
        });
        let delivery = Box::new(Delivery {
            letter,
            visit,
            each_answered: self.role == Role::Lmtp,
            locals: std::mem::take(&mut transaction.locals),
            remotes: std::mem::take(&mut transaction.remotes),
            terms: std::mem::take(&mut transaction.terms),
            digests: std::mem::take(&mut transaction.digests),
            sender: self.user.as_ref().map(|user| user.account),
            reservation: transaction.reservation.take(),
            mail_from: transaction.from.clone(),
        });
        self.ask(Ask::Accept(delivery), Waiting::Accept, out);
    }

    /// How many answers a whole letter gets: one, but in LMTP one for each recipient (RFC 2033 §4.2).
    fn answers(&self) -> usize {
        match (self.role, &self.transaction) {
            (Role::Lmtp, Some(transaction)) => transaction.count as usize,
            _ => 1,
        }
    }

    /// Whether the letter is on disk (SPEC D1).
    pub(super) fn accepted(
        &mut self,
        accepted: Result<Vec<Result<(), Refusal>>, Refusal>,
        out: &mut Output<Ask>,
    ) {
        let answers = self.answers();
        let verdicts = match (self.role, accepted) {
            (Role::Lmtp, Ok(each)) => each,
            (Role::Lmtp, Err(refusal)) => vec![Err(refusal); answers],
            (_, Err(refusal)) => vec![Err(refusal)],
            // One answer for all: it is taken where anybody got it.
            (_, Ok(each)) => match each.iter().any(Result::is_ok) {
                false => vec![each.into_iter().next().unwrap_or(Ok(()))],
                true => vec![Ok(())],
            },
        };
        let id = match self.transaction.take().map(|transaction| transaction.letter) {
            Some(Letter::Coming(incoming)) => format!(" as {}", incoming.id),
            _ => String::new(),
        };
        for verdict in verdicts {
            let reply = match verdict {
                Ok(()) => {
                    self.errors = 0;
                    Reply::new(250, (0, 0), format!("On disk{id}"))
                }
                Err(refusal) => self.refusal(&refusal),
            };
            self.say(&reply, out);
        }
    }
}
