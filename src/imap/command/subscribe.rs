//! SUBSCRIBE, UNSUBSCRIBE (RFC 9051 §6.3.7, 6.3.8): of names, whether there is such a folder or not.

use postern_model::MailboxName;

use crate::imap::command::{Run, notify};
use crate::imap::reply::Done;
use crate::net::outlet::Cut;

pub(super) async fn run(run: &mut Run<'_, '_>, mailbox: MailboxName, subscribe: bool) -> Result<Done, Cut> {
    if let Err(refusal) = run.state.mail.subscribe(mailbox.clone(), subscribe).await {
        return Ok(run.refused(&refusal));
    }
    notify::own_change(run.state, |name| name == &mailbox).await;
    Ok(Done::ok(if subscribe { "SUBSCRIBE completed" } else { "UNSUBSCRIBE completed" }))
}
