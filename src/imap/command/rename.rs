//! RENAME (RFC 9051 §6.3.6).

use postern_model::MailboxName;

use crate::imap::command::{Run, notify};
use crate::imap::reply::Done;
use crate::net::outlet::Cut;

pub(super) async fn run(run: &mut Run<'_, '_>, from: MailboxName, to: MailboxName) -> Result<Done, Cut> {
    if let Err(refusal) = run.state.mail.rename(from.clone(), to.clone()).await {
        return Ok(run.refused(&refusal));
    }
    let touches = |name: &MailboxName, end: &MailboxName| {
        name == end || name.below(end).is_some() || end.below(name).is_some()
    };
    notify::own_change(run.state, |name| touches(name, &from) || touches(name, &to)).await;
    Ok(Done::ok("RENAME completed"))
}
