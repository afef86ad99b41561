//! Postern's store.

/// A letter's body on its way into the store.
#[derive(Debug)]
pub struct SealedBody;
