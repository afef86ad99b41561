//! The way out: relay, resolver, queue (SPEC D3).

use super::Config;
use super::field::{Field, Row};
use super::kinds::Problem;
use super::table::Variable;
use crate::courier::relay::Relay;

/// How letters leave.
#[derive(Clone, Debug, Default)]
pub struct Out {
    /// `POSTERN_RELAY`
    pub relay: Option<Relay>,
}

/// Its variables.
pub(super) static ROWS: &[Variable] = &[Row {
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
}];

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
    use crate::config::{Config, Machine, Purpose};

    fn read(relay: &str) -> Result<Config, String> {
        let machine = Machine { name: "mail.demo.test".to_owned(), cores: 1, ipv6: false };
        let variables = [("POSTERN_RELAY".into(), relay.into())];
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
    fn a_mistake_is_told_without_the_secret() {
        let told = read("smtp://user:pencil@relay.test?tls=perhaps").expect_err("a mistake");
        assert!(told.contains("POSTERN_RELAY") && told.contains("has an option that is not known"), "{told}");
        assert!(!told.contains("pencil"), "{told}");
    }
}
