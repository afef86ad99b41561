//! What users have arranged for their mail (SPEC D6): which letters go on to another address, who gets a vacation reply
//! (RFC 3834), whose letters are not wanted.
//!
//! [`Header`] is what the rules look at, [`effects`] what they do to one account's copy, [`spread`] where a letter ends
//! up when those it goes on to have rules themselves, [`vacation`] decides over the reply, and [`change`] over a user's
//! wish to change the rules.

mod change;
mod effects;
mod header;
mod spread;
#[cfg(test)]
mod tests;
mod vacation;

pub use change::{Change, ChangeError, Changed, Wanted, change};
pub use effects::{Effects, Letter, blocks, effects, trace};
pub use header::Header;
pub use spread::{Leave, Node, Spread, Target, spread};
pub use vacation::{Silence, note, vacation};
