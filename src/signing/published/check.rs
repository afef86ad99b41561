//! Is what is published what is needed? Not whether it is the same text: a domain may have more servers than this one, and
//! a policy of its own.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::{Facts, Kind, Lookup, Record};

/// What was found of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// It does what it is for.
    Good,
    /// There is none.
    Missing,
    /// There is another.
    Differs(Vec<String>),
    /// The DNS did not tell.
    Unknown(String),
}

impl Found {
    /// Its name.
    pub fn name(&self) -> &'static str {
        match self {
            Found::Good => "ok",
            Found::Missing => "missing",
            Found::Differs(_) => "differs",
            Found::Unknown(_) => "unknown",
        }
    }
}

/// Compares each record with what `lookup` tells.
pub async fn compare(facts: &Facts, records: &[Record], lookup: &dyn Lookup) -> Vec<Found> {
    let mut found = Vec::with_capacity(records.len());
    for record in records {
        found.push(of(facts, record, lookup).await.unwrap_or_else(Found::Unknown));
    }
    found
}

async fn of(facts: &Facts, record: &Record, lookup: &dyn Lookup) -> Result<Found, String> {
    let mut published = lookup.values(&record.name, record.kind).await?;
    // A name may be an alias, or have addresses of its own.
    if record.kind == Kind::Cname && published.is_empty() {
        published = lookup.values(&record.name, Kind::Address).await?;
        return Ok(if published.is_empty() { Found::Missing } else { Found::Good });
    }
    if record.kind == Kind::Txt {
        // What else the name has does not matter: other services leave their marks there.
        published.retain(|text| same_sort(&record.value, text));
    }
    let good = match record.kind {
        _ if published.is_empty() => return Ok(Found::Missing),
        Kind::Address => true,
        Kind::Txt if is_spf(&record.value) => spf(facts, record, &published, lookup).await?,
        Kind::Txt => text(&record.value, &published),
        Kind::Mx => published.iter().any(|value| last(value) == last(&record.value)),
        // Priority and weight are the operator's.
        Kind::Srv => published.iter().any(|value| last_two(value) == last_two(&record.value)),
        Kind::Tlsa | Kind::Cname => published.iter().any(|value| plain(value) == plain(&record.value)),
    };
    Ok(if good { Found::Good } else { Found::Differs(published) })
}

fn is_spf(text: &str) -> bool {
    text.split_ascii_whitespace().next().is_some_and(|word| word.eq_ignore_ascii_case("v=spf1"))
}

/// Whether two TXT records begin with the same `v=`.
fn same_sort(one: &str, other: &str) -> bool {
    let sort = |text: &str| match is_spf(text) {
        true => Some("spf1".to_owned()),
        false => tags(text).get("v").map(|version| version.to_ascii_lowercase()),
    };
    // A key's record may go without one (RFC 6376 §3.6.1).
    let is_key = |text: &str| tags(text).contains_key("p") && !tags(text).contains_key("v");
    sort(one) == sort(other) || (sort(one).as_deref() == Some("dkim1") && is_key(other))
}

/// There is one record, and by it this server may send from each of its addresses.
async fn spf(
    facts: &Facts,
    record: &Record,
    published: &[String],
    lookup: &dyn Lookup,
) -> Result<bool, String> {
    let [only] = published else { return Ok(false) };
    if plain(only) == plain(&record.value) {
        return Ok(true);
    }
    let addresses = lookup.values(&facts.hostname, Kind::Address).await?;
    for address in &addresses {
        let Ok(ip) = address.parse::<IpAddr>() else { continue };
        if !lookup.may_send(ip, &facts.hostname, &facts.domain).await? {
            return Ok(false);
        }
    }
    Ok(!addresses.is_empty())
}

/// TXT records of tags: the key of DKIM and the id of MTA-STS must be ours; what DMARC and TLS-RPT say is the operator's.
fn text(needed: &str, published: &[String]) -> bool {
    let [only] = published else { return false };
    let (needed, only) = (tags(needed), tags(only));
    let same = |tag: &str, default: &str| {
        let of = |tags: &BTreeMap<String, String>| tags.get(tag).cloned().unwrap_or(default.to_owned());
        of(&needed) == of(&only)
    };
    match needed.get("v").map(String::as_str) {
        Some("DKIM1") => same("p", "") && same("k", "rsa"),
        Some("STSv1") => same("id", ""),
        _ => true,
    }
}

/// `name=value` by name, white space left out (RFC 6376 §3.2); the first of a name counts.
fn tags(text: &str) -> BTreeMap<String, String> {
    let mut tags = BTreeMap::new();
    for (name, value) in text.split(';').filter_map(|tag| tag.split_once('=')) {
        let value = value.chars().filter(|letter| !letter.is_ascii_whitespace()).collect();
        tags.entry(name.trim().to_ascii_lowercase()).or_insert(value);
    }
    tags
}

/// Words in small letters, names without a dot at their end.
fn words(value: &str) -> Vec<String> {
    let word = |word: &str| word.trim_end_matches('.').to_ascii_lowercase();
    value.split_ascii_whitespace().map(word).collect()
}

fn plain(value: &str) -> String {
    words(value).join(" ")
}

fn last(value: &str) -> Option<String> {
    words(value).pop()
}

fn last_two(value: &str) -> Vec<String> {
    let words = words(value);
    words[words.len().saturating_sub(2)..].to_vec()
}
