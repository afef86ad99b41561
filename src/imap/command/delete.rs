//! DELETE (RFC 9051 §6.3.5).

use postern_model::MailboxName;

use crate::imap::command::{Run, close, notify};
use crate::imap::reply::{Done, line};
use crate::net::outlet::Cut;

pub(super) async fn run(run: &mut Run<'_, '_>, mailbox: MailboxName) -> Result<Done, Cut> {
    let id = run.folder(&mailbox).await.ok();
    if let Err(refusal) = run.state.mail.delete(mailbox.clone()).await {
        return Ok(run.refused(&refusal));
    }
    notify::own_change(run.state, |name| name == &mailbox || mailbox.below(name).is_some()).await;
    if run.state.selected.as_ref().is_some_and(|selected| Some(selected.mailbox) == id) {
        // Who removes the folder that it looks at is not thrown out as others are who look at it.
        close::leave(run.state).await;
        line(run.out.bytes, format_args!("* OK [CLOSED] The selected folder was removed"));
    }
    Ok(Done::ok("DELETE completed"))
}
