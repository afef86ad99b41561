//! Fetches a policy from the web (RFC 8461 §3.3).

use reqwest::StatusCode;
use reqwest::header::CONTENT_TYPE;

use crate::courier::tls::web::{Web, told};

/// Octets of a policy (RFC 8461 §3.3).
const LONGEST: usize = 64 << 10;

/// The policy of a domain as it stands there; else why there is none.
pub(super) async fn fetch(web: &Web, domain: &str) -> Result<Vec<u8>, String> {
    let host = format!("mta-sts.{domain}");
    let client = web.client(&host).await?;
    let asked = client.get(format!("https://{host}/.well-known/mta-sts.txt")).send().await;
    let mut response = asked.map_err(|error| told(&error))?;
    if response.status() != StatusCode::OK {
        return Err(format!("the web answers {}", response.status()));
    }
    let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or("");
    let kind = kind.split(';').next().unwrap_or("").trim();
    if !kind.eq_ignore_ascii_case("text/plain") {
        return Err("what is there is no plain text".to_owned());
    }
    let mut text = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| told(&error))? {
        if text.len() + chunk.len() > LONGEST {
            return Err("it is longer than 64 KiB".to_owned());
        }
        text.extend_from_slice(&chunk);
    }
    Ok(text)
}
