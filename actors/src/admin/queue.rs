//! `postern queue`: what waits to leave, and what an operator may do about it (SPEC D3, K).

use std::sync::Arc;

use postern_model::record::{Attempt, Consignment, Queued};
use postern_model::{Domain, EmailAddress, QueueId};
use postern_policy::retry::{After, Given, Terms};
use postern_storage::{RawKey, StoreError, View, keys};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{AdminError, failed};
use crate::Actors;
use crate::queue::{Claims, Returns, Wanted};

/// Keys that are read at once. Nothing is committed meanwhile.
const PAGE: usize = 256;
/// Consignments that one answer lists where nothing else is asked, and at most.
const LISTED: u32 = 100;
const LISTED_AT_MOST: u32 = 10_000;
/// Consignments that a command has the right to at once.
const AT_ONCE: usize = 100;

/// Which letters of the queue are meant: those to which all of it applies.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueueFilter {
    /// A letter's id as lists show it.
    #[serde(default)]
    pub id: Option<String>,
    /// To this domain.
    #[serde(default)]
    pub domain: Option<String>,
    /// From this reverse path; `<>` is the null one.
    #[serde(default)]
    pub sender: Option<String>,
}

/// What to do with letters of the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum QueueChange {
    /// Try them at once.
    Retry,
    /// Don't try them until they are released.
    Hold,
    /// Try them again.
    Release,
    /// Take them out, and tell nobody.
    Remove,
    /// Take them out, and tell their senders.
    Bounce,
}

/// A filter that was understood.
#[derive(Clone, Default)]
struct Filter {
    id: Option<(QueueId, bool)>,
    domain: Option<Domain>,
    sender: Option<String>,
}

impl Filter {
    fn of(filter: QueueFilter) -> Result<Filter, AdminError> {
        let id = filter.id.map(|text| {
            let id = text
                .parse::<QueueId>()
                .map_err(|_| AdminError(format!("{text:?} is no letter's id: see `postern queue list`")))?;
            Ok((id, text.contains('.')))
        });
        let domain = filter.domain.map(|text| {
            Domain::parse(&text).map_err(|error| AdminError(format!("domain {text:?}: {error}")))
        });
        let sender = filter.sender.map(|text| match text.as_str() {
            "" | "<>" => Ok(String::new()),
            text => {
                let address = EmailAddress::parse(text);
                let address = address.map_err(|error| AdminError(format!("sender {text:?}: {error}")))?;
                Ok(address.key().unwrap_or_else(|| address.to_string()))
            }
        });
        Ok(Filter { id: id.transpose()?, domain: domain.transpose()?, sender: sender.transpose()? })
    }

    /// What the schedule knows of it.
    fn wanted(&self) -> Wanted {
        Wanted {
            letter: self.id.map(|(id, _)| id.letter),
            // A letter's own id means all of its envelopes.
            envelope: self.id.filter(|(_, exact)| *exact).map(|(id, _)| id.envelope),
            domain: self.domain.clone(),
        }
    }

    fn is_from(&self, envelope: &Queued) -> bool {
        self.sender.as_ref().is_none_or(|wanted| {
            let key = EmailAddress::parse(&envelope.mail_from).ok().and_then(|address| address.key());
            *wanted == key.unwrap_or_else(|| envelope.mail_from.clone())
        })
    }

    fn is_for(&self, id: QueueId, domain: &Domain) -> bool {
        self.wanted().is(id, domain)
    }
}

/// One consignment with its envelope.
struct Row {
    id: QueueId,
    domain: Domain,
    envelope: Arc<Queued>,
    consignment: Consignment,
}

/// Where a walk through the stored queue stands.
struct Walk {
    range: postern_storage::KeyRange<RawKey, ()>,
    envelope: Option<(QueueId, Arc<Queued>)>,
}

impl Walk {
    fn all() -> Walk {
        Walk { range: keys::whole_queue(), envelope: None }
    }

