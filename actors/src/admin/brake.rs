//! The brake on mass closing (SPEC A16).

use serde_json::{Value, json};

use super::{AdminError, failed};
use crate::Actors;
use postern_model::record::Brake;
use postern_storage::{Batch, keys};

pub(super) async fn show(actors: &Actors) -> Result<Value, AdminError> {
    let brake = actors.store().get(keys::brake()).await.map_err(failed)?.unwrap_or_default();
    Ok(word(&brake))
}

pub(super) async fn release(actors: &Actors) -> Result<Value, AdminError> {
    let brake = Brake { held: None, released: Some(actors.now()) };
    let mut batch = Batch::new();
    batch.put(&keys::brake(), &brake);
    actors.store().commit(batch).await.map_err(failed)?;
    Ok(word(&brake))
}

fn word(brake: &Brake) -> Value {
    json!({
        "held": brake.held.is_some(),
        "since": brake.held.as_ref().map(|held| held.since.rfc3339()),
        "accounts": brake.held.as_ref().map(|held| held.accounts),
        "released": brake.released.map(|at| at.rfc3339()),
    })
}
