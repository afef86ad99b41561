//! rspamd, asked over HTTP (its `/checkv2`): the letter is posted with its envelope in header fields, and a JSON document
//! says what it thinks and what is to be changed.
//!
//! | rspamd's action | what becomes of the letter |
//! |---|---|
//! | `no action` | it goes where it is addressed |
//! | `greylist`, `soft reject` | 451 with its words |
//! | `add header`, `quarantine` | Junk |
//! | `rewrite subject` | Junk, under the new subject |
//! | `reject` | 550 with its words; Junk or nowhere, where its milter block says `quarantine` or `discard` |
//!
//! A letter of an own user's is asked about with `User`, gets no marks, and knows no Junk. Recipients and the reverse path
//! stay what they are, whatever the milter block says.

use std::time::Duration;

use postern_actors::admin::Secret;
use reqwest::header::{HeaderMap, HeaderValue};
use serde_json::Value;

use super::draft::Draft;
use super::failure::Failure;
use super::place::Url;
use super::words::plain;
use crate::config::Screen;
use crate::inbound::Visit;
use crate::inbound::filter::Action;
use crate::notices::encoding::unstructured;

/// The largest answer.
const ANSWER_MOST: usize = 1 << 20;
/// How long it may take to be connected.
const CONNECT: Duration = Duration::from_secs(5);
/// Symbols that are told in the letter.
const SYMBOLS_MOST: usize = 20;
/// Changes of the header that are made.
const CHANGES_MOST: usize = 500;

/// A way to rspamd.
#[derive(Debug)]
pub(super) struct Rspamd {
    client: reqwest::Client,
    check: String,
    fixed: HeaderMap,
}

/// A client of HTTP that goes where it is told and nowhere else.
pub(super) fn http(timeout: Duration) -> Result<reqwest::Client, String> {
    let client = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(timeout)
        .connect_timeout(timeout.min(CONNECT))
        // It speaks no TLS, and a machine without root certificates is fine.
        .tls_certs_only([])
        .build();
    client.map_err(|error| format!("POSTERN_FILTER: {error}"))
}

/// The password as the header field that rspamd wants.
pub(super) fn password(secret: Option<&Secret>) -> Result<HeaderMap, String> {
    let mut fields = HeaderMap::new();
    if let Some(Secret(password)) = secret {
        let value = HeaderValue::from_str(password);
        let mut value = value.map_err(|_| "POSTERN_FILTER_PASSWORD: it can't stand in a header field")?;
        value.set_sensitive(true);
        fields.insert("password", value);
    }
    Ok(fields)
}

impl Rspamd {
    pub(super) fn new(url: &Url, screen: &Screen, hostname: &str) -> Result<Rspamd, String> {
        let mut fixed = password(screen.password.as_ref())?;
        put(&mut fixed, "mta-name", hostname);
        put(&mut fixed, "mta-tag", "postern");
        Ok(Rspamd { client: http(screen.timeout)?, check: url.at("checkv2"), fixed })
    }

    /// Asks for a verdict, and changes the letter as is wished.
    pub(super) async fn judge(&self, visit: &Visit, draft: &mut Draft<'_>) -> Result<Action, Failure> {
        let mut fields = self.fixed.clone();
        envelope(&mut fields, visit);
        let request = self.client.post(&self.check).headers(fields).body(draft.octets().into_owned());
        let answer = read(request.send().await.map_err(broken)?).await?;
        let answer: Value =
            serde_json::from_slice(&answer).map_err(|error| Failure::garbage(error.to_string()))?;
        obey(&answer, visit, draft)
    }
}

fn put(fields: &mut HeaderMap, name: &'static str, value: &str) {
    // What can't stand in a field of HTTP is left out.
    if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
        fields.append(name, value);
    }
}

fn envelope(fields: &mut HeaderMap, visit: &Visit) {
    put(fields, "ip", &visit.peer.to_string());
    put(fields, "helo", &visit.client_name);
    put(fields, "from", &format!("<{}>", visit.mail_from));
    put(fields, "queue-id", &visit.letter.to_string());
    for recipient in &visit.recipients {
        put(fields, "rcpt", &format!("<{recipient}>"));
    }
    if let [only] = &visit.recipients[..] {
        put(fields, "deliver-to", &only.to_string());
    }
    if let Some(sender) = visit.sender {
        put(fields, "user", &sender.to_string());
    }
    if let Some((version, cipher)) = visit.tls {
        put(fields, "tls-version", version);
        put(fields, "tls-cipher", cipher);
    }
}

pub(super) fn broken(error: reqwest::Error) -> Failure {
    match error.is_timeout() {
        true => Failure::Slow,
        false => Failure::Broken(std::io::Error::other(error.without_url())),
    }
}

async fn read(mut response: reqwest::Response) -> Result<Vec<u8>, Failure> {
    if !response.status().is_success() {
        return Err(Failure::garbage(format!("HTTP status {}", response.status().as_u16())));
    }
    let mut answer = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(broken)? {
        answer.extend_from_slice(&chunk);
        if answer.len() > ANSWER_MOST {
            return Err(Failure::garbage(format!("it has more than {ANSWER_MOST} octets")));
        }
    }
    Ok(answer)
}

