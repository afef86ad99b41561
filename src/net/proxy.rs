//! The PROXY protocol, versions 1 and 2: a load balancer's header that says who the client is (SPEC P11).
//!
//! It stands before everything else, TLS included. [`parse`] is a pure function of what has come in so far;
//! [`receive`] takes exactly the header from a socket and leaves the rest in it. Who may send one is decided by
//! whoever calls: a header from elsewhere is no header but a client's garbage.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

/// Octets that a version 1 header may have (PROXY protocol §2.1).
const V1_MAX: usize = 107;
/// The twelve octets that a version 2 header begins with (§2.2).
const V2_SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
/// Octets of a version 2 header before its addresses.
const V2_FIXED: usize = 16;
/// Octets that may follow them: the addresses (216 at most), and room for what balancers add about TLS.
const V2_MAX_REST: usize = 2048;

/// Where a connection comes from, by the balancer's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// From the balancer itself (a health check), or it can't tell.
    Balancer,
    /// From a client.
    Client {
        /// The client.
        client: SocketAddr,
        /// What it connected to.
        server: SocketAddr,
    },
}

/// What the octets so far amount to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parsed {
    /// The beginning of a header.
    Incomplete,
    /// A header.
    Header {
        /// What it says.
        origin: Origin,
        /// Its octets.
        length: usize,
    },
}

