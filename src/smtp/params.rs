//! Parameters of MAIL and RCPT (RFC 5321 §4.1.1.11), each as its extension has it. What may be said where is the
//! session's to know; here they are only read.

use postern_model::Timestamp;
use postern_model::record::{BodyKind, DeliverBy, MailTerms, Notify, RcptTerms, Ret};

/// Longest ENVID, written in xtext (RFC 3461 §4.4).
const LONGEST_ENVID: usize = 100;
/// Longest ORCPT (RFC 3461 §4.2).
const LONGEST_ORCPT: usize = 500;

/// What is wrong with a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    /// No such parameter.
    Unknown,
    /// It is malformed, or stands there twice.
    Malformed,
}

/// Which extensions' parameters were given; each has to be offered where it is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Used {
    /// AUTH= (RFC 4954 §5).
    pub(super) auth: bool,
    /// HOLDFOR, HOLDUNTIL (RFC 4865).
    pub(super) future_release: bool,
    /// BY (RFC 2852).
    pub(super) deliver_by: bool,
    /// MT-PRIORITY (RFC 6710).
    pub(super) priority: bool,
    /// REQUIRETLS (RFC 8689).
    pub(super) require_tls: bool,
    /// Any at all, which only EHLO allows.
    pub(super) any: bool,
}

/// Parameters of MAIL.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct MailParams {
    /// SIZE (RFC 1870 §6): what the client says the letter will have.
    pub(super) size: Option<u64>,
    /// BODY (RFC 6152, RFC 3030).
    pub(super) body: Option<BodyKind>,
    /// SMTPUTF8 (RFC 6531 §3.4).
    pub(super) utf8: bool,
    ret: Option<Ret>,
    envid: Option<String>,
    hold: Option<Hold>,
    by: Option<By>,
    priority: Option<i8>,
    /// Which of them were used.
    pub(super) used: Used,
}

/// HOLDFOR or HOLDUNTIL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hold {
    For(u64),
    Until(Timestamp),
}

/// BY, as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct By {
    seconds: i64,
    returns: bool,
    trace: bool,
}

impl MailParams {
    /// Reads one of them.
    pub(super) fn take(&mut self, parameter: &str) -> Result<(), Wrong> {
        let (name, value) = match parameter.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (parameter, None),
        };
        let used = &mut self.used;
        used.any = true;
        let name = name.to_ascii_uppercase();
        match name.as_str() {
            "SIZE" => set(&mut self.size, value.and_then(number)),
            "BODY" => set(&mut self.body, value.and_then(body)),
            "SMTPUTF8" => flag(&mut self.utf8, value),
            "RET" => set(&mut self.ret, value.and_then(ret)),
            "ENVID" => set(&mut self.envid, value.filter(|v| v.len() <= LONGEST_ENVID).and_then(xtext)),
            "REQUIRETLS" => flag(&mut used.require_tls, value),
            "AUTH" if value.is_some_and(|v| !v.is_empty()) => flag(&mut used.auth, None),
            "HOLDFOR" | "HOLDUNTIL" => {
                used.future_release = true;
                set(&mut self.hold, value.and_then(|value| hold(&name, value)))
            }
            "BY" => {
                used.deliver_by = true;
                set(&mut self.by, value.and_then(by))
            }
            "MT-PRIORITY" => {
                used.priority = true;
                set(&mut self.priority, value.and_then(priority))
            }
            "AUTH" => Err(Wrong::Malformed),
            _ => Err(Wrong::Unknown),
        }
    }

    /// What they ask for, said at `now`.
    pub(super) fn terms(&self, now: Timestamp) -> MailTerms {
        let seconds = |n: u64| std::time::Duration::from_secs(n);
        MailTerms {
            body: self.body.unwrap_or_default(),
            utf8: self.utf8,
            ret: self.ret,
            envid: self.envid.clone(),
            require_tls: self.used.require_tls,
            not_before: self.hold.map(|hold| match hold {
                Hold::For(n) => now.plus(seconds(n)),
                Hold::Until(at) => at,
            }),
            deliver_by: self.by.map(|by| DeliverBy {
                at: match u64::try_from(by.seconds) {
                    Ok(n) => now.plus(seconds(n)),
                    Err(_) => now.minus(seconds(by.seconds.unsigned_abs())),
                },
                returns: by.returns,
                trace: by.trace,
            }),
            priority: self.priority.unwrap_or_default(),
        }
    }
}

/// Reads one parameter of RCPT.
pub(super) fn rcpt(terms: &mut RcptTerms, parameter: &str) -> Result<(), Wrong> {
    let (name, value) = parameter.split_once('=').ok_or(match parameter.to_ascii_uppercase().as_str() {
        "NOTIFY" | "ORCPT" => Wrong::Malformed,
        _ => Wrong::Unknown,
    })?;
    match name.to_ascii_uppercase().as_str() {
        "NOTIFY" => set(&mut terms.notify, notify(value)),
        "ORCPT" => set(&mut terms.orcpt, orcpt(value)),
        _ => Err(Wrong::Unknown),
    }
}

