//! A letter's envelope: MAIL, RCPT, and the commands that begin the letter itself (RFC 5321 §3.3).

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use postern_actors::order::{LocalRcpt, RemoteRcpt, Reservation, Route};
use postern_model::record::{BodyKind, MailTerms, RcptTerms};
use postern_model::{EmailAddress, LetterId, MailFrom, Timestamp};
use postern_policy::Refusal;

use super::{Chunk, Reading, SmtpSession, Waiting};
use crate::net::session::Output;
use crate::smtp::ask::{Ask, Grant};
use crate::smtp::command::{Mail, Rcpt};
use crate::smtp::data::DotDecoder;
use crate::smtp::incoming::{Bounds, Incoming, too_big};
use crate::smtp::reply::Reply;
use crate::smtp::settings::Settings;

/// Longest that a letter is held back (RFC 4865).
pub(super) const LONGEST_HOLD: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// A letter under way, from MAIL to its end.
pub(super) struct Transaction {
    pub(super) from: MailFrom,
    /// What was asked with MAIL.
    pub(super) terms: MailTerms,
    /// Octets that the letter was said to have.
    size: Option<u64>,
    /// How many recipients it may have.
    limit: u32,
    /// How many were taken, repetitions included.
    pub(super) count: u32,
    /// Who gets it here.
    pub(super) locals: Vec<LocalRcpt>,
    /// Who gets it elsewhere.
    pub(super) remotes: Vec<RemoteRcpt>,
    /// The recipient as the client wrote it, where there is only one.
    pub(super) only_recipient: Option<EmailAddress>,
    /// Digests of all recipients' addresses.
    pub(super) digests: Vec<u64>,
    /// The place that is kept for the letter (SPEC Q2); given back with the transaction.
    pub(super) reservation: Option<Arc<Reservation>>,
    pub(super) letter: Letter,
}

/// How far the letter itself is.
pub(super) enum Letter {
    /// Nothing of it has come.
    NotBegun,
    /// It comes in.
    Coming(Box<Incoming>),
    /// A chunk of it was refused; what follows is refused too (RFC 3030 §2).
    Failed,
}

/// Which command begins the letter.
#[derive(Clone, Copy)]
pub(super) enum Opening {
    Data,
    Chunk { octets: u64, last: bool },
}

impl Transaction {
    fn new(mail: Mail, grant: Grant, now: Timestamp) -> Box<Transaction> {
        Box::new(Transaction {
            from: mail.from,
            size: mail.params.size,
            terms: mail.params.terms(now),
            limit: grant.recipients,
            count: 0,
            locals: Vec::new(),
            remotes: Vec::new(),
            only_recipient: None,
            digests: Vec::new(),
            reservation: grant.reservation,
            letter: Letter::NotBegun,
        })
    }

    fn add(&mut self, address: EmailAddress, terms: RcptTerms, route: Route) {
        self.count += 1;
        self.digests.push(digest(&address));
        self.only_recipient = (self.count == 1).then(|| address.clone());
        match route {
            Route::Here(account) => self.locals.push(LocalRcpt { account, address, terms }),
            Route::Elsewhere => self.remotes.push(RemoteRcpt { address, terms }),
        }
    }

    /// The letter, where it comes in.
    pub(super) fn incoming(&mut self) -> Option<&mut Incoming> {
        match &mut self.letter {
            Letter::Coming(incoming) => Some(incoming),
            _ => None,
        }
    }

    /// Whether the spool holds something of the letter.
    pub(super) fn spooled(&self) -> bool {
        matches!(&self.letter, Letter::Coming(incoming) if incoming.spooled())
    }
}

impl SmtpSession {
    /// RFC 5321 §4.1.1.2
    pub(super) fn mail(&mut self, mail: Mail, out: &mut Output<Ask>) {
        if let Some(reply) = self.mail_is_out_of_place() {
            self.mail_refused = self.transaction.is_none();
            return self.fail(&reply, out);
        }
        self.mail_refused = true;
        if let Some(reply) = self.mail_is_unfit(&mail) {
            return self.fail(&reply, out);
        }
        self.letters += 1;
        if self.letters > self.settings.letters {
            // RFC 9422 §3: MAILMAX
            let text =
                format!("{} letters are enough for one connection; connect again", self.settings.letters);
            return self.say(&Reply::new(421, (7, 0), text), out);
        }
        match &self.user {
            Some(user) => {
                let ask = Ask::Sender { account: user.account, from: mail.from.clone() };
                self.ask(ask, Waiting::Sender(Box::new(mail)), out);
            }
            None => {
                let grant = Grant { recipients: self.settings.recipients, reservation: None };
                self.sender(mail, Ok(grant), out);
            }
        }
    }

