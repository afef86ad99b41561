//! A session's asks, put to the actors.

use postern_actors::order::{Admitted, Login, Maildrop, Proof};
use postern_policy::Refusal;

use super::session::{Answer, Ask, Pop3};
use crate::net::door::{Door, Link};

impl Door for Pop3 {
    async fn perform(ask: Ask, link: &mut Link) -> Answer {
        match ask {
            Ask::Keys { user } => {
                Answer::Keys(link.actors.scram_keys(&user, link.protocol, &link.session).await)
            }
            Ask::Login(proof) => Answer::Login(log_in(proof, link).await),
            Ask::Update { account, lease, deletions } => {
                Answer::Updated(link.actors.close_maildrop(account, lease, deletions).await)
            }
            // What was written before the ask is out by now.
            Ask::Drain => Answer::Drained,
        }
    }
}

/// One answer for both: whoever can't have the maildrop is not logged in (SPEC C1; RFC 2449 §8.1.2).
async fn log_in(proof: Proof, link: &mut Link) -> Result<Box<(Admitted, Maildrop)>, Refusal> {
    let login = Login { proof, protocol: link.protocol, tls: link.tls, session: link.session.clone() };
    let admitted = link.actors.login(login).await?;
    let maildrop = link.actors.open_maildrop(&admitted).await?;
    link.logged_in(&admitted);
    Ok(Box::new((admitted, maildrop)))
}
