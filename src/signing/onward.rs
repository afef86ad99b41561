//! Letters that users send on get a seal: what was found of them here, vouched for by the account's domain (SPEC D6).

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use mail_auth::{AuthenticatedMessage, AuthenticationResults, MessageAuthenticator};
use postern_actors::courier::Local;
use postern_actors::order::{ArcChain, Judged};
use postern_actors::rules::ForwardSeal;
use postern_model::Domain;

use super::Signer;

/// Longest ARC-Authentication-Results that is written, so that its line stays within bounds (RFC 5322 §2.1.1).
const LONGEST: usize = 900;

/// Seals what is sent on; one for the whole server.
pub struct Onward {
    signer: Arc<Signer>,
    dns: Option<MessageAuthenticator>,
}

impl Onward {
    /// With the keys of `signer`; without `dns` nothing is sealed, since nobody can say whether earlier seals hold.
    pub fn new(signer: Arc<Signer>, dns: Option<MessageAuthenticator>) -> Onward {
        Onward { signer, dns }
    }

    async fn fields(&self, letter: Bytes, domain: &Domain, judged: &Judged) -> Result<Vec<u8>, String> {
        let (Some(dns), Some(found)) = (&self.dns, &judged.results) else { return Ok(Vec::new()) };
        if judged.arc == ArcChain::Unknown {
            return Ok(Vec::new());
        }
        let Some(seal) = self.signer.arc_seal(domain).await? else { return Ok(Vec::new()) };
        let letter = behind_return_path(letter);
        let parsed = AuthenticatedMessage::parse(&letter).ok_or("its header can't be read")?;
        let chain = dns.verify_arc(&parsed).await;
        let text = one_line(found);
        seal.seal(&parsed, &AuthenticationResults::new(&text), &chain)
    }
}

impl fmt::Debug for Onward {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Onward")
    }
}

impl ForwardSeal for Onward {
    fn seal<'a>(&'a self, letter: Bytes, domain: &'a Domain, judged: &'a Judged) -> Local<'a, Vec<u8>> {
        Box::pin(async move {
            self.fields(letter, domain, judged).await.unwrap_or_else(|error| {
                tracing::warn!(%domain, %error, "a letter goes on without a seal");
                Vec::new()
            })
        })
    }
}

/// The letter as it is sent on.
fn behind_return_path(letter: Bytes) -> Bytes {
    match letter.starts_with(b"Return-Path:") {
        true => letter.slice(memchr::memmem::find(&letter, b"\r\n").map_or(0, |end| end + 2)..),
        false => letter,
    }
}

/// What was found, as one line of bounded length: the results that come first.
fn one_line(found: &str) -> String {
    let mut text = String::new();
    for result in found.split(';') {
        let result = result.split_whitespace().collect::<Vec<_>>().join(" ");
        if text.len() + result.len() > LONGEST {
            break;
        }
        if !text.is_empty() {
            text.push_str("; ");
        }
        text.push_str(&result);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_become_one_line() {
        assert_eq!(one_line("a.test;\r\n\tspf=pass x=y;\r\n\tdkim=none"), "a.test; spf=pass x=y; dkim=none");
        let long = format!("a.test{}", ";\r\n\tdkim=pass header.d=b.test".repeat(100));
        assert!(one_line(&long).len() <= LONGEST && one_line(&long).ends_with("b.test"));
    }

    #[test]
    fn the_return_path_stays_here() {
        let letter = Bytes::from_static(b"Return-Path: <a@b.test>\r\nReceived: x\r\n\r\n");
        assert_eq!(&behind_return_path(letter)[..], b"Received: x\r\n\r\n");
    }
}
