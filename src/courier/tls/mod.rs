//! What a domain demands of TLS with its servers, as it says in the DNS (DANE, RFC 7672) or on the web (MTA-STS,
//! RFC 8461). DANE has the first word: where it holds for a server, nothing else does (RFC 8461 §2).

mod dane;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, aws_lc_rs};

use self::dane::DaneVerifier;
use super::route::TlsDemand;
use super::secure::Anybody;
use crate::dns::{Addresses, Dns, Lack};

/// Finds what is demanded.
#[derive(Clone, Debug)]
pub struct Safety {
    dns: Dns,
    provider: Arc<CryptoProvider>,
}

/// A server of a domain.
#[derive(Clone, Copy, Debug)]
pub struct Server<'a> {
    /// Whose server it is.
    pub domain: &'a str,
    /// Its name as the domain's MX has it.
    pub host: &'a str,
    /// Whether that MX is signed.
    pub signed: bool,
    /// Where it is.
    pub there: &'a Addresses,
}

impl Safety {
    /// What is found by this DNS.
    pub fn new(dns: Dns) -> Safety {
        Safety { dns, provider: Arc::new(aws_lc_rs::default_provider()) }
    }

    /// What a server demands.
    ///
    /// # Errors
    /// Why it can't be used for now, in a line.
    pub async fn demand(&self, server: Server<'_>) -> Result<TlsDemand, String> {
        match self.dane(server).await? {
            Some(demand) => Ok(demand),
            None => Ok(TlsDemand::Opportunistic),
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
            let names = [base, server.host, server.domain];
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
