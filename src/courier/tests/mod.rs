//! The client against servers that follow a script.

mod dialogues;
mod encryption;
mod fake;
mod trouble;
