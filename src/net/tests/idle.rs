//! What an idle connection costs.

use super::toy::Toy;
use crate::net::connection::serve;

/// Octets of what a function returns.
fn returned<A, B, C, R>(_: impl FnOnce(A, B, C) -> R) -> usize {
    size_of::<R>()
}

/// A driver lies in memory once per connection: 10,000 of them at 2 KiB are 20 MB. What is rarely under way (an ask, a
/// letter, a handshake) is boxed, and so must be whatever else is added.
#[test]
fn the_state_of_a_waiting_connection_is_small() {
    let octets = returned(serve::<Toy>);
    assert!(octets <= 2_048, "{octets}");
}
