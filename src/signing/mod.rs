//! What this server vouches for: signatures of our domains on letters that leave (DKIM, RFC 6376), the seal on what is
//! forwarded (ARC, RFC 8617), the secrets that both rest on, and the records that let others verify them.
//!
//! Keys are made here and kept by the administration (`postern_actors::admin`); [`Signer`] reads them from the store for
//! each letter, so a rotation holds from the next letter on. Reverse paths of forwarded letters are
//! `postern_policy::srs`.

mod arc;
mod keys;
mod onward;
pub mod published;
mod signer;
mod vault;

pub use arc::ArcSeal;
pub use keys::Keysmith;
pub use onward::Onward;
pub use signer::{Signer, end_of_text};
pub use vault::Vault;

use std::sync::Arc;

use postern_actors::Actors;
use postern_actors::admin::AdminRequest;
use postern_storage::Store;

use crate::config::Config;

/// Makes what keys are missing: domains from before there were any have none. In the background, since a server with
/// a thousand domains is not to wait for a thousand keys.
pub async fn complete(actors: Actors) {
    let domains = match actors.admin(AdminRequest::DomainList).await {
        Ok(domains) => domains,
        Err(error) => return tracing::warn!(%error, "the keys of domains were not looked at"),
    };
    for domain in domains.as_array().into_iter().flatten() {
        let Some(name) = domain["domain"].as_str() else { continue };
        if let Err(error) = actors.admin(AdminRequest::DomainKeys { domain: name.to_owned() }).await {
            tracing::warn!(domain = name, %error, "the domain has no keys to sign with");
        }
    }
}

/// What signs, with every key tried.
///
/// # Errors
/// As [`Signer::open`], and what is wrong with `POSTERN_SECRET_KEY_FILE`.
pub async fn signer(config: &Config, store: Store) -> Result<Signer, String> {
    let vault = Vault::open(config.secret_key_file.as_deref())?;
    Signer::open(store, Arc::new(vault)).await
}

/// What makes keys, as the actors ask for it.
///
/// # Errors
/// What is wrong with `POSTERN_SECRET_KEY_FILE`, in a line that names the cure.
pub fn keysmith(config: &Config) -> Result<Arc<Keysmith>, String> {
    let vault = Vault::open(config.secret_key_file.as_deref())?;
    Ok(Arc::new(Keysmith::new(Arc::new(vault))))
}
