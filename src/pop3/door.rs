//! A session's asks, put to the actors.

use std::sync::Arc;

use postern_actors::order::{Lease, Login, Presence, Proof};
use postern_policy::Refusal;

use super::session::{Answer, Ask, Pop3};
use super::transaction::Opened;
use crate::net::door::{Door, Link};
use crate::net::outlet::Outlet;

/// A logged-in session's place among its account's, and the right to the maildrop (SPEC C1).
pub struct Held {
    lease: Arc<Lease>,
    /// Given up last: the session counts among its account's until the maildrop is free.
    _presence: Presence,
}

impl Door for Pop3 {
    async fn perform(ask: Ask<Held>, link: &mut Link, _: &mut Outlet<'_>) -> Answer<Held> {
        match ask {
            Ask::Keys { user } => {
                Answer::Keys(link.actors.scram_keys(&user, link.protocol, &link.session).await)
            }
            Ask::Login(proof) => Answer::Login(log_in(proof, link).await.inspect_err(|refusal| {
                tracing::info!(?refusal, "login refused");
            })),
            Ask::Update { held, deletions } => {
                let count = deletions.len();
                let updated = link.actors.close_maildrop(Arc::clone(&held.lease), deletions).await;
                tracing::info!(deleted = count, ok = updated.is_ok(), "maildrop updated");
                Answer::Updated(updated)
            }
            Ask::Drain => Answer::Drained,
        }
    }
}

/// Both or nothing: who can't have the maildrop is not logged in (SPEC C1; RFC 2449 §8.1.2).
async fn log_in(proof: Proof, link: &mut Link) -> Result<Box<Opened<Held>>, Refusal> {
    let login = Login { proof, protocol: link.protocol, tls: link.tls, session: link.session.clone() };
    let admitted = link.actors.login(login).await?;
    let maildrop = link.actors.open_maildrop(&admitted, &link.session).await?;
    link.logged_in(&admitted.address);
    tracing::info!(letters = maildrop.letters.len(), "logged in");
    Ok(Box::new(Opened {
        account: admitted.account,
        address: admitted.address,
        plan: admitted.plan,
        letters: maildrop.letters,
        uid_validity: maildrop.uid_validity,
        foreign_uidls: maildrop.foreign_uidls,
        held: Held { lease: maildrop.lease, _presence: admitted.presence },
    }))
}
