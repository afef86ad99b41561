//! Stretches of time as people mean them: two months are two months, whatever their days (SPEC A6, A9).
//!
//! Months are counted in UTC. Where the day does not exist in the month that it leads to, the last day of that month
//! counts: two months from 31 December end on 28 February, in a leap year on 29 February, at the same time of day.

use std::time::Duration;

use postern_model::Timestamp;

/// A stretch of time; months have no fixed length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// Seconds, minutes, hours or days.
    Fixed(Duration),
    /// Calendar months.
    Months(u32),
}

impl Span {
    /// The end of the stretch that begins at `start`; [`Timestamp::NEVER`] where it lies beyond the calendar.
    pub fn after(self, start: Timestamp) -> Timestamp {
        self.length_from(start).map_or(Timestamp::NEVER, |length| start.plus(length))
    }

    /// How long it is from `start` on; `None` where the end lies beyond the calendar.
    pub fn length_from(self, start: Timestamp) -> Option<Duration> {
        match self {
            Span::Fixed(duration) => {
                let end = start.plus(duration);
                jiff::Timestamp::from_microsecond(end.0).ok().map(|_| duration)
            }
            Span::Months(months) => {
                let begin =
                    jiff::Timestamp::from_microsecond(start.0).ok()?.to_zoned(jiff::tz::TimeZone::UTC);
                let span = jiff::Span::new().try_months(months).ok()?;
                let end = begin.checked_add(span).ok()?;
                Some(Timestamp(end.timestamp().as_microsecond()).since(start))
            }
        }
    }
}
