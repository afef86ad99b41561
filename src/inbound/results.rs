//! Authentication-Results fields (RFC 8601): which of a letter's own claim to be ours, and what others found.
//!
//! Mail programs believe the field that bears this server's name, so no stranger's may come through (§5). Whatever a
//! reader could take for our name counts as it: in any case, quoted, behind comments, with a version, as U-labels.

use std::ops::Range;

use postern_model::Domain;
use postern_model::mime::fields;

/// The fields of a header that bear the name `hostname`, or might.
pub(super) fn claimed(header: &[u8], hostname: &str) -> Vec<Range<usize>> {
    fields(header)
        .filter(|field| field.is("authentication-results") && claims(field.value, hostname))
        .map(|field| {
            let start = field.raw.as_ptr().addr() - header.as_ptr().addr();
            start..start + field.raw.len()
        })
        .collect()
}

/// Whether a field's authserv-id is `hostname`. A field that has none to be read is held against any mention of it.
fn claims(value: &[u8], hostname: &str) -> bool {
    let text = String::from_utf8_lossy(value);
    let Some(plain) = without_comments(&text) else {
        return text.to_ascii_lowercase().contains(&hostname.to_ascii_lowercase());
    };
    let id = plain.split([';', ' ', '\t', '\r', '\n', '/']).find(|part| !part.is_empty()).unwrap_or("");
    let name = Domain::parse(id).map(|domain| domain.as_str().to_owned());
    id.eq_ignore_ascii_case(hostname) || name.is_ok_and(|name| name.eq_ignore_ascii_case(hostname))
}

/// Whether an ARC-Authentication-Results field says that the letter passed DMARC (RFC 8617 §4.1.1).
pub(super) fn says_dmarc_passed(value: &[u8]) -> bool {
    let text = String::from_utf8_lossy(value);
    let Some(plain) = without_comments(&text) else { return false };
    let mut verdicts = plain.split(';').filter_map(|part| {
        let (method, rest) = part.split_once('=')?;
        // RFC 8601 §2.2: `method/version`
        let method = method.split('/').next()?.trim();
        let result = rest.split_ascii_whitespace().next().unwrap_or("");
        method.eq_ignore_ascii_case("dmarc").then(|| result.eq_ignore_ascii_case("pass"))
    });
    verdicts.next() == Some(true) && verdicts.all(|passed| passed)
}

/// The text with each comment as a space, and quoted strings without their quotes; `None` where one has no end.
fn without_comments(text: &str) -> Option<String> {
    let mut plain = String::with_capacity(text.len());
    let (mut depth, mut quoted) = (0u32, false);
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let (c, literal) =
            if c == '\\' && (quoted || depth > 0) { (chars.next()?, true) } else { (c, false) };
        match c {
            '"' if depth == 0 && !literal => quoted = !quoted,
            '(' if !quoted && !literal => {
                depth += 1;
                plain.push(' ');
            }
            ')' if depth > 0 && !literal => depth -= 1,
            _ if depth > 0 => {}
            // A quoted separator separates nothing, and no authserv-id of ours holds one.
            ';' | ' ' | '/' if quoted => plain.push('_'),
            c => plain.push(c),
        }
    }
    (depth == 0 && !quoted).then_some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: &str = "mx.demo.test";

    #[test]
    fn every_spelling_of_our_name_is_ours() {
        for ours in [
            "mx.demo.test; spf=pass",
            " MX.Demo.TEST;spf=pass",
            "mx.demo.test 1; none",
            "mx.demo.test/1; none",
            "mx.demo.test",
            "(a (nested) \\) comment) mx.demo.test (x); dkim=pass",
            "\"mx.demo.test\"; dkim=pass",
            "\"mx.de\\mo.test\"; dkim=pass",
            "mx.demo.test.; dkim=pass",
            "\r\n mx.demo.test;\r\n\tdkim=pass",
            "; mx.demo.test; dkim=pass",
            "(no end mx.demo.test; dkim=pass",
            "\"no end MX.demo.test; dkim=pass",
        ] {
            assert!(claims(ours.as_bytes(), HOST), "{ours:?}");
        }
        let alabels = Domain::parse("mx.\u{113}ka.test").expect("a domain");
        assert!(claims("mx.\u{112}ka.test; spf=pass".as_bytes(), alabels.as_str()));
    }

    #[test]
    fn others_keep_theirs() {
        for theirs in [
            "mx.other.test; spf=pass smtp.helo=mx.demo.test",
            "amx.demo.test; spf=pass",
            "mx.demo.test.other.test; spf=pass",
            "(mx.demo.test) other.test; spf=pass",
            "",
            "(",
            ";",
        ] {
            assert!(!claims(theirs.as_bytes(), HOST), "{theirs:?}");
        }
    }

    #[test]
    fn whole_fields_are_found_wherever_they_stand() {
        let header = b"A: b\r\nAUTHENTICATION-results : mx.demo.test;\r\n spf=pass\r\nC: d\r\n\
            Authentication-Results: other.test; none\r\nAuthentication-Results: MX.demo.test; none\r\n\r\n";
        let found: Vec<&[u8]> = claimed(header, HOST).into_iter().map(|range| &header[range]).collect();
        let wanted: [&[u8]; 2] = [
            b"AUTHENTICATION-results : mx.demo.test;\r\n spf=pass\r\n",
            b"Authentication-Results: MX.demo.test; none\r\n",
        ];
        assert_eq!(found, wanted);
    }

    #[test]
    fn a_dmarc_pass_is_read_out_of_what_others_found() {
        for (value, passed) in [
            (" i=1; a.test; spf=fail; dmarc=pass (p=reject) header.from=b.test", true),
            (" i=1; a.test; DMARC/1 = Pass", true),
            (" i=1; a.test; dmarc=fail", false),
            (" i=1; a.test; dkim=pass (dmarc=pass)", false),
            (" i=1; a.test; dkim=pass reason=\"; dmarc=pass\"", false),
            (" i=1; a.test; dmarc=pass; dmarc=fail", false),
            (" i=1; a.test; none", false),
            (" i=1; (a.test; dmarc=pass", false),
        ] {
            assert_eq!(says_dmarc_passed(value.as_bytes()), passed, "{value:?}");
        }
    }
}
