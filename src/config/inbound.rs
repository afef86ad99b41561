//! The way in: what letters from elsewhere have to pass (SPEC D4).

use std::time::Duration;

use postern_model::Domain;

use super::field::Field;
use super::kinds::{self, Problem};
use super::table::{DAY, Variable};
use crate::net::network::Network;

/// Lists of bad addresses that may be asked; each costs a question to the DNS per connection.
const MAX_LISTS: usize = 16;
/// Domains whose ARC seals may be trusted.
const MAX_SEALERS: usize = 256;

/// What letters from elsewhere have to pass.
#[derive(Clone, Debug, Default)]
pub struct Inbound {
    /// `POSTERN_TRUSTED_NETWORKS`: nothing is checked of what comes from there.
    pub trusted: Vec<Network>,
    /// `POSTERN_SPF=reject`: a letter whose reverse path fails is refused.
    pub spf_rejects: bool,
    /// `POSTERN_DMARC=enforce`: what the author's domain asks for is done.
    pub dmarc_enforced: bool,
    /// `POSTERN_DMARC_REPORTS`
    pub dmarc_reports: bool,
    /// `POSTERN_ARC_TRUSTED`: whose seals vouch for a letter that fails DMARC.
    pub arc_trusted: Vec<Domain>,
    /// `POSTERN_DNSBL`: lists of bad addresses.
    pub dnsbl: Vec<Domain>,
    /// `POSTERN_SMTP_RATE`: recipients a minute of one client address; `None`: as many as come.
    pub rate: Option<u32>,
    /// `POSTERN_GREYLIST`: how long a new client has to wait.
    pub greylist: Option<Duration>,
}

/// Its variables.
pub(super) static ROWS: &[Variable] = &[
    Variable::new(
        "TRUSTED_NETWORKS",
        "none",
        Field::Networks { slot: |c| &mut c.inbound.trusted },
        "Networks whose letters are not checked (D4): own relays and balancers. Only the spam filter looks at them.",
    ),
    Variable::new(
        "SMTP_RATE",
        "600",
        Field::CountOr { word: "unlimited", from: 1, to: 1_000_000, slot: |c| &mut c.inbound.rate },
        "Recipients of letters that one client address (an IPv6 /64) may bring to port 25 in a minute (P6); more are put off.",
    ),
    Variable::new(
        "SPF",
        "mark",
        Field::Choice { names: &["mark", "reject"], set: |c, n| c.inbound.spf_rejects = n == 1 },
        "What an SPF `fail` of the reverse path means (D4): `mark` tells it in Authentication-Results, `reject` refuses the letter unless DMARC passes or a trusted ARC seal vouches for it.",
    ),
    Variable::new(
        "DMARC",
        "enforce",
        Field::Choice { names: &["enforce", "report"], set: |c, n| c.inbound.dmarc_enforced = n == 0 },
        "Whether the DMARC policy of the author's domain is applied (D4): `reject` refuses, `quarantine` goes to Junk. `report` only tells the result.",
    ),
    Variable::new(
        "DMARC_REPORTS",
        "on",
        Field::Switch { slot: |c| &mut c.inbound.dmarc_reports },
        "Whether domains that ask for it are told each day how letters in their name fared (RFC 9990); never of single letters, for the users' privacy.",
    ),
    Variable::new(
        "ARC_TRUSTED",
        "none",
        Field::Other { kind: DOMAINS, set: |c, text| domains(text, MAX_SEALERS, &mut c.inbound.arc_trusted) },
        "Domains of forwarders and mailing lists whose ARC seals vouch for a letter that fails DMARC or SPF, where all its seals are theirs and the first of them saw it pass.",
    ),
    Variable::new(
        "DNSBL",
        "none",
        Field::Other { kind: DOMAINS, set: |c, text| domains(text, MAX_LISTS, &mut c.inbound.dnsbl) },
        "DNS lists of bad addresses (RFC 5782), at most 16; a client on any of them is refused. A list that does not answer within 3s counts as not naming it.",
    ),
    Variable::new(
        "GREYLIST",
        "off",
        Field::Other { kind: "a duration from 1s to 1d, or `off`", set: greylist },
        "How long a client's network (/24, /64) that was never here has to wait before it may bring its first letter; until then it is told 451.",
    ),
];

