//! The rules of SPEC A, and what notices tell of them, as dated tables: one account's life, line by line, and what comes of each line.
//!
//! ```text
//! 2026-03-01 10:00 on pop3    -> pop3 opens 2026-03-01 10:15 +access-requested(pop3)
//! 2026-03-01 10:15 timer      -> pop3 on
//! 2026-04-24 10:15 timer      -> warned pop3 acts 2026-05-01 10:15 +idle-warning(pop3)
//! 2026-05-01 10:15 login pop3 -> pop3 off(idle) +access-closed(pop3); off(idle), opens never
//! ```
//! On the left stands the time and what is done (see [`run::Run::line`]), on the right everything that happens by it:
//! first what was due at that time, then the answer, then the notices owed, each behind a `+`. What happens by itself
//! between two lines has to have a line of its own, `timer`. At its end each table is replayed from its events.
//!
//! A test's name begins with the rule that it shows.

mod gates;
mod inactive;
mod misuse;
mod notices;
mod properties;
mod run;
mod unused;
mod words;
