//! MTA-STS as it is written (RFC 8461 §3): a record in the DNS that names a version of the policy, and the policy itself.

use postern_model::record::{StsMode, StsPolicy};
use postern_model::{Domain, Timestamp};

/// RFC 8461 §3.2: a year and some.
const LONGEST_AGE: u32 = 31_557_600;
/// Servers that a policy may name.
const MAX_SERVERS: usize = 100;

/// Why a text is no policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum PolicyError {
    #[error("it is not UTF-8")]
    Text,
    #[error("it is no version that is known")]
    Version,
    #[error("its mode is none that is known")]
    Mode,
    #[error("its max_age is no number of seconds")]
    MaxAge,
    #[error("it names a server that can't be one")]
    Server,
    #[error("it names no server")]
    NoServers,
    #[error("it names too many servers")]
    TooMany,
}

/// The id in a domain's `_mta-sts` records; `None` where there is none, or more than one (RFC 8461 §3.1).
pub(super) fn id_of<'a>(texts: &'a [String]) -> Option<&'a str> {
    let behind =
        |text: &'a String| text.strip_prefix("v=STSv1")?.trim_start_matches([' ', '\t']).strip_prefix(';');
    let mut ours = texts.iter().filter_map(behind);
    let (Some(rest), None) = (ours.next(), ours.next()) else { return None };
    let id = rest.split(';').find_map(|field| field.trim().strip_prefix("id="))?;
    let sound = (1..=32).contains(&id.len()) && id.bytes().all(|octet| octet.is_ascii_alphanumeric());
    sound.then_some(id)
}

/// Reads a policy (RFC 8461 §3.2); of a field that stands twice the first counts.
pub(super) fn parse(text: &[u8], id: &str, fetched: Timestamp) -> Result<StsPolicy, PolicyError> {
    let text = std::str::from_utf8(text).map_err(|_| PolicyError::Text)?;
    let (mut version, mut mode, mut max_age, mut mx) = (None, None, None, Vec::new());
    for line in text.lines() {
        let Some((name, value)) = line.split_once(':') else { continue };
        let value = value.trim_matches([' ', '\t']);
        match name.trim_matches([' ', '\t']) {
            "version" => _ = version.get_or_insert(value),
            "mode" => _ = mode.get_or_insert(value),
            "max_age" => _ = max_age.get_or_insert(value),
            "mx" if mx.len() >= MAX_SERVERS => return Err(PolicyError::TooMany),
            "mx" => mx.push(pattern(value).ok_or(PolicyError::Server)?),
            _ => {}
        }
    }
    if version != Some("STSv1") {
        return Err(PolicyError::Version);
    }
    let mode = match mode {
        Some("enforce") => StsMode::Enforce,
        Some("testing") => StsMode::Testing,
        Some("none") => StsMode::None,
        _ => return Err(PolicyError::Mode),
    };
    let digits =
        max_age.filter(|text| (1..=10).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit()));
    let max_age: u64 = digits.and_then(|text| text.parse().ok()).ok_or(PolicyError::MaxAge)?;
    let max_age = u32::try_from(max_age).unwrap_or(LONGEST_AGE).min(LONGEST_AGE);
    if mx.is_empty() && mode != StsMode::None {
        return Err(PolicyError::NoServers);
    }
    Ok(StsPolicy { id: id.to_owned(), mode, mx, fetched, max_age })
}

fn pattern(value: &str) -> Option<String> {
    let (star, name) = match value.strip_prefix("*.") {
        Some(name) => ("*.", name),
        None => ("", value),
    };
    let name = Domain::parse(name).ok().filter(|name| !name.as_str().starts_with('['))?;
    Some(format!("{star}{name}"))
}

