//! The structure of a letter, found while its bytes go by: ENVELOPE, BODYSTRUCTURE, part offsets.

/// What is known of a letter without reading it again.
#[derive(Clone, Debug)]
pub struct Facts;
