//! Which notices events owe to the user (SPEC A2, A7, A8, A11, N).

use std::time::Duration;

use postern_model::record::{Event, NoticeKind, OwedNotice, Standing};

/// The notices that the events of one change owe; gates that close together for one reason are one notice.
pub fn owed(events: &[Event]) -> Vec<OwedNotice> {
    let _ = events;
    unimplemented!()
}

/// Whether the user was told the same a short while ago, and need not be told again: each login of a program that sends
/// its password without encryption would be a notice (SPEC P5).
pub fn is_repeated(notice: &OwedNotice, standing: &Standing) -> bool {
    let told = standing.access.warned.plaintext;
    notice.notice == NoticeKind::PlaintextPassword && told.is_some_and(|told| notice.at.since(told) < PLAINTEXT_EVERY)
}

/// A password without encryption is told once in that time.
pub const PLAINTEXT_EVERY: Duration = Duration::from_secs(24 * 60 * 60);
