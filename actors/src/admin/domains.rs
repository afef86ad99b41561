//! Domains whose mail stays here.

use postern_model::record::DomainEntry;
use postern_model::{AccountId, Domain};
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
    actors.ground().directory.domain_added(domain.clone(), None);
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

/// Who gets what is for no address of the domain (SPEC D6): `catch-all`, an address of an account or `off`.
pub(super) async fn set(actors: &Actors, domain: &str, name: &str, value: &str) -> Result<Value, AdminError> {
    let domain = ours(actors, domain)?;
    if name != "catch-all" {
        return Err(AdminError(format!("{name:?} is not a setting of a domain: there is catch-all")));
    }
    let catch_all = match value {
        "off" => None,
        address => Some(super::find(actors, address).await?),
    };
    let key = keys::domain(&domain);
    let old = actors.store().get(keys::domain(&domain)).await.map_err(failed)?;
    let Some(old) = old else { return Err(AdminError(format!("domain {domain} is gone"))) };
    let mut batch = Batch::new();
    if let Some(account) = catch_all {
        batch.expect_absent(&keys::removal(account));
    }
    batch.expect(&key, &old).put(&key, &DomainEntry { catch_all, ..old.clone() });
    actors.store().commit(batch).await.map_err(failed)?;
    actors.ground().directory.domain_added(domain.clone(), catch_all);
    Ok(json!({ "domain": domain.as_str(), "catch_all": value }))
}

/// Takes an account that goes out of the domains whose catch-all it is.
pub(super) async fn forget(
    actors: &Actors,
    account: AccountId,
    batch: &mut Batch,
) -> Result<Vec<Domain>, AdminError> {
    let read = actors.store().read(|view| view.scan(&keys::all_domains(), usize::MAX));
    let mut left = Vec::new();
    for (domain, entry) in read.await.map_err(failed)? {
        if entry.catch_all == Some(account) {
            let key = keys::domain(&domain);
            batch.expect(&key, &entry).put(&key, &DomainEntry { catch_all: None, ..entry });
            left.push(domain);
        }
    }
    Ok(left)
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
