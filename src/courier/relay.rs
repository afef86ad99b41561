//! `POSTERN_RELAY`: another server that takes everything (SPEC D3), reached over verified TLS unless the operator writes
//! otherwise.
//!
//! ```text
//! smtp://[user:secret@]host[:port][?tls=starttls|implicit|none]
//! ```
//! What of user and secret isn't plain is written as in any URL: `%40` for `@`.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use postern_actors::courier::Local;
use postern_model::{Domain, Timestamp};
use tokio::net::lookup_host;
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::Login;
use super::route::{Hop, MAX_HOPS, RouteError, Router, TlsDemand};

/// How long the machine's resolver may take for the relay's name.
const LOOKUP: Duration = Duration::from_secs(30);

/// How the connection to a relay is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RelayTls {
    /// By STARTTLS, which it must offer.
    StartTls,
    /// From the first octet on (RFC 8314).
    Implicit,
    /// Not at all.
    None,
}

/// A relay as the operator names it.
#[derive(Clone, PartialEq, Eq)]
pub struct Relay {
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is protected.
    pub tls: RelayTls,
    /// Who logs in there.
    pub login: Option<Login>,
}

impl fmt::Debug for Relay {
    /// Without the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let login = self.login.as_ref().map_or("", |login| &login.user);
        write!(f, "Relay({login}@{}:{}, {:?})", self.host, self.port, self.tls)
    }
}

/// Why a text names no relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RelayError {
    /// It doesn't begin with `smtp://`.
    #[error("is no smtp:// address")]
    Scheme,
    /// The host is missing or is none.
    #[error("names no host")]
    Host,
    /// The port is no number from 1 to 65535.
    #[error("has a port that is none")]
    Port,
    /// Something other than `tls=` stands behind the question mark, or an unknown value.
    #[error("has an option that is not known")]
    Option,
    /// The login lacks its name or its secret, or has a `%` that codes nothing.
    #[error("has a login that can't be read")]
    Login,
}

impl Relay {
    /// Reads a relay's address.
    ///
    /// # Errors
    /// What is wrong with it; never with the secret in it.
    pub fn parse(text: &str) -> Result<Relay, RelayError> {
        let rest = text.strip_prefix("smtp://").ok_or(RelayError::Scheme)?;
        let (rest, option) = rest.split_once('?').unwrap_or((rest, ""));
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (login, place) = match rest.rsplit_once('@') {
            Some((login, place)) => (Some(login_of(login)?), place),
            None => (None, rest),
        };
        let tls = match option {
            "" | "tls=starttls" => RelayTls::StartTls,
            "tls=implicit" => RelayTls::Implicit,
            "tls=none" => RelayTls::None,
            _ => return Err(RelayError::Option),
        };
        let (host, port) = place_of(place)?;
        let usual = if tls == RelayTls::Implicit { 465 } else { 587 };
        Ok(Relay { host, port: port.unwrap_or(usual), tls, login })
    }

    /// Whether it has to prove who it is.
    pub fn is_verified(&self) -> bool {
        self.tls != RelayTls::None
    }

    fn demand(&self) -> TlsDemand {
        match self.tls {
            RelayTls::None => TlsDemand::Never,
            _ => TlsDemand::Verified { names: vec![self.host.clone()], enforced: true },
        }
    }
}

/// `host`, `host:port`, `[2001:db8::1]:port`.
fn place_of(place: &str) -> Result<(String, Option<u16>), RelayError> {
    let (host, port) = match place.strip_prefix('[') {
        Some(inside) => {
            let (address, behind) = inside.split_once(']').ok_or(RelayError::Host)?;
            let address: std::net::Ipv6Addr = address.parse().map_err(|_| RelayError::Host)?;
            let port = match behind {
                "" => None,
                behind => Some(behind.strip_prefix(':').ok_or(RelayError::Port)?),
            };
            (address.to_string(), port)
        }
        None => {
            let (host, port) = place.split_once(':').map_or((place, None), |(host, port)| (host, Some(port)));
            (Domain::parse(host).map_err(|_| RelayError::Host)?.as_str().to_owned(), port)
        }
    };
    let port = port.map(|port| port.parse().ok().filter(|port| *port > 0).ok_or(RelayError::Port));
    Ok((host, port.transpose()?))
}

fn login_of(text: &str) -> Result<Login, RelayError> {
    let (user, password) = text.split_once(':').ok_or(RelayError::Login)?;
    let (user, password) = (decoded(user)?, decoded(password)?);
    if user.is_empty() || password.is_empty() {
        return Err(RelayError::Login);
    }
    Ok(Login { user: user.to_string(), password })
}