fn set<T>(slot: &mut Option<T>, value: Option<T>) -> Result<(), Wrong> {
    match (value, &slot) {
        (Some(value), None) => {
            *slot = Some(value);
            Ok(())
        }
        _ => Err(Wrong::Malformed),
    }
}

fn flag(slot: &mut bool, value: Option<&str>) -> Result<(), Wrong> {
    if value.is_some() || std::mem::replace(slot, true) { Err(Wrong::Malformed) } else { Ok(()) }
}

fn body(value: &str) -> Option<BodyKind> {
    match value.to_ascii_uppercase().as_str() {
        "7BIT" => Some(BodyKind::SevenBit),
        "8BITMIME" => Some(BodyKind::EightBit),
        "BINARYMIME" => Some(BodyKind::Binary),
        _ => None,
    }
}

fn ret(value: &str) -> Option<Ret> {
    match value.to_ascii_uppercase().as_str() {
        "FULL" => Some(Ret::Full),
        "HDRS" => Some(Ret::Headers),
        _ => None,
    }
}

/// RFC 4865 §4: seconds from now, or a date and time of RFC 3339.
fn hold(name: &str, value: &str) -> Option<Hold> {
    match name {
        "HOLDFOR" => Some(Hold::For(number(value).filter(|n| (1..=999_999_999).contains(n))?)),
        _ => Timestamp::parse_rfc3339(value).map(Hold::Until),
    }
}

/// RFC 2852 §4: `by-time ";" by-mode [by-trace]`
fn by(value: &str) -> Option<By> {
    let (seconds, mode) = value.split_once(';')?;
    let digits = seconds.strip_prefix(['+', '-']).unwrap_or(seconds);
    if !(1..=9).contains(&digits.len()) || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let seconds: i64 = seconds.strip_prefix('+').unwrap_or(seconds).parse().ok()?;
    let (returns, trace) = match mode.to_ascii_uppercase().as_str() {
        "R" => (true, false),
        "RT" => (true, true),
        "N" => (false, false),
        "NT" => (false, true),
        _ => return None,
    };
    // A letter can't be returned in time that is late already.
    (seconds > 0 || !returns).then_some(By { seconds, returns, trace })
}

/// RFC 6710 §4: -9 to 9.
fn priority(value: &str) -> Option<i8> {
    let digit = value.strip_prefix('-').unwrap_or(value);
    let one_digit = digit.len() == 1 && digit.bytes().all(|b| b.is_ascii_digit());
    one_digit.then(|| value.parse().ok()).flatten()
}

/// RFC 3461 §4.1: NEVER, or some of the others.
fn notify(value: &str) -> Option<Notify> {
    let mut notify = Notify { success: false, failure: false, delay: false };
    if value.eq_ignore_ascii_case("NEVER") {
        return Some(notify);
    }
    for word in value.split(',') {
        let slot = match word.to_ascii_uppercase().as_str() {
            "SUCCESS" => &mut notify.success,
            "FAILURE" => &mut notify.failure,
            "DELAY" => &mut notify.delay,
            _ => return None,
        };
        *slot = true;
    }
    Some(notify)
}

/// RFC 3461 §4.2 and RFC 6533 §3: `addr-type ";" xtext`.
fn orcpt(value: &str) -> Option<String> {
    let (kind, address) = value.split_once(';').filter(|_| value.len() <= LONGEST_ORCPT)?;
    let is_type = !kind.is_empty() && kind.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let address = match kind.eq_ignore_ascii_case("utf-8") {
        true => utf8_address(address)?,
        false => xtext(address)?,
    };
    (is_type && !address.is_empty()).then(|| format!("{kind};{address}"))
}

/// RFC 3461 §4: `+` and two capital hexadecimal digits stand for an octet. What comes out is printable ASCII.
fn xtext(value: &str) -> Option<String> {
    let mut plain = String::with_capacity(value.len());
    let mut octets = value.bytes();
    while let Some(octet) = octets.next() {
        let octet = match octet {
            b'+' => hex(octets.next()?)? << 4 | hex(octets.next()?)?,
            b'=' => return None,
            octet => octet,
        };
        if !matches!(octet, b' '..=b'~') {
            return None;
        }
        plain.push(char::from(octet));
    }
    Some(plain)
}

fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

/// RFC 6533 §3: `\x{…}` stands for a character; others beyond ASCII may stand as they are.
fn utf8_address(value: &str) -> Option<String> {
    let (mut plain, mut rest) = (String::new(), value);
    while let Some((before, behind)) = rest.split_once("\\x{") {
        let (digits, after) = behind.split_once('}')?;
        plain.push_str(before);
        plain.push(char::from_u32(u32::from_str_radix(digits, 16).ok()?).filter(|c| !c.is_control())?);
        rest = after;
    }
    plain.push_str(rest);
    (!plain.contains(['\\', '+', '=']) && !plain.chars().any(char::is_control)).then_some(plain)
}

