//! Where filters are, as the configuration names them.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// The longest path that a unix socket has on Linux (`sun_path` with its NUL).
const LONGEST_PATH: usize = 107;

/// A filter, by its protocol and place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// rspamd's worker: `rspamd:http://127.0.0.1:11333`
    Rspamd(Url),
    /// A milter: `milter:inet:127.0.0.1:8891`, `milter:unix:/run/opendkim.sock`
    Milter(Socket),
}

/// Where a milter listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Socket {
    /// `host:port`
    Inet(String),
    /// A path.
    Unix(PathBuf),
}

/// A server of HTTP without TLS; the paths of its API are put behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url(String);

/// Why a text names no filter. The text says what is wrong with the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlaceError {
    /// It begins with something else.
    #[error("is neither rspamd:… nor milter:…")]
    Kind,
    /// Not `http://host:port`.
    #[error("is no http:// address of a server")]
    Url,
    /// Not `inet:host:port`.
    #[error("is not inet:host:port")]
    Inet,
    /// Not `unix:/path`.
    #[error("is no absolute path that a unix socket can have")]
    Unix,
}

impl FromStr for Place {
    type Err = PlaceError;

    fn from_str(text: &str) -> Result<Place, PlaceError> {
        let (kind, place) = text.split_once(':').ok_or(PlaceError::Kind)?;
        match kind {
            "rspamd" => place.parse().map(Place::Rspamd),
            "milter" => place.parse().map(Place::Milter),
            _ => Err(PlaceError::Kind),
        }
    }
}

impl FromStr for Socket {
    type Err = PlaceError;

    fn from_str(text: &str) -> Result<Socket, PlaceError> {
        if let Some(path) = text.strip_prefix("unix:") {
            let fits = path.starts_with('/') && path.len() <= LONGEST_PATH && !path.contains('\0');
            return if fits { Ok(Socket::Unix(path.into())) } else { Err(PlaceError::Unix) };
        }
        let place = text.strip_prefix("inet:").ok_or(PlaceError::Inet)?;
        let (host, port) = place.rsplit_once(':').ok_or(PlaceError::Inet)?;
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let is_host = match bare {
            Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
            None => {
                !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_".contains(&b))
            }
        };
        let is_port = port.parse::<u16>().is_ok_and(|port| port != 0);
        if is_host && is_port { Ok(Socket::Inet(place.to_owned())) } else { Err(PlaceError::Inet) }
    }
}

impl FromStr for Url {
    type Err = PlaceError;

    fn from_str(text: &str) -> Result<Url, PlaceError> {
        let url = reqwest::Url::parse(text).map_err(|_| PlaceError::Url)?;
        let plain = url.scheme() == "http"
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        if plain { Ok(Url(text.trim_end_matches('/').to_owned())) } else { Err(PlaceError::Url) }
    }
}

impl Url {
    /// The address of a part of its API.
    pub(super) fn at(&self, path: &str) -> String {
        format!("{}/{path}", self.0)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Rspamd(Url(url)) => write!(f, "rspamd:{url}"),
            Place::Milter(Socket::Inet(place)) => write!(f, "milter:inet:{place}"),
            Place::Milter(Socket::Unix(path)) => write!(f, "milter:unix:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_and_shown_alike() {
        for text in [
            "rspamd:http://127.0.0.1:11333",
            "rspamd:http://[::1]:11333/path",
            "milter:inet:127.0.0.1:8891",
            "milter:inet:[::1]:8891",
            "milter:inet:filter.example.org:8891",
            "milter:unix:/run/opendkim/opendkim.sock",
        ] {
            assert_eq!(text.parse::<Place>().expect(text).to_string(), text);
        }
        let url: Url = "http://127.0.0.1:1/".parse().expect("a slash at the end is fine");
        assert_eq!(url.at("checkv2"), "http://127.0.0.1:1/checkv2");
    }

    #[test]
    fn what_is_no_place_is_named() {
        for (text, error) in [
            ("", PlaceError::Kind),
            ("http://127.0.0.1:11333", PlaceError::Kind),
            ("rspamd:127.0.0.1:11333", PlaceError::Url),
            ("rspamd:https://127.0.0.1:11333", PlaceError::Url),
            ("rspamd:http://user:word@127.0.0.1:11333", PlaceError::Url),
            ("rspamd:http://127.0.0.1:11333/?a", PlaceError::Url),
            ("milter:127.0.0.1:8891", PlaceError::Inet),
            ("milter:inet:127.0.0.1", PlaceError::Inet),
            ("milter:inet:127.0.0.1:0", PlaceError::Inet),
            ("milter:inet::8891", PlaceError::Inet),
            ("milter:inet:::1:8891", PlaceError::Inet),
            ("milter:inet:8891@localhost", PlaceError::Inet),
            ("milter:unix:opendkim.sock", PlaceError::Unix),
        ] {
            assert_eq!(text.parse::<Place>(), Err(error), "{text}");
        }
    }
}
