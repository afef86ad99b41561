//! A plan that accounts have can't be dropped from the configuration (SPEC K).
//!
//! The store knows the names that accounts may have. Only where one of them is no longer configured are all accounts
//! looked at.

use std::collections::BTreeSet;

use postern_model::record::PlanNames;
use postern_storage::{Batch, Store, StoreError, View, keys};

use crate::actors::StartError;
use crate::ground::Settings;

/// Accounts read at once: nothing is committed meanwhile.
const PAGE: usize = 500;

/// Accounts whose plan is not configured.
#[derive(Default)]
struct Orphans {
    plan: String,
    accounts: u64,
    example: String,
}

/// Remembers the configured plans.
///
/// # Errors
/// [`StartError::Plan`] where an account has one that is not configured.
pub(crate) async fn keep(store: &Store, settings: &Settings) -> Result<(), StartError> {
    let configured: BTreeSet<String> = settings.plans.keys().cloned().collect();
    let known = store.get(keys::plan_names()).await?;
    let complete = known.as_ref().is_some_and(|known| known.0.iter().all(|name| configured.contains(name)));
    if !complete {
        // A store from before plans were remembered has any.
        orphans(store, configured.clone()).await?;
    }
    let names = PlanNames(configured.into_iter().collect());
    if known.as_ref() != Some(&names) {
        let mut batch = Batch::new();
        batch.put(&keys::plan_names(), &names);
        store.commit(batch).await?;
    }
    Ok(())
}

/// Looks for accounts whose plan is not among `configured`.
async fn orphans(store: &Store, configured: BTreeSet<String>) -> Result<(), StartError> {
    let configured = std::sync::Arc::new(configured);
    let (mut found, mut after) = (Orphans::default(), None);
    loop {
        let known = std::sync::Arc::clone(&configured);
        let page = store.read(move |view| page(view, after, &known, found)).await?;
        (found, after) = page;
        if after.is_none() {
            break;
        }
    }
    match found {
        Orphans { accounts: 0, .. } => Ok(()),
        Orphans { plan, accounts, example } => Err(StartError::Plan { plan, accounts, example }),
    }
}

/// Goes on looking behind `after`; the first orphan says which plan is counted.
fn page(
    view: &View<'_>,
    after: Option<postern_model::AccountId>,
    configured: &BTreeSet<String>,
    mut found: Orphans,
) -> Result<(Orphans, Option<postern_model::AccountId>), StoreError> {
    let page = view.accounts(after, PAGE)?;
    let last = page.last().map(|(id, _)| *id);
    for (id, account) in page {
        let Some(account) = account else { continue };
        if configured.contains(&account.plan) || view.contains(&keys::removal(id))? {
            continue;
        }
        if found.accounts == 0 {
            found = Orphans { plan: account.plan, accounts: 1, example: account.address };
        } else if found.plan == account.plan {
            found.accounts += 1;
        }
    }
    Ok((found, last))
}