/// `1*20DIGIT` (RFC 1870 §6).
pub(super) fn number(text: &str) -> Option<u64> {
    let digits = (1..=20).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_772_359_200_000_000);

    fn mail(parameters: &str) -> Result<MailTerms, Wrong> {
        let mut params = MailParams::default();
        parameters.split(' ').try_for_each(|parameter| params.take(parameter))?;
        Ok(params.terms(NOW))
    }

    fn of_rcpt(parameters: &str) -> Result<RcptTerms, Wrong> {
        let mut terms = RcptTerms::default();
        parameters.split(' ').try_for_each(|parameter| rcpt(&mut terms, parameter))?;
        Ok(terms)
    }

    #[test]
    fn what_is_asked_with_mail_is_read() {
        let terms = mail(
            "ret=hdrs ENVID=QQ+3D314159 body=binarymime REQUIRETLS MT-PRIORITY=-3 BY=3600;RT HOLDFOR=60",
        );
        let terms = terms.expect("all well-formed");
        assert_eq!((terms.ret, terms.envid.as_deref()), (Some(Ret::Headers), Some("QQ=314159")));
        assert_eq!((terms.body, terms.require_tls, terms.priority), (BodyKind::Binary, true, -3));
        let hour = std::time::Duration::from_secs(3_600);
        assert_eq!(terms.deliver_by, Some(DeliverBy { at: NOW.plus(hour), returns: true, trace: true }));
        assert_eq!(terms.not_before, Some(NOW.plus(hour / 60)));
        let until = mail("HOLDUNTIL=2026-03-01T10:01:00Z BY=-5;N").expect("well-formed");
        assert_eq!(until.not_before, Some(NOW.plus(hour / 60)));
        assert!(until.deliver_by.is_some_and(|by| by.at < NOW && !by.returns));
    }

    #[test]
    fn what_is_malformed_or_said_twice_is_refused() {
        for line in [
            "RET=ALL",
            "RET",
            "RET=FULL RET=HDRS",
            "ENVID=a+3d",
            "ENVID=a+3",
            "ENVID=a=b",
            "ENVID=+0A",
            "BODY=9BIT",
            "HOLDFOR=0",
            "HOLDFOR=1 HOLDUNTIL=2026-03-01T10:01:00Z",
            "HOLDUNTIL=tomorrow",
            "BY=1",
            "BY=0;R",
            "BY=-1;R",
            "BY=1;X",
            "BY=+;N",
            "BY=1234567890;N",
            "MT-PRIORITY=10",
            "MT-PRIORITY=+1",
            "MT-PRIORITY=",
            "REQUIRETLS=1",
            "REQUIRETLS REQUIRETLS",
            "AUTH=",
            "SMTPUTF8=x",
            "SIZE=x",
        ] {
            assert_eq!(mail(line), Err(Wrong::Malformed), "{line}");
        }
        let long = format!("ENVID={}", "x".repeat(101));
        assert_eq!(mail(&long), Err(Wrong::Malformed));
        for line in ["X=1", "=", "FOO"] {
            assert_eq!(mail(line), Err(Wrong::Unknown), "{line}");
        }
    }

    #[test]
    fn what_is_asked_with_rcpt_is_read() {
        let terms = of_rcpt("NOTIFY=success,DELAY ORCPT=rfc822;Bob+2Bx@b.test").expect("well-formed");
        assert_eq!(terms.notify, Some(Notify { success: true, failure: false, delay: true }));
        assert_eq!(terms.orcpt.as_deref(), Some("rfc822;Bob+x@b.test"));
        let never = of_rcpt("NOTIFY=NEVER").expect("well-formed").notify;
        assert_eq!(never, Some(Notify { success: false, failure: false, delay: false }));
        let utf8 = of_rcpt("ORCPT=utf-8;j\\x{101}nis@b.test").expect("well-formed");
        assert_eq!(utf8.orcpt.as_deref(), Some("utf-8;jānis@b.test"));
        for line in [
            "NOTIFY=",
            "NOTIFY=NEVER,FAILURE",
            "NOTIFY=MAYBE",
            "NOTIFY",
            "ORCPT=bob@b.test",
            "ORCPT=;x",
            "ORCPT=a b;x",
            "ORCPT=rfc822;",
            "NOTIFY=DELAY NOTIFY=DELAY",
            "ORCPT=utf-8;\\x{110000}",
        ] {
            assert!(of_rcpt(line).is_err(), "{line}");
        }
        assert_eq!(of_rcpt("RET=FULL"), Err(Wrong::Unknown));
    }
}
