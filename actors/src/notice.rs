//! Notices that are owed to users, and the letters that they become (SPEC N).

use postern_model::record::OwedNotice;
use postern_model::{LetterId, Timestamp};

/// Writes the letter of a notice, in the user's language (SPEC N2).
pub trait Composer: Send + Sync + std::fmt::Debug {
    /// The whole letter with its header, lines ended by CRLF.
    fn compose(&self, told: &Told<'_>) -> Vec<u8>;
}

/// A notice and whom it is for.
#[derive(Clone, Copy, Debug)]
pub struct Told<'a> {
    /// The account's address.
    pub address: &'a str,
    /// Its language: `en`, `lv` or `ru`.
    pub language: &'a str,
    /// The id that the letter has, for its Message-ID.
    pub letter: LetterId,
    /// When it is written.
    pub now: Timestamp,
    /// What it tells.
    pub notice: &'a OwedNotice,
}

/// Letters of one line, for tests.
#[cfg(test)]
#[derive(Debug)]
pub(crate) struct Plain;

#[cfg(test)]
impl Composer for Plain {
    fn compose(&self, told: &Told<'_>) -> Vec<u8> {
        let (address, notice) = (told.address, told.notice.notice.name());
        format!("To: {address}\r\nSubject: {notice}\r\n\r\n{:?}\r\n", told.notice).into_bytes()
    }
}