/// Whether a policy names a server: a star stands for exactly one label (RFC 8461 §4.1).
pub(super) fn names(policy: &StsPolicy, host: &str) -> bool {
    policy.mx.iter().any(|pattern| match pattern.strip_prefix("*.") {
        Some(rest) => host.split_once('.').is_some_and(|(first, behind)| !first.is_empty() && behind == rest),
        None => pattern == host,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_of_the_dns() {
        for (texts, id) in [
            (&["v=STSv1; id=20160831085700Z;"][..], Some("20160831085700Z")),
            (&["v=STSv1;id=1"], Some("1")),
            (&["v=STSv1 ; foo=bar ; id=a1 ; x=y"], Some("a1")),
            (&["other", "v=STSv1; id=1"], Some("1")),
            (&["v=STSv1; id=1", "v=STSv1; id=1"], None),
            (&["v=STSv2; id=1"], None),
            (&["v=STSv1 id=1"], None),
            (&["v=STSv1; id="], None),
            (&["v=STSv1; id=a-b"], None),
            (&["v=STSv1; id=123456789012345678901234567890123"], None),
            (&["id=1; v=STSv1"], None),
            (&[], None),
        ] {
            let texts: Vec<String> = texts.iter().map(|&text| text.to_owned()).collect();
            assert_eq!(id_of(&texts), id, "{texts:?}");
        }
    }

    #[test]
    fn policies() {
        let read = |text: &str| parse(text.as_bytes(), "1", Timestamp(0));
        let whole = "version: STSv1\r\nmode: enforce\r\nmx: mx.b.test\r\nmx: *.B.Test\r\nmax_age: 604800\r\n";
        let policy = read(whole).expect("a policy");
        assert_eq!((policy.mode, policy.max_age), (StsMode::Enforce, 604_800));
        assert_eq!(policy.mx, ["mx.b.test", "*.b.test"]);
        assert_eq!(read("max_age:1\nmode:none\nversion:STSv1").map(|p| p.mode), Ok(StsMode::None));
        assert_eq!(
            read("version: STSv1\nmode: testing\nmode: enforce\nnew: x\nmx: a\nmax_age: 9999999999")
                .map(|p| (p.mode, p.max_age)),
            Ok((StsMode::Testing, LONGEST_AGE))
        );
        for (text, error) in [
            ("", PolicyError::Version),
            ("version: STSv2\nmode: none\nmax_age: 1", PolicyError::Version),
            ("version: STSv1\nmode: must\nmax_age: 1", PolicyError::Mode),
            ("version: STSv1\nmode: none", PolicyError::MaxAge),
            ("version: STSv1\nmode: none\nmax_age: -1", PolicyError::MaxAge),
            ("version: STSv1\nmode: none\nmax_age: 12345678901", PolicyError::MaxAge),
            ("version: STSv1\nmode: enforce\nmax_age: 1", PolicyError::NoServers),
            ("version: STSv1\nmode: enforce\nmax_age: 1\nmx: a b", PolicyError::Server),
            ("version: STSv1\nmode: enforce\nmax_age: 1\nmx: a.*.b", PolicyError::Server),
        ] {
            assert_eq!(read(text), Err(error), "{text}");
        }
        assert_eq!(parse(b"version: STSv1\xff", "1", Timestamp(0)), Err(PolicyError::Text));
        let many = format!("version: STSv1\nmode: enforce\nmax_age: 1\n{}", "mx: a.test\n".repeat(101));
        assert_eq!(read(&many), Err(PolicyError::TooMany));
    }

    #[test]
    fn a_star_is_one_label() {
        let mx = vec!["mx.b.test".to_owned(), "*.c.test".to_owned()];
        let policy =
            StsPolicy { id: String::new(), mode: StsMode::Enforce, mx, fetched: Timestamp(0), max_age: 1 };
        for (host, named) in [
            ("mx.b.test", true),
            ("a.mx.b.test", false),
            ("b.test", false),
            ("a.c.test", true),
            ("c.test", false),
            ("a.b.c.test", false),
            (".c.test", false),
        ] {
            assert_eq!(names(&policy, host), named, "{host}");
        }
    }
}
