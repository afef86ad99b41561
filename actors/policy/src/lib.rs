//! Postern's decisions as pure functions: what is known goes in, with the time as an argument; what is to happen
//! comes out. No actors, no store, no clock, so a year of policy is a table in a test.

pub mod abuse;
pub mod access;
pub mod calendar;
#[cfg(test)]
mod dated;
pub mod folder;
pub mod lockout;

pub mod maildrop;
pub mod names;
pub mod notice;
pub mod refusal;
pub mod replay;
pub mod retry;
pub mod rules;
pub mod send_window;
pub mod sms;
pub mod srs;
pub mod standing;
pub mod storage;
pub mod vanished;
pub mod view;

pub use refusal::{Refusal, Unwanted};

#[cfg(test)]
mod tables;
