//! The structure of a letter, found while its bytes go by.
//!
//! A [`Scanner`] is fed the letter in chunks of any size, as it arrives, and yields [`Facts`]: the write-once record
//! that is stored beside the body. From then on ENVELOPE, BODYSTRUCTURE, sizes and part offsets (RFC 9051 §7.5.2)
//! are answered without touching the body, and a part is read by its offsets. The doors that accept letters look at
//! the header with the same code: [`fields`], [`HeaderSummary`], [`AddressList`].
//!
//! Nothing here refuses a letter: whatever can't be read as RFC 5322 and RFC 2045 say is text. What is kept of a
//! letter is bounded by the limits below, so neither a scanner nor a record grows with what a stranger sends.

mod address;
mod entity;
mod facts;
mod header;
mod lexer;
mod params;
mod scanner;
pub mod signature;
mod subject;
pub mod text;
pub mod transfer;

#[cfg(test)]
mod scanner_tests;

pub use address::AddressList;
pub use facts::{
    Address, Content, Disposition, Envelope, Facts, Mailbox, MediaType, Message, Octets, Parameter, Part,
};
pub use header::{Field, HeaderSummary, fields, header_end, message_ids, unfold};
pub use scanner::Scanner;
pub use subject::{BaseSubject, base_subject};

/// How deep parts may lie in one another, the letter itself included; what lies deeper is text.
pub const MAX_DEPTH: usize = 50;
/// Parts that one letter may have; what follows the last one is text of the part around it.
pub const MAX_PARTS: usize = 1_000;
/// Octets that are read of one header block; fields behind them are not seen.
pub const MAX_HEADER: usize = 256 * 1024;
/// Octets that are read of one field; the rest of it is not seen.
pub const MAX_FIELD: usize = 64 * 1024;
/// Octets that are kept of one text (a subject, an id, a parameter's value).
pub const MAX_TEXT: usize = 4 * 1024;
/// Octets that a letter's facts may hold in texts, all together, with 64 more for each kept item; later ones stay
/// empty.
pub const MAX_KEPT: usize = 256 * 1024;
/// Addresses that are kept of one field.
pub const MAX_ADDRESSES: usize = 1_000;
/// Ids that are kept of a References field: the first and the last ones.
pub const MAX_REFERENCES: usize = 200;
/// Parameters that are kept of one field.
pub const MAX_PARAMETERS: usize = 100;
/// Longest boundary in octets (RFC 2046 §5.1.1 allows 70); a multipart with a longer one is text.
pub const MAX_BOUNDARY: usize = 200;
