//! The kinds of values that variables and the command line have, each with its one parser (SPEC K): durations
//! (`90s`, `15m`, `2h`, `180d`, `2months`), sizes (`25MiB`), switches, listeners, networks, plan names.
//! A parser that fails says what is wrong with the value and how it is written.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use postern_policy::calendar::Span;

use crate::net::network::{Network, NetworkError};

/// What is wrong with a value, and how to put it right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong, without a full stop.
    pub reason: String,
    /// What to write instead.
    pub cure: String,
}

impl Problem {
    pub(super) fn new(reason: impl Into<String>, cure: impl Into<String>) -> Problem {
        Problem { reason: reason.into(), cure: cure.into() }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}; {}", self.reason, self.cure)
    }
}

impl std::error::Error for Problem {}

const SPAN_CURE: &str = "write a number and s, m, h, d or months, like 90s, 15m, 2h, 180d, 2months";

/// Reads `90s`, `15m`, `2h`, `180d`, `2months`.
///
/// # Errors
/// What is wrong with it.
pub fn span(text: &str) -> Result<Span, Problem> {
    let (number, unit) = number_and_unit(text).ok_or_else(|| Problem::new("is not a duration", SPAN_CURE))?;
    let too_long = || Problem::new("is too long", SPAN_CURE);
    let seconds = |each: u64| number.checked_mul(each).map(|s| Span::Fixed(Duration::from_secs(s)));
    match unit {
        "s" => seconds(1).ok_or_else(too_long),
        "m" => seconds(60).ok_or_else(too_long),
        "h" => seconds(60 * 60).ok_or_else(too_long),
        "d" => seconds(24 * 60 * 60).ok_or_else(too_long),
        "month" | "months" => u32::try_from(number).map(Span::Months).map_err(|_| too_long()),
        "" => Err(Problem::new("has no unit", SPAN_CURE)),
        other => Err(Problem::new(format!("has the unknown unit \"{other}\""), SPAN_CURE)),
    }
}

/// Reads a duration of fixed length.
pub(super) fn duration(text: &str) -> Result<Duration, Problem> {
    match span(text)? {
        Span::Fixed(duration) => Ok(duration),
        Span::Months(_) => Err(Problem::new("has no fixed length", "write days here, like 60d")),
    }
}

/// Reads what a span that may be `off` says, from a minute to ten years.
pub(super) fn span_or_off(text: &str) -> Result<Option<Span>, Problem> {
    if text == "off" {
        return Ok(None);
    }
    let span = span(text)?;
    let inside = match span {
        Span::Fixed(duration) => (60..=3650 * 86_400).contains(&duration.as_secs()),
        Span::Months(months) => (1..=120).contains(&months),
    };
    match inside {
        true => Ok(Some(span)),
        false => Err(Problem::new("is out of range", format!("write {SPAN_RANGE}"))),
    }
}

/// What [`span_or_off`] takes.
pub(super) const SPAN_RANGE: &str = "a duration from 1m to 3650d or 1month to 120months, or `off`";

/// Reads a whole number, or the word for "any number".
pub(super) fn count_or(word: &str, text: &str) -> Result<Option<u32>, Problem> {
    if text == word {
        return Ok(None);
    }
    count(text)
        .map(Some)
        .map_err(|problem| Problem { cure: format!("{}, or {word}", problem.cure), ..problem })
}

/// Reads `name=figure` parts separated by commas, each name at most once; `set` puts a part in its place.
pub(super) fn parts(
    text: &str,
    cure: &str,
    mut set: impl FnMut(&str, &str) -> Option<Result<(), Problem>>,
) -> Result<(), Problem> {
    let mut seen: Vec<&str> = Vec::new();
    for part in text.split(',').map(str::trim) {
        let (name, figure) = part.split_once('=').unwrap_or((part, ""));
        if seen.contains(&name) {
            return Err(Problem::new(format!("has two parts \"{name}\""), cure));
        }
        seen.push(name);
        match set(name, figure) {
            Some(outcome) => outcome?,
            None => return Err(Problem::new(format!("has the unknown part \"{part}\""), cure)),
        }
    }
    Ok(())
}

