//! `account show`: everything about one account as one document (SPEC K).

use postern_model::record::{Access, Account, Activity, Gate, GateState, MailboxHeader, SendingLock, Usage};
use postern_model::{AccountId, MailboxId, Timestamp};
use postern_storage::{StoreError, View, keys};
use serde_json::{Value, json};

use super::{AdminError, accounts, failed, find};
use crate::Actors;

struct Everything {
    account: Account,
    access: Access,
    activity: Activity,
    lock: Option<SendingLock>,
    usage: Usage,
    inbox: Option<MailboxHeader>,
    has_password: bool,
}

pub(super) async fn show(actors: &Actors, address: &str) -> Result<Value, AdminError> {
    let id = find(actors, address).await?;
    let all = actors.store().read(move |view| Everything::read(view, id)).await.map_err(failed)?;
    let aliases: Vec<String> = accounts::addresses_of(actors, id)
        .await?
        .into_iter()
        .filter(|spelling| !same(spelling, &all.account.address))
        .collect();
    Ok(json!({
        "address": all.account.address,
        "aliases": aliases,
        "plan": all.account.plan,
        "status": all.account.status,
        "language": all.account.language,
        "created": all.account.created.rfc3339(),
        "password_set": all.has_password,
        "legacy_plaintext": all.account.legacy_plaintext,
        "access": {
            "pop3": gate(&all.access.pop3),
            "imap": gate(&all.access.imap),
            "smtp": gate(&all.access.smtp),
        },
        "sending": {
            "locked": all.lock.is_some(),
            "reason": all.lock.as_ref().and_then(|lock| lock.reason.clone()),
            "until": time(all.lock.as_ref().and_then(|lock| lock.until)),
        },
        "check": { "last": time(all.activity.pop3) },
        "last_login": time(all.activity.login),
        "sessions": actors.ground().presences.count(id),
        "storage": { "used": all.usage.octets, "messages": all.usage.letters },
        "inbox": {
            "messages": all.inbox.as_ref().map_or(0, |inbox| inbox.letters),
            "unseen": all.inbox.as_ref().map_or(0, |inbox| inbox.unseen),
        },
    }))
}

impl Everything {
    fn read(view: &View<'_>, id: AccountId) -> Result<Everything, StoreError> {
        Ok(Everything {
            account: view.get(&keys::account(id))?.ok_or(StoreError::NotFound)?,
            access: view.get(&keys::access(id))?.ok_or(StoreError::NotFound)?,
            activity: view.get(&keys::activity(id))?.unwrap_or_default(),
            lock: view.get(&keys::sending_lock(id))?,
            usage: view.get(&keys::usage(id))?.unwrap_or_default(),
            inbox: view.get(&keys::mailbox(id, MailboxId::INBOX))?,
            has_password: view.get(&keys::credentials(id))?.is_some_and(|own| !own.hash.is_empty()),
        })
    }
}

fn gate(gate: &Gate) -> Value {
    let (state, opens_at) = match gate.state {
        GateState::Off => ("off", None),
        GateState::Pending { opens_at } => ("pending", Some(opens_at)),
        GateState::On => ("on", None),
        GateState::Blocked => ("blocked", None),
    };
    json!({
        "state": state,
        "since": gate.since.rfc3339(),
        "opens_at": time(opens_at),
        "closes_at": null,
        "reason": gate.reason,
        "by": gate.by,
    })
}

fn time(at: Option<Timestamp>) -> Value {
    at.map_or(Value::Null, |at| Value::String(at.rfc3339()))
}

fn same(spelling: &str, address: &str) -> bool {
    postern_model::EmailAddress::parse(address).ok().and_then(|address| address.key()).as_deref()
        == Some(spelling)
}
