//! A session's questions, put to the actors; and its commands, performed beside it.

use std::sync::Arc;

use postern_actors::order::{Login, Proof};
use postern_model::MailboxName;
use postern_policy::Refusal;

use super::Settings;
use super::command::{self, Run};
use super::grammar::Tagged;
use super::reply::Done;
use super::session::{Answer, Ask, Imap, Looking};
use super::state::{Enabled, State};
use crate::net::door::{Door, Link};
use crate::net::outlet::Outlet;

impl Door for Imap {
    async fn perform(ask: Ask, link: &mut Link, outlet: &mut Outlet<'_>) -> Answer {
        match ask {
            Ask::Keys { user } => {
                Answer::Keys(link.actors.scram_keys(&user, link.protocol, &link.session).await)
            }
            Ask::Login { proof, settings } => Answer::Login(log_in(proof, settings, link).await),
            Ask::Run { state, command } => perform(state, *command, link, outlet).await,
            Ask::Look { state, wants } => look(state, wants, outlet).await,
            Ask::Letter { state, mailbox, octets } => {
                link.inbound = None;
                let verdict = command::append::expect(&state, &mailbox, octets).await;
                if verdict.is_ok() {
                    link.begin_inbound(command::append::memory(&state));
                }
                Answer::Letter(state, verdict)
            }
            Ask::Park { mut state } => {
                if let Err(text) = park(&mut state, link).await {
                    state.bye = Some(text);
                }
                Answer::Back(state)
            }
            Ask::Discard { mut state } => {
                state.parked = Vec::new();
                link.inbound = None;
                Answer::Back(state)
            }
        }
    }
}

async fn log_in(proof: Proof, settings: Arc<Settings>, link: &mut Link) -> Result<Box<State>, Refusal> {
    let login = Login { proof, protocol: link.protocol, tls: link.tls, session: link.session.clone() };
    let admitted = link.actors.login(login).await.inspect_err(|refusal| {
        tracing::info!(?refusal, "login refused");
    })?;
    let mail = link.actors.mail(&admitted, &link.session).await?;
    link.logged_in(&admitted.address);
    tracing::info!("logged in");
    Ok(Box::new(State {
        settings,
        address: admitted.address,
        mail,
        presence: admitted.presence,
        enabled: Enabled::default(),
        selected: None,
        parked: Vec::new(),
        watch: None,
        broken: false,
        bye: None,
    }))
}

async fn perform(mut state: Box<State>, tagged: Tagged, link: &mut Link, outlet: &mut Outlet<'_>) -> Answer {
    let Tagged { tag, command } = tagged;
    let mut run = Run { state: &mut state, link, out: outlet, tag: &tag };
    let done = command::run(&mut run, command).await.ok();
    state.parked = Vec::new();
    Answer::Ran(state, tag, done)
}

/// Tells an idling (or notified) session what has happened, and says what is to wake it next: what came meanwhile does so
/// at once.
async fn look(mut state: Box<State>, wants: Looking, outlet: &mut Outlet<'_>) -> Answer {
    let idling = wants == Looking::Waiting;
    if wants != Looking::Done {
        // A client that is gone is met by the driver.
        let _ = command::notify::look(&mut state, outlet, idling).await;
    }
    state.mail.wants(command::notify::wants(&state, idling));
    Answer::Back(state)
}

/// A letter has come in whole.
async fn park(state: &mut State, link: &mut Link) -> Result<(), String> {
    // A letter of no octets has never begun.
    link.inbound();
    let Some(inbound) = link.inbound.take() else {
        return Err("[UNAVAILABLE] No letter came in.".to_owned());
    };
    match inbound.seal().await {
        Ok(sealed) => state.parked.push(sealed),
        Err(error) => {
            tracing::error!(%error, "a letter could not be spooled");
            return Err("[UNAVAILABLE] The letter could not be stored. Try again later.".to_owned());
        }
    }
    Ok(())
}

impl Done {
    /// `NO` for a folder that can't be named.
    pub(super) fn no_such_folder(name: &MailboxName) -> Done {
        // RFC 3501 §9, `text`: ASCII alone, where UTF-8 is not enabled.
        Done::no_with("NONEXISTENT", format!("There is no folder \"{}\".", name.as_str().escape_default()))
    }
}
