//! Commands out of bytes (RFC 9051 §9): a [`Framer`] finds where a command ends and what in it is a letter that goes
//! straight to the store; [`parse`] says what it means.
//!
//! Types (`types.rs`) know nothing of bytes; the parser lies beside them, one file for each family of commands. Nothing
//! here grows without bound: a command has a limit, and so have its literals, its nesting and its lists.

mod charset;
mod drain;
mod framer;
mod literal;
mod parser;
mod types;
mod utf7;
pub mod write;

#[cfg(test)]
mod tests;

pub use framer::{Frame, Framer, Limits, Malformed, MessageLiteral};
pub use parser::parse;
pub use types::*;
