//! How often a client may come to port 25 (SPEC P6): letters and connections of one address in a minute.
//!
//! A bucket of one minute's allowance for each address (an IPv6 /64 counts as one) drains evenly; the addresses that came
//! last are remembered.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use lru::LruCache;
use postern_model::Timestamp;

/// Addresses remembered at most; some 60 octets each.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(50_000).expect("not zero");
const MINUTE: Duration = Duration::from_secs(60);

/// What came from where lately.
pub(super) struct Rate {
    per_minute: u32,
    /// By address: when its bucket would be empty.
    buckets: Mutex<LruCache<IpAddr, Timestamp>>,
}

impl fmt::Debug for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rate({} a minute)", self.per_minute)
    }
}

impl Rate {
    pub(super) fn new(per_minute: u32) -> Rate {
        Rate { per_minute: per_minute.max(1), buckets: Mutex::new(LruCache::new(REMEMBERED)) }
    }

    /// Counts one more from `peer`.
    ///
    /// # Errors
    /// How long it has to wait; it is not counted then.
    pub(super) fn count(&self, peer: IpAddr, now: Timestamp) -> Result<(), Duration> {
        let each = MINUTE / self.per_minute;
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let empty = buckets.get_or_insert_mut(whose(peer), || now);
        let full = (*empty).max(now).plus(each);
        let over = full.since(now.plus(MINUTE));
        if over > Duration::ZERO {
            return Err(over);
        }
        *empty = full;
        Ok(())
    }
}

/// Whoever has an address of IPv6 has the 64 bits behind it.
fn whose(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V4(ip) => IpAddr::V4(ip),
        IpAddr::V6(ip) => IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() >> 64 << 64)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_its_minute_and_no_other_s() {
        let (rate, now) = (Rate::new(3), Timestamp::from_seconds(1_000_000));
        let [one, other] = ["192.0.2.1", "192.0.2.2"].map(|text| text.parse().expect("an address"));
        for _ in 0..3 {
            assert_eq!(rate.count(one, now), Ok(()));
        }
        assert_eq!(rate.count(one, now), Err(Duration::from_secs(20)));
        assert_eq!(rate.count(other, now), Ok(()));
        assert_eq!(rate.count(one, now.plus(Duration::from_secs(19))), Err(Duration::from_secs(1)));
        assert_eq!(rate.count(one, now.plus(Duration::from_secs(20))), Ok(()));
        assert!(rate.count(one, now.plus(Duration::from_secs(21))).is_err());
    }

    #[test]
    fn a_network_of_ipv6_counts_as_one() {
        let (rate, now) = (Rate::new(1), Timestamp::from_seconds(1_000_000));
        let address = |text: &str| text.parse().expect("an address");
        assert_eq!(rate.count(address("2001:db8::1"), now), Ok(()));
        assert!(rate.count(address("2001:db8::2:3"), now).is_err());
        assert_eq!(rate.count(address("2001:db8:0:1::1"), now), Ok(()));
    }
}
