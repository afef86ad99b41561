//! Domains whose mail stays here.

use postern_model::Domain;
use postern_model::record::DomainEntry;
use postern_storage::{Batch, keys};
use serde_json::{Value, json};

use super::{AdminError, failed};
use crate::Actors;

pub(super) async fn add(actors: &Actors, domain: &str) -> Result<Value, AdminError> {
    let domain = parse(domain)?;
    if actors.ground().directory.is_local(&domain) {
        return Ok(json!({ "domain": domain.as_str(), "added": false }));
    }
    let mut batch = Batch::new();
    batch.put(&keys::domain(&domain), &DomainEntry { added: actors.now(), catch_all: None });
    actors.store().commit(batch).await.map_err(failed)?;
    actors.ground().directory.domain_added(domain.clone());
    Ok(json!({ "domain": domain.as_str(), "added": true }))
}

pub(super) async fn remove(actors: &Actors, domain: &str) -> Result<Value, AdminError> {
    let domain = parse(domain)?;
    if !actors.ground().directory.is_local(&domain) {
        return Err(AdminError(format!("domain {domain} is not one of ours: see `postern domain list`")));
    }
    let range = keys::addresses_of(&domain);
    let left = actors.store().read(move |view| view.scan(&range, 1)).await.map_err(failed)?;
    if let Some((address, _)) = left.first() {
        return Err(AdminError(format!(
            "domain {domain} still has addresses, {address} among them: remove those accounts and aliases first"
        )));
    }
    let mut batch = Batch::new();
    batch.delete(&keys::domain(&domain));
    actors.store().commit(batch).await.map_err(failed)?;
    actors.ground().directory.domain_removed(&domain);
    Ok(json!({ "domain": domain.as_str(), "removed": true }))
}

pub(super) fn list(actors: &Actors) -> Value {
    actors.ground().directory.domains().iter().map(|domain| json!({ "domain": domain.as_str() })).collect()
}

fn parse(text: &str) -> Result<Domain, AdminError> {
    match Domain::parse(text) {
        Ok(domain) if !domain.as_str().starts_with('[') => Ok(domain),
        _ => Err(AdminError(format!("{text:?} is not a domain name: write it like example.org"))),
    }
}
