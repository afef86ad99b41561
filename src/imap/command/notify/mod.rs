//! NOTIFY (RFC 5465): what the client wants to be told unasked, of the selected folder and of others.
//!
//! | file | what |
//! |---|---|
//! | `groups` | which events a client wants of which folder |
//! | `names` | how folders and subscriptions differ between two looks |
//! | `watch` | what the client knows, and telling it what is new |

mod groups;
mod names;
mod watch;

use postern_actors::mail::Wants;
use postern_model::{MailboxId, MailboxName};

pub use groups::Heeds;
pub use watch::Watch;

use crate::imap::command::Run;
use crate::imap::grammar::Notify;
use crate::imap::reply::Done;
use crate::imap::state::State;
use crate::imap::sync::{self, Telling};
use crate::net::outlet::{Cut, Outlet};

pub(super) async fn run(run: &mut Run<'_, '_>, notify: Notify) -> Result<Done, Cut> {
    let (status, groups) = match notify {
        Notify::None => (false, Vec::new()),
        Notify::Set { status, groups } => (status, groups),
    };
    if let Err(done) = groups::check(&groups) {
        return Ok(done);
    }
    let before = run.state.watch.take();
    // RFC 5465 §3.1: what has gathered in the selected folder is told first, whatever is told from now on.
    sync::tell(run.state, run.out, Telling::All).await?;
    let watch = match Watch::begin(run.state, groups).await {
        Ok(watch) => watch,
        Err(done) => {
            run.state.watch = before;
            return Ok(done);
        }
    };
    if status {
        watch.tell_status(run.state, run.out).await?;
    }
    run.state.watch = Some(Box::new(watch));
    run.state.mail.wants(wants(run.state, false));
    Ok(Done::ok("NOTIFY completed"))
}

/// What a session wants to be woken for: `idling` while IDLE lasts.
pub fn wants(state: &State, idling: bool) -> Wants {
    match &state.watch {
        Some(watch) if watch.is_silent() => Wants::Nothing,
        Some(_) => Wants::Anything,
        None if idling => Wants::Selected,
        None => Wants::Nothing,
    }
}

/// A session that has been woken looks around, and is told what it wants to hear.
///
/// # Errors
/// [`Cut`].
pub async fn look(state: &mut State, out: &mut Outlet<'_>, idling: bool) -> Result<(), Cut> {
    let telling = match (&state.watch, idling) {
        // RFC 9051 §7.5.1: no numbers change while no command is under way, unless the client has said that it can bear it.
        (None, false) => Telling::Nothing,
        (Some(watch), false) if watch.heeds().delayed => Telling::NoExpunge,
        (Some(watch), _) if !watch.heeds().letters => Telling::Nothing,
        _ => Telling::All,
    };
    sync::look(state, out, telling).await?;
    let Some(mut watch) = state.watch.take() else { return Ok(()) };
    let told = watch.tell(state, out).await;
    state.watch = Some(watch);
    told
}

/// The session has itself changed names or subscriptions: it is not told of those (RFC 5465 §5).
pub(super) async fn own_change(state: &mut State, is_own: impl Fn(&MailboxName) -> bool) {
    let Some(watch) = &mut state.watch else { return };
    if let Ok(now) = state.mail.folders().await {
        watch.adopt(&now, is_own);
    }
}

/// The session has itself set these notes.
pub(super) async fn own_notes(state: &mut State, mailbox: Option<MailboxId>, names: &[String]) {
    let Some(watch) = &mut state.watch else { return };
    if let Ok(notes) = state.mail.annotations(mailbox).await {
        watch.adopt_notes(mailbox, &notes, names);
    }
}
