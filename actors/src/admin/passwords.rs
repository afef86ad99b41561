//! An account's password, and those it has for single programs (SPEC I3).

use std::time::Duration;

use postern_model::record::{Actor as By, AppPassword, Credentials};
use postern_model::{AccountId, AppPasswordId, Protocol};
use postern_storage::{Batch, StoreError, keys};
use serde_json::{Value, json};

use super::access::perform;
use super::{AdminError, Secret, failed, find};
use crate::Actors;
use crate::account::{CLIENT_PASSWORD, Deed, PasswordVoid};
use crate::auth::MAX_PASSWORDS;
use crate::auth::password::check_new;
use crate::order::CredentialRef;

/// App passwords that one account may have: with its own password no more than SCRAM tries (SPEC I3).
const MOST: usize = MAX_PASSWORDS - 1;

/// Longest name of an app password, in characters.
const LONGEST_NAME: usize = 100;

/// What to keep of a password; `old` is what is kept of the one before.
pub(super) async fn hash(
    actors: &Actors,
    Secret(password): Secret,
    old: Option<&Credentials>,
) -> Result<Credentials, AdminError> {
    check_new(&password).map_err(|error| AdminError(format!("{error}: choose another one")))?;
    let salt = old.map(|old| old.scram_salt.clone());
    let generation = old.map_or(1, |old| old.generation + 1);
    actors.hasher().credentials(password, salt, generation, actors.now()).await.map_err(|_| busy())
}

pub(super) async fn set(actors: &Actors, address: &str, password: Secret) -> Result<Value, AdminError> {
    let account = find(actors, address).await?;
    let old = actors.store().get(keys::credentials(account)).await.map_err(failed)?;
    let new = hash(actors, password, old.as_ref()).await?;
    let stolen = suspected(actors, account).await?;
    let mut batch = Batch::new();
    put(&mut batch, account, old.as_ref(), &new);
    for id in &stolen {
        batch.delete(&keys::app_password(account, *id));
    }
    actors.store().commit(batch).await.map_err(failed)?;
    let which = if stolen.is_empty() { Some(CredentialRef::Account) } else { None };
    let closed = void(actors, account, which).await;
    let mut answer = perform(actors, account, address, By::Operator, Deed::Password).await?;
    answer["sessions_closed"] = closed.into();
    answer["app_passwords_revoked"] = stolen.len().into();
    Ok(answer)
}

/// The app passwords that go with the account's own where a theft is suspected (SPEC A14): nobody knows which of them
/// was stolen.
async fn suspected(actors: &Actors, account: AccountId) -> Result<Vec<AppPasswordId>, AdminError> {
    let read = actors.store().read(move |view| {
        let access = view.get(&keys::access(account))?;
        if access.is_none_or(|access| access.theft.is_none()) {
            return Ok(Vec::new());
        }
        let taken = view.scan(&keys::app_passwords_of(account), MAX_PASSWORDS)?;
        Ok(taken.into_iter().map(|(id, _)| id).collect())
    });
    read.await.map_err(failed)
}

/// The password that mail programs need (SPEC A12), made when access is switched on, and told once: where there is one
/// already, it opens these protocols too and is not told again.
pub(super) async fn client(
    actors: &Actors,
    account: AccountId,
    protocols: &[Protocol],
) -> Result<Value, AdminError> {
    let (old, taken) = read(actors, account).await?;
    let key = keys::app_password(account, CLIENT_PASSWORD);
    let mut batch = Batch::new();
    put(&mut batch, account, Some(&old), &Credentials { generation: old.generation + 1, ..old.clone() });
    if let Some((_, kept)) = taken.into_iter().find(|(id, _)| *id == CLIENT_PASSWORD) {
        let mut more = kept.clone();
        more.protocols.extend(protocols.iter().filter(|protocol| !kept.protocols.contains(protocol)));
        batch.expect(&key, &kept).put(&key, &more);
        actors.store().commit(batch).await.map_err(failed)?;
        return Ok(Value::Null);
    }
    let made = actors.hasher().app_password(old.scram_salt.clone()).await.map_err(|_| busy())?;
    let record = AppPassword {
        name: "mail programs".to_owned(),
        protocols: protocols.to_vec(),
        hash: made.hash,
        scram: made.scram,
        created: actors.now(),
        expires: None,
        last_used: None,
        last_from: None,
    };
    batch.expect_absent(&key);
    batch.put(&key, &record);
    actors.store().commit(batch).await.map_err(failed)?;
    Ok(made.text.as_str().into())
}

