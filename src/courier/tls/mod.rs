//! What a domain demands of TLS with its servers, as it says in the DNS (DANE, RFC 7672) or on the web (MTA-STS,
//! RFC 8461). DANE has the first word: where it holds for a server, nothing else does (RFC 8461 §2).

mod dane;
mod sts;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use postern_actors::Ticker;
use postern_model::record::StsPolicy;
use postern_model::{Domain, Timestamp};
use postern_storage::Store;
use rustls::RootCertStore;
use rustls::crypto::{CryptoProvider, aws_lc_rs};

use self::dane::DaneVerifier;
use self::sts::Sts;
use super::route::TlsDemand;
use super::secure::Anybody;
use crate::dns::{Addresses, Dns, Lack};

/// Where policies are fetched: https.
const WEB: u16 = 443;
/// How often what is kept of policies is looked through.
const ROUND: Duration = Duration::from_secs(3600);

/// Finds what is demanded.
#[derive(Clone, Debug)]
pub struct Safety {
    dns: Dns,
    sts: Sts,
    provider: Arc<CryptoProvider>,
}

/// A server of a domain.
#[derive(Clone, Copy, Debug)]
pub struct Server<'a> {
    /// Whose server it is.
    pub domain: &'a Domain,
    /// What that published on the web.
    pub policy: Option<&'a StsPolicy>,
    /// Its name as the domain's MX has it.
    pub host: &'a str,
    /// Whether that MX is signed.
    pub signed: bool,
    /// Where it is.
    pub there: &'a Addresses,
}

impl Safety {
    /// What is found by this DNS, and on the web from servers that `roots` vouch for; policies are kept in `store`.
    ///
    /// # Errors
    /// TLS can't be set up.
    pub fn new(dns: Dns, store: Store, roots: &Arc<RootCertStore>) -> Result<Safety, rustls::Error> {
        Safety::with_web(dns, store, roots, WEB)
    }

    fn with_web(
        dns: Dns,
        store: Store,
        roots: &Arc<RootCertStore>,
        port: u16,
    ) -> Result<Safety, rustls::Error> {
        let sts = Sts::new(dns.clone(), store, roots, port)?;
        Ok(Safety { dns, sts, provider: Arc::new(aws_lc_rs::default_provider()) })
    }

    /// Keeps what is kept of policies fresh, for ever.
    pub async fn run(self, ticker: Ticker) {
        loop {
            if let Err(error) = self.sts.due(ticker.now()).await {
                tracing::warn!(%error, "policies (MTA-STS) could not be looked through");
            }
            ticker.sleep_until(ticker.now().plus(ROUND)).await;
        }
    }

    /// What a domain published on the web.
    ///
    /// # Errors
    /// Why it can't be told for now, in a line.
    pub async fn policy(&self, domain: &Domain, now: Timestamp) -> Result<Option<StsPolicy>, String> {
        self.sts.policy(domain, now).await
    }

    /// What a server demands.
    ///
    /// # Errors
    /// Why it can't be used for now, in a line.
    pub async fn demand(&self, server: Server<'_>) -> Result<TlsDemand, String> {
        match self.dane(server).await? {
            Some(demand) => Ok(demand),
            None => match server.policy {
                Some(policy) => sts::demand(policy, server.domain.as_str(), server.host),
                None => Ok(TlsDemand::Opportunistic),
            },
        }
    }

    /// What the server's TLSA records demand. They count where they, the MX and the server's addresses are signed
    /// (RFC 7672 §2.2.1); that they can't be asked for may be an attack, so then the server is not used.
    async fn dane(&self, server: Server<'_>) -> Result<Option<TlsDemand>, String> {
        if !server.signed || !server.there.secure {
            return Ok(None);
        }
        let expanded = server.there.name.as_str();
        // RFC 7672 §2.2.3: first under the name that aliases lead to.
        for base in [expanded, server.host].into_iter().take(if expanded == server.host { 1 } else { 2 }) {
            let records = match self.dns.tlsa(&format!("_25._tcp.{base}")).await {
                Ok((records, true)) => records,
                Ok((_, false)) | Err(Lack::NoName | Lack::NoData { .. }) => continue,
                Err(lack) => return Err(format!("TLSA of {base} (DANE): {lack}")),
            };
            let names = [base, server.host, server.domain.as_str()];
            let verifier = DaneVerifier::new(&records, &names, Arc::clone(&self.provider));
            return Ok(Some(match verifier {
                Some(verifier) => TlsDemand::Dane(Arc::new(verifier)),
                // Records that are of no use still say that there is TLS (RFC 7672 §2.2).
                None => TlsDemand::Dane(Arc::new(Anybody(Arc::clone(&self.provider)))),
            }));
        }
        Ok(None)
    }
}
