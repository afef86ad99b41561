//! The Date field (RFC 5322 §3.3, §4.3), read as patiently as letters are written.

use jiff::civil::Date;

/// Seconds of a day.
pub(super) const DAY: i64 = 86_400;

/// What a Date field says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sent {
    /// The day as it stands there, whatever its zone, in days since the epoch (RFC 9051 §6.4.4).
    pub(super) day: i64,
    /// The time in seconds since the epoch (RFC 5256 §2.2: without a time it is midnight, without a zone UTC).
    pub(super) instant: i64,
}

/// Reads the value of a Date field; `None` where it names no day.
pub(super) fn sent(value: &[u8]) -> Option<Sent> {
    let text = without_comments(value);
    let mut words = text.split([' ', '\t', ',']).filter(|word| !word.is_empty()).peekable();
    words.next_if(|word| word.bytes().all(|octet| octet.is_ascii_alphabetic() || octet == b'.'));
    let day_of_month = words.next()?.parse().ok()?;
    let month = month(words.next()?)?;
    let year = year(words.next()?)?;
    let epoch = jiff::civil::date(1970, 1, 1);
    let day = Date::new(year, month, day_of_month).ok()?.duration_since(epoch).as_secs().div_euclid(DAY);
    let seconds = words.next().and_then(time_of_day).unwrap_or(0);
    let offset = words.next().map_or(0, zone);
    Some(Sent { day, instant: day * DAY + seconds - offset })
}

fn without_comments(value: &[u8]) -> String {
    let mut depth = 0_usize;
    let mut text = String::with_capacity(value.len());
    for octet in value {
        match octet {
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            _ if depth == 0 && octet.is_ascii() => text.push(char::from(*octet)),
            _ => {}
        }
    }
    text
}

fn month(word: &str) -> Option<i8> {
    let start = word.get(..3)?;
    let at = MONTHS.iter().position(|month| month.eq_ignore_ascii_case(start))?;
    i8::try_from(at + 1).ok()
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// RFC 5322 §4.3: two digits up to 49 are of this century, others and three digits count from 1900.
fn year(word: &str) -> Option<i16> {
    let year: i16 = word.parse().ok().filter(|_| word.bytes().all(|octet| octet.is_ascii_digit()))?;
    Some(match word.len() {
        2 if year < 50 => year + 2000,
        2 | 3 => year + 1900,
        _ => year,
    })
}

fn time_of_day(word: &str) -> Option<i64> {
    let mut parts = word.split(':').map(|part| part.parse::<u8>().ok());
    let (hours, minutes) = (parts.next()??, parts.next()??);
    let seconds = parts.next().unwrap_or(Some(0))?;
    let fits = hours < 24 && minutes < 60 && seconds <= 60;
    fits.then(|| i64::from(hours) * 3600 + i64::from(minutes) * 60 + i64::from(seconds))
}

/// Seconds east of UTC; 0 for what nobody knows.
fn zone(word: &str) -> i64 {
    let sign = if word.starts_with('-') { -1 } else { 1 };
    if let Some(digits) = word.strip_prefix(['+', '-']) {
        let number = digits.parse::<u16>().ok().filter(|_| digits.len() == 4).map_or(0, i64::from);
        return sign * (number / 100 * 3600 + number % 100 * 60);
    }
    // RFC 5322 §4.3: of the letters' zones nothing is certain.
    let named = [
        ("EST", -5),
        ("EDT", -4),
        ("CST", -6),
        ("CDT", -5),
        ("MST", -7),
        ("MDT", -6),
        ("PST", -8),
        ("PDT", -7),
    ];
    named.iter().find(|(name, _)| name.eq_ignore_ascii_case(word)).map_or(0, |(_, hours)| hours * 3600)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_as_they_are_written() {
        for (value, wanted) in [
            ("Thu, 1 Jan 1970 00:00:00 +0000", Some((0, 0))),
            ("Fri, 2 Jan 1970 01:30:00 +0230 (EET)", Some((1, 86_400 - 3600))),
            ("1 Jan 1970 23:00 -0500", Some((0, 28 * 3600))),
            ("Thu,1 January 70 00:00:01 EST", Some((0, 5 * 3600 + 1))),
            ("Sat (day) , 01 (of) Jan 2000 12:00:60 GMT", Some((10_957, 10_957 * 86_400 + 43_260))),
            ("1 Jan 00", Some((10_957, 10_957 * 86_400))),
            ("1 Jan 100 x y", Some((10_957, 10_957 * 86_400))),
            ("31 Dec 1969 25:00 +9", Some((-1, -86_400))),
            ("1 Jan 2000 00:00:00 A", Some((10_957, 10_957 * 86_400))),
            ("30 Feb 2000 00:00:00 +0000", None),
            ("Mon Jan 2000", None),
            ("1 Jan 99999", None),
            ("1 Jan -1", None),
            ("soon \u{e9}", None),
            ("", None),
        ] {
            let found = sent(value.as_bytes()).map(|sent| (sent.day, sent.instant));
            assert_eq!(found, wanted, "{value}");
        }
    }
}
