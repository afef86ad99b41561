//! The brake on mass closing (SPEC A16), as the operator meets it.

use postern_model::record::Brake;
use postern_storage::keys;
use serde_json::{Value, json};

use super::{AdminError, failed};
use crate::Actors;

pub(super) async fn show(actors: &Actors) -> Result<Value, AdminError> {
    let brake = actors.store().get(keys::brake()).await.map_err(failed)?.unwrap_or_default();
    Ok(word(&brake))
}

/// Answered when what the brake held is done.
pub(super) async fn release(actors: &Actors) -> Result<Value, AdminError> {
    Ok(word(&actors.release_brake().await.map_err(failed)?))
}

fn word(brake: &Brake) -> Value {
    json!({
        "held": brake.held.is_some(),
        "since": brake.held.as_ref().map(|held| held.since.rfc3339()),
        "accounts": brake.held.as_ref().map(|held| held.accounts),
        "released": brake.released.map(|at| at.rfc3339()),
    })
}
