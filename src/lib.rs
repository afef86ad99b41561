//! Postern: the doors of a mail-access server (POP3, SMTP submission and MX) on Postern's actors and store.

pub mod cli;
pub mod config;
pub mod control;
pub mod courier;
pub mod dns;
pub mod filter;
pub mod imap;
pub mod inbound;
pub mod logging;
pub mod net;
pub mod notices;
pub mod pop3;
pub mod reports;
pub mod runtime;
pub mod sasl;
pub mod serve;
pub mod signing;
pub mod sms;
pub mod smtp;
pub mod wording;
