//! The fields for programs (RFC 3464 §2.2, §2.3).

use postern_actors::courier::{Action, Report, Reported};
use postern_model::record::Attempt;

/// Whether an address among those reported can't be written in ASCII.
pub(super) fn needs_utf8(report: &Report<'_>) -> bool {
    report.recipients.iter().any(|told| {
        let original = told.recipient.terms.orcpt.as_deref().unwrap_or_default();
        !told.recipient.address.is_ascii() || !original.is_ascii()
    })
}

/// All of them: of the letter, then of each recipient behind an empty line.
pub(super) fn fields(report: &Report<'_>, hostname: &str, global: bool) -> String {
    let mut text = String::new();
    let mut field = |name: &str, value: &str| text.push_str(&format!("{name}: {value}\r\n"));
    if let Some(envid) = &report.envelope.terms.envid {
        field("Original-Envelope-Id", &printable(envid));
    }
    field("Reporting-MTA", &format!("dns; {hostname}"));
    field("Arrival-Date", &report.envelope.accepted.rfc5322());
    for told in report.recipients {
        text.push_str("\r\n");
        text.push_str(&of_recipient(told, global));
    }
    text
}

fn of_recipient(told: &Reported, global: bool) -> String {
    let mut text = String::new();
    let mut field = |name: &str, value: &str| text.push_str(&format!("{name}: {value}\r\n"));
    let recipient = &told.recipient;
    if let Some((kind, address)) = recipient.terms.orcpt.as_deref().and_then(|orcpt| orcpt.split_once(';')) {
        field("Original-Recipient", &format!("{}; {}", printable(kind), printable(address)));
    }
    let kind = if global && !recipient.address.is_ascii() { "utf-8" } else { "rfc822" };
    field("Final-Recipient", &format!("{kind}; {}", printable(&recipient.address)));
    field("Action", action(told.action));
    field("Status", &status(told));
    if let Some(attempt) = &told.attempt {
        if let Some(remote) = &attempt.remote {
            let name = remote.split([' ', '[']).next().unwrap_or(remote);
            field("Remote-MTA", &format!("dns; {}", printable(name)));
        }
        if let Some(code) = attempt.code {
            field("Diagnostic-Code", &folded(&format!("smtp; {code} {}", diagnosis(attempt))));
        }
        field("Last-Attempt-Date", &attempt.at.rfc5322());
    }
    if let Action::Delayed { until } = told.action {
        field("Will-Retry-Until", &until.rfc5322());
    }
    text
}

fn action(action: Action) -> &'static str {
    match action {
        Action::Failed => "failed",
        Action::Delayed { .. } => "delayed",
        Action::Delivered => "delivered",
        Action::Relayed => "relayed",
        Action::Expanded => "expanded",
    }
}

/// Class, subject and detail (RFC 3463). The class is that of the action, whatever a server said: a letter that is given
/// up has failed, though each try was only deferred.
pub(super) fn status(told: &Reported) -> String {
    let (_, subject, detail) = told.attempt.as_ref().map_or((2, 0, 0), |attempt| attempt.enhanced);
    let class = match told.action {
        Action::Failed => 5,
        Action::Delayed { .. } => 4,
        Action::Delivered | Action::Relayed | Action::Expanded => 2,
    };
    match told.action {
        Action::Delivered | Action::Relayed | Action::Expanded => "2.0.0".to_owned(),
        _ => format!("{class}.{subject}.{detail}"),
    }
}

/// What a server said, without the code where it repeats that.
fn diagnosis(attempt: &Attempt) -> String {
    let said = printable(&attempt.said);
    match attempt.code {
        Some(code) => said.strip_prefix(&format!("{code} ")).unwrap_or(&said).to_owned(),
        None => said,
    }
}

/// What others wrote, as one line that can stand in a field.
fn printable(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A long value on several lines (RFC 5322 §2.2.3).
fn folded(value: &str) -> String {
    let (mut text, mut length) = (String::new(), 20);
    for word in value.split(' ') {
        if length + word.len() > 76 && !text.is_empty() {
            text.push_str("\r\n");
            length = 0;
        }
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(word);
        length += word.len() + 1;
    }
    text
}
