//! How letters leave and what is said of them afterwards, as the queue sees it. The doors' side knows the protocols and
//! implements these; QueueActor decides what goes when.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use postern_model::record::{Attempt, Queued, QueuedRecipient};
use postern_model::{Domain, LetterId, QueueId, Timestamp};
pub use postern_policy::retry::Health;
use postern_storage::Store;

/// A future that stays on its arbiter.
pub type Local<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// Brings letters to other servers.
pub trait Courier: Send + Sync + fmt::Debug {
    /// Sets out for a domain's servers. Nothing is connected before the first letter is carried.
    fn set_out(&self, destination: &Domain) -> Box<dyn Trip>;
}

/// A way to one domain's servers, on which letters are carried one after the other; what it holds open ends with it.
pub trait Trip {
    /// Brings one letter to its recipients in the domain. Every wait within has a limit.
    fn carry<'a>(&'a mut self, parcel: &'a Parcel) -> Local<'a, Carried>;

    /// No letter follows: takes leave of the server.
    fn end(self: Box<Self>) -> Local<'static, ()>;
}

/// What one trip carries at a time.
#[derive(Debug)]
pub struct Parcel {
    /// Which letter.
    pub id: QueueId,
    /// Its envelope.
    pub envelope: Arc<Queued>,
    /// Who gets it, at least one.
    pub recipients: Vec<QueuedRecipient>,
    /// Where its body is, under [`postern_model::AccountId::QUEUE`] and the letter's id. It may begin with a Return-Path, which stays here.
    pub store: Store,
    /// When the try begins.
    pub now: Timestamp,
}

/// What became of a parcel.
#[derive(Debug)]
pub struct Carried {
    /// One for each recipient, in their order.
    pub fates: Vec<Fate>,
    /// Whether the domain's servers can take more letters now.
    pub health: Health,
}

/// What became of one recipient's letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The next server has it.
    Relayed {
        /// What it said.
        attempt: Attempt,
        /// It reports success itself where that was asked for (RFC 3461 §5.2.2).
        reports: bool,
    },
    /// Not now.
    Deferred(Attempt),
    /// Never.
    Failed(Attempt),
}

/// Writes reports on letters' fates (RFC 3464).
pub trait Reporter: Send + Sync + fmt::Debug {
    /// The whole letter with its header, lines ended by CRLF; what is missing of the original is left out.
    fn report(&self, report: &Report<'_>) -> Vec<u8>;
}

/// Reports of one text in English, without the parts that programs read: for tests, and where nothing better is set.
#[derive(Clone, Copy, Debug)]
pub struct PlainReports;

impl Reporter for PlainReports {
    fn report(&self, report: &Report<'_>) -> Vec<u8> {
        let mut text = format!(
            "To: {}\r\nSubject: Report on letter {}\r\nDate: {}\r\nAuto-Submitted: auto-replied\r\n\r\n",
            report.to,
            report.about,
            report.now.rfc5322()
        );
        for told in report.recipients {
            let said = told.attempt.as_ref().map_or("", |attempt| &attempt.said);
            text.push_str(&format!("{}: {:?} {said}\r\n", told.recipient.address, told.action));
        }
        text.push_str("\r\n");
        [text.as_bytes(), report.original].concat()
    }
}

/// What a report tells.
#[derive(Debug)]
pub struct Report<'a> {
    /// The id that the report has, for its Message-ID.
    pub letter: LetterId,
    /// When it is written.
    pub now: Timestamp,
    /// To whom it goes: the reverse path of the letter that it is about.
    pub to: &'a str,
    /// Its language, where it goes to an account of ours: `en`, `lv` or `ru`.
    pub language: Option<&'a str>,
    /// The letter that it is about.
    pub about: QueueId,
    /// Its envelope.
    pub envelope: &'a Queued,
    /// Whom it is about, at least one.
    pub recipients: &'a [Reported],
    /// As much of the original as is shown: its header, or all of it (RFC 3461 §4.3).
    pub original: &'a [u8],
    /// Whether that is all of it.
    pub whole: bool,
}

/// What is reported of one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reported {
    /// Who.
    pub recipient: QueuedRecipient,
    /// What became of the letter (RFC 3464 §2.3.3).
    pub action: Action,
    /// What the last server said, or why there was none.
    pub attempt: Option<Attempt>,
}

/// A recipient's fate as a report has it (RFC 3464 §2.3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It can't be delivered.
    Failed,
    /// It is late, and is tried until then.
    Delayed {
        /// The end of tries.
        until: Timestamp,
    },
    /// It is in the mailbox.
    Delivered,
    /// It went to a server that does not report (RFC 3461 §5.2.2).
    Relayed,
    /// It went on to other addresses (RFC 3461 §6.2.7.4).
    Expanded,
}
