//! A report as a letter (RFC 9990 §3.4): XML, compressed, with a few words for people.

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use flate2::Compression;
use flate2::write::GzEncoder;
use mail_auth::report::{
    ActionDisposition, Alignment, DKIMAuthResult, Discovery, Disposition, DkimResult, DmarcResult,
    PolicyOverride, PolicyOverrideReason, PolicyPublished, Record, Report as Xml, SPFAuthResult,
    SPFDomainScope, SpfResult,
};
use postern_model::record::{AuthResult, DmarcAction, DmarcDay, DmarcPolicy, DmarcRequest, DmarcRow};
use postern_model::{Domain, EmailAddress, LetterId, Timestamp};

/// Seconds of a day.
pub(super) const DAY: i64 = 24 * 60 * 60;
/// Characters of base64 in a line (RFC 2045 §6.8).
const LINE: usize = 76;

/// The report of one domain's day.
pub(super) struct Report<'a> {
    hostname: &'a str,
    domain: &'a Domain,
    begin: i64,
    /// The attachment, as it stands in the letter.
    encoded: String,
}

impl<'a> Report<'a> {
    /// Writes the report.
    pub(super) fn new(hostname: &'a str, domain: &'a Domain, day: u32, record: &DmarcDay) -> Report<'a> {
        let mut report = Report { hostname, domain, begin: i64::from(day) * DAY, encoded: String::new() };
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        // Writing to memory does not fail.
        let written = encoder.write_all(report.xml(record).as_bytes()).and_then(|()| encoder.finish());
        for line in BASE64.encode(written.unwrap_or_default()).as_bytes().chunks(LINE) {
            report.encoded.push_str(&String::from_utf8_lossy(line));
            report.encoded.push_str("\r\n");
        }
        report
    }

    /// About how many octets its letters have.
    pub(super) fn size(&self) -> u64 {
        self.encoded.len() as u64 + 2_000
    }

    /// The letter to one of those who want it.
    pub(super) fn letter(&self, to: &EmailAddress, id: LetterId, now: Timestamp) -> Vec<u8> {
        let Report { hostname, domain, begin, encoded } = self;
        let (report, end) = (self.id(), self.end());
        let boundary = format!("=_dmarc-{id}");
        let file = format!("{hostname}!{domain}!{begin}!{end}.xml.gz");
        format!(
            "From: DMARC reports <postmaster@{hostname}>\r\n\
             To: {to}\r\n\
             Subject: Report Domain: {domain}\r\n Submitter: {hostname}\r\n Report-ID: <{report}>\r\n\
             Date: {date}\r\n\
             Message-ID: <dmarc-{id}@{hostname}>\r\n\
             Auto-Submitted: auto-generated\r\n\
             MIME-Version: 1.0\r\n\
             Content-Type: multipart/mixed; boundary=\"{boundary}\"\r\n\
             \r\n\
             --{boundary}\r\n\
             Content-Type: text/plain; charset=us-ascii\r\n\
             \r\n\
             How letters in the name of {domain} fared at {hostname}\r\n\
             from {from} to {until} is told in the file.\r\n\
             --{boundary}\r\n\
             Content-Type: application/gzip; name=\"{file}\"\r\n\
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

    /// The same for the same day, so that a receiver could tell a second copy.
    fn id(&self) -> String {
        format!("{}.{}@{}", self.domain, self.begin, self.hostname)
    }

    fn end(&self) -> i64 {
        self.begin + DAY - 1
    }

    fn xml(&self, day: &DmarcDay) -> String {
        let mut xml = Xml::new()
            .with_version(1.0)
            .with_org_name(self.hostname)
            .with_email(format!("postmaster@{}", self.hostname))
            .with_report_id(self.id())
            .with_date_range_begin(self.begin.unsigned_abs())
            .with_date_range_end(self.end().unsigned_abs())
            .with_generator(concat!("Postern ", env!("CARGO_PKG_VERSION")))
            .with_policy_published(published(self.domain, &day.policy));
        if day.lost > 0 {
            xml = xml.with_error(format!("{} more letters found no place here", day.lost));
        }
        for row in &day.rows {
            xml.add_record(record(row));
        }
        xml.to_xml()
    }
}

fn published(domain: &Domain, policy: &DmarcPolicy) -> PolicyPublished {
    let alignment = |strict| if strict { Alignment::Strict } else { Alignment::Relaxed };
    PolicyPublished {
        domain: domain.as_str().to_owned(),
        version_published: None,
        adkim: alignment(policy.strict_dkim),
        aspf: alignment(policy.strict_spf),
        // A record without a policy counts as one of `none` (RFC 9989 §4.10.1).
        p: match request(policy.domain) {
            Disposition::Unspecified => Disposition::None,
            asked => asked,
        },
        sp: request(policy.subdomains),
        np: request(policy.missing),
        testing: policy.testing,
        discovery_method: Discovery::Treewalk,
        fo: None,
    }
}

fn request(request: DmarcRequest) -> Disposition {
    match request {
        DmarcRequest::Unspecified => Disposition::Unspecified,
        DmarcRequest::None => Disposition::None,
        DmarcRequest::Quarantine => Disposition::Quarantine,
        DmarcRequest::Reject => Disposition::Reject,
    }
}

fn record(row: &DmarcRow) -> Record {
    let passed = |passed| if passed { DmarcResult::Pass } else { DmarcResult::Fail };
    let mut record = Record::new()
        .with_source_ip(row.source)
        .with_count(u32::try_from(row.count).unwrap_or(u32::MAX))
        .with_action_disposition(match row.action {
            DmarcAction::Pass => ActionDisposition::Pass,
            DmarcAction::None => ActionDisposition::None,
            DmarcAction::Quarantine => ActionDisposition::Quarantine,
            DmarcAction::Reject => ActionDisposition::Reject,
        })
        .with_dmarc_dkim_result(passed(row.dkim))
        .with_dmarc_spf_result(passed(row.spf))
        .with_header_from(row.header_from.as_str())
        .with_envelope_from(row.envelope_from.as_str());
    if let Some(why) = &row.instead {
        let reason = PolicyOverrideReason::new(PolicyOverride::LocalPolicy).with_comment(why.as_str());
        record = record.with_policy_override_reason(reason);
    }
    for (domain, selector, result) in &row.signatures {
        let signature = DKIMAuthResult::new().with_domain(domain.as_str()).with_selector(selector.as_str());
        record = record.with_dkim_auth_result(signature.with_result(dkim(*result)));
    }
    let (domain, result) = &row.path;
    let path = SPFAuthResult::new().with_domain(domain.as_str()).with_scope(SPFDomainScope::MailFrom);
    record.with_spf_auth_result(path.with_result(spf(*result)))
}

fn dkim(result: AuthResult) -> DkimResult {
    match result {
        AuthResult::None => DkimResult::None,
        AuthResult::Pass => DkimResult::Pass,
        AuthResult::Fail | AuthResult::SoftFail => DkimResult::Fail,
        AuthResult::Neutral => DkimResult::Neutral,
        AuthResult::TempError => DkimResult::TempError,
        AuthResult::PermError => DkimResult::PermError,
    }
}

fn spf(result: AuthResult) -> SpfResult {
    match result {
        AuthResult::None => SpfResult::None,
        AuthResult::Pass => SpfResult::Pass,
        AuthResult::Fail => SpfResult::Fail,
        AuthResult::SoftFail => SpfResult::SoftFail,
        AuthResult::Neutral => SpfResult::Neutral,
        AuthResult::TempError => SpfResult::TempError,
        AuthResult::PermError => SpfResult::PermError,
    }
}
