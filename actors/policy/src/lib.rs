//! Postern's decisions as pure functions: what is known goes in, with the time as an argument; what is to happen
//! comes out. No actors, no store, no clock, so a year of policy is a table in a test.

pub mod access;
pub mod lockout;
pub mod mailbox;
pub mod maildrop;
pub mod refusal;
pub mod send_window;

pub use refusal::Refusal;
