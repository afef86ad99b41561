//! The few facts that a server needs of its own certificate: the names it is for, and how long it holds (RFC 5280).
//!
//! The TLS library checks a certificate's form and that the key fits; it tells neither of these two.

use postern_model::Timestamp;

/// Facts of one certificate.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    /// Its DNS names, in lower case, `*.` in front of a wildcard's.
    pub(crate) names: Vec<Box<str>>,
    /// It holds from here,
    pub(crate) not_before: Timestamp,
    /// up to here.
    pub(crate) not_after: Timestamp,
}

const SEQUENCE: u8 = 0x30;
const OCTET_STRING: u8 = 0x04;
const OBJECT_IDENTIFIER: u8 = 0x06;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
/// `[0] version`
const VERSION: u8 = 0xa0;
/// `[3] extensions`
const EXTENSIONS: u8 = 0xa3;
/// `[2] dNSName` of a GeneralName.
const DNS_NAME: u8 = 0x82;
/// 2.5.29.17, subjectAltName
const SUBJECT_ALT_NAME: [u8; 3] = [0x55, 0x1d, 0x11];

/// Reads a certificate; `None` where it is none.
pub(crate) fn read(der: &[u8]) -> Option<Facts> {
    let certificate = Der(der).expect(SEQUENCE)?;
    let mut tbs = Der(Der(certificate).expect(SEQUENCE)?);
    if tbs.peek() == Some(VERSION) {
        tbs.next()?;
    }
    // serialNumber, signature, issuer
    for _ in 0..3 {
        tbs.next()?;
    }
    let mut validity = Der(tbs.expect(SEQUENCE)?);
    let (not_before, not_after) = (time(validity.next()?)?, time(validity.next()?)?);
    let mut names = Vec::new();
    while let Some((tag, value)) = tbs.next() {
        if tag == EXTENSIONS {
            names = alternative_names(value)?;
        }
    }
    Some(Facts { names, not_before, not_after })
}

/// The whole SubjectPublicKeyInfo of a certificate, which DANE's records are made of (RFC 6698 §2.1.2).
pub(crate) fn public_key_info(der: &[u8]) -> Option<&[u8]> {
    let mut tbs = Der(Der(Der(der).expect(SEQUENCE)?).expect(SEQUENCE)?);
    if tbs.peek() == Some(VERSION) {
        tbs.next()?;
    }
    // serialNumber, signature, issuer, validity, subject
    for _ in 0..5 {
        tbs.next()?;
    }
    let whole = tbs.0;
    tbs.expect(SEQUENCE)?;
    whole.get(..whole.len() - tbs.0.len())
}

fn alternative_names(extensions: &[u8]) -> Option<Vec<Box<str>>> {
    let mut extensions = Der(Der(extensions).expect(SEQUENCE)?);
    while let Some((SEQUENCE, extension)) = extensions.next() {
        let mut extension = Der(extension);
        if extension.expect(OBJECT_IDENTIFIER)? != SUBJECT_ALT_NAME {
            continue;
        }
        let mut value = extension.next()?;
        if value.0 != OCTET_STRING {
            value = extension.next()?; // behind `critical`
        }
        let mut names = Der(Der(value.1).expect(SEQUENCE)?);
        let mut found = Vec::new();
        while let Some((tag, name)) = names.next() {
            if tag == DNS_NAME {
                found.push(std::str::from_utf8(name).ok()?.to_ascii_lowercase().into());
            }
        }
        return Some(found);
    }
    Some(Vec::new())
}

/// `YYMMDDHHMMSSZ` up to 2049, `YYYYMMDDHHMMSSZ` from then on (§4.1.2.5).
fn time((tag, text): (u8, &[u8])) -> Option<Timestamp> {
    let text = std::str::from_utf8(text).ok().filter(|text| text.is_ascii())?;
    let (century, rest) = match tag {
        UTC_TIME => (if text.get(..2)? < "50" { "20" } else { "19" }, text),
        GENERALIZED_TIME => (text.get(..2)?, &text[2..]),
        _ => return None,
    };
    let part = |at: usize| rest.get(at..at + 2);
    let (year, month, day) = (part(0)?, part(2)?, part(4)?);
    let (hour, minute, second) = (part(6)?, part(8)?, part(10)?);
    Timestamp::parse_rfc3339(&format!("{century}{year}-{month}-{day}T{hour}:{minute}:{second}Z"))
}

/// Octets in the distinguished encoding, read value by value.
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    fn peek(&self) -> Option<u8> {
        self.0.first().copied()
    }

    /// The next value and its tag.
    fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, mut rest) = rest.split_first()?;
        let mut length = usize::from(first);
        if first >= 0x80 {
            let (octets, behind) = rest.split_at_checked(usize::from(first & 0x7f))?;
            if octets.len() > 3 {
                return None;
            }
            length = octets.iter().fold(0, |length, octet| length << 8 | usize::from(*octet));
            rest = behind;
        }
        let (value, behind) = rest.split_at_checked(length)?;
        self.0 = behind;
        Some((tag, value))
    }

    /// The next value, where it has this tag.
    fn expect(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.next().filter(|(found, _)| *found == tag).map(|(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn certificate(names: &[&str]) -> Vec<u8> {
        let key = rcgen::KeyPair::generate().expect("a key");
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = rcgen::CertificateParams::new(names).expect("names");
        params.not_before = rcgen::date_time_ymd(2026, 3, 1);
        params.not_after = rcgen::date_time_ymd(2051, 4, 2);
        params.self_signed(&key).expect("a certificate").der().to_vec()
    }

    #[test]
    fn names_and_dates_are_found() {
        let facts = read(&certificate(&["Mail.Demo.Test", "*.demo.test", "127.0.0.1"])).expect("facts");
        assert_eq!(facts.names, ["mail.demo.test".into(), Box::from("*.demo.test")]);
        assert_eq!(facts.not_before.rfc3339(), "2026-03-01T00:00:00Z");
        assert_eq!(facts.not_after.rfc3339(), "2051-04-02T00:00:00Z");
    }

    #[test]
    fn a_certificate_may_have_no_names() {
        assert!(read(&certificate(&[])).expect("facts").names.is_empty());
    }

    #[test]
    fn a_certificate_that_is_cut_short_is_none() {
        let whole = certificate(&["mail.demo.test"]);
        for end in 0..whole.len() {
            assert_eq!(read(&whole[..end]), None);
        }
    }

    proptest! {
        #[test]
        fn damage_never_panics(at in 0_usize..300, octet: u8) {
            let mut damaged = certificate(&["mail.demo.test"]);
            let at = at % damaged.len();
            damaged[at] = octet;
            let _ = read(&damaged);
        }
    }
}
