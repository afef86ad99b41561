//! Which records these are.

use postern_model::Domain;
use postern_model::record::KeyState;
use sha2::{Digest as _, Sha256};

use crate::config::Listen;

/// What the records are made of.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Whose they are.
    pub domain: Domain,
    /// This server's name.
    pub hostname: String,
    /// Which services it has.
    pub listen: Listen,
    /// The domain's DKIM keys.
    pub keys: Vec<PublishedKey>,
    /// SHA-256 of the public key of each certificate (RFC 6698 §2.1).
    pub certificates: Vec<[u8; 32]>,
    /// Whether others can verify the certificate by its authority: then their mail may insist on it.
    pub trusted: bool,
}

/// A DKIM key as others see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishedKey {
    /// Its selector.
    pub selector: String,
    /// As `k=` names it.
    pub algorithm: String,
    /// What it is used for.
    pub state: KeyState,
    /// As `p=` has it.
    pub public: String,
}

/// What a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A or AAAA, whichever the host has.
    Address,
    /// RFC 1035 §3.3.9.
    Mx,
    /// RFC 1035 §3.3.14.
    Txt,
    /// RFC 2782.
    Srv,
    /// RFC 6698.
    Tlsa,
    /// RFC 1035 §3.3.1.
    Cname,
}

impl Kind {
    /// Its name in a zone file.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Address => "A/AAAA",
            Kind::Mx => "MX",
            Kind::Txt => "TXT",
            Kind::Srv => "SRV",
            Kind::Tlsa => "TLSA",
            Kind::Cname => "CNAME",
        }
    }
}

/// How much depends on a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Without it mail does not arrive, or is not believed.
    Required,
    /// It is better with it.
    Wanted,
    /// For whoever wants it; in a zone file it is a comment.
    Optional,
}

impl Need {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Need::Required => "required",
            Need::Wanted => "wanted",
            Need::Optional => "optional",
        }
    }
}

/// A record to publish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The whole name, without a dot at its end.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Its value as a zone file has it, but that of a TXT record without quotes; empty where only the operator knows it.
    pub value: String,
    /// How much depends on it.
    pub need: Need,
    /// What it is for, and where that is written.
    pub purpose: String,
}

/// All records of a domain, in the order in which they are explained best.
pub fn records(facts: &Facts) -> Vec<Record> {
    let mut all = arriving(facts);
    all.extend(believed(facts));
    all.extend(encrypted(facts));
    all.extend(programs(facts));
    all
}

fn record(name: String, kind: Kind, value: String, need: Need, purpose: &str) -> Record {
    Record { name, kind, value, need, purpose: purpose.to_owned() }
}

fn arriving(facts: &Facts) -> Vec<Record> {
    let (domain, host) = (&facts.domain, &facts.hostname);
    let address = "this server's addresses";
    let mx = "mail for the domain comes here (RFC 5321 §5)";
    vec![
        record(host.clone(), Kind::Address, String::new(), Need::Required, address),
        record(domain.to_string(), Kind::Mx, format!("10 {host}."), Need::Required, mx),
    ]
}

fn believed(facts: &Facts) -> Vec<Record> {
    let domain = &facts.domain;
    let spf = "mail of the domain comes from the servers of its MX records alone (SPF, RFC 7208)";
    let spf = record(domain.to_string(), Kind::Txt, "v=spf1 mx -all".to_owned(), Need::Required, spf);
    let keys = facts.keys.iter().map(|key| {
        let (need, state) = match key.state {
            KeyState::Active => (Need::Required, "signs"),
            KeyState::Next => (Need::Wanted, "is to sign next"),
            KeyState::Retired => (Need::Wanted, "signed until a while ago"),
        };
        let name = format!("{}._domainkey.{domain}", key.selector);
        let value = format!("v=DKIM1; k={}; p={}", key.algorithm, key.public);
        let purpose = format!("the {} key that {state} (DKIM, RFC 6376)", key.algorithm);
        record(name, Kind::Txt, value, need, &purpose)
    });
    let dmarc = "what others do with mail that neither SPF nor DKIM vouches for, and where they report (DMARC, RFC 7489)";
    let value = format!("v=DMARC1; p=quarantine; rua=mailto:postmaster@{domain}");
    let dmarc = record(format!("_dmarc.{domain}"), Kind::Txt, value, Need::Wanted, dmarc);
    [spf].into_iter().chain(keys).chain([dmarc]).collect()
}

/// The text of `https://mta-sts.<domain>/.well-known/mta-sts.txt` (RFC 8461 §3.2).
pub fn policy(facts: &Facts) -> String {
    let mode = if facts.trusted { "enforce" } else { "testing" };
    format!("version: STSv1\r\nmode: {mode}\r\nmx: {}\r\nmax_age: 604800\r\n", facts.hostname)
}

fn encrypted(facts: &Facts) -> Vec<Record> {
    let (domain, host) = (&facts.domain, &facts.hostname);
    // Another policy has another id, so that others fetch it anew.
    let id: String = hex(&Sha256::digest(policy(facts))).chars().take(20).collect();
    let sts = "others insist on TLS, once the policy is served (MTA-STS, RFC 8461)";
    let web = "where the MTA-STS policy is served";
    let reports = "where others report on TLS (TLS-RPT, RFC 8460)";
    let rua = format!("v=TLSRPTv1; rua=mailto:postmaster@{domain}");
    let txt = |name: &str, value, purpose| {
        record(format!("{name}.{domain}"), Kind::Txt, value, Need::Wanted, purpose)
    };
    let mut all = vec![
        txt("_mta-sts", format!("v=STSv1; id={id}"), sts),
        record(format!("mta-sts.{domain}"), Kind::Cname, format!("{host}."), Need::Optional, web),
        txt("_smtp._tls", rua, reports),
    ];
    let dane =
        "the server's key, for a zone that is signed (DANE, RFC 7672); change it before the key changes";
    all.extend(facts.certificates.iter().map(|digest| {
        let value = format!("3 1 1 {}", hex(digest));
        record(format!("_25._tcp.{host}"), Kind::Tlsa, value, Need::Optional, dane)
    }));
    all
}

fn programs(facts: &Facts) -> Vec<Record> {
    let (domain, host, listen) = (&facts.domain, &facts.hostname, &facts.listen);
    let services = [
        ("_submissions", &listen.submissions, "RFC 8314 §5.1"),
        ("_submission", &listen.submission, "RFC 6186 §3.1"),
        ("_imaps", &listen.imaps, "RFC 6186 §3.2"),
        ("_imap", &listen.imap, "RFC 6186 §3.2"),
        ("_pop3s", &listen.pop3s, "RFC 6186 §3.3"),
        ("_pop3", &listen.pop3, "RFC 6186 §3.3"),
    ];
    let mut all: Vec<Record> = services
        .into_iter()
        .map(|(service, addresses, source)| {
            let (value, purpose) = match addresses.first() {
                Some(address) => (format!("0 1 {} {host}.", address.port()), "where mail programs find it"),
                // RFC 6186 §3.4
                None => ("0 0 0 .".to_owned(), "mail programs need not try"),
            };
            let name = format!("{service}._tcp.{domain}");
            record(name, Kind::Srv, value, Need::Wanted, &format!("{purpose} ({source})"))
        })
        .collect();
    for (name, who) in [("autoconfig", "Thunderbird"), ("autodiscover", "Outlook")] {
        let purpose = format!("where {who} asks how to set an account up");
        let value = format!("{host}.");
        all.push(record(format!("{name}.{domain}"), Kind::Cname, value, Need::Optional, &purpose));
    }
    all
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}