/// Reads points with up to three decimals, as thousandths: `4`, `0.1`.
pub(super) fn points(text: &str) -> Result<u32, Problem> {
    const CURE: &str = "write points from 0 to 1000 with up to three decimals, like 4 or 0.125";
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(decimals) || decimals.len() > 3 {
        return Err(Problem::new(format!("names \"{text}\", which is no number of points"), CURE));
    }
    let thousandths =
        format!("{whole}{decimals:0<3}").parse::<u32>().ok().filter(|points| *points <= 1_000_000);
    thousandths.ok_or_else(|| Problem::new(format!("names \"{text}\", which is too much"), CURE))
}

/// The shortest exact way to write a duration.
pub(super) fn show_duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0 => "0s".to_owned(),
        _ if seconds.is_multiple_of(86_400) => format!("{}d", seconds / 86_400),
        _ if seconds.is_multiple_of(3600) => format!("{}h", seconds / 3600),
        _ if seconds.is_multiple_of(60) => format!("{}m", seconds / 60),
        _ => format!("{seconds}s"),
    }
}

const SIZE_UNITS: [(&str, u32); 5] = [("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10), ("B", 0)];
const SIZE_CURE: &str = "write a whole number and B, KiB, MiB, GiB or TiB, like 25MiB";

/// Reads a size in octets.
pub(super) fn size(text: &str) -> Result<u64, Problem> {
    let (number, unit) = number_and_unit(text).ok_or_else(|| Problem::new("is not a size", SIZE_CURE))?;
    let Some((_, shift)) = SIZE_UNITS.iter().find(|(name, _)| *name == unit) else {
        let reason = if unit.is_empty() {
            "has no unit".to_owned()
        } else {
            format!("has the unknown unit \"{unit}\"")
        };
        return Err(Problem::new(reason, SIZE_CURE));
    };
    number.checked_mul(1 << shift).ok_or_else(|| Problem::new("is too large", SIZE_CURE))
}

/// Reads a size in octets, or the word for "any size".
pub(super) fn size_or(word: &str, text: &str) -> Result<Option<u64>, Problem> {
    if text == word {
        return Ok(None);
    }
    size(text)
        .map(Some)
        .map_err(|problem| Problem { cure: format!("{}, or {word}", problem.cure), ..problem })
}

/// The shortest exact way to write a size.
pub(super) fn show_size(size: u64) -> String {
    SIZE_UNITS
        .iter()
        .find(|(_, shift)| size >= 1 << shift && size.is_multiple_of(1 << shift))
        .map_or_else(|| "0B".to_owned(), |(unit, shift)| format!("{}{unit}", size >> shift))
}

/// Splits `15m` into 15 and `m`; neither sign, space nor fraction may stand in it.
fn number_and_unit(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    Some((digits.parse().ok()?, unit))
}

/// Reads a whole number.
pub(super) fn count(text: &str) -> Result<u32, Problem> {
    let cure = "write a whole number, like 20";
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Problem::new("is not a whole number", cure));
    }
    text.parse().map_err(|_| Problem::new("is too large", cure))
}

/// Reads `on` or `off`.
pub(super) fn switch(text: &str) -> Result<bool, Problem> {
    match text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err(Problem::new("is neither on nor off", "write on or off")),
    }
}

