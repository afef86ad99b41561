//! The keys that letters of our domains are signed with: made, rotated, forgotten (SPEC D4).
//!
//! Each domain has one of each algorithm that signs. A rotation makes a next one beside it; when that is published, it
//! signs, and the old one is retired until nothing that it signed is under way any more.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use postern_model::record::{DomainKey, KeyAlgorithm, KeyState};
use postern_model::{Domain, Timestamp};
use postern_storage::{Batch, keys};
use serde_json::{Value, json};

use super::{AdminError, RotateStep, domains, failed};
use crate::Actors;
use crate::keymaker::KeyMaker;

/// Keys of one domain that are looked at: an operator who never drops any makes a pair a month.
const MOST: usize = 1_000;

type Kept = (String, DomainKey);

/// The domain's keys; those that are missing are made.
pub(super) async fn list(actors: &Actors, domain: &str) -> Result<Value, AdminError> {
    let domain = domains::ours(actors, domain)?;
    let kept = of(actors, &domain).await?;
    let lacks = |algorithm: &KeyAlgorithm| {
        !kept.iter().any(|(_, key)| key.algorithm == *algorithm && key.state == KeyState::Active)
    };
    let missing: Vec<KeyAlgorithm> = KeyAlgorithm::ALL.into_iter().filter(lacks).collect();
    let mut batch = Batch::new();
    make(actors, &domain, &kept, (missing, KeyState::Active), &mut batch).await?;
    if batch.is_empty() {
        return Ok(shown(&domain, &kept));
    }
    actors.store().commit(batch).await.map_err(failed)?;
    Ok(shown(&domain, &of(actors, &domain).await?))
}

/// One step of a rotation; answers the keys after it.
pub(super) async fn rotate(actors: &Actors, domain: &str, step: RotateStep) -> Result<Value, AdminError> {
    let domain = domains::ours(actors, domain)?;
    let kept = of(actors, &domain).await?;
    let mut batch = Batch::new();
    match step {
        RotateStep::Begin => begin(actors, &domain, &kept, &mut batch).await?,
        RotateStep::Activate => activate(&domain, &kept, actors.now(), &mut batch)?,
        RotateStep::Drop => {
            for (selector, _) in kept.iter().filter(|(_, key)| key.state == KeyState::Retired) {
                batch.delete(&keys::domain_key(&domain, selector));
            }
        }
    }
    actors.store().commit(batch).await.map_err(failed)?;
    Ok(shown(&domain, &of(actors, &domain).await?))
}

async fn begin(actors: &Actors, domain: &Domain, kept: &[Kept], batch: &mut Batch) -> Result<(), AdminError> {
    if actors.ground().settings.key_maker.is_none() {
        return Err(AdminError("this server makes no keys".to_owned()));
    }
    if let Some((selector, _)) = kept.iter().find(|(_, key)| key.state == KeyState::Next) {
        return Err(AdminError(format!(
            "domain {domain} has a next key already, {selector}: publish it (`postern dns {domain}`), then \
             `postern domain rotate {domain} --activate`"
        )));
    }
    make(actors, domain, kept, (KeyAlgorithm::ALL.to_vec(), KeyState::Next), batch).await
}

fn activate(domain: &Domain, kept: &[Kept], now: Timestamp, batch: &mut Batch) -> Result<(), AdminError> {
    let next =
        |algorithm| kept.iter().any(|(_, key)| key.algorithm == algorithm && key.state == KeyState::Next);
    if !KeyAlgorithm::ALL.into_iter().any(next) {
        return Err(AdminError(format!(
            "domain {domain} has no next keys: begin with `postern domain rotate {domain}`"
        )));
    }
    for (selector, key) in kept {
        let state = match key.state {
            KeyState::Next => KeyState::Active,
            KeyState::Active if next(key.algorithm) => KeyState::Retired,
            _ => continue,
        };
        let place = keys::domain_key(domain, selector);
        batch.expect(&place, key).put(&place, &DomainKey { state, since: now, ..key.clone() });
    }
    Ok(())
}