    /// The next rows; `None` at the end.
    async fn page(&mut self, actors: &Actors) -> Result<Option<Vec<Row>>, StoreError> {
        let (range, mut envelope) = (self.range.clone(), self.envelope.take());
        let read = actors.store().read(move |view| {
            let found = view.keys(&range, PAGE)?;
            let mut rows = Vec::new();
            for (id, domain) in found.iter().filter_map(keys::parse_queue) {
                rows.extend(row(view, id, domain, &mut envelope)?);
            }
            Ok((found.into_iter().next_back(), rows, envelope))
        });
        let (last, rows, envelope) = read.await?;
        self.envelope = envelope;
        let Some(last) = last else { return Ok(None) };
        self.range = self.range.clone().behind(&last);
        Ok(Some(rows))
    }
}

fn row(
    view: &View<'_>,
    id: QueueId,
    domain: Option<Domain>,
    envelope: &mut Option<(QueueId, Arc<Queued>)>,
) -> Result<Option<Row>, StoreError> {
    let Some(domain) = domain else {
        *envelope = view.get(&keys::queued(id))?.map(|queued| (id, Arc::new(queued)));
        return Ok(None);
    };
    let Some((_, envelope)) = envelope.as_ref().filter(|(of, _)| *of == id) else { return Ok(None) };
    let consignment = view.get(&keys::consignment(id, &domain))?;
    let envelope = Arc::clone(envelope);
    Ok(consignment.map(|consignment| Row { id, domain, envelope, consignment }))
}

/// Lists up to `limit` consignments behind the letter `after`.
pub(super) async fn list(
    actors: &Actors,
    filter: QueueFilter,
    after: Option<String>,
    limit: Option<u32>,
) -> Result<Value, AdminError> {
    let filter = Filter::of(filter)?;
    let after = after.map(|text| Filter::of(QueueFilter { id: Some(text), ..QueueFilter::default() }));
    let after = after.transpose()?.and_then(|after| after.id).map(|(id, _)| id);
    let limit = limit.unwrap_or(LISTED).min(LISTED_AT_MOST) as usize;
    let mut walk = Walk::all();
    if let Some(after) = after {
        walk.range = keys::queue_behind(after);
    }
    let mut found = Vec::new();
    while let Some(rows) = walk.page(actors).await.map_err(failed)? {
        let wanted = |row: &&Row| filter.is_for(row.id, &row.domain) && filter.is_from(&row.envelope);
        found.extend(rows.iter().filter(wanted).map(summary));
        if found.len() >= limit {
            break;
        }
    }
    found.truncate(limit);
    Ok(found.into())
}

fn summary(row: &Row) -> Value {
    let Row { id, domain, envelope, consignment } = row;
    json!({
        "id": id.to_string(),
        "domain": domain.as_str(),
        "from": path(envelope),
        "recipients": consignment.recipients.len(),
        "size": envelope.size,
        "since": envelope.accepted.rfc3339(),
        "state": if consignment.held { "held" } else { "waits" },
        "attempts": consignment.attempts,
        "next": (!consignment.held).then(|| consignment.next.rfc3339()),
        "last": consignment.last.as_ref().map(|last| &last.said),
    })
}

fn path(envelope: &Queued) -> &str {
    if envelope.mail_from.is_empty() { "<>" } else { &envelope.mail_from }
}

/// Everything about one letter; its envelopes are listed one by one.
pub(super) async fn show(actors: &Actors, id: String) -> Result<Value, AdminError> {
    let filter = Filter::of(QueueFilter { id: Some(id.clone()), ..QueueFilter::default() })?;
    let Some((wanted, _)) = filter.id else { return Err(gone(&id)) };
    let mut walk = Walk { range: keys::queue_of(wanted.letter), envelope: None };
    let (mut envelopes, mut last): (Vec<Value>, _) = (Vec::new(), None);
    while let Some(rows) = walk.page(actors).await.map_err(failed)? {
        for row in rows.iter().filter(|row| filter.is_for(row.id, &row.domain)) {
            if last != Some(row.id) {
                envelopes.push(envelope(actors, row));
                last = Some(row.id);
            }
            if let Some(list) = envelopes.last_mut().and_then(|e| e["consignments"].as_array_mut()) {
                list.push(consignment(row));
            }
        }
    }
    match envelopes.len() {
        0 => Err(gone(&id)),
        1 => Ok(envelopes.remove(0)),
        _ => Ok(envelopes.into()),
    }
}

fn gone(id: &str) -> AdminError {
    AdminError(format!("there is no letter {id} in the queue: see `postern queue list`"))
}