    fn mail_is_out_of_place(&self) -> Option<Reply> {
        let said = |code, enhanced, text| Some(Reply::new(code, enhanced, text));
        if self.client.is_none() {
            return said(503, (5, 1), "EHLO comes first");
        }
        if self.role.needs_login() && self.user.is_none() {
            // RFC 3207 §4, RFC 4954 §6
            return match self.mechanisms().is_empty() {
                true => said(530, (7, 0), "Encrypt the connection with STARTTLS first"),
                false => said(530, (7, 0), "Log in first"),
            };
        }
        if self.transaction.is_some() {
            return said(503, (5, 1), "A letter is under way; RSET forgets it");
        }
        None
    }

    fn mail_is_unfit(&self, mail: &Mail) -> Option<Reply> {
        let extended = self.client.as_ref().is_some_and(|client| client.extended);
        let used = mail.params.used;
        let for_users = used.auth || used.future_release || used.priority;
        if (used.any && !extended)
            || (for_users && !self.role.needs_login())
            || (used.require_tls && self.tls.is_none())
        {
            return Some(Reply::new(555, (5, 4), "A parameter that is not offered here"));
        }
        let hold = mail.params.terms(self.now).not_before;
        if hold.is_some_and(|until| until > self.now.plus(LONGEST_HOLD)) {
            // RFC 4865 §5
            return Some(Reply::new(501, (5, 4), "A letter is held for 30 days at most"));
        }
        if mail.beyond_ascii && !mail.params.utf8 {
            return Some(needs_utf8());
        }
        let limit = self.settings.message_size;
        mail.params.size.filter(|&size| size > limit).map(|_| too_big(limit))
    }

    /// Whether the sender may send, and to how many.
    pub(super) fn sender(&mut self, mail: Mail, grant: Result<Grant, Refusal>, out: &mut Output<Ask>) {
        match grant {
            Ok(grant) => {
                self.mail_refused = false;
                self.transaction = Some(Transaction::new(mail, grant, self.now));
                self.say(&Reply::new(250, (1, 0), "Sender taken"), out);
            }
            Err(refusal) => {
                let reply = self.refusal(&refusal);
                self.say(&reply, out);
            }
        }
    }

    /// RFC 5321 §4.1.1.3
    pub(super) fn rcpt(&mut self, rcpt: Rcpt, out: &mut Output<Ask>) {
        let Some(transaction) = self.transaction.as_deref() else {
            return self.blame(&Reply::new(503, (5, 1), "MAIL comes first"), out);
        };
        if !matches!(transaction.letter, Letter::NotBegun) {
            return self.fail(&Reply::new(503, (5, 1), "The letter has begun; RSET forgets it"), out);
        }
        let extended = self.client.as_ref().is_some_and(|client| client.extended);
        if !extended && rcpt.terms != RcptTerms::default() {
            return self.fail(&Reply::new(555, (5, 4), "A parameter that is not offered here"), out);
        }
        if rcpt.beyond_ascii && !transaction.terms.utf8 {
            return self.fail(&needs_utf8(), out);
        }
        if transaction.count >= transaction.limit {
            let reply = self.refusal(&Refusal::TooManyRecipients { limit: transaction.limit });
            return self.say(&reply, out);
        }
        let size = transaction.size;
        let mail_from = transaction.from.clone();
        match rcpt.to.or_else(|| self.settings.postmaster.clone()) {
            Some(address) => {
                let waiting = Waiting::Recipient(Box::new((address.clone(), rcpt.terms)));
                let sender = self.user.as_ref().map(|user| user.account);
                let gatekeeper = self.gatekeeper();
                self.ask(Ask::Recipient { address, sender, mail_from, size, gatekeeper }, waiting, out);
            }
            None => self.recipient_refused(&Refusal::NoSuchMailbox, out),
        }
    }

    /// Where the recipient's mail goes.
    pub(super) fn recipient(
        &mut self,
        (address, terms): (EmailAddress, RcptTerms),
        route: Result<Route, Refusal>,
        out: &mut Output<Ask>,
    ) {
        match (route, &mut self.transaction) {
            (Ok(route), Some(transaction)) => {
                transaction.add(address, terms, route);
                self.say(&Reply::new(250, (1, 5), "Recipient taken"), out);
            }
            (Ok(_), None) => self.recipient_refused(&Refusal::Unavailable, out),
            (Err(Refusal::NoRoute), _) if self.settings.postmaster.as_ref() == Some(&address) => {
                self.recipient_refused(&Refusal::NoSuchMailbox, out);
            }
            (Err(refusal), _) => self.recipient_refused(&refusal, out),
        }
    }

    fn recipient_refused(&mut self, refusal: &Refusal, out: &mut Output<Ask>) {
        let reply = self.refusal(refusal);
        self.say(&reply, out);
        if !matches!(refusal, Refusal::NoSuchMailbox | Refusal::NoRoute) {
            return;
        }
        self.unknown_recipients += 1;
        if self.unknown_recipients >= self.settings.unknown_recipients {
            let text = format!("That were {} recipients that are not here", self.unknown_recipients);
            self.say_last(&Reply::new(421, (7, 0), text), out);
        }
    }

