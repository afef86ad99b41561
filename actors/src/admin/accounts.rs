//! Accounts: made, listed, removed.

use postern_model::record::{
    Access, Account, Activity, AddressEntry, AddressKind, Credentials, Due, NextAccount, Pop3Delete, Removal,
    Standing, Status,
};
use postern_model::{AccountId, EmailAddress};
use postern_policy::Refusal;
use postern_policy::access::{all_off, deadline};
use postern_storage::{Batch, StoreError, keys};
use serde_json::{Value, json};

use super::{AdminError, Secret, failed, find};
use crate::Actors;
use crate::order::Tell;

/// Keys removed at once.
const PIECE: usize = 500;

/// Rows read at once by what lists them all.
pub(super) const PAGE: usize = 1_000;

pub(super) async fn add(
    actors: &Actors,
    address: &str,
    plan: Option<String>,
    password: Option<Secret>,
) -> Result<Value, AdminError> {
    let (address, _) = new_address(actors, address).await?;
    let plan = plan.unwrap_or_else(|| actors.ground().settings.default_plan.clone());
    super::known_plan(actors, &plan)?;
    let credentials = match password {
        Some(password) => super::passwords::hash(actors, password, None).await?,
        None => {
            let nobodys = actors.hasher().foreign_credentials(String::new(), actors.now());
            nobodys.map_err(|_| AdminError("the system gives no random numbers".to_owned()))?
        }
    };
    create(actors, &address, plan.clone(), credentials).await?;
    Ok(json!({ "address": address.to_string(), "plan": plan }))
}

/// An address that an account could get, in a domain of ours and free, and the spelling it is found by.
pub(super) async fn new_address(actors: &Actors, text: &str) -> Result<(EmailAddress, String), AdminError> {
    let address =
        EmailAddress::parse(text).map_err(|error| AdminError(format!("address {text:?}: {error}")))?;
    let Some(key) = address.key() else {
        return Err(AdminError(format!("address {text:?}: its first part can't be a user name (RFC 8265)")));
    };
    if !actors.ground().directory.is_local(address.domain()) {
        let domain = address.domain();
        return Err(AdminError(format!(
            "address {text:?}: {domain} is not a domain of ours; add it first: postern domain add {domain}"
        )));
    }
    if actors.ground().directory.find_key(key.clone()).await.map_err(failed)?.is_some() {
        return Err(AdminError(format!("address {text:?} is taken")));
    }
    Ok((address, key))
}

/// Makes an account with everything off (SPEC A1).
pub(super) async fn create(
    actors: &Actors,
    address: &EmailAddress,
    plan: String,
    credentials: Credentials,
) -> Result<AccountId, AdminError> {
    let Some(key) = address.key() else {
        return Err(AdminError(format!("address {address} can't be a user name")));
    };
    let next = actors.store().get(keys::next_account()).await.map_err(failed)?;
    let next = next.ok_or_else(|| failed(StoreError::NotFound))?;
    let (id, now) = (next.0, actors.now());
    let account = Account {
        address: address.to_string(),
        plan,
        status: Status::Active,
        language: actors.ground().settings.default_language.clone(),
        created: now,
        legacy_plaintext: false,
        pop3_delete: Pop3Delete::default(),
    };
    let access = new_access(actors, &account);
    let mut batch = Batch::new();
    batch.expect(&keys::next_account(), &next);
    batch.put(&keys::next_account(), &NextAccount(AccountId(id.0 + 1)));
    batch.expect_absent(&keys::address(&key));
    batch.put(&keys::address(&key), &AddressEntry { account: id, kind: AddressKind::Primary });
    batch.put(&keys::account(id), &account);
    batch.put(&keys::access(id), &access);
    if let Some(due) = access.due {
        batch.put(&keys::due(due, id), &Due {});
    }
    batch.put(&keys::credentials(id), &credentials);
    actors.store().commit(batch).await.map_err(failed)?;
    actors.ground().directory.changed(&key);
    Ok(id)
}

/// Everything off (SPEC A1), and when the account will be looked at next.
fn new_access(actors: &Actors, account: &Account) -> Access {
    let now = account.created;
    let standing = Standing {
        status: account.status,
        plan: account.plan.clone(),
        created: now,
        access: all_off(now),
        lock: None,
        activity: Activity::default(),
    };
    let due = deadline(&standing, &actors.ground().settings.access);
    Access { due, ..standing.access }
}

