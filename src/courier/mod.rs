//! The way out: one SMTP client for everything that leaves (SPEC D3).

pub mod journal;
pub mod route;
pub mod seal;
