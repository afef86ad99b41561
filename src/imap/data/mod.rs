//! What IMAP tells of a letter: ENVELOPE, BODYSTRUCTURE, sections and decoded parts (RFC 9051 §7.5.2).
//!
//! Pure code over a letter's stored [`Facts`](postern_model::mime::Facts): a FETCH of structures touches no body, and a
//! section is a range of the body's octets, which the store streams.

mod binary;
mod envelope;
mod parameters;
mod section;
mod string;
mod structure;

pub use binary::{Decoder, UnknownCte, binary};
pub use envelope::envelope;
pub use section::{FieldFilter, Piece, section, section_name};
pub(in crate::imap) use string::nstring;
pub use structure::body_structure;