/// Reads `off`, or addresses with ports separated by commas.
pub(super) fn listeners(text: &str) -> Result<Vec<SocketAddr>, Problem> {
    const CURE: &str =
        "write IP addresses with ports, separated by commas, like 0.0.0.0:995,[::]:995, or off";
    if text == "off" {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for item in text.split(',') {
        let Ok(address) = item.trim().parse::<SocketAddr>() else {
            let reason = if item.trim().starts_with("unix:") {
                format!("names \"{}\", but mail programs can't reach a unix socket", item.trim())
            } else {
                format!("names \"{}\", which is not address:port", item.trim())
            };
            return Err(Problem::new(reason, CURE));
        };
        if address.port() != 0 && found.contains(&address) {
            return Err(Problem::new(format!("names {address} twice"), "name each address once"));
        }
        found.push(address);
    }
    Ok(found)
}

/// Reads `none`, or networks separated by commas.
pub(super) fn networks(text: &str) -> Result<Vec<Network>, Problem> {
    if text == "none" {
        return Ok(Vec::new());
    }
    text.split(',').map(|entry| network(entry.trim())).collect()
}

fn network(text: &str) -> Result<Network, Problem> {
    text.parse().map_err(|error| {
        let cure = match error {
            NetworkError::HostBits(network) => format!("write {network}"),
            NetworkError::Address | NetworkError::Prefix => {
                "write networks like 10.0.0.0/8 or 2001:db8::/32, or single addresses".to_owned()
            }
        };
        let reason = match error {
            NetworkError::HostBits(_) => format!("names \"{text}\", which has bits set behind its prefix"),
            NetworkError::Address | NetworkError::Prefix => {
                format!("names \"{text}\", which is not a network")
            }
        };
        Problem::new(reason, cure)
    })
}

/// Reads a path.
pub(super) fn path(text: &str) -> Result<PathBuf, Problem> {
    if text.contains('\0') {
        return Err(Problem::new("holds a NUL character", "write the path of a file"));
    }
    Ok(PathBuf::from(text))
}

/// Reads `none`, or paths separated by commas.
pub(super) fn paths(text: &str) -> Result<Vec<PathBuf>, Problem> {
    if text == "none" {
        return Ok(Vec::new());
    }
    text.split(',')
        .map(|item| match item.trim() {
            "" => Err(Problem::new(
                "has an empty entry",
                "write paths of PEM files separated by commas, or none",
            )),
            item => path(item),
        })
        .collect()
}

/// Reads the names of plans: they are part of variables' names, so only small letters and digits.
pub(super) fn plan_names(text: &str) -> Result<Vec<String>, Problem> {
    const CURE: &str = "write names of small letters and digits separated by commas, like free,plus";
    let mut names: Vec<String> = Vec::new();
    for name in text.split(',').map(str::trim) {
        let plain = name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.len() <= 32
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        if !plain {
            return Err(Problem::new(format!("names \"{name}\", which is no name for a plan"), CURE));
        }
        if names.iter().any(|n| n == name) {
            return Err(Problem::new(format!("names {name} twice"), "name each plan once"));
        }
        names.push(name.to_owned());
    }
    Ok(names)
}

/// Reads an address of the web that refusals name; it must fit a reply's line (RFC 1939 §3: 512 octets).
pub(super) fn url(text: &str) -> Result<String, Problem> {
    const CURE: &str = "write an address like https://mail.example.org/ or mailto:help@example.org";
    const LONGEST: usize = 200;
    let rest = ["https://", "http://", "mailto:"].iter().find_map(|scheme| text.strip_prefix(scheme));
    match rest {
        None => Err(Problem::new("does not begin with https://, http:// or mailto:", CURE)),
        Some("") => Err(Problem::new("names no place", CURE)),
        Some(_) if text.len() > LONGEST => {
            Err(Problem::new(format!("is longer than {LONGEST} characters"), CURE))
        }
        Some(_) if !text.bytes().all(|b| b.is_ascii_graphic()) => {
            Err(Problem::new("holds a space or a character outside ASCII", CURE))
        }
        Some(_) => Ok(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        let fixed = |s| Ok(Span::Fixed(Duration::from_secs(s)));
        assert_eq!(span("90s"), fixed(90));
        assert_eq!(span("15m"), fixed(900));
        assert_eq!(span("2h"), fixed(7200));
        assert_eq!(span("180d"), fixed(180 * 86_400));
        assert_eq!(span("2months"), Ok(Span::Months(2)));
        assert_eq!(span("1month"), Ok(Span::Months(1)));
        for (text, reason) in [
            ("", "is not a duration"),
            ("-1s", "is not a duration"),
            ("s", "is not a duration"),
            ("15", "has no unit"),
            ("1.5h", "has the unknown unit \".5h\""),
            ("15 m", "has the unknown unit \" m\""),
            ("3w", "has the unknown unit \"w\""),
            ("99999999999999999999s", "is not a duration"),
            ("999999999999999999d", "is too long"),
            ("5000000000months", "is too long"),
        ] {
            assert_eq!(span(text).expect_err(text).reason, reason, "{text}");
        }
        assert_eq!(duration("2months").expect_err("months").reason, "has no fixed length");
    }

    #[test]
    fn a_shown_value_is_read_back() {
        for text in ["0s", "90s", "15m", "2h", "180d"] {
            assert_eq!(show_duration(duration(text).expect("a duration")), text);
        }
        for text in ["0B", "1000B", "1KiB", "25MiB", "10GiB", "3TiB"] {
            assert_eq!(show_size(size(text).expect("a size")), text);
        }
    }

    #[test]
    fn sizes() {
        assert_eq!(size("25MiB"), Ok(25 << 20));
        assert_eq!(size("0B"), Ok(0));
        for (text, reason) in [
            ("", "is not a size"),
            ("MiB", "is not a size"),
            ("25", "has no unit"),
            ("25MB", "has the unknown unit \"MB\""),
            ("25mib", "has the unknown unit \"mib\""),
            ("99999999999TiB", "is too large"),
        ] {
            assert_eq!(size(text).expect_err(text).reason, reason, "{text}");
        }
    }

    #[test]
    fn switches_and_counts() {
        assert_eq!((switch("on"), switch("off")), (Ok(true), Ok(false)));
        for text in ["", "ON", "true", "1", "yes"] {
            assert_eq!(switch(text).expect_err(text).reason, "is neither on nor off");
        }
        assert_eq!(count("20"), Ok(20));
        for text in ["", "+5", "-5", "2e3", "many"] {
            assert_eq!(count(text).expect_err(text).reason, "is not a whole number");
        }
        assert_eq!(count("4294967296").expect_err("33 bits").reason, "is too large");
    }

    #[test]
    fn what_may_be_off_or_unlimited() {
        assert_eq!(span_or_off("off"), Ok(None));
        assert_eq!(span_or_off("2months"), Ok(Some(Span::Months(2))));
        assert_eq!(span_or_off("60d"), Ok(Some(Span::Fixed(Duration::from_secs(60 * 86_400)))));
        for text in ["59s", "3651d", "0months", "121months"] {
            assert_eq!(span_or_off(text).expect_err(text).reason, "is out of range", "{text}");
        }
        assert_eq!(span_or_off("never").expect_err("a word").reason, "is not a duration");
        assert_eq!((count_or("unlimited", "unlimited"), count_or("off", "10")), (Ok(None), Ok(Some(10))));
        assert_eq!((size_or("unlimited", "unlimited"), size_or("off", "1KiB")), (Ok(None), Ok(Some(1024))));
        assert!(size_or("unlimited", "off").expect_err("another word").cure.ends_with(", or unlimited"));
        assert!(count_or("unlimited", "off").expect_err("another word").cure.ends_with(", or unlimited"));
    }

    #[test]
    fn points_have_three_decimals() {
        for (text, thousandths) in [("4", 4000), ("0.1", 100), ("0.125", 125), ("0", 0), ("1000", 1_000_000)]
        {
            assert_eq!(points(text), Ok(thousandths), "{text}");
        }
        for text in ["", ".5", "5.", "0.1234", "-1", "1e3", "+1", "1000.001", "99999999999", "0,1"] {
            assert!(points(text).is_err(), "{text}");
        }
    }

    #[test]
    fn listener_lists() {
        assert_eq!(listeners("off"), Ok(vec![]));
        let both = listeners("0.0.0.0:995, [::]:995").expect("two addresses");
        assert_eq!(both.iter().map(|a| a.port()).collect::<Vec<_>>(), [995, 995]);
        for (text, named) in [
            ("995", "995"),
            ("localhost:995", "localhost:995"),
            ("127.0.0.1", "127.0.0.1"),
            ("127.0.0.1:99999", "127.0.0.1:99999"),
            ("127.0.0.1:1,,127.0.0.1:2", "\"\""),
            ("on", "on"),
            ("unix:/run/x", "unix:/run/x"),
            ("127.0.0.1:1,127.0.0.1:1", "twice"),
        ] {
            assert!(listeners(text).expect_err(text).reason.contains(named), "{text}");
        }
    }

    #[test]
    fn lists_of_paths_and_plans() {
        assert_eq!(paths("none"), Ok(vec![]));
        assert_eq!(paths("/a.pem, b.pem"), Ok(vec!["/a.pem".into(), "b.pem".into()]));
        assert!(paths("/a.pem,").is_err());
        assert_eq!(plan_names("free, plus2"), Ok(vec!["free".to_owned(), "plus2".to_owned()]));
        for text in ["", "free,", "Free", "mail+", "a_b", "1st", "free,free"] {
            assert!(plan_names(text).is_err(), "{text}");
        }
    }

    #[test]
    fn places() {
        assert!(url("https://mail.example.org/").is_ok());
        assert!(url("mailto:help@example.org").is_ok());
        for text in ["", "mail.example.org", "https://", "https://a b", "ftp://a", "https://ä.example"] {
            assert!(url(text).is_err(), "{text}");
        }
        assert!(url(&format!("https://{}", "a".repeat(200))).is_err());
    }
}
