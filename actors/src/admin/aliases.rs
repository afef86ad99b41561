//! More addresses for an account (SPEC I5).

use postern_model::EmailAddress;
use postern_model::record::{AddressEntry, AddressKind};
use postern_storage::{Batch, keys};
use serde_json::{Value, json};

use super::{AdminError, failed, find};
use crate::Actors;

pub(super) async fn add(actors: &Actors, address: &str, alias: &str) -> Result<Value, AdminError> {
    let account = find(actors, address).await?;
    let (alias, key) = super::accounts::new_address(actors, alias).await?;
    let mut batch = Batch::new();
    batch.expect_absent(&keys::address(&key));
    batch.put(&keys::address(&key), &AddressEntry { account, kind: AddressKind::Alias });
    actors.store().commit(batch).await.map_err(failed)?;
    actors.ground().directory.changed(&key);
    Ok(json!({ "address": address, "alias": alias.to_string() }))
}

pub(super) async fn remove(actors: &Actors, alias: &str) -> Result<Value, AdminError> {
    let parsed =
        EmailAddress::parse(alias).map_err(|error| AdminError(format!("address {alias:?}: {error}")))?;
    let key = parsed.key().unwrap_or_default();
    let entry = actors.ground().directory.find_key(key.clone()).await.map_err(failed)?;
    match entry {
        Some(AddressEntry { kind: AddressKind::Alias, .. }) => {}
        Some(_) => {
            return Err(AdminError(format!(
                "{alias} is an account's own name, no alias: use account remove"
            )));
        }
        None => return Err(AdminError(format!("{alias} is no address here"))),
    }
    let mut batch = Batch::new();
    batch.delete(&keys::address(&key));
    actors.store().commit(batch).await.map_err(failed)?;
    actors.ground().directory.changed(&key);
    Ok(json!({ "alias": alias, "removed": true }))
}
