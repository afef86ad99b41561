//! Tests of the grammar: where commands end, and what they mean.

mod commands;
mod framing;
mod letters;
mod malformed;
mod searching;
mod second_opinion;
