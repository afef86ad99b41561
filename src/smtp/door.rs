//! A session's asks, put to the actors.

use std::sync::Arc;

use postern_actors::order::{Acceptance, Login, Proof};
use postern_model::{AccountId, EmailAddress, MailFrom};
use postern_policy::Refusal;
use postern_storage::StoreError;

use super::ask::{Answer, Ask, Delivery, LoggedIn};
use super::session::SmtpSession;
use crate::net::door::{Door, Link};

impl Door for SmtpSession {
    async fn perform(ask: Ask, link: &mut Link) -> Answer {
        match ask {
            Ask::Keys { user } => {
                Answer::Keys(link.actors.scram_keys(&user, link.protocol, &link.session).await)
            }
            Ask::Login { proof } => Answer::Login(log_in(proof, link).await),
            Ask::Sender { account, plan, from } => Answer::Sender(sender(account, &plan, from, link).await),
            Ask::Recipient { address } => Answer::Recipient(link.actors.find_recipient(&address).await),
            Ask::Begin => {
                link.inbound = None;
                Answer::Begin(link.actors.next_letter_id())
            }
            Ask::Authors { account, addresses } => Answer::Authors(authors(account, &addresses, link).await),
            Ask::Accept(delivery) => Answer::Accept(accept(*delivery, link).await),
            Ask::Discard => {
                link.inbound = None;
                Answer::Discard
            }
        }
    }
}

async fn log_in(proof: Proof, link: &mut Link) -> Result<Box<LoggedIn>, Refusal> {
    let login = Login { proof, protocol: link.protocol, tls: link.tls, session: link.session.clone() };
    let admitted = link.actors.login(login).await.inspect_err(|refusal| {
        tracing::info!(?refusal, "login refused");
    })?;
    link.logged_in(&admitted.address);
    tracing::info!("logged in");
    Ok(Box::new(LoggedIn {
        account: admitted.account,
        plan: admitted.plan,
        held: Box::new(admitted.presence),
    }))
}

/// SPEC I5, Q: the address is the account's own (or null), and the account may send.
async fn sender(account: AccountId, plan: &Arc<str>, from: MailFrom, link: &Link) -> Result<u32, Refusal> {
    if let MailFrom::Address(address) = &from
        && !link.actors.owns(account, address).await?
    {
        return Err(Refusal::SenderNotOwned);
    }
    Ok(link.actors.may_send(account, plan).await?.recipients)
}

async fn authors(account: AccountId, addresses: &[EmailAddress], link: &Link) -> Result<(), Refusal> {
    for address in addresses {
        if !link.actors.owns(account, address).await? {
            return Err(Refusal::AuthorNotOwned);
        }
    }
    Ok(())
}

async fn accept(delivery: Delivery, link: &mut Link) -> Result<(), Refusal> {
    let inbound = link.inbound.take().ok_or(Refusal::Unavailable)?;
    let (body, facts) = inbound.seal().await.map_err(|error| match error {
        StoreError::Full => Refusal::StoreFull,
        error => {
            tracing::error!(%error, "a letter could not be spooled");
            Refusal::Unavailable
        }
    })?;
    let Delivery { letter, recipients, sender: _, mail_from } = delivery;
    let (octets, count) = (body.len(), recipients.len());
    let accepted =
        link.actors.accept(Acceptance { letter, body, facts, recipients, sent: None, mail_from }).await;
    match &accepted {
        Ok(()) => tracing::info!(%letter, octets, recipients = count, "letter accepted"),
        Err(refusal) => tracing::warn!(%letter, octets, ?refusal, "letter not accepted"),
    }
    accepted
}
