//! Logins from many networks at once: a password that went round (SPEC A14).
//!
//! A network is what one household or office has: an IPv4 /24 or an IPv6 /48. A phone on the way shows a handful of them
//! in an hour, a stolen password in the hands of many machines shows dozens.

use std::net::IpAddr;
use std::time::Duration;

use postern_model::Timestamp;
use postern_model::record::SeenNetwork;

/// Networks that are remembered of an account; of more, those seen longest ago are forgotten.
pub const MAX_NETWORKS: usize = 32;

/// The number of an address's network: of IPv4 the leading 24 bits, of IPv6 48, told apart by the highest bit.
pub(crate) fn network(address: IpAddr) -> u64 {
    match address.to_canonical() {
        IpAddr::V4(v4) => 1 << 63 | u64::from(v4.to_bits() >> 8),
        IpAddr::V6(v6) => (v6.to_bits() >> 80) as u64,
    }
}

/// Remembers that somebody came from there. Times that lie in the future count as now from now on, so that they end
/// (a clock that was put back).
pub(crate) fn saw(networks: &mut Vec<SeenNetwork>, address: IpAddr, at: Timestamp) {
    let network = network(address);
    networks.retain(|seen| seen.network != network);
    for seen in networks.iter_mut() {
        seen.at = seen.at.min(at);
    }
    networks.push(SeenNetwork { network, at });
    if networks.len() > MAX_NETWORKS {
        networks.remove(0);
    }
}

/// Distinct networks that logged in within `window`, the one of this address counted.
pub(crate) fn count_with(
    networks: &[SeenNetwork],
    address: IpAddr,
    window: Duration,
    now: Timestamp,
) -> usize {
    let network = network(address);
    let others = |seen: &&SeenNetwork| seen.network != network && now.since(seen.at) < window;
    networks.iter().filter(others).count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn a14_a_network_is_a_24_or_a_48() {
        for (one, other, same) in [
            ("192.0.2.1", "192.0.2.254", true),
            ("192.0.2.1", "192.0.3.1", false),
            ("192.0.2.1", "::ffff:192.0.2.9", true),
            ("2001:db8:1::1", "2001:db8:1:ffff::2", true),
            ("2001:db8:1::1", "2001:db8:2::1", false),
            // The same 24 and 48 bits, of different kinds.
            ("0.0.1.7", "0:0:1::", false),
        ] {
            assert_eq!(network(ip(one)) == network(ip(other)), same, "{one} {other}");
        }
    }

    #[test]
    fn a14_no_more_networks_are_remembered_than_the_bound() {
        let mut networks = Vec::new();
        for n in 0..200u8 {
            saw(&mut networks, ip(&format!("10.0.{n}.1")), Timestamp::from_seconds(n.into()));
        }
        assert_eq!(networks.len(), MAX_NETWORKS);
        let last = networks.last().map(|seen| seen.network);
        assert_eq!(last, Some(network(ip("10.0.199.1"))));
    }
}
