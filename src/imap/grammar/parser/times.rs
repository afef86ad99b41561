//! Dates and times (RFC 9051 §9, `date`, `date-time`).

use jiff::civil::{Date, Time, date};

use super::cursor::{Cursor, Parsed};

const MONTHS: [&[u8]; 12] =
    [b"JAN", b"FEB", b"MAR", b"APR", b"MAY", b"JUN", b"JUL", b"AUG", b"SEP", b"OCT", b"NOV", b"DEC"];
const SECONDS_OF_A_DAY: i64 = 86_400;

impl Cursor<'_> {
    /// `date`, with or without quotes; in days since the epoch.
    pub(super) fn date(&mut self) -> Parsed<i64> {
        let quoted = self.eat(b'"');
        let day = self.day(self.at())?;
        if quoted {
            self.expect(b'"', "a closing quote")?;
        }
        Ok(day)
    }

    /// `date-time`; in seconds since the epoch.
    pub(super) fn date_time(&mut self) -> Parsed<i64> {
        self.expect(b'"', "a date and time in quotes")?;
        let at = self.at();
        // A day of one digit has a space in front (`date-day-fixed`); some clients leave it out.
        self.eat(b' ');
        let days = self.day(at)?;
        self.space()?;
        let second = self.time()?;
        self.space()?;
        let zone = self.zone()?;
        self.expect(b'"', "a closing quote")?;
        Ok(days * SECONDS_OF_A_DAY + second - zone)
    }

    /// `1-Jan-2026`
    fn day(&mut self, from: usize) -> Parsed<i64> {
        const DATE: &str = "a date (1-Jan-2026)";
        let day = self.number(DATE)?;
        self.expect(b'-', DATE)?;
        let name = self.take_while(|b| b.is_ascii_alphabetic()).to_ascii_uppercase();
        let month = MONTHS.iter().position(|month| *month == name);
        self.expect(b'-', DATE)?;
        let year_at = self.at();
        let year = self.number(DATE)?;
        let date = || -> Option<Date> {
            let four = self.at() - year_at == 4;
            let month = i8::try_from(month? + 1).ok()?;
            Date::new(i16::try_from(year).ok().filter(|_| four)?, month, i8::try_from(day).ok()?).ok()
        };
        let day = date().and_then(date_to_days);
        day.ok_or(self.wrong_at(from, DATE))
    }

    /// `23:59:59`, in seconds.
    fn time(&mut self) -> Parsed<i64> {
        const TIME: &str = "a time (23:59:59)";
        let from = self.at();
        let hour = self.two_digits(TIME)?;
        self.expect(b':', TIME)?;
        let minute = self.two_digits(TIME)?;
        self.expect(b':', TIME)?;
        // A leap second has no place in seconds since the epoch.
        let second = self.two_digits(TIME)?.min(if minute == 59 { 60 } else { 99 });
        let second = if second == 60 { 59 } else { second };
        if Time::new(hour, minute, second, 0).is_err() {
            return Err(self.wrong_at(from, TIME));
        }
        Ok(i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second))
    }

    /// `+0100`, in seconds.
    fn zone(&mut self) -> Parsed<i64> {
        const ZONE: &str = "a time zone (+0100)";
        let from = self.at();
        let west = self.eat(b'-');
        if !west {
            self.expect(b'+', ZONE)?;
        }
        let (hours, minutes) = (self.two_digits(ZONE)?, self.two_digits(ZONE)?);
        if hours > 23 || minutes > 59 {
            return Err(self.wrong_at(from, ZONE));
        }
        let seconds = i64::from(hours) * 3600 + i64::from(minutes) * 60;
        Ok(if west { -seconds } else { seconds })
    }

    fn two_digits(&mut self, name: &'static str) -> Parsed<i8> {
        match self.rest() {
            [tens @ b'0'..=b'9', ones @ b'0'..=b'9', ..] => {
                let number = (tens - b'0') * 10 + (ones - b'0');
                self.go(self.at() + 2);
                Ok(number.cast_signed())
            }
            _ => Err(self.wrong(name)),
        }
    }
}

fn date_to_days(day: Date) -> Option<i64> {
    let since = day.since(date(1970, 1, 1)).ok()?;
    Some(i64::from(since.get_days()))
}
