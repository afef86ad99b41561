//! A domain's servers by its MX records (RFC 5321 §5.1).
//!
//! ```text
//! [192.0.2.1]        that address
//! MX 0 .             the domain takes no letters (RFC 7505)
//! MX 10 a, MX 20 b   a's addresses, then b's; equals in an order of chance
//! no MX              the domain's own addresses
//! ```
//! Where this server is among them, only what is preferred to it is left: it never connects to itself, and never sends a
//! letter in a circle.

use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr, UdpSocket};

use hickory_resolver::proto::rr::RData;
use postern_actors::courier::Local;
use postern_model::record::StsPolicy;
use postern_model::{Domain, Timestamp};

use super::{Answer, Dns, Lack};
use crate::courier::route::{Hop, MAX_HOPS, RouteError, Router};
use crate::courier::tls::{Safety, Server};

/// Servers of a domain that are looked up; what it names beyond has no say.
const MAX_SERVERS: usize = 10;
/// Addresses of one server that are tried.
const MAX_ADDRESSES: usize = 6;

/// A host's addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// IPv6 and IPv4 by turns.
    pub addresses: Vec<IpAddr>,
    /// Whether all of what was found is signed.
    pub secure: bool,
    /// The host's name behind all aliases.
    pub name: String,
}

impl Addresses {
    pub(super) fn join(six: Result<Answer, Lack>, four: Result<Answer, Lack>) -> Result<Addresses, Lack> {
        let both: Vec<Answer> = match (six, four) {
            (Ok(six), Ok(four)) => vec![six, four],
            (Ok(one), Err(_)) | (Err(_), Ok(one)) => vec![one],
            (Err(six), Err(four)) => return Err(if six.is_temporary() { six } else { four }),
        };
        let secure = both.iter().all(|answer| answer.secure);
        let name = both.first().map(|answer| answer.name.clone()).unwrap_or_default();
        let listed = |answer: &Answer| answer.records.iter().filter_map(|r| address(&r.data)).collect();
        let mut families: Vec<Vec<IpAddr>> = both.iter().map(listed).collect();
        families.iter_mut().for_each(|family| family.reverse());
        let mut addresses = Vec::new();
        while families.iter().any(|family| !family.is_empty()) {
            addresses.extend(families.iter_mut().filter_map(Vec::pop));
        }
        Ok(Addresses { addresses, secure, name })
    }
}

fn address(data: &RData) -> Option<IpAddr> {
    match data {
        RData::A(four) => Some(IpAddr::V4(four.0)),
        RData::AAAA(six) => Some(IpAddr::V6(six.0)),
        _ => None,
    }
}

/// Finds servers by MX.
#[derive(Clone, Debug)]
pub struct MxRouter {
    dns: Dns,
    safety: Safety,
    /// This server's name.
    hostname: String,
}

/// A server of a domain.
#[derive(Debug)]
struct Exchange {
    preference: u16,
    host: String,
    /// Whether the record that names it is signed.
    signed: bool,
}

/// What became of the search so far.
#[derive(Debug, Default)]
struct Found {
    hops: Vec<Hop>,
    policy: Option<StsPolicy>,
    /// Why some server can't be used for now, and why one never can.
    waits: Option<((u16, u16), String)>,
    useless: Option<String>,
}

impl Router for MxRouter {
    fn route<'a>(&'a self, domain: &'a Domain, now: Timestamp) -> Local<'a, Result<Vec<Hop>, RouteError>> {
        Box::pin(self.find(domain, now))
    }
}

impl MxRouter {
    /// A router for the server of that name.
    pub fn new(dns: Dns, safety: Safety, hostname: &str) -> MxRouter {
        MxRouter { dns, safety, hostname: hostname.to_ascii_lowercase() }
    }

    async fn find(&self, domain: &Domain, now: Timestamp) -> Result<Vec<Hop>, RouteError> {
        if let Some(address) = literal(domain) {
            if is_own(address) {
                return Err(circle(domain));
            }
            return Ok(vec![Hop::mx(address.to_string(), address)]);
        }
        let exchanges = self.exchanges(domain.as_str()).await?;
        let policy = self.safety.policy(domain, now).await;
        let policy = policy.map_err(|why| RouteError::temporary((4, 3), why))?;
        let mut found = Found { policy, ..Found::default() };
        let mut groups = exchanges.chunk_by(|a, b| a.preference == b.preference).peekable();
        let mut circles = false;
        while let Some(group) = groups.next_if(|_| found.hops.len() < MAX_HOPS) {
            let before = found.hops.len();
            if !self.take(domain, group, &mut found).await {
                // What is no better than this server itself is not tried (RFC 5321 §5.1).
                found.hops.truncate(before);
                circles = true;
                break;
            }
        }
        found.end(domain, circles)
    }

