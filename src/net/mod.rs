//! The only socket code for mail: listeners, TLS, and one actor per connection that drives a sans-IO session.

pub mod session;
