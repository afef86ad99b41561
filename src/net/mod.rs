//! The only socket code for mail: listeners, TLS, and one actor per connection that drives a sans-IO session.
//!
//! A connection's way: [`listener`] accepts it, [`limits`] counts it, [`proxy`] and [`tls`] find out who it is and
//! shake hands, and an actor runs the protocol's [`session`] until the end, asking the actors behind its [`door`].

mod ahead;
mod alarm;
pub mod arrival;
mod connection;
mod deflate;
pub mod door;
mod driver;
mod inbox;
pub mod limits;
pub mod listener;
pub mod network;
pub mod outlet;
pub mod proxy;
pub mod session;
mod stream;
mod text_digest;
pub mod tls;

#[cfg(test)]
mod tests;
