//! What came of a replay: today's figures and the proposed ones side by side, account by account.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::tz::TimeZone;
use postern_model::record::{Event, What};
use postern_model::{Protocol, Timestamp};
use postern_policy::replay::{Outcome, Tally, Wanted};
use serde_json::{Value, json};

use crate::cli::show;

/// What came of all accounts.
pub(super) struct Report {
    /// Rows of the record.
    events: u64,
    /// Whether there are proposed figures.
    compares: bool,
    /// Accounts that something was refused to, locked or closed.
    concerned: Vec<(String, Outcome, Option<Outcome>)>,
    /// The others.
    unconcerned: u64,
}

impl Report {
    pub(super) fn new(events: u64, compares: bool) -> Report {
        Report { events, compares, concerned: Vec::new(), unconcerned: 0 }
    }

    /// One more account, `""` where the record names none.
    pub(super) fn add(&mut self, address: String, today: Outcome, proposed: Option<Outcome>) {
        let quiet = |outcome: &Outcome| outcome.refused.is_empty() && outcome.turns.is_empty();
        match quiet(&today) && proposed.as_ref().is_none_or(quiet) {
            true => self.unconcerned += 1,
            false => self.concerned.push((address, today, proposed)),
        }
    }

    /// One document: `{"events","unconcerned","accounts":[{"address","today","proposed"}]}`.
    pub(super) fn to_json(&self) -> Value {
        let account = |(address, today, proposed): &(String, Outcome, Option<Outcome>)| {
            let address = Some(address).filter(|address| !address.is_empty());
            json!({ "address": address, "today": document(today), "proposed": proposed.as_ref().map(document) })
        };
        json!({
            "events": self.events,
            "unconcerned": self.unconcerned,
            "accounts": self.concerned.iter().map(account).collect::<Vec<_>>(),
        })
    }

    /// A table per account. Times are shown in `zone`.
    pub(super) fn to_text(&self, zone: &TimeZone) -> String {
        let mut text = String::new();
        for (address, today, proposed) in &self.concerned {
            let address = if address.is_empty() { "the account" } else { address };
            let mut rows = vec![vec![address.to_owned(), "TODAY".to_owned()]];
            rows[0].extend(self.compares.then(|| "PROPOSED".to_owned()));
            let (today, proposed) =
                (lines(today, zone), proposed.as_ref().map(|outcome| lines(outcome, zone)));
            let mut names: Vec<&Line> =
                today.keys().chain(proposed.iter().flat_map(BTreeMap::keys)).collect();
            names.sort_unstable();
            names.dedup();
            for name in names {
                let cell = |lines: &BTreeMap<Line, String>| {
                    lines.get(name).cloned().unwrap_or_else(|| "-".to_owned())
                };
                let mut row = vec![format!("  {}", name.1), cell(&today)];
                row.extend(proposed.as_ref().map(cell));
                rows.push(row);
            }
            text.push_str(&show::align(&rows));
            text.push('\n');
        }
        let _ = writeln!(
            text,
            "{} events; nothing refused, locked or closed: {} of {} accounts",
            self.events,
            self.unconcerned,
            self.unconcerned + self.concerned.len() as u64
        );
        text
    }
}

/// A line's place among an account's, and its name.
type Line = (u8, String);

/// What came of an account, a line each.
fn lines(outcome: &Outcome, zone: &TimeZone) -> BTreeMap<Line, String> {
    let mut lines = BTreeMap::new();
    lines.insert((0, "logins let in".to_owned()), outcome.logins.to_string());
    lines.insert((1, "letters accepted".to_owned()), outcome.letters.to_string());
    for ((wanted, why), Tally { count, first, last }) in &outcome.refused {
        let (what, protocol) = wanted_names(*wanted);
        let protocol = protocol.map(|protocol| format!("{protocol} ")).unwrap_or_default();
        let times = match count {
            1 => show::moment(*first, zone),
            _ => format!("{} to {}", show::moment(*first, zone), show::moment(*last, zone)),
        };
        lines.insert((2, format!("{protocol}{what} refused: {why}")), format!("{count}, {times}"));
    }
    for event in &outcome.turns {
        let name = match &event.what {
            What::SendingLocked { reason, .. } => format!("sending locked: {}", reason.name()),
            What::AccessClosed { protocol, reason, .. } => {
                format!("{protocol} closed: {}", reason.map_or("-", |reason| reason.name()))
            }
            _ => "account became inactive".to_owned(),
        };
        let times: &mut String = lines.entry((3, name)).or_default();
        // The first few say it; the JSON document has all.
        match times.matches(", ").count() {
            0 if times.is_empty() => times.push_str(&show::moment(event.at, zone)),
            0..=1 => times.push_str(&format!(", {}", show::moment(event.at, zone))),
            2 => times.push_str(", ..."),
            _ => {}
        }
    }
    lines
}

fn wanted_names(wanted: Wanted) -> (&'static str, Option<Protocol>) {
    match wanted {
        Wanted::Login(protocol) => ("login", Some(protocol)),
        Wanted::Letter => ("letter", None),
        Wanted::Switch(protocol) => ("switching on", Some(protocol)),
    }
}

fn document(outcome: &Outcome) -> Value {
    let refused = |((wanted, why), tally): (&(Wanted, &'static str), &Tally)| {
        let (what, protocol) = wanted_names(*wanted);
        json!({
            "what": what,
            "protocol": protocol,
            "reason": why,
            "count": tally.count,
            "first": tally.first.rfc3339(),
            "last": tally.last.rfc3339(),
        })
    };
    json!({
        "logins": outcome.logins,
        "letters": outcome.letters,
        "refused": outcome.refused.iter().map(refused).collect::<Vec<_>>(),
        "locked": outcome.turns.iter().filter_map(locked).collect::<Vec<_>>(),
        "closed": outcome.turns.iter().filter_map(closed).collect::<Vec<_>>(),
        "inactive": outcome.turns.iter().filter_map(inactive).collect::<Vec<_>>(),
    })
}

fn locked(event: &Event) -> Option<Value> {
    let What::SendingLocked { until, reason, .. } = &event.what else { return None };
    let until = until.map(Timestamp::rfc3339);
    Some(json!({ "at": event.at.rfc3339(), "reason": reason.name(), "until": until }))
}

fn closed(event: &Event) -> Option<Value> {
    let What::AccessClosed { protocol, reason, .. } = &event.what else { return None };
    let reason = reason.map(|reason| reason.name());
    Some(json!({ "at": event.at.rfc3339(), "protocol": protocol, "reason": reason }))
}

fn inactive(event: &Event) -> Option<String> {
    matches!(event.what, What::Status { .. }).then(|| event.at.rfc3339())
}
