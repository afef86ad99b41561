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
    let mut done = Done::ok("CLOSE completed");
    if !selected.read_only {
        match run.state.mail.expunge(selected.mailbox, None).await {
            Ok(expunged) if run.state.enabled.condstore && !expunged.gone.is_empty() => {
                // RFC 7162 §3.2.8
                let highest = expunged.folder.header().highest_mod_seq;
                done = Done::ok_with(format!("HIGHESTMODSEQ {}", highest.0), "CLOSE completed");
            }
            Ok(_) | Err(Refusal::NoSuchFolder) => {}
            Err(refusal) => return Ok(run.refused(&refusal)),
        }
    }
    leave(run.state).await;
    Ok(done)
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
