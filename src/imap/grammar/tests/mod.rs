//! Tests of the grammar: where commands end, and what they mean.

mod commands;
mod framing;
mod malformed;
mod searching;
