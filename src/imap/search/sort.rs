//! The order of SORT (RFC 5256 §3, RFC 5957).

use std::cmp::Ordering;
use std::hash::{DefaultHasher, Hash, Hasher};

use postern_model::mime::text::{decoded_field, fold};
use postern_model::mime::{Address, Envelope, Facts};
use postern_model::record::Entry;

use super::Found;
use super::date::sent;
use crate::imap::grammar::{SortBy, SortKey};

/// By what a letter is sorted: one value for each key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place(Box<[Value]>);

/// One value. All letters have the same kind of value for the same key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Value {
    Number(i64),
    /// See [`collated`].
    Text(String),
}

impl Place {
    /// What `keys` ask of a letter. Without facts, where they can't be read, all fields count as missing.
    pub fn of(keys: &[SortKey], entry: &Entry, facts: Option<&Facts>) -> Place {
        Place(keys.iter().map(|key| value(key.by, entry, facts)).collect())
    }
}

/// Whether the keys ask for more than the folder's entries tell.
pub fn needs_facts(keys: &[SortKey]) -> bool {
    keys.iter().any(|key| !matches!(key.by, SortBy::Arrival | SortBy::Size))
}

/// Puts letters in order. Equal ones stand in the order of their numbers, with REVERSE too (RFC 5256 §3).
pub fn sort(letters: &mut [(Place, Found)], keys: &[SortKey]) {
    letters.sort_unstable_by(|(a, a_found), (b, b_found)| {
        let pairs = keys.iter().zip(a.0.iter().zip(&b.0));
        let order = pairs.map(|(key, (a, b))| if key.reverse { b.cmp(a) } else { a.cmp(b) });
        let first = order.into_iter().find(|order| order.is_ne());
        first.unwrap_or(Ordering::Equal).then(a_found.uid.cmp(&b_found.uid))
    });
}

/// Octets of a text that are kept to sort by: many letters are held at once.
const LONGEST: usize = 256;

/// A text as it is sorted and compared: folded (RFC 5256 §2: i;unicode-casemap). Of a very long one the rest only counts
/// for whether it is the same.
pub(super) fn collated(text: &str) -> String {
    let mut folded = fold(text);
    if folded.len() > LONGEST {
        let mut hasher = DefaultHasher::new();
        folded.hash(&mut hasher);
        folded.truncate(folded.floor_char_boundary(LONGEST));
        folded.push_str(&format!(" {:016x}", hasher.finish()));
        folded.shrink_to_fit();
    }
    folded
}

/// When a letter was sent, in seconds since the epoch: by its Date, else by INTERNALDATE (RFC 5256 §2.2).
pub(super) fn sent_date(entry: &Entry, facts: Option<&Facts>) -> i64 {
    let date = facts.and_then(|facts| facts.envelope.date.as_deref()).and_then(sent);
    date.map_or(entry.internal_date, |sent| sent.instant)
}

fn value(by: SortBy, entry: &Entry, facts: Option<&Facts>) -> Value {
    let list = |list: fn(&Envelope) -> &Vec<Address>| facts.map_or(&[][..], |facts| list(&facts.envelope));
    match by {
        SortBy::Arrival => Value::Number(entry.internal_date),
        SortBy::Size => Value::Number(i64::from(entry.size)),
        SortBy::Date => Value::Number(sent_date(entry, facts)),
        SortBy::Subject => {
            Value::Text(facts.map_or_else(String::new, |facts| collated(&facts.base_subject().text)))
        }
        SortBy::From => mailbox(list(|e| &e.from)),
        SortBy::To => mailbox(list(|e| &e.to)),
        SortBy::Cc => mailbox(list(|e| &e.cc)),
        SortBy::DisplayFrom => display(list(|e| &e.from)),
        SortBy::DisplayTo => display(list(|e| &e.to)),
    }
}

/// The first address's addr-mailbox, which for a group is its name (RFC 5256 §3, RFC 9051 §7.5.2).
fn mailbox(addresses: &[Address]) -> Value {
    Value::Text(match addresses.first() {
        Some(Address::Mailbox(mailbox)) => collated(&String::from_utf8_lossy(&mailbox.local)),
        Some(Address::Group(name)) => collated(&decoded_field(name)),
        Some(Address::GroupEnd) | None => String::new(),
    })
}

/// What a mail program would show of the first address (RFC 5957 §3).
fn display(addresses: &[Address]) -> Value {
    let text = match addresses.first() {
        Some(Address::Mailbox(mailbox)) => match &mailbox.name {
            Some(name) if !name.is_empty() => decoded_field(name),
            _ if mailbox.domain.is_empty() => String::from_utf8_lossy(&mailbox.local).into_owned(),
            _ => {
                let (local, domain) = (&mailbox.local, &mailbox.domain);
                format!("{}@{}", String::from_utf8_lossy(local), String::from_utf8_lossy(domain))
            }
        },
        Some(Address::Group(name)) => decoded_field(name),
        Some(Address::GroupEnd) | None => String::new(),
    };
    Value::Text(collated(&text))
}