/// The first keys of a new domain.
pub(super) async fn first(actors: &Actors, domain: &Domain, batch: &mut Batch) -> Result<(), AdminError> {
    make(actors, domain, &[], (KeyAlgorithm::ALL.to_vec(), KeyState::Active), batch).await
}

/// A domain's keys go with it.
pub(super) async fn forget(actors: &Actors, domain: &Domain, batch: &mut Batch) -> Result<(), AdminError> {
    for (selector, _) in of(actors, domain).await? {
        batch.delete(&keys::domain_key(domain, &selector));
    }
    Ok(())
}

async fn make(
    actors: &Actors,
    domain: &Domain,
    kept: &[Kept],
    (algorithms, state): (Vec<KeyAlgorithm>, KeyState),
    batch: &mut Batch,
) -> Result<(), AdminError> {
    let Some(maker) = &actors.ground().settings.key_maker else { return Ok(()) };
    let now = actors.now();
    for algorithm in algorithms {
        let selector = selector(kept, algorithm, now);
        let key = made(maker, domain, &selector, algorithm).await?;
        tracing::info!(%domain, selector, "a key to sign with was made");
        let place = keys::domain_key(domain, &selector);
        batch.expect_absent(&place).put(&place, &DomainKey { state, since: now, made: now, ..key });
    }
    Ok(())
}

async fn made(
    maker: &Arc<dyn KeyMaker>,
    domain: &Domain,
    selector: &str,
    algorithm: KeyAlgorithm,
) -> Result<DomainKey, AdminError> {
    let (maker, domain, selector) = (Arc::clone(maker), domain.clone(), selector.to_owned());
    let made = tokio::task::spawn_blocking(move || maker.make(&domain, &selector, algorithm)).await;
    let made = made.map_err(|_| AdminError("making a key ended early: see the log".to_owned()))?;
    let made = made.map_err(AdminError)?;
    let at = Timestamp::default();
    let (public, secret) = (made.public, made.secret);
    Ok(DomainKey { algorithm, state: KeyState::Next, since: at, made: at, public, secret })
}

/// `p202611r`, then `p202611r2`: never one that was used before, since the DNS may remember it (RFC 6376 §3.1).
fn selector(kept: &[Kept], algorithm: KeyAlgorithm, now: Timestamp) -> String {
    let day = now.rfc3339();
    let month: String = day.chars().take(7).filter(char::is_ascii_digit).collect();
    let letter = match algorithm {
        KeyAlgorithm::Rsa => 'r',
        KeyAlgorithm::Ed25519 => 'e',
    };
    let stem = format!("p{month}{letter}");
    // The newest key is never dropped, so none of its month's numbers comes again.
    let number = |(selector, _): &Kept| match selector.strip_prefix(&stem)? {
        "" => Some(1),
        number => number.parse::<u32>().ok(),
    };
    match kept.iter().filter_map(number).max() {
        None => stem,
        Some(last) => format!("{stem}{}", last + 1),
    }
}

async fn of(actors: &Actors, domain: &Domain) -> Result<Vec<Kept>, AdminError> {
    let range = keys::domain_keys_of(domain);
    let kept = actors.store().read(move |view| view.scan(&range, MOST)).await.map_err(failed)?;
    Ok(kept.into_iter().map(|((_, selector), key)| (selector, key)).collect())
}

fn shown(domain: &Domain, kept: &[Kept]) -> Value {
    kept.iter()
        .map(|(selector, key)| {
            json!({
                "domain": domain.as_str(),
                "selector": selector,
                "algorithm": key.algorithm.name(),
                "state": key.state.name(),
                "since": key.since.rfc3339(),
                "public": STANDARD.encode(&key.public),
            })
        })
        .collect()
}
