//! Which notices events owe to the user (SPEC A2, A7, A8, A11, N).

use postern_model::record::{Event, OwedNotice};

/// The notices that the events of one change owe; gates that close together for one reason are one notice.
pub fn owed(events: &[Event]) -> Vec<OwedNotice> {
    let _ = events;
    unimplemented!()
}
