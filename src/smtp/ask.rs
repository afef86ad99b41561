//! What an SMTP session asks of the actors, and what they answer.

use std::any::Any;
use std::sync::Arc;

use postern_actors::order::{Proof, ScramCandidates};
use postern_model::{AccountId, EmailAddress, LetterId, MailFrom};
use postern_policy::Refusal;

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
        /// The name of their plan.
        plan: Arc<str>,
        /// The reverse path.
        from: MailFrom,
    },
    /// Whose is this address?
    Recipient {
        /// The forward path.
        address: EmailAddress,
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
    /// The name of its plan.
    pub plan: Arc<str>,
    /// The session's place among its account's, given up when dropped; the session only keeps it.
    pub held: Box<dyn Any>,
}

/// A whole letter's envelope; its bytes have gone out as `body`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Its id.
    pub letter: LetterId,
    /// Who gets it, without repetition, at least one.
    pub recipients: Vec<AccountId>,
    /// Who sent it, where they logged in.
    pub sender: Option<AccountId>,
    /// Its reverse path.
    pub mail_from: MailFrom,
}

/// An answer of the actors'.
pub enum Answer {
    /// The keys; a stable fake for an unknown user (SPEC I2).
    Keys(Result<ScramCandidates, Refusal>),
    /// Who logged in.
    Login(Result<Box<LoggedIn>, Refusal>),
    /// How many recipients the letter may have.
    Sender(Result<u32, Refusal>),
    /// Whose the address is.
    Recipient(Result<AccountId, Refusal>),
    /// The letter's id.
    Begin(Result<LetterId, Refusal>),
    /// Whether all addresses are the account's.
    Authors(Result<(), Refusal>),
    /// Whether the letter is on disk.
    Accept(Result<(), Refusal>),
    /// It is thrown away.
    Discard,
}
