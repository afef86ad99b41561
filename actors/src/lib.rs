//! Postern's actors: who may log in, whose mailbox is open, what may be sent, what falls due.

pub mod admin;
pub mod auth;
pub mod order;
