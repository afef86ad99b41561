//! The way out: one SMTP client for everything that leaves (SPEC D3).

mod capabilities;
mod command;
mod convert;
pub mod journal;
mod letter;
mod link;
mod login;
mod patience;
mod reply;
pub mod route;
pub mod seal;
mod secure;
mod stuffing;
