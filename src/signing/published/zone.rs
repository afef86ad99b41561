//! Records as a zone file (RFC 1035 §5.1).

use super::{Facts, Kind, Need, Record, policy};

/// Octets that one string of a TXT record may have (RFC 1035 §3.3).
const LONGEST_STRING: usize = 255;

/// The records, each below a line that says what it is for. What need not be there, and what only the operator knows,
/// are comments.
pub fn zone(facts: &Facts, records: &[Record]) -> String {
    let mut text = format!("; What {} has to publish for {}\n", facts.domain, facts.hostname);
    for record in records {
        let need = record.need.name();
        text.push_str(&format!("\n; {}: {}\n", capital(need), record.purpose));
        if record.need == Need::Optional || record.value.is_empty() {
            text.push_str("; ");
        }
        text.push_str(&format!("{}. IN {} {}\n", record.name, record.kind.name(), value(record)));
    }
    let url = format!("https://mta-sts.{}/.well-known/mta-sts.txt", facts.domain);
    text.push_str(&format!("\n; The MTA-STS policy, to be served as {url}:\n"));
    for line in policy(facts).lines() {
        text.push_str(&format!(";   {line}\n"));
    }
    text
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn value(record: &Record) -> String {
    match record.kind {
        Kind::Txt => strings(&record.value),
        _ if record.value.is_empty() => "…".to_owned(),
        _ => record.value.clone(),
    }
}

/// One or more strings in quotes, which verifiers put together again.
fn strings(text: &str) -> String {
    let mut strings = vec![String::new()];
    let mut length = 0;
    for letter in text.chars() {
        if length + letter.len_utf8() > LONGEST_STRING {
            strings.push(String::new());
            length = 0;
        }
        length += letter.len_utf8();
        if let Some(last) = strings.last_mut() {
            if matches!(letter, '"' | '\\') {
                last.push('\\');
            }
            last.push(letter);
        }
    }
    strings.iter().map(|string| format!("\"{string}\"")).collect::<Vec<_>>().join(" ")
}
