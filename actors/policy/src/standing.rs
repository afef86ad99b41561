//! What events make of an account: its gates, its lock, its last use. Actors change their state by [`apply`] and by
//! nothing else, so whoever applies the logged events from a checkpoint on comes to what is stored.

use postern_model::record::{Event, Standing};

/// What becomes of the standing by an event. Events that don't concern it leave it as it is.
pub fn apply(standing: &mut Standing, event: &Event) {
    let _ = (standing, event);
    unimplemented!()
}
