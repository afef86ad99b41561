//! The way out: one SMTP client for everything that leaves (SPEC D3).
