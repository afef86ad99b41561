//! What is published, as the DNS tells it.

use std::net::IpAddr;

use mail_auth::hickory_resolver::TokioResolver;
use mail_auth::hickory_resolver::proto::rr::{RData, RecordType};
use mail_auth::spf::verify::SpfParameters;
use mail_auth::{MessageAuthenticator, Parameters, SpfResult};
use postern_actors::courier::Local;
use postern_model::Domain;

use super::Kind;

/// Tells what is published.
pub trait Lookup {
    /// The values of all records of a kind that a name has, as a zone file writes them, but TXT records without quotes
    /// and put together. None where there are none.
    ///
    /// # Errors
    /// Why it can't be told.
    fn values<'a>(&'a self, name: &'a str, kind: Kind) -> Local<'a, Result<Vec<String>, String>>;

    /// Whether a domain's SPF record lets `ip`, which calls itself `host`, send for it (RFC 7208 §4).
    ///
    /// # Errors
    /// Why it can't be told.
    fn may_send<'a>(
        &'a self,
        ip: IpAddr,
        host: &'a str,
        domain: &'a Domain,
    ) -> Local<'a, Result<bool, String>>;
}

/// The DNS itself.
pub struct Dns(MessageAuthenticator);

impl Dns {
    /// Asked by way of a resolver.
    pub fn new(resolver: TokioResolver) -> Dns {
        Dns(MessageAuthenticator(resolver))
    }

    async fn ask(&self, name: &str, kind: RecordType) -> Result<Vec<String>, String> {
        // With a dot at its end no search list is tried.
        let found = match self.0.resolver().lookup(format!("{name}."), kind).await {
            Ok(found) => found,
            Err(error) if error.is_no_records_found() || error.is_nx_domain() => return Ok(Vec::new()),
            Err(error) => return Err(error.to_string()),
        };
        let records = found.answers().iter().filter(|record| record.record_type() == kind);
        Ok(records.map(|record| shown(&record.data)).collect())
    }
}

fn shown(data: &RData) -> String {
    match data {
        RData::TXT(text) => String::from_utf8_lossy(&text.txt_data.concat()).into_owned(),
        other => other.to_string(),
    }
}

impl Lookup for Dns {
    fn values<'a>(&'a self, name: &'a str, kind: Kind) -> Local<'a, Result<Vec<String>, String>> {
        Box::pin(async move {
            match kind {
                Kind::Address => {
                    let mut all = self.ask(name, RecordType::A).await?;
                    all.extend(self.ask(name, RecordType::AAAA).await?);
                    Ok(all)
                }
                Kind::Mx => self.ask(name, RecordType::MX).await,
                Kind::Txt => self.ask(name, RecordType::TXT).await,
                Kind::Srv => self.ask(name, RecordType::SRV).await,
                Kind::Tlsa => self.ask(name, RecordType::TLSA).await,
                Kind::Cname => self.ask(name, RecordType::CNAME).await,
            }
        })
    }

    fn may_send<'a>(
        &'a self,
        ip: IpAddr,
        host: &'a str,
        domain: &'a Domain,
    ) -> Local<'a, Result<bool, String>> {
        Box::pin(async move {
            let sender = format!("postmaster@{domain}");
            let asked = SpfParameters::verify_mail_from(ip, host, host, &sender);
            match self.0.verify_spf(Parameters::new(asked)).await.result() {
                SpfResult::Pass => Ok(true),
                SpfResult::TempError => Err("a server that its SPF record names did not answer".to_owned()),
                _ => Ok(false),
            }
        })
    }
}
