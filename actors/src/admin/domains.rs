//! Domains whose mail stays here.

use postern_model::Domain;
use postern_model::record::DomainEntry;
use postern_storage::{Batch, keys};
use serde_json::{Value, json};

use super::{AdminError, failed, keys as domain_keys};
use crate::Actors;

pub(super) async fn add(actors: &Actors, domain: &str) -> Result<Value, AdminError> {
    let domain = parse(domain)?;
    if actors.ground().directory.is_local(&domain) {
        return Ok(json!({ "domain": domain.as_str(), "added": false }));
    }
    let mut batch = Batch::new();
    batch.put(&keys::domain(&domain), &DomainEntry { added: actors.now(), catch_all: None });
    domain_keys::first(actors, &domain, &mut batch).await?;
    actors.store().commit(batch).await.map_err(failed)?;
    actors.ground().directory.domain_added(domain.clone());
    Ok(json!({ "domain": domain.as_str(), "added": true }))
}

pub(super) async fn remove(actors: &Actors, domain: &str) -> Result<Value, AdminError> {
    let domain = ours(actors, domain)?;
    let range = keys::addresses_of(&domain);
    let left = actors.store().read(move |view| view.scan(&range, 1)).await.map_err(failed)?;
    if let Some((address, _)) = left.first() {
        return Err(AdminError(format!(
            "domain {domain} still has addresses, {address} among them: remove those accounts and aliases first"
        )));
    }
    let mut batch = Batch::new();
    batch.delete(&keys::domain(&domain));
    domain_keys::forget(actors, &domain, &mut batch).await?;
    actors.store().commit(batch).await.map_err(failed)?;
    actors.ground().directory.domain_removed(&domain);
    Ok(json!({ "domain": domain.as_str(), "removed": true }))
}

pub(super) fn list(actors: &Actors) -> Value {
    actors.ground().directory.domains().iter().map(|domain| json!({ "domain": domain.as_str() })).collect()
}

/// A domain of ours.
pub(super) fn ours(actors: &Actors, text: &str) -> Result<Domain, AdminError> {
    let domain = parse(text)?;
    if actors.ground().directory.is_local(&domain) {
        return Ok(domain);
    }
    Err(AdminError(format!("domain {domain} is not one of ours: see `postern domain list`")))
}

fn parse(text: &str) -> Result<Domain, AdminError> {
    match Domain::parse(text) {
        Ok(domain) if !domain.as_str().starts_with('[') => Ok(domain),
        _ => Err(AdminError(format!("{text:?} is not a domain name: write it like example.org"))),
    }
}
