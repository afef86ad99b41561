//! Gates, locks and settings of one account, changed by an operator.

use std::net::IpAddr;
use std::time::Duration;

use postern_model::record::{Actor as By, Pop3Delete, Status};
use postern_model::{AccountId, Protocol};
use postern_policy::access::Change;
use postern_policy::names;
use postern_storage::{Batch, StoreError, keys};
use serde_json::{Value, json};

use super::{AccessChange, AdminError, failed, find};
use crate::Actors;
use crate::account::{ChangeRefused, Deed, actor, word};

/// Longest free text of an operator's, in octets: users read it in one line.
const LONGEST_TEXT: usize = 500;

/// The change that is asked for.
pub(super) fn wanted(change: AccessChange, now: bool, as_user: bool) -> Result<Change, AdminError> {
    match change {
        AccessChange::On if now && as_user => {
            Err(AdminError("a user's access never opens at once: leave out one of the two".to_owned()))
        }
        AccessChange::On => Ok(Change::On { now }),
        AccessChange::Off => Ok(Change::Off),
        AccessChange::Block | AccessChange::Unblock if as_user => {
            Err(AdminError("block and unblock are the operator's, not the user's".to_owned()))
        }
        AccessChange::Block => Ok(Change::Block),
        AccessChange::Unblock => Ok(Change::Unblock),
    }
}

pub(super) async fn set_access(
    actors: &Actors,
    address: &str,
    change: Change,
    protocols: Vec<Protocol>,
    text: Option<String>,
    as_user: bool,
) -> Result<Value, AdminError> {
    let account = find(actors, address).await?;
    let text = text_of_bounds(text)?;
    let switched_on = matches!(change, Change::On { .. });
    let deed = Deed::Gates { change, protocols: protocols.clone(), text };
    let mut answer = perform(actors, account, address, actor(as_user), deed).await?;
    answer["access"] = super::show::access(actors, account).await?;
    if switched_on && actors.ground().settings.client_password {
        answer["client_password"] = super::passwords::client(actors, account, &protocols).await?;
    }
    Ok(answer)
}

pub(super) async fn set_plan(actors: &Actors, address: &str, plan: String) -> Result<Value, AdminError> {
    super::known_plan(actors, &plan)?;
    let account = find(actors, address).await?;
    let done = perform(actors, account, address, By::Operator, Deed::Plan(plan.clone())).await?;
    actors.tell_plan(account, plan).await;
    Ok(done)
}

pub(super) async fn set_status(actors: &Actors, address: &str, status: Status) -> Result<Value, AdminError> {
    let account = find(actors, address).await?;
    perform(actors, account, address, By::Operator, Deed::Status(status)).await
}

pub(super) async fn set_value(
    actors: &Actors,
    address: &str,
    name: &str,
    value: &str,
) -> Result<Value, AdminError> {
    let account = find(actors, address).await?;
    if let Some(answer) = super::rules::set(actors, account, address, name, value).await? {
        return Ok(answer);
    }
    if let Some(answer) = super::sms::set(actors, account, name, value).await? {
        return Ok(answer);
    }
    let deed = match (name, value) {
        ("language", "en" | "lv" | "ru") => {
            keep_folder_names(actors, account, value).await?;
            Deed::Language(value.to_owned())
        }
        ("language", _) => return Err(AdminError(format!("language {value:?}: it is en, lv or ru"))),
        ("legacy-plaintext", "on") => Deed::LegacyPlaintext(true),
        ("legacy-plaintext", "off") => Deed::LegacyPlaintext(false),
        ("legacy-plaintext", _) => {
            return Err(AdminError(format!("legacy-plaintext {value:?}: it is on or off")));
        }
        ("pop3-delete", "delete") => Deed::Pop3Delete(Pop3Delete::Delete),
        ("pop3-delete", "keep") => Deed::Pop3Delete(Pop3Delete::Keep),
        ("pop3-delete", "trash") => Deed::Pop3Delete(Pop3Delete::Trash),
        ("pop3-delete", "archive") => Deed::Pop3Delete(Pop3Delete::Archive),
        ("pop3-delete", _) => {
            return Err(AdminError(format!("pop3-delete {value:?}: it is delete, keep, trash or archive")));
        }
        _ => {
            return Err(AdminError(format!(
                "{name:?} is not a setting of an account: there are language, legacy-plaintext, pop3-delete, {}, {}",
                super::rules::NAMES.join(", "),
                super::sms::NAMES.join(", ")
            )));
        }
    };
    perform(actors, account, address, By::User, deed).await
}