pub(super) async fn add_app(
    actors: &Actors,
    address: &str,
    name: String,
    protocols: Vec<Protocol>,
    expires_in: Option<Duration>,
) -> Result<Value, AdminError> {
    if name.is_empty() || name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
        return Err(AdminError(format!(
            "the name of an app password is a line of 1 to {LONGEST_NAME} characters"
        )));
    }
    if protocols.is_empty() {
        return Err(AdminError("an app password opens at least one of pop3, imap, smtp".to_owned()));
    }
    let account = find(actors, address).await?;
    let (old, taken) = read(actors, account).await?;
    if taken.len() >= MOST {
        return Err(AdminError(format!(
            "{address} has {MOST} app passwords, and may have no more: revoke one"
        )));
    }
    let made = actors.hasher().app_password(old.scram_salt.clone()).await.map_err(|_| busy())?;
    let id = AppPasswordId(taken.last().map_or(1, |(id, _)| id.0 + 1));
    let now = actors.now();
    let record = AppPassword {
        name: name.clone(),
        protocols,
        hash: made.hash,
        scram: made.scram,
        created: now,
        expires: expires_in.map(|span| now.plus(span)),
        last_used: None,
        last_from: None,
    };
    let mut batch = Batch::new();
    put(&mut batch, account, Some(&old), &Credentials { generation: old.generation + 1, ..old.clone() });
    batch.expect_absent(&keys::app_password(account, id));
    batch.put(&keys::app_password(account, id), &record);
    actors.store().commit(batch).await.map_err(failed)?;
    Ok(json!({ "address": address, "id": id.0, "name": name, "password": made.text.as_str() }))
}

pub(super) async fn list_apps(actors: &Actors, address: &str) -> Result<Value, AdminError> {
    let account = find(actors, address).await?;
    let (_, passwords) = read(actors, account).await?;
    let row = |(id, password): (AppPasswordId, AppPassword)| {
        json!({
            "id": id.0,
            "name": password.name,
            "protocols": password.protocols,
            "created": password.created.rfc3339(),
            "expires": password.expires.map(|at| at.rfc3339()),
            "last_used": password.last_used.map(|at| at.rfc3339()),
            "last_from": password.last_from,
        })
    };
    Ok(passwords.into_iter().map(row).collect())
}

pub(super) async fn revoke_app(actors: &Actors, address: &str, id: u32) -> Result<Value, AdminError> {
    let account = find(actors, address).await?;
    let (old, passwords) = read(actors, account).await?;
    let id = AppPasswordId(id);
    if id == CLIENT_PASSWORD || !passwords.iter().any(|(known, _)| *known == id) {
        return Err(AdminError(format!("{address} has no app password {}: see the list", id.0)));
    }
    let mut batch = Batch::new();
    put(&mut batch, account, Some(&old), &Credentials { generation: old.generation + 1, ..old.clone() });
    batch.delete(&keys::app_password(account, id));
    actors.store().commit(batch).await.map_err(failed)?;
    let closed = void(actors, account, Some(CredentialRef::App(id))).await;
    Ok(json!({ "address": address, "id": id.0, "revoked": true, "sessions_closed": closed }))
}

/// Writes credentials, on condition that nobody else has meanwhile (a first login replaces a foreign hash).
fn put(batch: &mut Batch, account: AccountId, old: Option<&Credentials>, new: &Credentials) {
    let key = keys::credentials(account);
    match old {
        Some(old) => batch.expect(&key, old),
        None => batch.expect_absent(&key),
    };
    batch.put(&key, new);
}

async fn read(
    actors: &Actors,
    account: AccountId,
) -> Result<(Credentials, Vec<(AppPasswordId, AppPassword)>), AdminError> {
    let read = actors.store().read(move |view| {
        let own = view.get(&keys::credentials(account))?.ok_or(StoreError::NotFound)?;
        Ok((own, view.scan(&keys::app_passwords_of(account), MAX_PASSWORDS)?))
    });
    read.await.map_err(failed)
}

/// Closes the sessions that came in by this password.
async fn void(actors: &Actors, account: AccountId, which: Option<CredentialRef>) -> usize {
    let seat = actors.account(account);
    seat.addr().send(PasswordVoid(which)).await.unwrap_or(0)
}

fn busy() -> AdminError {
    AdminError("too many passwords are being hashed just now: try again in a moment".to_owned())
}
