//! The grammar, under the name that its files know it by.

#[path = "../../src/imap/grammar/mod.rs"]
pub mod grammar;
