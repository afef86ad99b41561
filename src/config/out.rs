//! The way out: relay, resolver, queue (SPEC D3).

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use super::Config;
use super::field::{Field, Row};
use super::kinds::{self, Problem};
use super::table::Variable;
use crate::courier::relay::Relay;

/// How letters leave.
#[derive(Clone, Debug, Default)]
pub struct Out {
    /// `POSTERN_RELAY`
    pub relay: Option<Relay>,
    /// `POSTERN_RESOLVER`
    pub resolver: Resolver,
    /// `POSTERN_TRUST_ANCHOR`: the keys of the DNS's root, where they are not the public ones.
    pub trust_anchor: Option<PathBuf>,
    /// `POSTERN_TLS_REPORTS`
    pub tls_reports: bool,
    /// `POSTERN_CA_FILE`: who is trusted besides those that the system trusts.
    pub ca_file: Option<PathBuf>,
}

/// Who is asked for names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Resolver {
    /// Whom the system asks.
    #[default]
    System,
    /// Nobody.
    None,
    /// These.
    Servers(Vec<SocketAddr>),
}

/// Resolvers that may be named.
const RESOLVERS_MOST: usize = 8;

/// Its variables.
pub(super) static ROWS: &[Variable] = &[
    Row {
    secret: true,
    ..Variable::new(
        "RELAY",
        "none",
        Field::Other {
            kind: "`smtp://user:secret@host:port?tls=starttls`, or with `implicit` or `none`; or `none`",
            set: relay,
        },
        "The server that takes all letters for other domains (D3), instead of going to each domain's own. Login, port (587; 465 with `implicit`) and `?tls=` may be left out; what is not plain in the login is written as `%40`. Its certificate must be good for the host's name; `tls=none` sends in clear, the login too.",
    )
},
    Variable::new(
        "RESOLVER",
        "system",
        Field::Other { kind: "`system`, `none`, or list of `address` or `address:port`", set: resolver },
        "Who is asked for other servers and for what comes in (D3, D4): the resolvers of `/etc/resolv.conf`, these, or nobody: then letters leave by way of `POSTERN_RELAY` alone, and SPF, DKIM and DMARC are not checked. Signatures (DNSSEC) are checked here; resolvers that drop them make DANE impossible.",
    )
    .in_demo("none"),
    Variable::new(
        "TRUST_ANCHOR",
        "none",
        Field::Other {
            kind: "the path of a file, or `none`",
            set: |c, text| file(text).map(|path| c.out.trust_anchor = path),
        },
        "A file with the DNSKEY records of the DNS's root, where that is one of your own; `none` is the public root's.",
    ),
    Variable::new(
        "CA_FILE",
        "none",
        Field::Other {
            kind: "the path of a PEM file, or `none`",
            set: |c, text| file(text).map(|path| c.out.ca_file = path),
        },
        "Certificates of authorities that are trusted besides the system's: by them relays, servers under MTA-STS and the web that it is fetched from are verified (D3).",
    ),
    Variable::new(
        "TLS_REPORTS",
        "on",
        Field::Switch { slot: |c| &mut c.out.tls_reports },
        "Whether domains that ask for it are told each day how TLS went with their servers (RFC 8460); counts, never of single letters.",
    ),
];

fn file(text: &str) -> Result<Option<PathBuf>, Problem> {
    if text == "none" { Ok(None) } else { kinds::path(text).map(Some) }
}

fn resolver(config: &mut Config, text: &str) -> Result<(), Problem> {
    let cure = "write addresses like 192.0.2.53 or [2001:db8::53]:5353 separated by commas, system or none";
    config.out.resolver = match text {
        "system" => Resolver::System,
        "none" => Resolver::None,
        text => {
            let mut servers = Vec::new();
            for item in text.split(',').map(str::trim) {
                let plain = item.parse::<IpAddr>().map(|address| SocketAddr::new(address, 53));
                let server = plain.or_else(|_| item.parse::<SocketAddr>()).ok().filter(|s| s.port() > 0);
                let reason = || format!("names \"{item}\", which is no address");
                servers.push(server.ok_or_else(|| Problem::new(reason(), cure))?);
            }
            if servers.len() > RESOLVERS_MOST {
                let reason = format!("names more than {RESOLVERS_MOST} resolvers");
                return Err(Problem::new(reason, "name fewer"));
            }
            Resolver::Servers(servers)
        }
    };
    Ok(())
}

fn relay(config: &mut Config, text: &str) -> Result<(), Problem> {
    let cure = "write smtp://user:secret@relay.example.org:587, or none";
    config.out.relay = match text {
        "none" => None,
        text => Some(Relay::parse(text).map_err(|error| Problem::new(error.to_string(), cure))?),
    };
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::config::{Config, Machine, Purpose, Resolver};

    fn read(relay: &str) -> Result<Config, String> {
        read_as("POSTERN_RELAY", relay)
    }

    fn read_as(name: &str, value: &str) -> Result<Config, String> {
        let machine = Machine { name: "mail.demo.test".to_owned(), cores: 1, ipv6: false };
        let variables = [(name.into(), value.into())];
        Config::read(variables, &machine, Purpose::Command).map_err(|mistakes| mistakes.to_string())
    }

    #[test]
    fn a_relay_is_read_and_its_secret_never_shown() {
        let config = read("smtp://user:pencil@relay.test?tls=implicit").expect("a relay");
        let relay = config.out.relay.as_ref().expect("a relay");
        assert_eq!((relay.host.as_str(), relay.port), ("relay.test", 465));
        assert!(!config.to_text().contains("pencil") && !format!("{:?}", config.out).contains("pencil"));
        assert!(read("none").expect("none").out.relay.is_none());
    }

    #[test]
    fn resolvers_as_operators_write_them() {
        let read = |text| read_as("POSTERN_RESOLVER", text).map(|config| config.out.resolver);
        let servers = |list: &[&str]| {
            Resolver::Servers(list.iter().map(|text| text.parse().expect("an address")).collect())
        };
        assert_eq!(read("system"), Ok(Resolver::System));
        assert_eq!(read("none"), Ok(Resolver::None));
        assert_eq!(read("192.0.2.53"), Ok(servers(&["192.0.2.53:53"])));
        assert_eq!(
            read("2001:db8::1, 192.0.2.53:5353"),
            Ok(servers(&["[2001:db8::1]:53", "192.0.2.53:5353"]))
        );
        for text in ["resolver.test", "192.0.2.53:0", "192.0.2.53,", "nowhere"] {
            let told = read(text).expect_err("a mistake");
            assert!(told.contains("POSTERN_RESOLVER") && told.contains("which is no address"), "{told}");
        }
        assert!(read(&["192.0.2.1"; 9].join(",")).is_err());
    }

    #[test]
    fn a_mistake_is_told_without_the_secret() {
        let told = read("smtp://user:pencil@relay.test?tls=perhaps").expect_err("a mistake");
        assert!(told.contains("POSTERN_RELAY") && told.contains("has an option that is not known"), "{told}");
        assert!(!told.contains("pencil"), "{told}");
    }
}
