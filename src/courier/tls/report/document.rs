//! A report as it is sent (RFC 8460 §4, §5): JSON, compressed, by itself or in a letter.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use flate2::Compression;
use flate2::write::GzEncoder;
use postern_model::record::{TlsDay, TlsFailureKind, TlsPolicyKind, TlsTally};
use postern_model::{Domain, EmailAddress, LetterId, Timestamp};
use serde_json::{Value, json};

use super::tally::DAY;

/// Characters of base64 in a line (RFC 2045 §6.8).
const LINE: usize = 76;

/// Of one domain and day.
pub(super) struct Document<'a> {
    hostname: &'a str,
    domain: &'a Domain,
    begin: i64,
    /// The JSON, compressed.
    pub(super) octets: Vec<u8>,
}

impl<'a> Document<'a> {
    pub(super) fn new(hostname: &'a str, domain: &'a Domain, day: u32, record: &TlsDay) -> Document<'a> {
        let mut document = Document { hostname, domain, begin: i64::from(day) * DAY, octets: Vec::new() };
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        // Writing to memory does not fail.
        let written =
            encoder.write_all(document.json(record).to_string().as_bytes()).and_then(|()| encoder.finish());
        document.octets = written.unwrap_or_default();
        document
    }

    fn end(&self) -> i64 {
        self.begin + DAY - 1
    }

    /// The same for the same day, so that a receiver can tell a second copy.
    fn id(&self) -> String {
        format!("{}.{}@{}", self.domain, self.begin, self.hostname)
    }

    /// RFC 8460 §4.4.
    pub(super) fn json(&self, record: &TlsDay) -> Value {
        let time = |seconds| Timestamp::from_seconds(seconds).rfc3339();
        json!({
            "organization-name": self.hostname,
            "date-range": { "start-datetime": time(self.begin), "end-datetime": time(self.end()) },
            "contact-info": format!("postmaster@{}", self.hostname),
            "report-id": self.id(),
            "policies": record.policies.iter().map(|tally| self.policy(tally)).collect::<Vec<_>>(),
        })
    }

    fn policy(&self, tally: &TlsTally) -> Value {
        let failed: u64 = tally.failures.iter().map(|failure| failure.count).sum::<u64>() + tally.lost;
        let details = tally.failures.iter().map(|failure| {
            let mut detail = json!({
                "result-type": result_type(failure.kind),
                "failed-session-count": failure.count,
                "failure-reason-code": failure.said,
            });
            if let Some(local) = failure.local {
                detail["sending-mta-ip"] = json!(local);
            }
            if let Some(remote) = failure.remote {
                detail["receiving-ip"] = json!(remote);
            }
            if !failure.host.is_empty() {
                detail["receiving-mx-hostname"] = json!(failure.host);
            }
            detail
        });
        let policy = &tally.policy;
        let kind = match policy.kind {
            TlsPolicyKind::None => "no-policy-found",
            TlsPolicyKind::Tlsa => "tlsa",
            TlsPolicyKind::Sts => "sts",
        };
        let mut shown = json!({ "policy-type": kind, "policy-domain": self.domain.as_str() });
        if !policy.text.is_empty() {
            shown["policy-string"] = json!(policy.text);
        }
        if !policy.hosts.is_empty() {
            shown["mx-host"] = json!(policy.hosts);
        }
        json!({
            "policy": shown,
            "summary": {
                "total-successful-session-count": tally.good,
                "total-failure-session-count": failed,
            },
            "failure-details": details.collect::<Vec<_>>(),
        })
    }

    /// The letter to one of those who want it (RFC 8460 §5.3).
    pub(super) fn letter(&self, to: &EmailAddress, id: LetterId, now: Timestamp) -> Vec<u8> {
        let Document { hostname, domain, begin, octets } = self;
        let (report, end) = (self.id(), self.end());
        let boundary = format!("=_tlsrpt-{id}");
        let file = format!("{hostname}!{domain}!{begin}!{end}.json.gz");
        let mut encoded = String::new();
        for line in BASE64.encode(octets).as_bytes().chunks(LINE) {
            encoded.push_str(&String::from_utf8_lossy(line));
            encoded.push_str("\r\n");
        }
        format!(
            "From: TLS reports <postmaster@{hostname}>\r\n\
             To: {to}\r\n\
             Subject: Report Domain: {domain}\r\n Submitter: {hostname}\r\n Report-ID: <{report}>\r\n\
             Date: {date}\r\n\
             Message-ID: <tlsrpt-{id}@{hostname}>\r\n\
             Auto-Submitted: auto-generated\r\n\
             TLS-Report-Domain: {domain}\r\n\
             TLS-Report-Submitter: {hostname}\r\n\
             MIME-Version: 1.0\r\n\
             Content-Type: multipart/report; report-type=\"tlsrpt\";\r\n boundary=\"{boundary}\"\r\n\
             \r\n\
             --{boundary}\r\n\
             Content-Type: text/plain; charset=us-ascii\r\n\
             \r\n\
             How TLS went between {hostname} and the servers of {domain}\r\n\
             from {from} to {until} is told in the file.\r\n\
             --{boundary}\r\n\
             Content-Type: application/tlsrpt+gzip; name=\"{file}\"\r\n\
             Content-Disposition: attachment; filename=\"{file}\"\r\n\
             Content-Transfer-Encoding: base64\r\n\
             \r\n\
             {encoded}\
             --{boundary}--\r\n",
            date = now.rfc5322(),
            from = Timestamp::from_seconds(*begin).rfc3339(),
            until = Timestamp::from_seconds(end).rfc3339(),
        )
        .into_bytes()
    }
}

/// RFC 8460 §4.3.
fn result_type(kind: TlsFailureKind) -> &'static str {
    match kind {
        TlsFailureKind::StarttlsNotSupported => "starttls-not-supported",
        TlsFailureKind::HostMismatch => "certificate-host-mismatch",
        TlsFailureKind::Expired => "certificate-expired",
        TlsFailureKind::NotTrusted => "certificate-not-trusted",
        TlsFailureKind::Validation => "validation-failure",
        TlsFailureKind::Dnssec => "dnssec-invalid",
        TlsFailureKind::StsFetch => "sts-policy-fetch-error",
        TlsFailureKind::StsInvalid => "sts-policy-invalid",
    }
}
