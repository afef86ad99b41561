//! CLOSE, UNSELECT (RFC 9051 §6.4.1, 6.4.2): the folder is no longer selected.

use postern_policy::Refusal;

use crate::imap::command::Run;
use crate::imap::reply::Done;
use crate::imap::state::State;
use crate::net::outlet::Cut;

/// CLOSE: letters with `\Deleted` go without a word, unless the folder was opened by EXAMINE.
pub(super) async fn close(run: &mut Run<'_, '_>) -> Result<Done, Cut> {
    let Some(selected) = run.state.selected.as_deref() else {
        return Ok(Done::bad("Select a folder first."));
    };
    if !selected.read_only {
        match run.state.mail.expunge(selected.mailbox, None).await {
            Ok(_) | Err(Refusal::NoSuchFolder) => {}
            Err(refusal) => return Ok(run.refused(&refusal)),
        }
    }
    leave(run.state).await;
    // RFC 7162 §3.2.8: no HIGHESTMODSEQ, as the client has not been told what went.
    Ok(Done::ok("CLOSE completed"))
}

/// UNSELECT: nothing goes.
pub(super) async fn unselect(run: &mut Run<'_, '_>) -> Result<Done, Cut> {
    leave(run.state).await;
    Ok(Done::ok("UNSELECT completed"))
}

/// The folder is no longer selected.
pub(super) async fn leave(state: &mut State) {
    state.selected = None;
    // There is nothing that could be refused about no folder; the session has forgotten it in any case.
    let _ = state.mail.select(None, false).await;
}
