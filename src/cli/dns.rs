//! `postern dns`: the records that a domain has to publish, and whether it does.

use std::path::PathBuf;

use postern_actors::admin::AdminRequest;
use postern_model::Domain;
use postern_model::record::KeyState;
use serde_json::{Value, json};

use super::args::DnsArgs;
use super::{Failure, House, Office};
use crate::config::{Config, TlsSource};
use crate::net::tls::{public_key_digest, self_signed};
use crate::runtime;
use crate::signing::published::{Facts, Found, Need, PublishedKey, Record, compare, policy, records, zone};

pub(super) fn run(args: &DnsArgs, office: Office<'_, '_, impl House>) -> Result<(), Failure> {
    let domain = Domain::parse(&args.domain)
        .map_err(|_| Failure::Usage(format!("{:?} is not a domain name", args.domain)))?;
    let keys = office.ask(AdminRequest::DomainKeys { domain: args.domain.clone() })?;
    let facts = facts(&office.config, domain, &keys);
    let records = records(&facts);
    if args.check {
        return check(&facts, &records, args.output.json, office);
    }
    if args.output.json {
        let list: Vec<Value> = records.iter().map(shown).collect();
        let answer = json!({ "records": list, "mta_sts_policy": policy(&facts) });
        return Ok(office.surroundings.print_json(&answer)?);
    }
    Ok(office.surroundings.print(&zone(&facts, &records))?)
}

fn facts(config: &Config, domain: Domain, keys: &Value) -> Facts {
    let text = |key: &Value, name: &str| key[name].as_str().unwrap_or_default().to_owned();
    let key = |key: &Value| PublishedKey {
        selector: text(key, "selector"),
        algorithm: text(key, "algorithm"),
        state: serde_json::from_value(key["state"].clone()).unwrap_or(KeyState::Retired),
        public: text(key, "public"),
    };
    let files: Vec<PathBuf> = match config.tls {
        TlsSource::Files => config.tls_cert.clone(),
        TlsSource::SelfSigned => vec![self_signed::certificate_path(&config.data_dir)],
    };
    Facts {
        domain,
        hostname: config.hostname.clone(),
        listen: config.listen.clone(),
        keys: keys.as_array().into_iter().flatten().map(key).collect(),
        certificates: files.iter().filter_map(|file| public_key_digest(file)).collect(),
        trusted: config.tls != TlsSource::SelfSigned,
    }
}

fn shown(record: &Record) -> Value {
    json!({
        "name": record.name,
        "type": record.kind.name(),
        "value": record.value,
        "need": record.need.name(),
        "for": record.purpose,
    })
}

fn check(
    facts: &Facts,
    records: &[Record],
    as_json: bool,
    office: Office<'_, '_, impl House>,
) -> Result<(), Failure> {
    let found = runtime::run(async {
        let lookup = office.house.lookup(&office.config)?;
        Ok(compare(facts, records, lookup.as_ref()).await)
    })
    .map_err(Failure::Failed)?;
    if as_json {
        let list: Vec<Value> =
            records.iter().zip(&found).map(|(record, found)| judged(record, found)).collect();
        office.surroundings.print_json(&Value::Array(list))?;
    } else {
        let mut text: String =
            records.iter().zip(&found).map(|(record, found)| line(record, found)).collect();
        text.push_str(&advice(facts, records, &found));
        office.surroundings.print(&text)?;
    }
    let is_wrong =
        |(record, found): &(&Record, &Found)| record.need == Need::Required && **found != Found::Good;
    match records.iter().zip(&found).filter(is_wrong).count() {
        0 => Ok(()),
        1 => Err(Failure::Failed("a required record is not as it has to be".to_owned())),
        more => Err(Failure::Failed(format!("{more} required records are not as they have to be"))),
    }
}

fn judged(record: &Record, found: &Found) -> Value {
    let mut value = shown(record);
    value["found"] = found.name().into();
    match found {
        Found::Differs(published) => value["published"] = json!(published),
        Found::Unknown(why) => value["why"] = why.as_str().into(),
        Found::Good | Found::Missing => {}
    }
    value
}

fn line(record: &Record, found: &Found) -> String {
    let mut text =
        format!("{:<8} {:<9} {:<6} {}\n", found.name(), record.need.name(), record.kind.name(), record.name);
    let wanted = if record.value.is_empty() { &record.purpose } else { &record.value };
    match found {
        Found::Good => {}
        Found::Missing => text.push_str(&format!("         publish   {wanted}\n")),
        Found::Differs(published) => {
            text.push_str(&format!("         publish   {wanted}\n"));
            for value in published {
                // A stranger's text: nothing of it may move the cursor.
                text.push_str(&format!("         there is  {}\n", value.escape_debug()));
            }
        }
        Found::Unknown(why) => text.push_str(&format!("         {}\n", why.escape_debug())),
    }
    text
}

/// What to do when keys that are to sign next are published.
fn advice(facts: &Facts, records: &[Record], found: &[Found]) -> String {
    let next = facts.keys.iter().filter(|key| key.state == KeyState::Next);
    let is_there = |selector: &str| {
        let name = format!("{selector}._domainkey.{}", facts.domain);
        records.iter().zip(found).any(|(record, found)| record.name == name && *found == Found::Good)
    };
    let there: Vec<bool> = next.map(|key| is_there(&key.selector)).collect();
    if there.is_empty() || there.contains(&false) {
        return String::new();
    }
    format!(
        "the next keys are published: sign with them by `postern domain rotate {} --activate`\n",
        facts.domain
    )
}
