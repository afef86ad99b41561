//!
//! Pure code over a letter's stored [`Facts`](postern_model::mime::Facts): a FETCH of structures touches no body, and a

mod envelope;
mod parameters;
mod string;
mod structure;

pub use envelope::envelope;
pub use structure::body_structure;
