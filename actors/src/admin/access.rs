//! Gates, locks and settings of one account, changed by an operator.

use postern_model::AccountId;
use postern_model::record::Actor as By;
use postern_model::{Protocol, record::Status};
use postern_policy::access::Change;
use serde_json::{Value, json};

use super::{AccessChange, AdminError, failed, find};
use crate::Actors;
use crate::account::{Announce, ChangeRefused, Reload, Set};
use crate::quota::{self, Lock, SetLock};

pub(super) async fn set_access(
    actors: &Actors,
    address: &str,
    change: AccessChange,
    protocols: Vec<Protocol>,
    reason: Option<String>,
) -> Result<Value, AdminError> {
    let account = find(actors, address).await?;
    let change = match change {
        AccessChange::On => Change::On,
        AccessChange::Off => Change::Off,
        AccessChange::Block => Change::Block,
        AccessChange::Unblock => Change::Unblock,
    };
    set(actors, account, address, Set::Access { change, protocols, by: By::Operator, reason }).await
}

pub(super) async fn set_plan(actors: &Actors, address: &str, plan: String) -> Result<Value, AdminError> {
    super::known_plan(actors, &plan)?;
    let account = find(actors, address).await?;
    set(actors, account, address, Set::Plan(plan)).await
}

pub(super) async fn set_status(actors: &Actors, address: &str, status: Status) -> Result<Value, AdminError> {
    let account = find(actors, address).await?;
    set(actors, account, address, Set::Status(status)).await
}

pub(super) async fn set_value(
    actors: &Actors,
    address: &str,
    name: &str,
    value: &str,
) -> Result<Value, AdminError> {
    let account = find(actors, address).await?;
    let set_to = match (name, value) {
        ("language", "en" | "lv" | "ru") => Set::Language(value.to_owned()),
        ("language", _) => return Err(AdminError(format!("language {value:?}: it is en, lv or ru"))),
        ("legacy-plaintext", "on") => Set::LegacyPlaintext(true),
        ("legacy-plaintext", "off") => Set::LegacyPlaintext(false),
        ("legacy-plaintext", _) => {
            return Err(AdminError(format!("legacy-plaintext {value:?}: it is on or off")));
        }
        _ => {
            return Err(AdminError(format!(
                "{name:?} is not a setting of an account: there are language and legacy-plaintext"
            )));
        }
    };
    set(actors, account, address, set_to).await
}

pub(super) async fn lock_sending(
    actors: &Actors,
    address: &str,
    lock: Option<Option<String>>,
) -> Result<Value, AdminError> {
    let account = find(actors, address).await?;
    let locked = lock.is_some();
    let lock = lock.map(|reason| Lock { by: By::Operator, reason });
    let seat = actors.quota(account);
    let commit = seat.addr().send(SetLock(lock)).await.map_err(|_| gone())?.map_err(failed)?;
    if let Err(error) = commit.await {
        // The actor must not go on with what never reached the disk.
        let _ = seat.addr().send(quota::Reload).await;
        return Err(failed(error));
    }
    Ok(json!({ "address": address, "sending_locked": locked }))
}

async fn set(actors: &Actors, account: AccountId, address: &str, set: Set) -> Result<Value, AdminError> {
    let seat = actors.account(account);
    let commit = seat.addr().send(set).await.map_err(|_| gone())?.map_err(|refused| match refused {
        ChangeRefused::Gate(protocol, error) => AdminError(crate::account::word(protocol, error)),
        ChangeRefused::Store(error) => failed(error),
    })?;
    if let Err(error) = commit.await {
        // The actor must not go on with what never reached the disk.
        let _ = seat.addr().send(Reload).await;
        return Err(failed(error));
    }
    let told = seat.addr().send(Announce).await.map_err(|_| gone())?;
    Ok(json!({ "address": address, "sessions_closed": told }))
}

fn gone() -> AdminError {
    AdminError("the account's actor ended while it was asked: see the log, then try again".to_owned())
}
