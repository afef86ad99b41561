//! IMAP (SPEC M2): many programs at one mailbox, each with a true view.

pub mod data;
pub mod grammar;
