//! SMS alerts (SPEC D7): what a user wants to be told, and what is still owed.

use bincode::{Decode, Encode};

use super::Record;
use crate::time::Timestamp;

/// What a user wants to be told by SMS.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Sms {
    /// Where: `+` and digits (E.164); empty: nowhere.
    pub number: String,
    /// Of the notices that come.
    pub notices: bool,
    /// Of letters that come into the INBOX.
    pub letters: bool,
    /// When the last alerts went out, oldest first; those of a day at most.
    pub sent: Vec<Timestamp>,
}

/// An alert that is owed, of the letter in its key.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct OwedSms {
    /// When the letter came.
    pub at: Timestamp,
    /// The letter is a notice.
    pub notice: bool,
    /// Tries so far.
    pub attempts: u32,
    /// When the next is due.
    pub next: Timestamp,
}

record! {
    Sms = 1;
    OwedSms = 1;
}
