//! Postern's actors: who may log in, whose mailbox is open, what may be sent, what falls due.
//!
//! Doors ask through [`Actors`] and never meet an actor; `order` holds what goes to and fro.

mod account;
mod actors;
pub mod admin;
pub mod auth;
mod brake;
pub mod courier;
mod credentials;
mod deadlines;
mod delivery;
mod directory;
mod due;
mod ground;
pub mod keymaker;
pub mod learn;
mod loaded;
pub mod mail;
mod mailbox;
pub mod notice;
pub mod order;
mod plans;
mod presence;
mod queue;
mod quota;
mod registry;
pub mod rules;
pub mod sms;
#[cfg(test)]
mod tests;
pub mod ticker;
mod timer;
mod unpanicked;

pub use actors::{Actors, StartError};
pub use auth::password::Cost as Argon2Cost;
pub use ground::{BrakeFigures, Plan, Settings};
pub use queue::Posted;
pub use ticker::Ticker;
pub use unpanicked::unpanicked;