/// Why something is no PROXY header.
#[derive(Debug, thiserror::Error)]
pub enum ProxyError {
    /// It begins with something else.
    #[error("no PROXY header came; the balancer must send one, or leave POSTERN_PROXY_NETWORKS")]
    Missing,
    /// It is longer than the protocol allows.
    #[error("the PROXY header is too long")]
    TooLong,
    /// It breaks the protocol's rules.
    #[error("the PROXY header is malformed: {0}")]
    Malformed(&'static str),
    /// The connection ended or failed before its end.
    #[error("the connection ended within the PROXY header: {0}")]
    Io(#[from] io::Error),
}

/// Reads a header of either version at the beginning of `bytes`.
///
/// # Errors
/// `bytes` can't become a header any more, whatever follows.
pub fn parse(bytes: &[u8]) -> Result<Parsed, ProxyError> {
    if starts_like(bytes, V2_SIGNATURE) {
        parse_v2(bytes)
    } else if starts_like(bytes, b"PROXY ") {
        parse_v1(bytes)
    } else {
        Err(ProxyError::Missing)
    }
}

/// Whether one is the beginning of the other.
fn starts_like(bytes: &[u8], what: &[u8]) -> bool {
    let common = bytes.len().min(what.len());
    bytes[..common] == what[..common]
}

fn parse_v1(bytes: &[u8]) -> Result<Parsed, ProxyError> {
    let seen = &bytes[..bytes.len().min(V1_MAX)];
    let Some(end) = memchr::memchr(b'\n', seen) else {
        return if seen.len() == V1_MAX { Err(ProxyError::TooLong) } else { Ok(Parsed::Incomplete) };
    };
    let line = seen[..end].strip_suffix(b"\r").ok_or(ProxyError::Malformed("its line ends without CR"))?;
    let line = std::str::from_utf8(line).map_err(|_| ProxyError::Malformed("it is not ASCII"))?;
    let mut words = line.split(' ').skip(1);
    let origin = match words.next() {
        // What follows UNKNOWN is to be ignored (§2.1).
        Some("UNKNOWN") => Origin::Balancer,
        Some("TCP4") => v1_addresses::<Ipv4Addr>(words)?,
        Some("TCP6") => v1_addresses::<Ipv6Addr>(words)?,
        _ => return Err(ProxyError::Malformed("its protocol is none of TCP4, TCP6 and UNKNOWN")),
    };
    Ok(Parsed::Header { origin, length: end + 1 })
}

fn v1_addresses<'a, A: std::str::FromStr + Into<IpAddr>>(
    mut words: impl Iterator<Item = &'a str>,
) -> Result<Origin, ProxyError> {
    let mut next = || words.next().ok_or(ProxyError::Malformed("a field is missing"));
    let (client, server, from, to) = (next()?, next()?, next()?, next()?);
    let address = |word: &str| {
        word.parse::<A>().map(Into::into).map_err(|_| ProxyError::Malformed("not an address of its family"))
    };
    let origin = Origin::Client {
        client: endpoint(address(client)?, v1_port(from)?),
        server: endpoint(address(server)?, v1_port(to)?),
    };
    if words.next().is_some() {
        return Err(ProxyError::Malformed("there is something behind the ports"));
    }
    Ok(origin)
}

/// Decimal, without leading zeros or a sign (§2.1).
fn v1_port(word: &str) -> Result<u16, ProxyError> {
    let plain = word == "0" || word.starts_with(|c: char| matches!(c, '1'..='9'));
    let port = word.parse().ok().filter(|_| plain);
    port.ok_or(ProxyError::Malformed("not a port"))
}

fn parse_v2(bytes: &[u8]) -> Result<Parsed, ProxyError> {
    let Some((fixed, rest)) = bytes.split_at_checked(V2_FIXED) else { return Ok(Parsed::Incomplete) };
    let (version_and_command, family) = (fixed[12], fixed[13]);
    let length = usize::from(u16::from_be_bytes([fixed[14], fixed[15]]));
    if length > V2_MAX_REST {
        return Err(ProxyError::TooLong);
    }
    let local = match version_and_command {
        0x20 => true,
        0x21 => false,
        _ => return Err(ProxyError::Malformed("its version and command are neither 2/LOCAL nor 2/PROXY")),
    };
    let Some(rest) = rest.get(..length) else { return Ok(Parsed::Incomplete) };
    // What follows the addresses (TLVs) tells nothing that is needed here, and may be skipped (§2.2).
    let origin = match family {
        _ if local => Origin::Balancer,
        0x00 => Origin::Balancer,
        0x11 => v2_addresses::<4>(rest)?,
        0x21 => v2_addresses::<16>(rest)?,
        _ => return Err(ProxyError::Malformed("its family is neither TCP over IPv4 nor TCP over IPv6")),
    };
    Ok(Parsed::Header { origin, length: V2_FIXED + length })
}

/// Two addresses of `N` octets, then two ports.
fn v2_addresses<const N: usize>(rest: &[u8]) -> Result<Origin, ProxyError>
where
    [u8; N]: Into<IpAddr>,
{
    let short = ProxyError::Malformed("it is too short for its family");
    let (Some(client), Some(server), Some(ports)) = (
        rest.first_chunk::<N>(),
        rest.get(N..).and_then(|r| r.first_chunk::<N>()),
        rest.get(2 * N..).and_then(|r| r.first_chunk::<4>()),
    ) else {
        return Err(short);
    };
    let port = |at: usize| u16::from_be_bytes([ports[at], ports[at + 1]]);
    Ok(Origin::Client {
        client: endpoint((*client).into(), port(0)),
        server: endpoint((*server).into(), port(2)),
    })
}

fn endpoint(address: IpAddr, port: u16) -> SocketAddr {
    SocketAddr::new(address.to_canonical(), port)
}

/// Takes a header off the socket, and not an octet more. Sets no time limit; the caller does.
///
/// # Errors
/// What came is no header, or the connection ended.
pub async fn receive(socket: &mut TcpStream) -> Result<Origin, ProxyError> {
    let mut seen = Vec::with_capacity(V1_MAX);
    let mut piece = [0; 256];
    loop {
        // Looking first, since what follows the header is TLS's or the session's.
        let here = socket.peek(&mut piece).await?;
        if here == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        let before = seen.len();
        seen.extend_from_slice(&piece[..here]);
        let parsed = parse(&seen)?;
        let taken = match parsed {
            Parsed::Incomplete => here,
            Parsed::Header { length, .. } => length - before,
        };
        socket.read_exact(&mut piece[..taken]).await?;
        if let Parsed::Header { origin, .. } = parsed {
            return Ok(origin);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn client(parsed: Parsed) -> (String, usize) {
        match parsed {
            Parsed::Header { origin: Origin::Client { client, server }, length } => {
                (format!("{client} {server}"), length)
            }
            other => panic!("no client in {other:?}"),
        }
    }

    fn v2(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let mut header = V2_SIGNATURE.to_vec();
        header.extend([command, family]);
        header.extend(u16::try_from(rest.len()).expect("a short header").to_be_bytes());
        header.extend(rest);
        header
    }

    #[test]
    fn version_1_names_the_client() {
        for (line, says) in [
            ("PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n", "192.0.2.1:56324 198.51.100.2:443"),
            ("PROXY TCP6 2001:db8::1 2001:db8::2 1 65535\r\n", "[2001:db8::1]:1 [2001:db8::2]:65535"),
            ("PROXY TCP6 ::ffff:192.0.2.1 ::ffff:192.0.2.2 1 2\r\n", "192.0.2.1:1 192.0.2.2:2"),
        ] {
            let more = format!("{line}EHLO x\r\n");
            let parsed = parse(more.as_bytes()).expect("a header");
            assert_eq!(client(parsed), (says.to_owned(), line.len()));
        }
    }

    #[test]
    fn version_1_may_not_know() {
        let line = "PROXY UNKNOWN ffff::1 whatever\r\n";
        let parsed = parse(line.as_bytes()).expect("a header");
        assert_eq!(parsed, Parsed::Header { origin: Origin::Balancer, length: line.len() });
        let parsed = parse(b"PROXY UNKNOWN\r\n").expect("a header");
        assert_eq!(parsed, Parsed::Header { origin: Origin::Balancer, length: 15 });
    }

    #[test]
    fn version_2_names_the_client() {
        let mut rest = vec![192, 0, 2, 1, 198, 51, 100, 2, 0xdc, 0x04, 0x01, 0xbb];
        rest.extend([0x03, 0, 4, 1, 2, 3, 4]); // a TLV
        let header = v2(0x21, 0x11, &rest);
        let parsed = parse(&header).expect("a header");
        assert_eq!(client(parsed), ("192.0.2.1:56324 198.51.100.2:443".to_owned(), header.len()));

        let mut rest = Ipv6Addr::LOCALHOST.octets().to_vec();
        rest.extend("2001:db8::2".parse::<Ipv6Addr>().expect("an address").octets());
        rest.extend([0, 1, 0, 2]);
        let parsed = parse(&v2(0x21, 0x21, &rest)).expect("a header");
        assert_eq!(client(parsed).0, "[::1]:1 [2001:db8::2]:2");
    }

    #[test]
    fn version_2_may_speak_for_the_balancer() {
        for header in [v2(0x20, 0x00, &[]), v2(0x20, 0x11, &[1, 2, 3]), v2(0x21, 0x00, &[9; 20])] {
            let parsed = parse(&header).expect("a header");
            assert_eq!(parsed, Parsed::Header { origin: Origin::Balancer, length: header.len() });
        }
    }

    #[test]
    fn what_is_no_header_is_refused() {
        for bytes in [
            &b"EHLO x\r\n"[..],
            b"\x16\x03\x01\x02\x00",
            b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n",
            b"PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n",
            b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n",
            b"PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n",
            b"PROXY TCP4 192.0.2.1 192.0.2.2 +1 2\r\n",
            b"PROXY TCP4 192.0.2.1 192.0.2.2 1 65536\r\n",
            b"PROXY TCP4 ::1 ::2 1 2\r\n",
            b"PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n",
            b"PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n",
            b"PROXY  TCP4 192.0.2.1 192.0.2.2 1 2\r\n",
            b"PROXY\r\n",
        ] {
            assert!(parse(bytes).is_err(), "{}", bytes.escape_ascii());
        }
        assert!(parse(&v2(0x11, 0x11, &[0; 12])).is_err(), "version 1 in binary");
        assert!(parse(&v2(0x22, 0x11, &[0; 12])).is_err(), "an unknown command");
        assert!(parse(&v2(0x21, 0x12, &[0; 12])).is_err(), "UDP");
        assert!(parse(&v2(0x21, 0x11, &[0; 11])).is_err(), "too short for IPv4");
        assert!(parse(&v2(0x21, 0x21, &[0; 35])).is_err(), "too short for IPv6");
    }

    #[test]
    fn a_header_is_bounded() {
        let mut endless = b"PROXY UNKNOWN ".to_vec();
        endless.resize(V1_MAX - 1, b'x');
        assert!(matches!(parse(&endless), Ok(Parsed::Incomplete)));
        endless.push(b'x');
        assert!(matches!(parse(&endless), Err(ProxyError::TooLong)));
        let mut long = V2_SIGNATURE.to_vec();
        long.extend([0x21, 0x11, 0xff, 0xff]);
        assert!(matches!(parse(&long), Err(ProxyError::TooLong)));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64), v1: bool) {
            let start: &[u8] = if v1 { b"PROXY " } else { V2_SIGNATURE };
            let _ = parse(&bytes);
            let _ = parse(&[start, &bytes].concat());
        }

        #[test]
        fn every_beginning_of_a_header_is_incomplete(
            a: [u8; 4], b: [u8; 4], from: u16, to: u16, tail in proptest::collection::vec(any::<u8>(), 0..40)
        ) {
            let line =
                format!("PROXY TCP4 {} {} {from} {to}\r\n", Ipv4Addr::from(a), Ipv4Addr::from(b)).into_bytes();
            let binary = v2(0x21, 0x11, &[&a[..], &b, &from.to_be_bytes(), &to.to_be_bytes(), &tail].concat());
            for header in [line, binary] {
                for end in 0..header.len() {
                    prop_assert!(matches!(parse(&header[..end]), Ok(Parsed::Incomplete)));
                }
                let (says, length) = client(parse(&header).expect("a header"));
                prop_assert_eq!(length, header.len());
                let expected = format!("{}:{from} {}:{to}", Ipv4Addr::from(a), Ipv4Addr::from(b));
                prop_assert_eq!(says, expected);
            }
        }
    }
}
