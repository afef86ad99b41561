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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text).expect("a time")
    }

    /// start | months -> end
    #[test]
    fn a6_two_months_end_on_the_same_day_or_on_the_last_of_the_month() {
        for (start, months, end) in [
            ("2026-03-10T12:00:00Z", 2, "2026-05-10T12:00:00Z"),
            ("2026-12-31T23:59:59Z", 2, "2027-02-28T23:59:59Z"),
            ("2027-12-31T23:59:59Z", 2, "2028-02-29T23:59:59Z"),
            ("2026-12-30T00:00:00Z", 2, "2027-02-28T00:00:00Z"),
            ("2026-12-28T00:00:00Z", 2, "2027-02-28T00:00:00Z"),
            ("2026-11-30T10:00:00Z", 3, "2027-02-28T10:00:00Z"),
            ("2027-11-30T10:00:00Z", 3, "2028-02-29T10:00:00Z"),
            ("2028-02-29T10:00:00Z", 2, "2028-04-29T10:00:00Z"),
            ("2028-02-29T10:00:00Z", 12, "2029-02-28T10:00:00Z"),
            ("2028-02-29T10:00:00Z", 48, "2032-02-29T10:00:00Z"),
            ("2026-01-31T10:00:00Z", 9, "2026-10-31T10:00:00Z"),
            ("2026-05-31T10:00:00Z", 9, "2027-02-28T10:00:00Z"),
            ("2026-07-31T10:00:00Z", 2, "2026-09-30T10:00:00Z"),
            // 2100 is no leap year, 2000 was one.
            ("2099-12-31T00:00:00Z", 2, "2100-02-28T00:00:00Z"),
            ("1999-12-31T00:00:00Z", 2, "2000-02-29T00:00:00Z"),
            // In the hours that Riga's clocks skip and repeat; and before 1970.
            ("2026-01-29T01:30:00Z", 2, "2026-03-29T01:30:00Z"),
            ("2026-08-25T00:30:00Z", 2, "2026-10-25T00:30:00Z"),
            ("1969-12-31T23:59:59Z", 2, "1970-02-28T23:59:59Z"),
            ("2026-03-10T12:00:00.000001Z", 0, "2026-03-10T12:00:00.000001Z"),
        ] {
            assert_eq!(Span::Months(months).after(at(start)), at(end), "{start} + {months} months");
        }
    }

    #[test]
    fn a6_a_fixed_stretch_is_as_long_as_it_says() {
        let day = Span::Fixed(Duration::from_secs(86_400));
        assert_eq!(day.after(at("2028-02-28T12:00:00Z")), at("2028-02-29T12:00:00Z"));
        assert_eq!(day.length_from(at("2028-02-28T12:00:00Z")), Some(Duration::from_secs(86_400)));
    }

    #[test]
    fn a6_what_ends_beyond_the_calendar_never_ends() {
        let far = at("9999-11-30T00:00:00Z");
        for (span, start) in [
            (Span::Months(2), far),
            (Span::Months(u32::MAX), Timestamp(0)),
            (Span::Fixed(Duration::MAX), Timestamp(0)),
            (Span::Months(2), Timestamp::NEVER),
            (Span::Fixed(Duration::from_secs(1)), Timestamp::NEVER),
        ] {
            assert_eq!(span.after(start), Timestamp::NEVER, "{span:?} from {start}");
            assert_eq!(span.length_from(start), None, "{span:?} from {start}");
        }
    }

    proptest! {
        /// Two months are 59 to 62 days, and end at the same time of day.
        #[test]
        fn a6_two_months_are_about_sixty_days(micros in 0..4_102_444_800_000_000i64) {
            let start = Timestamp(micros);
            let length = Span::Months(2).length_from(start).expect("within the calendar");
            prop_assert_eq!(length.as_micros() % 86_400_000_000, 0);
            prop_assert!((59..=62).contains(&(length.as_secs() / 86_400)));
        }
    }
}
