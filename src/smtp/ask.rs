//! What an SMTP session asks of the actors, and what they answer.

use std::any::Any;
use std::sync::Arc;

use postern_actors::order::{LocalRcpt, Proof, RemoteRcpt, Reservation, Route, ScramCandidates};
use postern_model::record::MailTerms;
use postern_model::{AccountId, EmailAddress, LetterId, MailFrom};
use postern_policy::Refusal;

use crate::inbound::{Gatekeeper, Visit};

/// A question of the session's. Every one is answered by the [`Answer`] of the same name.
pub enum Ask {
    /// The keys to try a SCRAM proof against.
    Keys {
        /// The user name, as given.
        user: String,
    },
    /// May this user log in?
    Login {
        /// What the client proved.
        proof: Proof,
    },
    /// May the account send a letter now, from this address (SPEC I5, Q3)?
    Sender {
        /// Who is logged in.
        account: AccountId,
        /// The reverse path.
        from: MailFrom,
    },
    /// May this client come in at all (SPEC D4)?
    Enter {
        /// Who says so.
        gatekeeper: Arc<Gatekeeper>,
    },
    /// Whose is this address?
    Recipient {
        /// The forward path.
        address: EmailAddress,
        /// The reverse path.
        mail_from: MailFrom,
        /// Who is logged in.
        sender: Option<AccountId>,
        /// Octets that the letter is said to have.
        size: Option<u64>,
        /// Who examines what comes in here.
        gatekeeper: Option<Arc<Gatekeeper>>,
    },
    /// A letter begins: what is left of another is thrown away, and this one gets its id.
    Begin,
    /// Does the account own all of these (SPEC I5)?
    Authors {
        /// Who is logged in.
        account: AccountId,
        /// Whom From and Sender name.
        addresses: Vec<EmailAddress>,
    },
    /// The letter is whole: take it (SPEC D1).
    Accept(Box<Delivery>),
    /// The letter is refused: throw away what came of it.
    Discard,
}

/// Who logged in, as far as the session needs to know.
#[derive(Debug)]
pub struct LoggedIn {
    /// The account.
    pub account: AccountId,
    /// The session's place among its account's, given up when dropped; the session only keeps it.
    pub held: Box<dyn Any>,
}

/// What the sender may send.
#[derive(Debug)]
pub struct Grant {
    /// Recipients that the letter may have.
    pub recipients: u32,
    /// The place that is kept for it (SPEC Q2), given back when dropped; none where nobody logged in.
    pub reservation: Option<Arc<Reservation>>,
}

/// A whole letter's envelope; its bytes have gone out as `body`.
#[derive(Debug)]
pub struct Delivery {
    /// Its id.
    pub letter: LetterId,
    /// Who gets it here, as they were named.
    pub locals: Vec<LocalRcpt>,
    /// Who gets it elsewhere.
    pub remotes: Vec<RemoteRcpt>,
    /// What was asked with MAIL.
    pub terms: MailTerms,
    /// Digests of all recipients' addresses, for who sends to too many (SPEC Q4).
    pub digests: Vec<u64>,
    /// Who sent it, where they logged in.
    pub sender: Option<AccountId>,
    /// The place that was kept for it.
    pub reservation: Option<Arc<Reservation>>,
    /// Its reverse path.
    pub mail_from: MailFrom,
    /// Each local recipient gets an answer of its own (LMTP).
    pub each_answered: bool,
    /// Where it comes from, where somebody is to examine it.
    pub visit: Option<Box<(Arc<Gatekeeper>, Visit)>>,
}

/// An answer of the actors'.
pub enum Answer {
    /// The keys; a stable fake for an unknown user (SPEC I2).
    Keys(Result<ScramCandidates, Refusal>),
    /// Who logged in.
    Login(Result<Box<LoggedIn>, Refusal>),
    /// What may be sent.
    Sender(Result<Grant, Refusal>),
    /// Whether it may come in.
    Enter(Result<(), Refusal>),
    /// Where the address's mail goes.
    Recipient(Result<Route, Refusal>),
    /// The letter's id.
    Begin(Result<LetterId, Refusal>),
    /// Whether all addresses are the account's.
    Authors(Result<(), Refusal>),
    /// Whether the letter is on disk; one verdict for each of its local recipients.
    Accept(Result<Vec<Result<(), Refusal>>, Refusal>),
    /// It is thrown away.
    Discard,
}