pub(super) async fn list(actors: &Actors) -> Result<Value, AdminError> {
    let mut rows = Vec::new();
    let mut after = None;
    loop {
        let page = actors.store().read(move |view| view.accounts(after, PAGE)).await.map_err(failed)?;
        let Some((last, _)) = page.last() else { break };
        after = Some(*last);
        rows.extend(page.into_iter().filter_map(|(_, account)| account));
    }
    rows.sort_by(|a, b| a.address.cmp(&b.address));
    let row = |a: Account| json!({ "address": a.address, "plan": a.plan, "status": a.status });
    Ok(rows.into_iter().map(row).collect())
}

/// Takes the account's addresses away at once; its mail follows piece by piece.
pub(super) async fn remove(actors: &Actors, address: &str) -> Result<Value, AdminError> {
    begin_removing(actors, address).await?;
    actors.go_on_removing().await.map_err(failed)?;
    Ok(json!({ "address": address, "removed": true }))
}

/// Mail is gone for good: whoever names an alias may mean the alias alone.
async fn by_its_own_name(actors: &Actors, address: &str) -> Result<(), AdminError> {
    let key = EmailAddress::parse(address).ok().and_then(|address| address.key()).unwrap_or_default();
    match actors.ground().directory.find_key(key).await.map_err(failed)? {
        Some(AddressEntry { kind: AddressKind::Alias, .. }) => Err(AdminError(format!(
            "{address} is an alias: take it away with `postern account alias remove`, or name the account itself"
        ))),
        _ => Ok(()),
    }
}

async fn begin_removing(actors: &Actors, address: &str) -> Result<(), AdminError> {
    let _one_at_a_time = actors.administration().await;
    let id = find(actors, address).await?;
    by_its_own_name(actors, address).await?;
    let spellings = addresses_of(actors, id).await?;
    let access = actors.store().get(keys::access(id)).await.map_err(failed)?;
    let mut batch = Batch::new();
    if let Some(access) = access {
        // Its place among what falls due goes with the record that remembers the place.
        batch.expect(&keys::access(id), &access);
        if let Some(due) = access.due {
            batch.delete(&keys::due(due, id));
        }
        batch.put(&keys::access(id), &Access { due: None, ..access });
    }
    for spelling in &spellings {
        batch.delete(&keys::address(spelling));
    }
    batch.put(&keys::removal(id), &Removal { since: actors.now() });
    let caught = super::domains::forget(actors, id, &mut batch).await?;
    actors.store().commit(batch).await.map_err(failed)?;
    for domain in caught {
        actors.ground().directory.domain_added(domain, None);
    }
    for spelling in &spellings {
        actors.ground().directory.changed(spelling);
    }
    actors.forget_account(id).await;
    actors.forget_mailbox(id).await;
    actors.ground().presences.tell(id, &Tell::Closed(Refusal::Suspended), |_, _| true);
    Ok(())
}

/// All spellings by which an account is found.
pub(super) async fn addresses_of(actors: &Actors, id: AccountId) -> Result<Vec<String>, AdminError> {
    let read = actors.store().read(move |view| {
        let mut found = Vec::new();
        let mut range = keys::all_addresses();
        loop {
            let page = view.scan(&range, PAGE)?;
            let Some((last, _)) = page.last() else { return Ok(found) };
            range = range.after(&keys::address(last));
            found.extend(page.into_iter().filter(|(_, entry)| entry.account == id).map(|(name, _)| name));
        }
    });
    read.await.map_err(failed)
}

impl Actors {
    /// Removes what is left of accounts whose removal has begun, also before a restart.
    ///
    /// # Errors
    /// What the store can't do; the next call goes on.
    pub(crate) async fn go_on_removing(&self) -> Result<(), StoreError> {
        let removals = self.store().read(|view| view.scan(&keys::all_removals(), PIECE)).await?;
        for (id, _) in removals {
            self.remove_pieces(id).await?;
            tracing::info!(account = %id, "removed an account and its mail");
        }
        Ok(())
    }

    async fn remove_pieces(&self, id: AccountId) -> Result<(), StoreError> {
        loop {
            let range = keys::everything_of(id);
            let piece = self.store().read(move |view| view.keys(&range, PIECE)).await?;
            let mut batch = Batch::new();
            for key in &piece {
                batch.delete_raw(key);
            }
            if piece.is_empty() {
                // What is owed to it lies elsewhere.
                self.deliver_notices().await;
                batch.delete(&keys::removal(id));
            }
            self.store().commit(batch).await?;
            if piece.is_empty() {
                return Ok(());
            }
        }
    }
}
