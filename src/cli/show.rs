//! Prints answers for people: tables, and lines of names and values. Scripts take `--json`.

use jiff::tz::TimeZone;
use postern_model::Timestamp;
use serde_json::{Map, Value};

/// What stands first where it is there; the rest follows by name.
const FIRST: [&str; 30] = [
    "line",
    "id",
    "address",
    "domain",
    "name",
    "plan",
    "status",
    "language",
    "password",
    "state",
    "locked",
    "held",
    "pop3",
    "imap",
    "smtp",
    "at",
    "kind",
    "signal",
    "protocol",
    "since",
    "opens_at",
    "closes_at",
    "until",
    "by",
    "reason",
    "from",
    "text",
    "minute",
    "hour",
    "day",
];

/// An answer as text, with a line's end. Times are shown in `zone`.
pub(super) fn human(value: &Value, zone: &TimeZone) -> String {
    match value {
        Value::Null => "done\n".to_owned(),
        Value::Array(items) if items.is_empty() => "none\n".to_owned(),
        Value::Array(items) => list(items, zone),
        Value::Object(fields) if fields.is_empty() => "done\n".to_owned(),
        Value::Object(fields) => {
            let mut lines = Vec::new();
            flatten("", fields, zone, &mut lines);
            align(&lines)
        }
        scalar => format!("{}\n", cell(scalar, zone)),
    }
}

/// A table of objects, or one item a line.
fn list(items: &[Value], zone: &TimeZone) -> String {
    let mut columns: Vec<&str> = items
        .iter()
        .filter_map(Value::as_object)
        .flat_map(|object| object.keys().map(String::as_str))
        .collect();
    if columns.is_empty() {
        return items.iter().map(|item| format!("{}\n", cell(item, zone))).collect();
    }
    columns.sort_unstable_by_key(|name| rank(name));
    columns.dedup();
    let mut rows = vec![columns.iter().map(|name| name.to_uppercase()).collect::<Vec<_>>()];
    for item in items {
        rows.push(columns.iter().map(|name| item.get(name).map_or_else(dash, |v| cell(v, zone))).collect());
    }
    align(&rows)
}

/// One line per field; what is nested twice is named by its path.
fn flatten(path: &str, fields: &Map<String, Value>, zone: &TimeZone, lines: &mut Vec<Vec<String>>) {
    let mut names: Vec<&String> = fields.keys().collect();
    names.sort_unstable_by_key(|name| rank(name));
    for name in names {
        let label = if path.is_empty() { name.clone() } else { format!("{path} {name}") };
        match &fields[name] {
            Value::Object(inner) if inner.values().any(Value::is_object) => {
                flatten(&label, inner, zone, lines);
            }
            Value::Array(items) if items.iter().any(is_long) => {
                for item in items {
                    lines.push(vec![label.clone(), cell(item, zone)]);
                }
            }
            // Within something, what is not there needs no line.
            value if !path.is_empty() && says_nothing(value) => {}
            value => lines.push(vec![label, cell(value, zone)]),
        }
    }
}

fn says_nothing(value: &Value) -> bool {
    value.is_null() || value.as_array().is_some_and(Vec::is_empty)
}

/// Stands on a line of its own.
fn is_long(value: &Value) -> bool {
    value.is_object() || value.as_str().is_some_and(|text| text.contains(' '))
}

fn rank(name: &str) -> (usize, &str) {
    (FIRST.iter().position(|first| *first == name).unwrap_or(FIRST.len()), name)
}

fn dash() -> String {
    "-".to_owned()
}

/// A value within a line.
fn cell(value: &Value, zone: &TimeZone) -> String {
    match value {
        Value::Null => dash(),
        Value::Bool(yes) => if *yes { "yes" } else { "no" }.to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => time(text, zone).unwrap_or_else(|| plain(text)),
        Value::Array(items) if items.is_empty() => dash(),
        Value::Array(items) => items.iter().map(|i| cell(i, zone)).collect::<Vec<_>>().join(", "),
        Value::Object(fields) => {
            let mut names: Vec<&String> = fields.keys().filter(|name| !fields[*name].is_null()).collect();
            names.sort_unstable_by_key(|name| rank(name));
            let parts: Vec<_> = names
                .into_iter()
                .map(|name| match name.as_str() {
                    "state" => cell(&fields[name], zone),
                    _ => format!("{name} {}", cell(&fields[name], zone)),
                })
                .collect();
            if parts.is_empty() { dash() } else { parts.join(", ") }
        }
    }
}

/// A time of the contract (`2026-03-01T10:00:00Z`) in the zone of `POSTERN_TIMEZONE`.
fn time(text: &str, zone: &TimeZone) -> Option<String> {
    let written = text.len() == "2026-03-01T10:00:00Z".len() && text.ends_with('Z');
    Timestamp::parse_rfc3339(text).filter(|_| written).map(|at| moment(at, zone))
}

