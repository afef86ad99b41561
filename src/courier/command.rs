//! What the client says: MAIL and RCPT with the parameters that the server offers (RFC 5321 §4.1.1, RFC 3461 §4).

use std::fmt::Write as _;

use postern_model::Timestamp;
use postern_model::record::{BodyKind, DeliverBy, MailTerms, Notify, QueuedRecipient, Ret};

use super::capabilities::Capabilities;

/// `MAIL FROM:<…> …`, with its line end. `utf8`: SMTPUTF8 is said.
pub(super) fn mail(
    from: &str,
    terms: &MailTerms,
    (size, kind): (u64, BodyKind),
    (caps, utf8, now): (&Capabilities, bool, Timestamp),
) -> String {
    let mut line = format!("MAIL FROM:<{from}>");
    if caps.size {
        let _ = write!(line, " SIZE={size}");
    }
    match kind {
        BodyKind::Binary if caps.binary => line.push_str(" BODY=BINARYMIME"),
        BodyKind::EightBit if caps.eight_bit => line.push_str(" BODY=8BITMIME"),
        _ => {}
    }
    if utf8 {
        line.push_str(" SMTPUTF8");
    }
    if caps.dsn {
        match terms.ret {
            Some(Ret::Full) => line.push_str(" RET=FULL"),
            Some(Ret::Headers) => line.push_str(" RET=HDRS"),
            None => {}
        }
        if let Some(envid) = &terms.envid {
            let _ = write!(line, " ENVID={}", xtext(envid));
        }
    }
    if let (Some(by), Some(_)) = (&terms.deliver_by, caps.deliver_by) {
        let mode = if by.returns { 'R' } else { 'N' };
        let _ = write!(line, " BY={};{mode}{}", seconds_left(by, now), if by.trace { "T" } else { "" });
    }
    if caps.priority && terms.priority != 0 {
        let _ = write!(line, " MT-PRIORITY={}", terms.priority);
    }
    if terms.require_tls && caps.require_tls {
        line.push_str(" REQUIRETLS");
    }
    line.push_str("\r\n");
    line
}

/// Seconds until a letter must be there, as BY has them: nine digits at most, less than nothing where it is late
/// (RFC 2852 §4).
pub(super) fn seconds_left(by: &DeliverBy, now: Timestamp) -> i64 {
    const MOST: i64 = 999_999_999;
    by.at.seconds().saturating_sub(now.seconds()).clamp(-MOST, MOST)
}

/// `RCPT TO:<…> …`, with its line end.
pub(super) fn rcpt(recipient: &QueuedRecipient, caps: &Capabilities) -> String {
    let mut line = format!("RCPT TO:<{}>", recipient.address);
    if caps.dsn {
        if let Some(notify) = &recipient.terms.notify {
            let _ = write!(line, " NOTIFY={}", notify_list(notify));
        }
        if let Some(original) = recipient.terms.orcpt.as_deref().and_then(orcpt) {
            let _ = write!(line, " ORCPT={original}");
        }
    }
    line.push_str("\r\n");
    line
}

fn notify_list(notify: &Notify) -> String {
    let wanted = [(notify.success, "SUCCESS"), (notify.failure, "FAILURE"), (notify.delay, "DELAY")];
    let names: Vec<_> = wanted.into_iter().filter(|(wanted, _)| *wanted).map(|(_, name)| name).collect();
    if names.is_empty() { "NEVER".to_owned() } else { names.join(",") }
}

/// `addr-type ";" xtext`; addresses beyond ASCII as RFC 6533 §3 writes them for servers of any kind.
fn orcpt(original: &str) -> Option<String> {
    let (kind, address) = original.split_once(';')?;
    let named = !kind.is_empty() && kind.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if !named || address.is_empty() {
        return None;
    }
    if kind.eq_ignore_ascii_case("utf-8") || !address.is_ascii() {
        return Some(format!("utf-8;{}", utf8_xtext(address)));
    }
    Some(format!("{kind};{}", xtext(address)))
}

/// RFC 3461 §4: what is not printable, `+` and `=` as `+` and two hexadecimal digits.
fn xtext(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for octet in text.bytes() {
        match octet {
            b'+' | b'=' => {
                let _ = write!(out, "+{octet:02X}");
            }
            b if b.is_ascii_graphic() => out.push(char::from(b)),
            octet => {
                let _ = write!(out, "+{octet:02X}");
            }
        }
    }
    out
}

