//! NOTIFY (RFC 5465): what the client wants to be told of folders that are not selected.

use std::sync::Arc;

use postern_model::MailboxName;
use postern_model::record::Folders;

use crate::imap::state::State;
use crate::net::outlet::{Cut, Outlet};

/// Tells what has happened elsewhere since it was told last.
///
/// # Errors
/// [`Cut`].
pub async fn tell(_state: &mut State, _out: &mut Outlet<'_>) -> Result<(), Cut> {
    Ok(())
}

/// The session has itself changed names or subscriptions: it is not told of those (RFC 5465 §5).
pub(super) async fn own_change(state: &mut State, is_own: impl Fn(&MailboxName) -> bool) {
    let Some(watch) = &mut state.watch else { return };
    if let Ok(now) = state.mail.folders().await {
        watch.folders = Arc::new(adopted(&watch.folders, &now, is_own));
    }
}

/// What is `known`, with the names that `is_own` chooses as they are `now`.
fn adopted(known: &Folders, now: &Folders, is_own: impl Fn(&MailboxName) -> bool) -> Folders {
    let mut adopted = known.clone();
    adopted.folders.retain(|folder| !is_own(&folder.name));
    adopted.folders.extend(now.folders.iter().filter(|folder| is_own(&folder.name)).cloned());
    adopted.folders.sort_by(|a, b| a.name.cmp(&b.name));
    adopted.subscribed.retain(|name| !is_own(name));
    adopted.subscribed.extend(now.subscribed.iter().filter(|name| is_own(name)).cloned());
    adopted.subscribed.sort();
    adopted
}