/// A time in `zone`.
pub(super) fn moment(at: Timestamp, zone: &TimeZone) -> String {
    match jiff::Timestamp::from_microsecond(at.0) {
        Ok(at) => at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S %Z").to_string(),
        Err(_) => at.rfc3339(),
    }
}

/// Users' texts may hold anything; a terminal obeys control characters.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// Columns as wide as their widest cell, two spaces apart.
pub(super) fn align(rows: &[Vec<String>]) -> String {
    let width = |text: &str| text.chars().count();
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns)
        .map(|n| rows.iter().filter_map(|row| row.get(n)).map(|c| width(c)).max().unwrap_or(0))
        .collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, widest) in row.iter().zip(&widths) {
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', widest - width(cell) + 2));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn shown(value: &Value) -> String {
        human(value, &TimeZone::UTC)
    }

    #[test]
    fn objects_in_a_list_are_a_table() {
        let accounts = json!([
            {"address": "alice@demo.test", "status": "active", "plan": "free", "aliases": []},
            {"address": "b@demo.test", "status": "suspended", "plan": "plus", "aliases": ["c@demo.test"]},
        ]);
        assert_eq!(
            shown(&accounts),
            "\
ADDRESS          PLAN  STATUS     ALIASES
alice@demo.test  free  active     -
b@demo.test      plus  suspended  c@demo.test
"
        );
    }

    #[test]
    fn an_object_is_a_line_per_field() {
        let account = json!({
            "address": "a@b.test",
            "access": {
                "pop3": {"state": "on", "since": "2026-03-01T10:00:00Z", "reason": null},
                "smtp": {"state": "off", "since": null},
            },
            "storage": {"used": 12, "messages": 1},
            "pop3_delete": null,
        });
        assert_eq!(
            shown(&account),
            "\
address      a@b.test
access pop3  on, since 2026-03-01 10:00:00 UTC
access smtp  off
pop3_delete  -
storage      messages 1, used 12
"
        );
    }

    #[test]
    fn events_are_a_table_and_a_gate_is_a_line() {
        let events = json!([
            {"at": "2026-03-01T10:00:00Z", "kind": "access-requested", "protocol": "pop3", "by": "user",
                "reason": null, "from": "192.0.2.1", "detail": {"opens_at": "2026-03-01T10:15:00Z"}},
            {"at": "2026-03-01T10:15:00Z", "kind": "access-opened", "protocol": "pop3", "by": "timer",
                "reason": null, "from": null, "detail": null},
        ]);
        assert_eq!(
            shown(&events),
            "\
AT                       KIND              PROTOCOL  BY     REASON  FROM       DETAIL
2026-03-01 10:00:00 UTC  access-requested  pop3      user   -       192.0.2.1  opens_at 2026-03-01 10:15:00 UTC
2026-03-01 10:15:00 UTC  access-opened     pop3      timer  -       -          -
"
        );
        let gate = json!({"access": {"pop3": {"by": "operator", "closes_at": null, "opens_at": null,
            "reason": "operator", "since": "2026-03-01T10:00:00Z", "state": "blocked", "text": "unpaid"}}});
        assert_eq!(
            shown(&gate),
            "access pop3  blocked, since 2026-03-01 10:00:00 UTC, by operator, reason operator, text unpaid\n"
        );
    }

    #[test]
    fn what_is_not_there_needs_no_line() {
        let sending = json!({"sending": {"locked": false, "until": null, "evidence": [], "hour": {"used": 1, "limit": 15},
            "minute": {"used": 1, "limit": 5}, "day": {"used": 1, "limit": null}}});
        assert_eq!(
            shown(&sending),
            "\
sending locked  no
sending minute  limit 5, used 1
sending hour    limit 15, used 1
sending day     used 1
"
        );
    }

    #[test]
    fn each_problem_has_its_line() {
        let report = json!({"letters": 3, "problems": ["account 1: no header", "account 2: no header"]});
        assert_eq!(
            shown(&report),
            "letters   3\nproblems  account 1: no header\nproblems  account 2: no header\n"
        );
    }

    #[test]
    fn small_answers() {
        assert_eq!(shown(&Value::Null), "done\n");
        assert_eq!(shown(&json!([])), "none\n");
        assert_eq!(shown(&json!(["a.test", "b.test"])), "a.test\nb.test\n");
        assert_eq!(shown(&json!("x")), "x\n");
    }

    #[test]
    fn times_are_shown_in_the_operators_zone() {
        let zone = TimeZone::fixed(jiff::tz::offset(2));
        let text = human(&json!({"now": "2026-03-01T10:00:00Z"}), &zone);
        assert_eq!(text, "now  2026-03-01 12:00:00 +02\n");
    }

    #[test]
    fn a_terminal_is_not_commanded() {
        assert_eq!(shown(&json!({"reason": "a\u{1b}[2Jb\nc"})), "reason  a\u{fffd}[2Jb\u{fffd}c\n");
    }
}