    /// The domain's servers, the preferred first, equals in an order of chance.
    async fn exchanges(&self, domain: &str) -> Result<Vec<Exchange>, RouteError> {
        let (servers, signed) = match self.dns.mx(domain).await {
            Ok(found) => found,
            Err(Lack::NoData { secure: signed }) => {
                return Ok(vec![Exchange { preference: 0, host: domain.to_owned(), signed }]);
            }
            Err(Lack::NoName) => {
                return Err(RouteError::permanent((1, 2), format!("there is no domain {domain}")));
            }
            Err(lack) => return Err(RouteError::temporary((4, 3), format!("MX of {domain}: {lack}"))),
        };
        if matches!(&servers[..], [(_, host)] if host.is_empty()) {
            return Err(RouteError::permanent((1, 10), format!("{domain} takes no letters (null MX)")));
        }
        let named = servers.into_iter().filter(|(_, host)| !host.is_empty());
        let mut drawn: Vec<(u16, u32, String)> =
            named.map(|(preference, host)| (preference, getrandom::u32().unwrap_or(0), host)).collect();
        drawn.sort();
        let mut seen = HashSet::new();
        drawn.retain(|(_, _, host)| seen.insert(host.clone()));
        let own =
            drawn.iter().find(|(_, _, host)| *host == self.hostname).map(|(preference, ..)| *preference);
        if own.is_some() && own == drawn.first().map(|(preference, ..)| *preference) {
            return Err(circle(domain));
        }
        let better = |preference| own.is_none_or(|own| preference < own);
        let kept = drawn.into_iter().filter(|(preference, ..)| better(*preference)).take(MAX_SERVERS);
        Ok(kept.map(|(preference, _, host)| Exchange { preference, host, signed }).collect())
    }

    /// Finds the addresses of servers that are preferred equally; false where this server is one of them.
    async fn take(&self, domain: &Domain, group: &[Exchange], found: &mut Found) -> bool {
        for Exchange { host, signed, .. } in group {
            if host.parse::<IpAddr>().is_ok() {
                found.useless = Some(format!("the server {host} is an address, not a name"));
                continue;
            }
            let there = match self.dns.addresses(host).await {
                Ok(there) => there,
                Err(lack) if lack.is_temporary() => {
                    found.waits = Some(((4, 3), format!("the address of {host}: {lack}")));
                    continue;
                }
                Err(lack) => {
                    found.useless = Some(format!("the address of {host}: {lack}"));
                    continue;
                }
            };
            if there.addresses.iter().copied().any(is_own) {
                return false;
            }
            let policy = found.policy.as_ref();
            let server = Server { domain, policy, host, signed: *signed, there: &there };
            match self.safety.demand(server).await {
                Ok(tls) => {
                    let room = MAX_HOPS.saturating_sub(found.hops.len()).min(MAX_ADDRESSES);
                    let hop = |address| Hop { tls: tls.clone(), ..Hop::mx(host, address) };
                    found.hops.extend(there.addresses.into_iter().take(room).map(hop));
                }
                Err(why) => found.waits = Some(((7, 5), why)),
            }
        }
        true
    }
}

impl Found {
    fn end(self, domain: &Domain, circles: bool) -> Result<Vec<Hop>, RouteError> {
        match self {
            Found { hops, .. } if !hops.is_empty() => Ok(hops),
            Found { waits: Some((enhanced, why)), .. } => Err(RouteError::temporary(enhanced, why)),
            _ if circles => Err(circle(domain)),
            Found { useless: Some(why), .. } => Err(RouteError::permanent((4, 4), why)),
            Found { .. } => Err(RouteError::permanent((4, 4), format!("{domain} names no server"))),
        }
    }
}

fn circle(domain: impl std::fmt::Display) -> RouteError {
    let said = format!("the best server of {domain} is this one, which has no such domain");
    RouteError::permanent((4, 6), said)
}

/// The address in an address literal (RFC 5321 §4.1.3).
fn literal(domain: &Domain) -> Option<IpAddr> {
    let inside = domain.as_str().strip_prefix('[')?.strip_suffix(']')?;
    inside.strip_prefix("IPv6:").unwrap_or(inside).parse().ok()
}

/// Whether an address is one of this machine's: the system speaks to such a one from itself. Nothing is sent.
fn is_own(address: IpAddr) -> bool {
    let address = address.to_canonical();
    let any = if address.is_ipv4() { IpAddr::from([0; 4]) } else { IpAddr::from([0; 16]) };
    let spoken_from = || {
        let socket = UdpSocket::bind(SocketAddr::new(any, 0))?;
        socket.connect(SocketAddr::new(address, 25))?;
        socket.local_addr()
    };
    address.is_loopback() || address.is_unspecified() || spoken_from().is_ok_and(|own| own.ip() == address)
}