fn envelope(actors: &Actors, row: &Row) -> Value {
    let Queued { sender, accepted, size, origin, terms, .. } = &*row.envelope;
    let expires = Terms::of(&row.envelope, &row.consignment).expires(&actors.ground().settings.queue);
    json!({
        "id": row.id.to_string(),
        "from": path(&row.envelope),
        "account": sender.map(|account| account.to_string()),
        "since": accepted.rfc3339(),
        "until": expires.rfc3339(),
        "size": size,
        "origin": format!("{origin:?}").to_lowercase(),
        "body": format!("{:?}", terms.body).to_lowercase(),
        "smtputf8": terms.utf8,
        "requiretls": terms.require_tls,
        "priority": terms.priority,
        "envid": terms.envid,
        "not_before": terms.not_before.map(|at| at.rfc3339()),
        "deliver_by": terms.deliver_by.map(|by| by.at.rfc3339()),
        "consignments": [],
    })
}

fn consignment(row: &Row) -> Value {
    let consignment = &row.consignment;
    let recipients = consignment.recipients.iter().map(|recipient| {
        json!({ "address": recipient.address, "orcpt": recipient.terms.orcpt, "last": recipient.last.as_ref().map(attempt) })
    });
    json!({
        "domain": row.domain.as_str(),
        "state": if consignment.held { "held" } else { "waits" },
        "attempts": consignment.attempts,
        "next": (!consignment.held).then(|| consignment.next.rfc3339()),
        "delay_told": consignment.delay_told,
        "last": consignment.last.as_ref().map(attempt),
        "recipients": recipients.collect::<Vec<Value>>(),
    })
}

fn attempt(attempt: &Attempt) -> Value {
    let (class, subject, detail) = attempt.enhanced;
    json!({
        "at": attempt.at.rfc3339(),
        "remote": attempt.remote,
        "code": attempt.code,
        "status": format!("{class}.{subject}.{detail}"),
        "text": attempt.said,
        "tls": attempt.tls,
    })
}

/// Does something about letters. Those that are being tried just now are counted as busy and left alone.
pub(super) async fn change(
    actors: &Actors,
    filter: QueueFilter,
    change: QueueChange,
    all: bool,
) -> Result<Value, AdminError> {
    if filter == QueueFilter::default() && !all {
        return Err(AdminError("name letters by id, --domain or --sender, or say --all".to_owned()));
    }
    let named = filter.id.clone();
    let filter = Filter::of(filter)?;
    actors.queue_known().await;
    let (mut from, mut changed, mut busy) = (Some(0), 0, 0);
    while let Some(place) = from {
        let claims = Claims { from: place, limit: AT_ONCE, wanted: filter.wanted() };
        let ended = || AdminError("the server is going down: ask again when it runs".to_owned());
        let claim = actors.queue().send(claims).await.map_err(|_| ended())?;
        (from, busy) = (claim.then, busy + claim.busy);
        changed += act(actors, claim.given, &filter, change).await.map_err(failed)?;
    }
    match named {
        Some(id) if changed + busy == 0 => Err(gone(&id)),
        _ => Ok(json!({ "changed": changed, "busy": busy })),
    }
}

/// Acts on consignments that the command has the right to, and gives that back; returns how many were meant.
async fn act(
    actors: &Actors,
    given: Vec<Given>,
    filter: &Filter,
    change: QueueChange,
) -> Result<u32, StoreError> {
    // Given back whatever happens, also where the asker goes away.
    let mut rights = Rights { actors, returns: Returns { done: Vec::new(), forgive: Vec::new() } };
    rights.returns.done.extend(given.iter().map(|given| (given.ticket, After::AsBefore)));
    let mut changed = 0;
    for (n, given) in given.into_iter().enumerate() {
        let Some(after) = actors.change_queued(&given, change, |envelope| filter.is_from(envelope)).await?
        else {
            continue;
        };
        changed += 1;
        rights.returns.done[n].1 = after;
        if change == QueueChange::Retry {
            rights.returns.forgive.push(given.domain);
        }
    }
    Ok(changed)
}

struct Rights<'a> {
    actors: &'a Actors,
    returns: Returns,
}

impl Drop for Rights<'_> {
    fn drop(&mut self) {
        let empty = Returns { done: Vec::new(), forgive: Vec::new() };
        self.actors.queue().do_send(std::mem::replace(&mut self.returns, empty));
    }
}
