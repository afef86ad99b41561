//! Files the deadlines of all accounts in the index of what falls due, where that has never been done or the figures
//! that deadlines follow from have changed. Otherwise the index is kept up by each account's actor.

use std::sync::Arc;

use postern_model::AccountId;
use postern_model::record::{Access, Filed};
use postern_policy::access::{Figures, deadline};
use postern_storage::{Batch, Store, StoreError, View, keys};

use crate::account::{put_access, read_standing};

/// Accounts read at once: nothing is committed meanwhile.
const PAGE: usize = 500;

/// Sees that every account's deadline is filed, before the first actor lives. Costs one look where it is so already.
///
/// # Errors
/// What the store can't do; the next start begins again.
pub(crate) async fn file_all(store: &Store, figures: &Figures) -> Result<(), StoreError> {
    let by = Filed { by: stamp(figures) };
    let filed = store.get(keys::filed()).await?;
    if filed.as_ref() == Some(&by) {
        return Ok(());
    }
    tracing::info!(figures = %by.by, "looking through all accounts, to file when they will be looked at");
    let (figures, mut after, mut moved) = (Arc::new(figures.clone()), None, 0_u64);
    loop {
        let known = Arc::clone(&figures);
        let (page, last) = store.read(move |view| misfiled(view, after, &known)).await?;
        if last.is_none() {
            break;
        }
        after = last;
        moved += page.len() as u64;
        // Durable with the last of them, or the next start begins again.
        let mut batch = Batch::new();
        batch.lazy();
        for (id, old, new) in &page {
            put_access(*id, old, new, &mut batch);
        }
        store.commit(batch).await?;
    }
    let mut batch = Batch::new();
    batch.put(&keys::filed(), &by);
    store.commit(batch).await?;
    tracing::info!(accounts = moved, "filed anew when these accounts will be looked at");
    Ok(())
}

/// The figures that deadlines follow from, as text.
fn stamp(figures: &Figures) -> String {
    let Figures {
        pop3_idle, imap_idle, imap_keeps_pop3, inactive_after, web_logins_only, warn_before, ..
    } = figures;
    format!(
        "pop3 {pop3_idle:?}, imap {imap_idle:?}, imap keeps pop3 {imap_keeps_pop3}, inactive {inactive_after:?}, \
         web alone {web_logins_only}, warning {warn_before:?}"
    )
}

/// Accounts behind `after` whose entry stands elsewhere than their deadline: with the record as it is and as it is to
/// be. Also where the page ends; `None` behind the last account.
type Page = (Vec<(AccountId, Access, Access)>, Option<AccountId>);

fn misfiled(view: &View<'_>, after: Option<AccountId>, figures: &Figures) -> Result<Page, StoreError> {
    let accounts = view.accounts(after, PAGE)?;
    let last = accounts.last().map(|(id, _)| *id);
    let mut found = Vec::new();
    for (id, account) in accounts {
        let Some(account) = account else { continue };
        // Whose removal has begun has no deadline.
        if view.contains(&keys::removal(id))? {
            continue;
        }
        let standing = read_standing(view, id, &account)?;
        let due = deadline(&standing, figures);
        if standing.access.due != due {
            let new = Access { due, ..standing.access.clone() };
            found.push((id, standing.access, new));
        }
    }
    Ok((found, last))
}
