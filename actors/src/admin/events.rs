//! `account events`: an account's story as a list (SPEC A10, K).

use std::time::Duration;

use postern_model::record::{Event, Evidence, Signal, Standing, Warning, What};
use postern_model::{AccountId, Protocol, Timestamp};
use postern_storage::{Ring, StoreError, View};
use serde_json::{Value, json};

use super::{AdminError, failed, find};
use crate::Actors;
use crate::ground::EVENTS_KEPT;

/// Older events are not shown (SPEC A10).
const SHOWN_FOR: Duration = Duration::from_secs(400 * 24 * 60 * 60);

pub(super) async fn list(actors: &Actors, address: &str, since: Option<String>) -> Result<Value, AdminError> {
    let since = since.map(|text| {
        let hint = "write a time like 2026-03-01T10:00:00Z";
        Timestamp::parse_rfc3339(&text)
            .ok_or_else(|| AdminError(format!("since {text:?} is no time: {hint}")))
    });
    let earliest = actors.now().minus(SHOWN_FOR);
    let since = since.transpose()?.map_or(earliest, |since| since.max(earliest));
    let id = find(actors, address).await?;
    let events = actors.store().read(move |view| of_account(view, id)).await.map_err(failed)?;
    Ok(events.into_iter().filter(|event| event.at >= since).map(|event| row(&event)).collect())
}

/// All events of an account that are kept, in the order in which they happened.
///
/// # Errors
/// What the store can't do.
pub(crate) fn of_account(view: &View<'_>, id: AccountId) -> Result<Vec<Event>, StoreError> {
    let mut events: Vec<(u64, Event)> = Vec::new();
    for ring in Ring::ALL {
        events.extend(view.log::<Event>(id, ring, EVENTS_KEPT as usize)?);
    }
    events.sort_unstable_by_key(|(number, _)| *number);
    Ok(events.into_iter().map(|(_, event)| event).collect())
}

fn row(event: &Event) -> Value {
    let Row { kind, protocol, reason, detail } = Row::of(&event.what);
    json!({
        "at": event.at.rfc3339(),
        "kind": kind,
        "protocol": protocol,
        "by": event.by,
        "reason": reason,
        "from": event.from,
        "detail": detail,
    })
}

/// What stands of an event beside who, when and from where.
struct Row {
    kind: &'static str,
    protocol: Option<Protocol>,
    reason: Option<&'static str>,
    detail: Value,
}

impl Row {
    fn of(what: &What) -> Row {
        let row = |kind, protocol, reason, detail| Row { kind, protocol, reason, detail };
        match what {
            What::AccessRequested { protocol, opens_at } => {
                row("access-requested", Some(*protocol), None, json!({ "opens_at": opens_at.rfc3339() }))
            }
            What::AccessOpened { protocol } => row("access-opened", Some(*protocol), None, Value::Null),
            What::AccessClosed { protocol, reason, text } => {
                row("access-closed", Some(*protocol), reason.map(|r| r.name()), said(text))
            }
            What::AccessBlocked { protocol, reason, text } => {
                row("access-blocked", Some(*protocol), Some(reason.name()), said(text))
            }
            What::AccessUnblocked { protocol } => row("access-unblocked", Some(*protocol), None, Value::Null),
            What::Warned { of, acts_at } => {
                let (protocol, reason) = match of {
                    Warning::Idle(protocol) => (Some(*protocol), "not used for two months"),
                    Warning::Inactive => (None, "status inactive"),
                };
                row("warned", protocol, Some(reason), json!({ "acts_at": acts_at.rfc3339() }))
            }
            What::SendingLocked { until, reason, text, evidence } => {
                let until = until.map(|at| at.rfc3339());
                let detail = json!({ "until": until, "text": text, "evidence": shown(evidence) });
                row("sending-locked", Some(Protocol::Smtp), Some(reason.name()), detail)
            }
            What::SendingUnlocked => row("sending-unlocked", Some(Protocol::Smtp), None, Value::Null),
            What::Login { protocol: None } => row("login", None, None, json!({ "on": "web" })),
            What::Login { protocol } => row("login", *protocol, None, Value::Null),
            What::LoginRefused { protocol, why } => {
                row("login-refused", Some(*protocol), Some(why.name()), Value::Null)
            }
            What::Letter { letter, recipients, signals } => {
                let detail = json!({
                    "letter": letter.to_string(),
                    "recipients": recipients,
                    "signals": counted(signals),
                });
                row("letter", Some(Protocol::Smtp), None, detail)
            }
            What::LetterRefused { why, signals } => {
                let detail = json!({ "signals": counted(signals) });
                row("letter-refused", Some(Protocol::Smtp), Some(why.name()), detail)
            }
            What::Status { status } => row("status", None, None, json!({ "status": status })),
            What::Plan { plan } => row("plan", None, None, json!({ "plan": plan })),
            What::Password => row("password", None, None, Value::Null),
            What::Notice { notice, letter } => {
                row("notice", None, None, json!({ "notice": notice.name(), "letter": letter.to_string() }))
            }
            What::Reported { text } => row("reported", None, None, said(text)),
            What::Setting { setting, text } => {
                row("setting", None, None, json!({ "setting": setting.name(), "text": text }))
            }
            What::Standing(standing) => row("checkpoint", None, None, checkpoint(standing)),
            What::Scores(scores) => {
                let scores: Vec<Value> = scores
                    .iter()
                    .map(
                        |s| json!({ "signal": s.signal.name(), "points": points(s.score), "count": s.count }),
                    )
                    .collect();
                row("checkpoint", None, None, json!({ "scores": scores }))
            }
        }
    }
}

fn said(text: &Option<String>) -> Value {
    text.as_ref().map_or(Value::Null, |text| json!({ "text": text }))
}

fn checkpoint(standing: &Standing) -> Value {
    let activity = &standing.activity;
    let last = |at: Option<Timestamp>| at.map(Timestamp::rfc3339);
    json!({
        "status": standing.status,
        "plan": standing.plan,
        "created": standing.created.rfc3339(),
        "events": activity.events,
        "access": super::show::gates(standing, None),
        "sending": super::show::lock(standing.lock.as_ref()),
        "last": {
            "login": last(activity.login),
            "pop3": last(activity.pop3),
            "imap": last(activity.imap),
            "smtp": last(activity.smtp),
            "web": last(activity.web),
        },
    })
}

/// Points with three decimals, as the configuration writes them.
pub(super) fn points(thousandths: u32) -> f64 {
    f64::from(thousandths) / 1000.0
}

/// What the abuse rules saw, for `account show` too (SPEC Q4).
pub(super) fn shown(evidence: &[Evidence]) -> Value {
    let one = |e: &Evidence| {
        json!({
            "signal": e.signal.name(),
            "count": e.count,
            "points": points(e.score),
            "last": e.last.rfc3339(),
        })
    };
    evidence.iter().map(one).collect()
}

fn counted(signals: &[(Signal, u32)]) -> Value {
    signals.iter().map(|(signal, count)| (signal.name().to_owned(), Value::from(*count))).collect()
}