/// Does what an answer says.
pub(super) fn obey(answer: &Value, visit: &Visit, draft: &mut Draft<'_>) -> Result<Action, Failure> {
    let name = answer["action"].as_str().ok_or_else(|| Failure::garbage("it names no action"))?;
    let is_own = visit.sender.is_some();
    let action = match name.replace('_', " ").as_str() {
        "reject" => match answer["milter"]["reject"].as_str() {
            Some("discard") => return Ok(Action::Discard),
            Some("quarantine") => Action::Quarantine,
            _ => return Ok(Action::Reject { permanent: true, text: words(answer) }),
        },
        // Nobody comes back with the same letter who has logged in.
        "greylist" if is_own => Action::Accept,
        "soft reject" | "greylist" => return Ok(Action::Reject { permanent: false, text: words(answer) }),
        "discard" => return Ok(Action::Discard),
        "quarantine" => Action::Quarantine,
        "add header" | "rewrite subject" => Action::Junk,
        _ => Action::Accept,
    };
    if !is_own {
        draft.remove_all(is_mark);
    }
    change(&answer["milter"], draft)?;
    if let (Some(subject), "rewrite subject", false) = (answer["subject"].as_str(), name, is_own) {
        let subject = subject.split_whitespace().collect::<Vec<_>>().join(" ");
        draft.change(1, b"Subject", format!(" {}", unstructured(&subject, "Subject: ")).as_bytes())?;
    }
    for signature in texts(&answer["dkim-signature"]) {
        draft.insert(0, b"DKIM-Signature", format!(" {signature}").as_bytes())?;
    }
    if !is_own {
        mark(answer, action != Action::Accept, draft)?;
    }
    Ok(action)
}

/// What it wants the client to be told.
fn words(answer: &Value) -> Option<String> {
    answer["messages"]["smtp_message"].as_str().and_then(|text| plain(text.as_bytes()))
}

/// Whether a field is one of those by which programs and users' rules know spam.
fn is_mark(name: &[u8]) -> bool {
    name.get(..6).is_some_and(|start| start.eq_ignore_ascii_case(b"x-spam"))
        && matches!(name.get(6), None | Some(b'-'))
}

/// The changes of the header in a milter block.
fn change(block: &Value, draft: &mut Draft<'_>) -> Result<(), Failure> {
    for (name, which) in pairs(&block["remove_headers"]) {
        for order in many(which).take(CHANGES_MOST).filter_map(Value::as_i64) {
            let count = draft.count(name.as_bytes());
            match (usize::try_from(order), usize::try_from(order.unsigned_abs())) {
                (Ok(0), _) => draft.remove_all(|other| other.eq_ignore_ascii_case(name.as_bytes())),
                (Ok(index), _) => draft.remove(index, name.as_bytes()),
                // From the last on.
                (Err(_), Ok(back)) if back <= count => draft.remove(count + 1 - back, name.as_bytes()),
                _ => {}
            }
        }
    }
    for (name, added) in pairs(&block["add_headers"]) {
        for field in many(added).take(CHANGES_MOST) {
            let (value, order) = match field {
                Value::Object(field) => (field.get("value"), field.get("order").and_then(Value::as_u64)),
                value => (Some(value), None),
            };
            let Some(value) = value.and_then(Value::as_str).map(|value| format!(" {value}")) else {
                continue;
            };
            match order.and_then(|order| usize::try_from(order).ok()) {
                Some(order) => draft.insert(order, name.as_bytes(), value.as_bytes())?,
                None => draft.add(name.as_bytes(), value.as_bytes())?,
            }
        }
    }
    Ok(())
}

fn pairs(object: &Value) -> impl Iterator<Item = (&String, &Value)> {
    object.as_object().into_iter().flatten().take(CHANGES_MOST)
}

/// One value, or a list of them.
fn many(value: &Value) -> impl Iterator<Item = &Value> {
    let list = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
    list.iter()
}

fn texts(value: &Value) -> impl Iterator<Item = &str> {
    many(value).take(CHANGES_MOST).filter_map(Value::as_str)
}

/// Puts in front by what programs and users' rules know spam; a field that the milter block has made stays alone.
fn mark(answer: &Value, is_spam: bool, draft: &mut Draft<'_>) -> Result<(), Failure> {
    let (Some(score), Some(required)) = (answer["score"].as_f64(), answer["required_score"].as_f64()) else {
        return Ok(());
    };
    let yes = if is_spam { "Yes" } else { "No" };
    let status =
        format!(" {yes}, score={score:.2} required={required:.2}\r\n\ttests={}", tests(&answer["symbols"]));
    let mut fields = vec![("X-Spam-Status", status), ("X-Spam-Score", format!(" {score:.2}"))];
    if is_spam {
        fields.push(("X-Spam", " Yes".to_owned()));
    }
    // What goes in front last stands first.
    for (name, value) in fields.into_iter().rev() {
        if draft.count(name.as_bytes()) == 0 {
            draft.insert(0, name.as_bytes(), value.as_bytes())?;
        }
    }
    Ok(())
}

/// The symbols that weigh most, by name.
fn tests(symbols: &Value) -> String {
    let weight = |symbol: &Value| symbol["score"].as_f64().unwrap_or_default().abs();
    let is_name = |name: &str| {
        name.len() <= 64 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    let mut named: Vec<(&String, f64)> = symbols
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(name, _)| is_name(name))
        .map(|(name, symbol)| (name, weight(symbol)))
        .filter(|(_, weight)| *weight > 0.0)
        .collect();
    named.sort_by(|(a, one), (b, other)| other.total_cmp(one).then(a.cmp(b)));
    let names: Vec<&str> = named.into_iter().take(SYMBOLS_MOST).map(|(name, _)| name.as_str()).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(",\r\n\t ") }
}
