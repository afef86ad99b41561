//! Where a letter that leaves gets its signature: behind all conversions, so that what is signed is what is sent.

use std::fmt;

use postern_actors::courier::Local;
use postern_model::record::Queued;

/// Signs letters that leave (SPEC D4).
pub trait Seal: Send + Sync + fmt::Debug {
    /// Header fields to put on top of the letter: whole lines, each ended by CRLF; empty where nothing is signed.
    /// `octets` are the letter as it is sent, [`Queued::front`] included.
    fn signature<'a>(&'a self, envelope: &'a Queued, octets: &'a [u8]) -> Local<'a, Vec<u8>>;
}
