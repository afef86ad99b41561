//! The header fields that Postern puts in front of a letter (SPEC M5): Return-Path and Received (RFC 5321 §4.4), and on
//! submission a Date or Message-ID that is missing (RFC 6409 §8.1, §8.2).

use std::net::IpAddr;

use postern_model::{EmailAddress, LetterId, MailFrom, Timestamp};

/// What a Received field tells of how a letter came.
pub(super) struct Trace<'a> {
    /// What the client called itself in EHLO or HELO.
    pub(super) client_name: &'a str,
    /// Where it is.
    pub(super) peer: IpAddr,
    /// Our name.
    pub(super) hostname: &'a str,
    /// How it was transferred.
    pub(super) with: With,
    /// TLS version and cipher suite.
    pub(super) tls: Option<(&'a str, &'a str)>,
    /// The letter's id here.
    pub(super) id: LetterId,
    /// Its recipient where it has only one, so that nobody learns of others (RFC 5321 §7.6).
    pub(super) only_recipient: Option<&'a EmailAddress>,
    /// When it came.
    pub(super) at: Timestamp,
}

/// What the `with` clause says (RFC 3848, RFC 6531 §4.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct With {
    /// LMTP is spoken.
    pub(super) lmtp: bool,
    /// EHLO was said.
    pub(super) extended: bool,
    /// SMTPUTF8 was said.
    pub(super) utf8: bool,
    /// Over TLS.
    pub(super) tls: bool,
    /// After AUTH.
    pub(super) auth: bool,
}

impl With {
    fn name(self) -> &'static str {
        if self.lmtp {
            return match (self.utf8, self.tls) {
                (false, false) => "LMTP",
                (false, true) => "LMTPS",
                (true, false) => "UTF8LMTP",
                (true, true) => "UTF8LMTPS",
            };
        }
        match (self.extended, self.utf8, self.tls, self.auth) {
            (false, ..) => "SMTP",
            (true, false, false, false) => "ESMTP",
            (true, false, false, true) => "ESMTPA",
            (true, false, true, false) => "ESMTPS",
            (true, false, true, true) => "ESMTPSA",
            (true, true, false, false) => "UTF8SMTP",
            (true, true, false, true) => "UTF8SMTPA",
            (true, true, true, false) => "UTF8SMTPS",
            (true, true, true, true) => "UTF8SMTPSA",
        }
    }
}

/// `Return-Path: <reverse path>`
pub(super) fn return_path(from: &MailFrom) -> String {
    format!("Return-Path: <{from}>\r\n")
}

impl Trace<'_> {
    /// `Received: …`, folded.
    pub(super) fn field(&self) -> String {
        let peer = match self.peer.to_canonical() {
            IpAddr::V4(ip) => format!("[{ip}]"),
            IpAddr::V6(ip) => format!("[IPv6:{ip}]"),
        };
        let name = if may_stand_in_a_field(self.client_name) { self.client_name } else { "unknown" };
        let (hostname, with, id, at) = (self.hostname, self.with.name(), self.id, self.at.rfc5322());
        let mut field = format!("Received: from {name} ({peer})\r\n\tby {hostname} with {with} id {id}");
        if let Some(recipient) = self.only_recipient {
            field.push_str(&format!("\r\n\tfor <{recipient}>"));
        }
        // RFC 8314 §4.3
        if let Some((version, cipher)) = self.tls {
            field.push_str(&format!("\r\n\ttls {cipher} ({version})"));
        }
        field.push_str(&format!(";\r\n\t{at}\r\n"));
        field
    }
}

/// Domains and address literals, and what programs make of them; no comment, no semicolon.
fn may_stand_in_a_field(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._:[]".contains(&b))
}

/// `Date: …` for a letter that has none.
pub(super) fn date(at: Timestamp) -> String {
    format!("Date: {}\r\n", at.rfc5322())
}

/// `Message-ID: …` for a letter that has none; the id is never given twice by one store, nor the time by two.
pub(super) fn message_id(id: LetterId, at: Timestamp, hostname: &str) -> String {
    format!("Message-ID: <{:x}.{id}@{hostname}>\r\n", at.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trace(with: With) -> Trace<'static> {
        Trace {
            client_name: "pc.example",
            peer: IpAddr::from([192, 0, 2, 7]),
            hostname: "mail.demo.test",
            with,
            tls: None,
            id: LetterId(0x1f),
            only_recipient: None,
            at: Timestamp::from_seconds(1_772_359_200),
        }
    }

    #[test]
    fn a_received_field_says_who_where_how_and_when() {
        let to = EmailAddress::parse("bob@demo.test").expect("an address");
        let field = Trace {
            tls: Some(("TLSv1.3", "TLS_AES_128_GCM_SHA256")),
            only_recipient: Some(&to),
            ..trace(With { lmtp: false, extended: true, utf8: false, tls: true, auth: true })
        }
        .field();
        assert_eq!(
            field,
            "Received: from pc.example ([192.0.2.7])\r\n\tby mail.demo.test with ESMTPSA id 1f\r\n\
             \tfor <bob@demo.test>\r\n\ttls TLS_AES_128_GCM_SHA256 (TLSv1.3);\r\n\
             \tSun, 1 Mar 2026 10:00:00 +0000\r\n"
        );
    }

    #[test]
    fn every_way_in_has_its_registered_name() {
        let name = |extended, utf8, tls, auth| With { lmtp: false, extended, utf8, tls, auth }.name();
        assert_eq!(name(false, false, true, false), "SMTP");
        assert_eq!(name(true, false, false, false), "ESMTP");
        assert_eq!(name(true, false, true, false), "ESMTPS");
        assert_eq!(name(true, false, false, true), "ESMTPA");
        assert_eq!(name(true, true, false, false), "UTF8SMTP");
        assert_eq!(name(true, true, true, true), "UTF8SMTPSA");
    }

    #[test]
    fn a_client_s_name_can_not_write_clauses_of_its_own() {
        for name in ["a;b", "a(b", "a)b", "<a>", "a\"b", "a@b"] {
            let field = Trace { client_name: name, ..trace(With::default()) }.field();
            assert!(field.starts_with("Received: from unknown ([192.0.2.7])"), "{name}");
        }
        let field = Trace { peer: "::ffff:192.0.2.7".parse().expect("an address"), ..trace(With::default()) };
        assert!(field.field().contains("([192.0.2.7])"));
        let field = Trace { peer: "2001:db8::1".parse().expect("an address"), ..trace(With::default()) };
        assert!(field.field().contains("([IPv6:2001:db8::1])"));
    }

    #[test]
    fn a_null_reverse_path_is_written_as_such() {
        assert_eq!(return_path(&MailFrom::Null), "Return-Path: <>\r\n");
    }
}
