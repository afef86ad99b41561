//! `account show`: everything about one account as one document (SPEC K).

use std::time::Duration;

use postern_model::record::{
    Account, Checks, Event, GateState, MailboxHeader, Rules, SendingLock, Sms, Standing, Usage, What,
};
use postern_model::{AccountId, MailboxId, Protocol, Timestamp};
use postern_policy::access::{self, closes_at, gate};
use postern_policy::maildrop::next_check;
use postern_storage::{Ring, StoreError, View, keys};
use serde_json::{Value, json};

use super::{AdminError, accounts, events, failed, find, rules, sms};
use crate::Actors;
use crate::account::read_standing;
use crate::ground::EVENTS_KEPT;

struct Everything {
    account: Account,
    standing: Standing,
    checks: Checks,
    /// When letters were counted, the latest last.
    sent: Vec<Timestamp>,
    usage: Usage,
    inbox: Option<MailboxHeader>,
    has_password: bool,
    rules: Rules,
    sms: Option<Sms>,
}

pub(super) async fn show(actors: &Actors, address: &str) -> Result<Value, AdminError> {
    let id = find(actors, address).await?;
    let all = actors.store().read(move |view| Everything::read(view, id)).await.map_err(failed)?;
    let aliases: Vec<String> = accounts::addresses_of(actors, id)
        .await?
        .into_iter()
        .filter(|spelling| !same(spelling, &all.account.address))
        .collect();
    let settings = &actors.ground().settings;
    let activity = &all.standing.activity;
    let storage = settings.plan(&all.account.plan).storage;
    Ok(json!({
        "address": all.account.address,
        "aliases": aliases,
        "plan": all.account.plan,
        "status": all.account.status,
        "language": all.account.language,
        "created": all.account.created.rfc3339(),
        "password_set": all.has_password,
        "password_must_change": all.standing.access.theft.is_some(),
        "legacy_plaintext": all.account.legacy_plaintext,
        "pop3_delete": all.account.pop3_delete,
        "forwarding": rules::forwarding(&all.rules),
        "vacation": rules::vacation(&all.rules.vacation),
        "blocked": all.rules.blocked,
        "detail": all.rules.detail,
        "sms": sms::shown(all.sms.as_ref()),
        "access": gates(&all.standing, Some(&settings.access)),
        "sending": all.sending(actors),
        "check": all.check(actors),
        "last_login": time(activity.login),
        "last_web_login": time(activity.web),
        "sessions": actors.ground().presences.count(id),
        "storage": { "used": all.usage.octets, "limit": storage, "messages": all.usage.letters },
        "inbox": {
            "messages": all.inbox.as_ref().map_or(0, |inbox| inbox.letters),
            "unseen": all.inbox.as_ref().map_or(0, |inbox| inbox.unseen),
        },
    }))
}

impl Everything {
    fn read(view: &View<'_>, id: AccountId) -> Result<Everything, StoreError> {
        let account = view.get(&keys::account(id))?.ok_or(StoreError::NotFound)?;
        let letters = view.log::<Event>(id, Ring::Letters, EVENTS_KEPT as usize)?;
        let is_letter = |event: &Event| matches!(event.what, What::Letter { .. });
        Ok(Everything {
            standing: read_standing(view, id, &account)?,
            account,
            checks: view.get(&keys::checks(id))?.unwrap_or_default(),
            sent: letters.into_iter().map(|(_, e)| e).filter(is_letter).map(|e| e.at).collect(),
            usage: view.get(&keys::usage(id))?.unwrap_or_default(),
            inbox: view.get(&keys::mailbox(id, MailboxId::INBOX))?,
            rules: view.get(&keys::rules(id))?.unwrap_or_default(),
            sms: view.get(&keys::sms(id))?,
            has_password: view.get(&keys::credentials(id))?.is_some_and(|own| !own.hash.is_empty()),
        })
    }

    fn sending(&self, actors: &Actors) -> Value {
        let now = actors.now();
        let sends = actors.ground().settings.plan(&self.account.plan).sends;
        let window = |limit: Option<u32>, seconds| {
            let within = |at: &&Timestamp| now.since(**at) < Duration::from_secs(seconds);
            json!({ "used": self.sent.iter().rev().take_while(within).count(), "limit": limit })
        };
        let mut shown = lock(self.standing.lock.as_ref());
        shown["minute"] = window(sends.per_minute, 60);
        shown["hour"] = window(sends.per_hour, 3600);
        shown["day"] = window(sends.per_day, 86_400);
        shown
    }

    fn check(&self, actors: &Actors) -> Value {
        let figures = actors.ground().settings.checks(&self.account.plan);
        let next = next_check(&self.checks, &figures, actors.now());
        let last = self.checks.recent.last().copied().or(self.standing.activity.pop3);
        json!({ "last": time(last), "next": time(next), "interval": figures.interval.as_secs() })
    }
}

/// The gates as they stand now, for the answer to a change of them.
pub(super) async fn access(actors: &Actors, id: AccountId) -> Result<Value, AdminError> {
    let read = actors.store().read(move |view| {
        let account = view.get(&keys::account(id))?.ok_or(StoreError::NotFound)?;
        read_standing(view, id, &account)
    });
    let standing = read.await.map_err(failed)?;
    Ok(gates(&standing, Some(&actors.ground().settings.access)))
}

/// Each gate with its state, its deadlines and its reason.
pub(super) fn gates(standing: &Standing, figures: Option<&access::Figures>) -> Value {
    let one = |protocol: Protocol| {
        let gate = gate(&standing.access, protocol);
        let (state, opens_at) = match gate.state {
            GateState::Off => ("off", None),
            GateState::Pending { opens_at } => ("pending", Some(opens_at)),
            GateState::On => ("on", None),
            GateState::Blocked => ("blocked", None),
        };
        let closes_at = figures.and_then(|figures| closes_at(standing, protocol, figures));
        let shown = json!({
            "state": state,
            "since": gate.since.rfc3339(),
            "opens_at": time(opens_at),
            "closes_at": time(closes_at),
            "reason": gate.reason.map(|reason| reason.name()),
            "text": gate.text,
            "by": gate.by,
        });
        (protocol.name().to_owned(), shown)
    };
    Value::Object(Protocol::ALL.into_iter().map(one).collect())
}

/// A sending lock, or that there is none.
pub(super) fn lock(lock: Option<&SendingLock>) -> Value {
    json!({
        "locked": lock.is_some(),
        "since": time(lock.map(|lock| lock.since)),
        "by": lock.map(|lock| lock.by),
        "reason": lock.map(|lock| lock.reason.name()),
        "text": lock.and_then(|lock| lock.text.clone()),
        "until": time(lock.and_then(|lock| lock.until)),
        "evidence": lock.map(|lock| events::shown(&lock.evidence)),
    })
}

fn time(at: Option<Timestamp>) -> Value {
    at.map_or(Value::Null, |at| Value::String(at.rfc3339()))
}

fn same(spelling: &str, address: &str) -> bool {
    postern_model::EmailAddress::parse(address).ok().and_then(|address| address.key()).as_deref()
        == Some(spelling)
}
