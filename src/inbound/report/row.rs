//! What a domain is told of one letter, and which domain that is.

use mail_auth::common::cache::NoCache;
use mail_auth::dmarc::{Alignment, Dmarc, Policy};
use mail_auth::{
    DkimOutput, DkimResult, DmarcOutput, DmarcResult, MessageAuthenticator, SpfOutput, SpfResult, Txt,
};
use postern_model::record::{AuthResult, DmarcAction, DmarcAddress, DmarcPolicy, DmarcRequest, DmarcRow};
use postern_model::{Domain, MailFrom};

use crate::inbound::Visit;

/// Octets that are kept of a name that somebody else chose.
const MAX_NAME: usize = 255;
/// Addresses that a domain is told at; RFC 9990 §3.5 lets a sender stop after two.
const MAX_ADDRESSES: usize = 4;

/// What a domain wants to be told of a letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::inbound) struct Reportable {
    /// Whose policy applies: the author's domain, or one above it.
    pub(in crate::inbound) domain: Domain,
    /// What it has published.
    pub(in crate::inbound) policy: DmarcPolicy,
    /// Where it wants to be told.
    pub(in crate::inbound) addresses: Vec<DmarcAddress>,
    /// How the letter fared.
    pub(in crate::inbound) row: DmarcRow,
}

/// What is to be told, where a policy was found that asks for it; what was done is filled in later.
pub(in crate::inbound) async fn of(
    dns: &MessageAuthenticator,
    visit: &Visit,
    signatures: &[DkimOutput<'_>],
    path: &SpfOutput,
    dmarc: &DmarcOutput,
) -> Option<Reportable> {
    let record = dmarc.dmarc_record()?;
    let addresses = addresses(record);
    if addresses.is_empty() {
        return None;
    }
    let author = Domain::parse(dmarc.domain()).ok()?;
    let domain = publisher(dns, &author, record).await.unwrap_or(author);
    let envelope_from = match &visit.mail_from {
        MailFrom::Null => String::new(),
        MailFrom::Address(address) => cut(address.domain().as_str()),
    };
    let row = DmarcRow {
        count: 1,
        source: visit.peer.to_canonical(),
        action: DmarcAction::None,
        dkim: *dmarc.dkim_result() == DmarcResult::Pass,
        spf: *dmarc.spf_result() == DmarcResult::Pass,
        instead: None,
        header_from: cut(dmarc.domain()),
        envelope_from,
        signatures: signatures.iter().filter_map(signature).collect(),
        path: (cut(path.domain()), spf(path.result())),
    };
    Some(Reportable { domain, policy: policy(record), addresses, row })
}

fn addresses(record: &Dmarc) -> Vec<DmarcAddress> {
    let asked = record.rua().iter().take(MAX_ADDRESSES);
    let asked = asked.filter(|uri| postern_model::EmailAddress::parse(uri.uri()).is_ok());
    asked.map(|uri| DmarcAddress { address: uri.uri().to_owned(), limit: uri.max_size() as u64 }).collect()
}

/// Who has published the record: the author's domain, or the first above it that has the same (RFC 9989 §4.10). All
/// answers are in the resolver's memory already.
async fn publisher(dns: &MessageAuthenticator, author: &Domain, record: &Dmarc) -> Option<Domain> {
    let mut name = author.as_str();
    loop {
        let cache = None::<&NoCache<Box<str>, Txt>>;
        if let Ok(found) = dns.txt_lookup::<Dmarc>(format!("_dmarc.{name}."), cache).await
            && *found == *record
        {
            return Domain::parse(name).ok();
        }
        name = name.split_once('.')?.1;
    }
}

fn policy(record: &Dmarc) -> DmarcPolicy {
    DmarcPolicy {
        domain: request(record.p),
        subdomains: request(record.sp),
        missing: request(record.np),
        strict_dkim: record.adkim == Alignment::Strict,
        strict_spf: record.aspf == Alignment::Strict,
        testing: record.t,
    }
}

fn request(policy: Policy) -> DmarcRequest {
    match policy {
        Policy::Unspecified => DmarcRequest::Unspecified,
        Policy::None => DmarcRequest::None,
        Policy::Quarantine => DmarcRequest::Quarantine,
        Policy::Reject => DmarcRequest::Reject,
    }
}

fn signature(output: &DkimOutput<'_>) -> Option<(String, String, AuthResult)> {
    let signature = output.signature()?;
    let result = match output.result() {
        DkimResult::Pass => AuthResult::Pass,
        DkimResult::Neutral(_) => AuthResult::Neutral,
        DkimResult::Fail(_) => AuthResult::Fail,
        DkimResult::PermError(_) => AuthResult::PermError,
        DkimResult::TempError(_) => AuthResult::TempError,
        DkimResult::None => AuthResult::None,
    };
    Some((cut(&signature.d), cut(&signature.s), result))
}

fn spf(result: SpfResult) -> AuthResult {
    match result {
        SpfResult::Pass => AuthResult::Pass,
        SpfResult::Fail => AuthResult::Fail,
        SpfResult::SoftFail => AuthResult::SoftFail,
        SpfResult::Neutral => AuthResult::Neutral,
        SpfResult::TempError => AuthResult::TempError,
        SpfResult::PermError => AuthResult::PermError,
        SpfResult::None => AuthResult::None,
    }
}

fn cut(text: &str) -> String {
    let text: String = text.chars().filter(|c| !c.is_control()).collect();
    text[..text.floor_char_boundary(MAX_NAME)].to_owned()
}
