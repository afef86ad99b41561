//! Networks as operators write them: `192.0.2.0/24`, `2001:db8::/32`, or one address.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

/// A range of addresses that share a prefix (RFC 4632, RFC 4291 §2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network {
    first: IpAddr,
    prefix: u8,
}

/// Why a text is no network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// What stands before the `/` is no address.
    #[error("not an address; write 192.0.2.0/24, 2001:db8::/32 or a single address")]
    Address,
    /// What stands behind the `/` is no prefix length of that family.
    #[error("not a prefix length; IPv4 has 0 to 32, IPv6 0 to 128")]
    Prefix,
    /// There are bits behind the prefix: the operator may have meant another network.
    #[error("has bits set behind its prefix; the network would be {0}")]
    HostBits(Network),
}

impl Network {
    /// What one client counts as: its IPv4 address, or its IPv6 /64, of which one client has all (SPEC I4).
    pub fn of_client(address: IpAddr) -> Network {
        let address = address.to_canonical();
        let prefix = if address.is_ipv4() { 32 } else { 64 };
        Network { first: mask(address, prefix), prefix }
    }

    /// Whether `address` is in it; an IPv4-mapped IPv6 address counts as the IPv4 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.first.is_ipv4() && mask(address, self.prefix) == self.first
    }
}

fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn mask(address: IpAddr, prefix: u8) -> IpAddr {
    match address {
        IpAddr::V4(v4) => {
            let kept = u32::MAX.checked_shl(32 - u32::from(prefix.min(32))).unwrap_or(0);
            IpAddr::V4((u32::from(v4) & kept).into())
        }
        IpAddr::V6(v6) => {
            let kept = u128::MAX.checked_shl(128 - u32::from(prefix.min(128))).unwrap_or(0);
            IpAddr::V6(Ipv6Addr::from(u128::from(v6) & kept))
        }
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Network, NetworkError> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| NetworkError::Address)?;
        let prefix = match prefix {
            Some(digits) => digits.parse().map_err(|_| NetworkError::Prefix)?,
            None => width(address),
        };
        if prefix > width(address) {
            return Err(NetworkError::Prefix);
        }
        let network = Network { first: mask(address, prefix), prefix };
        if network.first == address { Ok(network) } else { Err(NetworkError::HostBits(network)) }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.prefix == width(self.first) {
            write!(f, "{}", self.first)
        } else {
            write!(f, "{}/{}", self.first, self.prefix)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn a_network_holds_what_shares_its_prefix() {
        for (network, address, holds) in [
            ("192.0.2.0/24", "192.0.2.255", true),
            ("192.0.2.0/24", "192.0.3.0", false),
            ("192.0.2.7", "192.0.2.7", true),
            ("192.0.2.7", "192.0.2.8", false),
            ("0.0.0.0/0", "203.0.113.1", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("::/0", "2001:db8::1", true),
            ("192.0.2.0/24", "::ffff:192.0.2.1", true),
            ("2001:db8::/33", "2001:db8:8000::", false),
        ] {
            let network: Network = network.parse().expect("a network");
            assert_eq!(network.contains(ip(address)), holds, "{network} {address}");
        }
    }

    #[test]
    fn a_mistake_is_named() {
        assert_eq!("192.0.2/24".parse::<Network>(), Err(NetworkError::Address));
        assert_eq!("192.0.2.0/33".parse::<Network>(), Err(NetworkError::Prefix));
        assert_eq!("::/129".parse::<Network>(), Err(NetworkError::Prefix));
        assert_eq!("::/x".parse::<Network>(), Err(NetworkError::Prefix));
        let error = "192.0.2.1/24".parse::<Network>().expect_err("bits behind the prefix");
        assert!(error.to_string().contains("192.0.2.0/24"), "{error}");
    }

    #[test]
    fn a_client_is_an_ipv4_address_or_a_64() {
        assert_eq!(Network::of_client(ip("2001:db8::1")), Network::of_client(ip("2001:db8::ffff:1")));
        assert_ne!(Network::of_client(ip("2001:db8::1")), Network::of_client(ip("2001:db8:0:1::1")));
        assert_ne!(Network::of_client(ip("192.0.2.1")), Network::of_client(ip("192.0.2.2")));
        assert_eq!(Network::of_client(ip("::ffff:192.0.2.1")), Network::of_client(ip("192.0.2.1")));
    }
}
