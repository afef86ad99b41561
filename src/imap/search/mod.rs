//! SEARCH, SORT and THREAD as pure evaluation (RFC 9051 §6.4.4, RFC 5256): no store, no clock, no socket.
//!
//! A [`Plan`] is what a search program comes to in one folder as one session sees it. It judges a letter by as much as is
//! known of it, and says "not yet" where more has to be read: first the folder's entry, then facts and signature, and only
//! where those leave it open the letter's octets. What was found is a list of [`Found`], which [`sort`] puts in order,
//! [`thread`] hangs on trees, and [`answer`] writes.

pub mod answer;
mod date;
mod field;
mod forest;
mod needle;
mod plan;
mod references;
mod resolve;
mod simplify;
pub mod sort;
mod text;
pub mod thread;

#[cfg(test)]
mod tests;

use postern_model::{ModSeq, SeqNo, Uid};

use super::grammar::Numbering;

pub use plan::{Known, Needs, Plan};
pub use resolve::{Context, NoSuchNumber, email_id, uses_numbers};

/// A letter that a search found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its UID.
    pub uid: Uid,
    /// Its number in the view that was searched.
    pub number: SeqNo,
    /// When it changed last.
    pub mod_seq: ModSeq,
}

impl Found {
    /// What a client is told of it.
    pub fn named(&self, numbering: Numbering) -> u32 {
        match numbering {
            Numbering::Sequence => self.number.0,
            Numbering::Uid => self.uid.0,
        }
    }
}