const DOMAINS: &str = "list of domain names, or `none`";

fn domains(text: &str, most: usize, list: &mut Vec<Domain>) -> Result<(), Problem> {
    let cure = "write domain names separated by commas, like lists.example.org, or none";
    list.clear();
    if text == "none" {
        return Ok(());
    }
    for name in text.split(',').map(str::trim) {
        let domain = Domain::parse(name).ok().filter(|domain| !domain.as_str().starts_with('['));
        let domain =
            domain.ok_or_else(|| Problem::new(format!("names \"{name}\", which is no domain"), cure))?;
        if list.contains(&domain) {
            return Err(Problem::new(format!("names \"{name}\" twice"), cure));
        }
        list.push(domain);
    }
    if list.len() > most {
        return Err(Problem::new("is too long", format!("name at most {most} domains")));
    }
    Ok(())
}

fn greylist(config: &mut super::Config, text: &str) -> Result<(), Problem> {
    config.inbound.greylist = None;
    if text == "off" {
        return Ok(());
    }
    let delay = kinds::duration(text)?;
    if !(Duration::from_secs(1)..=DAY).contains(&delay) {
        return Err(Problem::new("is out of range", "write a duration from 1s to 1d, or off"));
    }
    config.inbound.greylist = Some(delay);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Machine, Purpose};

    fn read(name: &str, value: &str) -> Result<Inbound, String> {
        let machine = Machine { name: "mx.example.org".into(), cores: 4, ipv6: true };
        let given = [(format!("POSTERN_{name}").into(), value.into())];
        let config = Config::read(given, &machine, Purpose::Command);
        config.map(|config| config.inbound).map_err(|mistakes| mistakes.to_string())
    }

    #[test]
    fn where_nothing_is_said_policies_are_applied_and_nobody_is_asked() {
        let usual = read("LOG", "info").expect("no mistake");
        assert!(usual.dmarc_enforced && usual.dmarc_reports && !usual.spf_rejects);
        assert!(usual.trusted.is_empty() && usual.arc_trusted.is_empty() && usual.dnsbl.is_empty());
        assert_eq!(usual.greylist, None);
    }

    #[test]
    fn values_reach_their_places() {
        let of = |name, value| read(name, value).expect("no mistake");
        assert!(of("SPF", "reject").spf_rejects);
        assert!(!of("DMARC", "report").dmarc_enforced);
        assert!(!of("DMARC_REPORTS", "off").dmarc_reports);
        assert_eq!(of("GREYLIST", "5m").greylist, Some(Duration::from_secs(300)));
        assert_eq!(of("TRUSTED_NETWORKS", "10.0.0.0/8, ::1").trusted.len(), 2);
        let names: Vec<Domain> =
            ["a.test", "b.test"].map(|name| Domain::parse(name).expect("a domain")).into();
        assert_eq!(of("DNSBL", "A.test, b.test.").dnsbl, names);
        assert_eq!(of("ARC_TRUSTED", "a.test,b.test").arc_trusted, names);
    }

    #[test]
    fn mistakes_have_cures() {
        let many = (0..17).map(|n| format!("l{n}.test")).collect::<Vec<_>>().join(",");
        for (name, value, words) in [
            ("DNSBL", "a.test,,b.test", "names \"\", which is no domain"),
            ("DNSBL", "[192.0.2.1]", "which is no domain"),
            ("DNSBL", "a.test,A.test", "names \"A.test\" twice"),
            ("DNSBL", many.as_str(), "name at most 16 domains"),
            ("GREYLIST", "0s", "write a duration from 1s to 1d, or off"),
            ("GREYLIST", "2d", "is out of range"),
            ("SPF", "on", "write one of: mark, reject"),
        ] {
            let mistakes = read(name, value).expect_err(value);
            assert!(mistakes.contains(words), "{name}={value}: {mistakes}");
        }
    }
}