/// RFC 6533 §3, `utf-8-addr-xtext`: such characters as `\x{…}`.
fn utf8_xtext(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii_graphic() && !matches!(c, '+' | '=' | '\\') {
            out.push(c);
        } else {
            let _ = write!(out, "\\x{{{:02X}}}", u32::from(c));
        }
    }
    out
}

/// Whether an address can stand in a command: nothing in it ends a line or a path.
pub(super) fn is_sayable(address: &str) -> bool {
    let quoted = address.starts_with('"');
    address.len() <= 1_000
        && address.chars().all(|c| !c.is_control() && (quoted || !matches!(c, '<' | '>' | ' ')))
}

#[cfg(test)]
mod tests {
    use postern_model::record::RcptTerms;

    use super::*;

    fn all() -> Capabilities {
        Capabilities {
            size: true,
            eight_bit: true,
            chunking: true,
            binary: true,
            utf8: true,
            dsn: true,
            deliver_by: Some(0),
            priority: true,
            require_tls: true,
            ..Capabilities::default()
        }
    }

    fn everything() -> MailTerms {
        MailTerms {
            body: BodyKind::EightBit,
            utf8: true,
            ret: Some(Ret::Headers),
            envid: Some("a+b =c".into()),
            require_tls: true,
            not_before: None,
            deliver_by: Some(DeliverBy { at: Timestamp::from_seconds(61), returns: true, trace: true }),
            priority: -3,
        }
    }

    #[test]
    fn only_what_is_offered_is_said() {
        let said = |caps: &Capabilities, kind| {
            mail("a@b.test", &everything(), (12, kind), (caps, caps.utf8, Timestamp::from_seconds(1)))
        };
        assert_eq!(
            said(&all(), BodyKind::EightBit),
            "MAIL FROM:<a@b.test> SIZE=12 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=a+2Bb+20+3Dc BY=60;RT \
             MT-PRIORITY=-3 REQUIRETLS\r\n"
        );
        assert!(said(&all(), BodyKind::Binary).contains("BODY=BINARYMIME"));
        assert_eq!(said(&Capabilities::default(), BodyKind::SevenBit), "MAIL FROM:<a@b.test>\r\n");
        let plain = mail(
            "",
            &MailTerms::default(),
            (0, BodyKind::SevenBit),
            (&Capabilities { size: false, ..all() }, false, Timestamp(0)),
        );
        assert_eq!(plain, "MAIL FROM:<>\r\n");
    }

    #[test]
    fn recipients_with_what_was_asked() {
        let rcpt = |notify, orcpt: Option<&str>, caps: &Capabilities| {
            let terms = RcptTerms { notify, orcpt: orcpt.map(str::to_owned) };
            super::rcpt(&QueuedRecipient { address: "x@b.test".into(), terms, last: None }, caps)
        };
        let never = Notify { success: false, failure: false, delay: false };
        for (notify, orcpt, line) in [
            (None, None, "RCPT TO:<x@b.test>\r\n"),
            (Some(never), None, "RCPT TO:<x@b.test> NOTIFY=NEVER\r\n"),
            (
                Some(Notify { success: true, ..Notify::DEFAULT }),
                Some("rfc822;a+b@c.test"),
                "RCPT TO:<x@b.test> NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;a+2Bb@c.test\r\n",
            ),
            (None, Some("utf-8;ж+@c.test"), "RCPT TO:<x@b.test> ORCPT=utf-8;\\x{436}\\x{2B}@c.test\r\n"),
            (None, Some("rfc822;ж@c.test"), "RCPT TO:<x@b.test> ORCPT=utf-8;\\x{436}@c.test\r\n"),
            (None, Some("no\r\nsense;x"), "RCPT TO:<x@b.test>\r\n"),
            (None, Some("rfc822;a\r\nDATA"), "RCPT TO:<x@b.test> ORCPT=rfc822;a+0D+0ADATA\r\n"),
        ] {
            assert_eq!(rcpt(notify, orcpt, &all()), line);
            assert_eq!(rcpt(notify, orcpt, &Capabilities::default()), "RCPT TO:<x@b.test>\r\n");
        }
    }

    #[test]
    fn addresses_that_would_end_a_command() {
        for address in ["a@b.test", "\"a b\"@b.test", "\"<>\"@b.test", "ж@b.test", ""] {
            assert!(is_sayable(address), "{address}");
        }
        for address in ["a@b.test\r\nDATA", "a@b.test> X", "a b@b.test", "<a@b.test", "\"a\0\"@b.test"] {
            assert!(!is_sayable(address), "{address}");
        }
    }
}
