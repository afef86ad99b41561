//! The time that the server goes by (SPEC O6).

use std::time::Duration;

use postern_model::record::ClockReading;
use postern_storage::{Batch, keys};
use serde_json::{Value, json};

use super::{AdminError, failed};
use crate::Actors;

pub(super) fn show(actors: &Actors) -> Value {
    let manual = actors.ticker().clock().manual().is_some();
    json!({ "now": actors.now().rfc3339(), "clock": if manual { "manual" } else { "system" } })
}

/// Where the clock stands is written first: a restart never goes back behind what anybody saw.
pub(super) async fn advance(actors: &Actors, micros: u64) -> Result<Value, AdminError> {
    let Some(clock) = actors.ticker().clock().manual() else {
        return Err(AdminError(
            "the clock is the machine's: start the server with POSTERN_CLOCK=manual to advance it".to_owned(),
        ));
    };
    let by = Duration::from_micros(micros);
    let mut batch = Batch::new();
    batch.put(&keys::clock(), &ClockReading(actors.now().plus(by)));
    actors.store().commit(batch).await.map_err(failed)?;
    clock.advance(by);
    Ok(show(actors))
}
