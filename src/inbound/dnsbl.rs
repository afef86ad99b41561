//! Lists of bad addresses in the DNS (RFC 5782): a client's address is a name there, and has an address where it is bad.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::rr::RData;
use postern_model::Domain;
use tokio::task::JoinSet;

/// How long all lists together may take.
pub(super) const TIME: Duration = Duration::from_secs(3);

/// What the lists say of a client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Listing {
    /// The first list that names it.
    pub(super) by: Option<Domain>,
    /// Lists that did not answer.
    pub(super) unanswered: u64,
}

/// Asks all lists at once; the first that names the client settles it.
pub(super) async fn look_up(
    resolver: &TokioResolver,
    lists: &[Domain],
    peer: IpAddr,
    time: Duration,
) -> Listing {
    let mut asked = JoinSet::new();
    for list in lists {
        let (resolver, list, name) = (resolver.clone(), list.clone(), name(peer, list));
        asked.spawn(async move { (names(&resolver, &name).await, list) });
    }
    let mut listing = Listing { by: None, unanswered: lists.len() as u64 };
    let settled = async {
        while let Some(answer) = asked.join_next().await {
            match answer {
                Ok((Some(true), list)) => {
                    listing.by = Some(list);
                    return;
                }
                Ok((Some(false), _)) => listing.unanswered -= 1,
                Ok((None, _)) | Err(_) => {}
            }
        }
    };
    let _ = tokio::time::timeout(time, settled).await;
    if listing.by.is_some() {
        listing.unanswered = 0;
    }
    listing
}

/// Whether a list has the name; `None` where it does not say.
async fn names(resolver: &TokioResolver, name: &str) -> Option<bool> {
    match resolver.ipv4_lookup(name).await {
        Ok(found) => Some(found.answers().iter().any(|record| match &record.data {
            RData::A(address) => means_listed(address.0),
            _ => false,
        })),
        Err(NetError::Dns(DnsError::NoRecordsFound(_))) => Some(false),
        Err(_) => None,
    }
}

/// RFC 5782 §2.1: listed is what has an address in 127.0.0.0/8. Lists say with 127.255.255.x that they don't answer
/// this asker; a parked domain answers with any other address.
fn means_listed(answer: Ipv4Addr) -> bool {
    let [first, second, third, _] = answer.octets();
    first == 127 && (second, third) != (255, 255)
}

/// RFC 5782 §2.1, §2.4: octets or nibbles in reverse order.
fn name(peer: IpAddr, list: &Domain) -> String {
    let reversed = match peer.to_canonical() {
        IpAddr::V4(ip) => {
            let [a, b, c, d] = ip.octets();
            format!("{d}.{c}.{b}.{a}")
        }
        IpAddr::V6(ip) => {
            let nibbles = ip.octets().into_iter().rev().flat_map(|octet| [octet & 15, octet >> 4]);
            nibbles.map(|nibble| format!("{nibble:x}")).collect::<Vec<_>>().join(".")
        }
    };
    format!("{reversed}.{list}.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_reversed_by_octet_and_by_nibble() {
        let list = Domain::parse("bad.example.com").expect("a domain");
        for (peer, wanted) in [
            ("192.0.2.99", "99.2.0.192.bad.example.com."),
            ("::ffff:192.0.2.99", "99.2.0.192.bad.example.com."),
            (
                "2001:db8:1:2:3:4:567:89ab",
                "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.bad.example.com.",
            ),
        ] {
            assert_eq!(name(peer.parse().expect("an address"), &list), wanted);
        }
    }

    #[test]
    fn only_what_a_list_means_counts() {
        for (answer, listed) in [
            ([127, 0, 0, 2], true),
            ([127, 0, 1, 10], true),
            ([127, 255, 255, 254], false),
            ([198, 51, 100, 7], false),
        ] {
            assert_eq!(means_listed(Ipv4Addr::from(answer)), listed, "{answer:?}");
        }
    }
}
