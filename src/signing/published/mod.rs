//! The records that a domain's DNS has to have, so that its mail arrives, is believed elsewhere, and programs find their
//! way: `postern dns` prints them, and compares them with what is published.

mod check;
mod lookup;
mod records;
#[cfg(test)]
mod tests;
mod zone;

pub use check::{Found, compare};
pub use lookup::{Dns, Lookup};
pub use records::{Facts, Kind, Need, PublishedKey, Record, policy, records};
pub use zone::zone;