/// Undoes `%40` and the like; control characters can't be part of a login.
fn decoded(text: &str) -> Result<Zeroizing<String>, RelayError> {
    let mut octets = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut rest = text.as_bytes();
    while let Some((&octet, tail)) = rest.split_first() {
        rest = tail;
        if octet != b'%' {
            octets.push(octet);
            continue;
        }
        let (digits, tail) = rest.split_at_checked(2).ok_or(RelayError::Login)?;
        let digits = std::str::from_utf8(digits).map_err(|_| RelayError::Login)?;
        octets.push(u8::from_str_radix(digits, 16).map_err(|_| RelayError::Login)?);
        rest = tail;
    }
    let text = std::str::from_utf8(&octets).map_err(|_| RelayError::Login)?;
    if text.chars().any(char::is_control) {
        return Err(RelayError::Login);
    }
    Ok(Zeroizing::new(text.to_owned()))
}

impl Router for Relay {
    /// The relay's addresses, as the machine knows them.
    fn route<'a>(&'a self, _: &'a Domain, _: Timestamp) -> Local<'a, Result<Vec<Hop>, RouteError>> {
        Box::pin(async move {
            let unknown = |why: String| {
                RouteError::temporary((4, 3), format!("the relay {} can't be found: {why}", self.host))
            };
            let looking = timeout(LOOKUP, lookup_host((self.host.as_str(), self.port))).await;
            let found = looking.map_err(|_| unknown("the resolver does not answer".into()))?;
            let found = found.map_err(|error| unknown(error.to_string()))?;
            let hop = |address: IpAddr| Hop {
                name: self.host.clone(),
                address,
                port: self.port,
                implicit_tls: self.tls == RelayTls::Implicit,
                tls: self.demand(),
            };
            let mut hops: Vec<Hop> = found.map(|socket| hop(socket.ip())).take(MAX_HOPS).collect();
            hops.dedup_by_key(|hop| hop.address);
            if hops.is_empty() { Err(unknown("it has no address".into())) } else { Ok(hops) }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relays_as_operators_write_them() {
        for (text, host, port, tls) in [
            ("smtp://relay.test", "relay.test", 587, RelayTls::StartTls),
            ("smtp://Relay.Test:2525/?tls=starttls", "relay.test", 2525, RelayTls::StartTls),
            ("smtp://relay.test?tls=implicit", "relay.test", 465, RelayTls::Implicit),
            ("smtp://127.0.0.1:25?tls=none", "127.0.0.1", 25, RelayTls::None),
            ("smtp://[::1]:25?tls=none", "::1", 25, RelayTls::None),
            ("smtp://[2001:db8::1]", "2001:db8::1", 587, RelayTls::StartTls),
        ] {
            let relay = Relay::parse(text).expect(text);
            assert_eq!((relay.host.as_str(), relay.port, relay.tls), (host, port, tls), "{text}");
            assert_eq!(relay.login, None);
        }
    }

    #[test]
    fn logins_are_read_and_not_shown() {
        let relay = Relay::parse("smtp://a%40b.test:p%3Aq%25@relay.test:465?tls=implicit").expect("a relay");
        let login = relay.login.clone().expect("a login");
        assert_eq!((login.user.as_str(), login.password.as_str()), ("a@b.test", "p:q%"));
        assert_eq!(format!("{relay:?}"), "Relay(a@b.test@relay.test:465, Implicit)");
    }

    #[test]
    fn mistakes_are_named() {
        for (text, error) in [
            ("relay.test", RelayError::Scheme),
            ("smtps://relay.test", RelayError::Scheme),
            ("smtp://", RelayError::Host),
            ("smtp://re lay", RelayError::Host),
            ("smtp://[::1", RelayError::Host),
            ("smtp://relay.test:0", RelayError::Port),
            ("smtp://relay.test:x", RelayError::Port),
            ("smtp://[::1]25", RelayError::Port),
            ("smtp://relay.test?tls=maybe", RelayError::Option),
            ("smtp://user@relay.test", RelayError::Login),
            ("smtp://user:@relay.test", RelayError::Login),
            ("smtp://user:a%4@relay.test", RelayError::Login),
            ("smtp://user:a%0Ab@relay.test", RelayError::Login),
        ] {
            assert_eq!(Relay::parse(text), Err(error), "{text}");
        }
    }

    #[tokio::test]
    async fn every_domain_goes_to_the_relay() {
        let relay = Relay::parse("smtp://127.0.0.1:2525").expect("a relay");
        let domain = Domain::parse("b.test").expect("a domain");
        let hops = relay.route(&domain, Timestamp(0)).await.expect("hops");
        assert_eq!(hops.len(), 1);
        assert_eq!(hops[0].to_string(), "127.0.0.1 [127.0.0.1]:2525");
        assert!(hops[0].tls.is_strict() && !hops[0].implicit_tls);
    }
}
