//! CREATE (RFC 9051 §6.3.4; RFC 6154 §3: with uses).

use postern_model::{MailboxName, SpecialUse};

use crate::imap::command::{Run, notify};
use crate::imap::reply::Done;
use crate::net::outlet::Cut;

pub(super) async fn run(
    run: &mut Run<'_, '_>,
    mailbox: MailboxName,
    uses: Vec<SpecialUse>,
) -> Result<Done, Cut> {
    match run.state.mail.create(mailbox.clone(), uses).await {
        Ok(id) => {
            let above = std::iter::successors(mailbox.parent(), MailboxName::parent).collect::<Vec<_>>();
            notify::own_change(run.state, |name| name == &mailbox || above.contains(name)).await;
            // RFC 8474 §4.2
            Ok(Done::ok_with(format!("MAILBOXID (F{})", id.0), "CREATE completed"))
        }
        Err(refusal) => Ok(run.refused(&refusal)),
    }
}