    /// RFC 5321 §4.1.1.4
    pub(super) fn data(&mut self, out: &mut Output<Ask>) {
        match self.letter_is_out_of_place() {
            // RFC 3030 §3: lines can't carry it.
            None if self.transaction.as_deref().is_some_and(|t| t.terms.body == BodyKind::Binary) => {
                self.fail(&Reply::new(503, (5, 1), "A letter with BODY=BINARYMIME comes by BDAT"), out);
            }
            None if matches!(self.transaction.as_deref().map(|t| &t.letter), Some(Letter::NotBegun)) => {
                self.ask(Ask::Begin, Waiting::Begin(Opening::Data), out);
            }
            // RFC 3030 §2: DATA and BDAT don't mix.
            None => self.fail(&Reply::new(503, (5, 1), "This letter comes by BDAT; RSET forgets it"), out),
            Some(reply) => self.blame(&reply, out),
        }
    }

    /// RFC 3030 §2
    pub(super) fn bdat(&mut self, octets: u64, last: bool, out: &mut Output<Ask>) {
        if let Some(reply) = self.letter_is_out_of_place() {
            return self.read_chunk_of(octets, last, Some(reply), out);
        }
        let limit = self.settings.message_size;
        match self.transaction.as_deref_mut().map(|transaction| &mut transaction.letter) {
            Some(Letter::Coming(incoming)) => {
                if incoming.size().saturating_add(octets) > limit {
                    incoming.refuse(too_big(limit));
                }
                self.read_chunk_of(octets, last, None, out);
            }
            Some(Letter::Failed) | None => {
                let reply = Reply::new(503, (5, 1), "A chunk of this letter was refused; RSET begins anew");
                self.read_chunk_of(octets, last, Some(reply), out);
            }
            Some(Letter::NotBegun) => {
                self.ask(Ask::Begin, Waiting::Begin(Opening::Chunk { octets, last }), out);
            }
        }
    }

    fn letter_is_out_of_place(&self) -> Option<Reply> {
        match &self.transaction {
            None => Some(Reply::new(503, (5, 1), "MAIL and RCPT come first")),
            // RFC 5321 §3.3
            Some(transaction) if transaction.count == 0 => {
                Some(Reply::new(554, (5, 1), "No recipient was taken"))
            }
            Some(_) => None,
        }
    }

    /// The letter may begin.
    pub(super) fn begin(
        &mut self,
        now: Timestamp,
        opening: Opening,
        letter: Result<LetterId, Refusal>,
        out: &mut Output<Ask>,
    ) {
        let refusal = match (letter, &mut self.transaction) {
            (Ok(id), Some(transaction)) => {
                let binary = transaction.terms.body == BodyKind::Binary;
                let Settings { message_size: size, header_size: header, .. } = *self.settings;
                let bounds = Bounds { size, header, binary };
                let mut incoming = Box::new(Incoming::new(id, now, bounds));
                if let Opening::Chunk { octets, .. } = opening
                    && octets > bounds.size
                {
                    incoming.refuse(too_big(bounds.size));
                }
                transaction.letter = Letter::Coming(incoming);
                if matches!(opening, Opening::Data) && self.leaving.is_none() {
                    self.say(&Reply::plain(354, "Send the letter, and CRLF.CRLF behind it"), out);
                    self.reading = Reading::Data(DotDecoder::new());
                }
                None
            }
            (Ok(_), None) => Some(Refusal::Unavailable),
            (Err(refusal), _) => Some(refusal),
        };
        let refusal = refusal.map(|refusal| self.refusal(&refusal));
        match opening {
            Opening::Chunk { octets, last } => {
                if let (Some(_), Some(transaction)) = (&refusal, &mut self.transaction) {
                    transaction.letter = Letter::Failed;
                }
                self.read_chunk_of(octets, last, refusal, out);
            }
            Opening::Data => {
                if let Some(reply) = refusal {
                    self.say(&reply, out);
                    self.end_transaction(out);
                }
            }
        }
    }

    fn read_chunk_of(&mut self, octets: u64, last: bool, refusal: Option<Reply>, out: &mut Output<Ask>) {
        self.reading = Reading::Chunk(Box::new(Chunk { left: octets, octets, last, refusal }));
        if octets == 0 {
            self.chunk_ended(out);
        }
    }

    /// Says `reply` to a command that came at the wrong time; where MAIL was refused before it, the client only sent on
    /// what it had in its pipeline (RFC 2920 §3.1).
    pub(super) fn blame(&mut self, reply: &Reply, out: &mut Output<Ask>) {
        if self.mail_refused { self.say(reply, out) } else { self.fail(reply, out) }
    }
}

/// What tells a recipient from others (SPEC Q4). It is kept for an hour, so it need not stay the same for ever.
fn digest(address: &EmailAddress) -> u64 {
    let mut hasher = DefaultHasher::new();
    address.key().unwrap_or_else(|| address.to_string()).hash(&mut hasher);
    hasher.finish()
}

/// RFC 6531 §3.4
fn needs_utf8() -> Reply {
    Reply::new(553, (6, 7), "An address beyond ASCII needs SMTPUTF8")
}