/// Folders on paper are named in the account's language, and a mail program knows them by those names: before the language
/// becomes another, they are written down as they are.
async fn keep_folder_names(actors: &Actors, id: AccountId, language: &str) -> Result<(), AdminError> {
    let read = actors.store().read(move |view| {
        let account = view.get(&keys::account(id))?.ok_or(StoreError::NotFound)?;
        Ok((account, view.contains(&keys::folders(id))?))
    });
    let (account, written) = read.await.map_err(failed)?;
    if written || account.language == language {
        return Ok(());
    }
    let mut batch = Batch::new();
    batch.expect_absent(&keys::removal(id));
    batch.expect_absent(&keys::folders(id)).expect(&keys::account(id), &account);
    batch.put(&keys::folders(id), &names::on_paper(&account.language, account.created));
    actors.store().commit(batch).await.map_err(failed)?;
    actors.forget_mailbox(id).await;
    Ok(())
}

/// SPEC Q5
pub(super) async fn lock(
    actors: &Actors,
    address: &str,
    text: Option<String>,
    lasts: Option<Duration>,
) -> Result<Value, AdminError> {
    let account = find(actors, address).await?;
    let until = lasts.map(|lasts| actors.now().plus(lasts));
    let deed = Deed::Lock { text: text_of_bounds(text)?, until };
    let mut answer = perform(actors, account, address, By::Operator, deed).await?;
    answer["sending_locked"] = true.into();
    Ok(answer)
}

pub(super) async fn unlock(actors: &Actors, address: &str) -> Result<Value, AdminError> {
    let account = find(actors, address).await?;
    let mut answer = perform(actors, account, address, By::Operator, Deed::Unlock).await?;
    answer["sending_locked"] = false.into();
    Ok(answer)
}

/// SPEC A9
pub(super) async fn seen(actors: &Actors, address: &str) -> Result<Value, AdminError> {
    let account = find(actors, address).await?;
    perform(actors, account, address, By::Operator, Deed::SeenOnTheWeb).await
}

/// SPEC Q4
pub(super) async fn report(
    actors: &Actors,
    address: &str,
    text: Option<String>,
) -> Result<Value, AdminError> {
    let account = find(actors, address).await?;
    let deed = Deed::Reported(text_of_bounds(text)?);
    let mut answer = perform(actors, account, address, By::Operator, deed).await?;
    actors.reported(account).await.map_err(failed)?;
    let lock = actors.store().get(keys::sending_lock(account)).await.map_err(failed)?;
    answer["sending_locked"] = lock.is_some().into();
    Ok(answer)
}

pub(super) async fn perform(
    actors: &Actors,
    account: AccountId,
    address: &str,
    by: By,
    deed: Deed,
) -> Result<Value, AdminError> {
    let from: Option<IpAddr> = None;
    let told = actors.perform(account, by, from, deed).await.map_err(|refused| match refused {
        ChangeRefused::Gate(protocol, error) => AdminError(word(protocol, error)),
        ChangeRefused::Rules(error) => AdminError(error.to_string()),
        ChangeRefused::Store(error) => failed(error),
    })?;
    actors.notices_delivered().await;
    Ok(json!({ "address": address, "sessions_closed": told }))
}

fn text_of_bounds(text: Option<String>) -> Result<Option<String>, AdminError> {
    match text {
        Some(text) if text.len() > LONGEST_TEXT => {
            Err(AdminError(format!("the reason is longer than {LONGEST_TEXT} octets: say it shorter")))
        }
        text => Ok(text),
    }
}
