//! The time that the server goes by (SPEC O6).

use std::time::Duration;

use serde_json::{Value, json};

use super::{AdminError, failed};
use crate::Actors;

pub(super) fn show(actors: &Actors) -> Value {
    let manual = actors.ticker().clock().manual().is_some();
    json!({ "now": actors.now().rfc3339(), "clock": if manual { "manual" } else { "system" } })
}

/// The longest way that one command turns the clock: a mistyped figure is not to be the end of a rehearsal.
const FARTHEST: Duration = Duration::from_secs(10 * 366 * 24 * 60 * 60);

/// Moves the clock on, and does what falls due on the way, each thing at its own time; answered when all is done.
pub(super) async fn advance(actors: &Actors, micros: u64) -> Result<Value, AdminError> {
    if actors.ticker().clock().manual().is_none() {
        return Err(AdminError(
            "the clock is the machine's: start the server with POSTERN_CLOCK=manual to advance it".to_owned(),
        ));
    }
    let by = Duration::from_micros(micros);
    if by > FARTHEST {
        return Err(AdminError(
            "the clock goes on by 10 years at most, for it never comes back: advance it several times"
                .to_owned(),
        ));
    }
    actors.advance(by).await.map_err(|error| {
        let AdminError(reason) = failed(error);
        AdminError(format!("{reason}; the clock stands at {}: advance it again from there", actors.now()))
    })?;
    Ok(show(actors))
}
