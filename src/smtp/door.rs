//! A session's asks, put to the actors.

use postern_actors::order::{Acceptance, Judged, Login, Proof, Route, Sent};
use postern_model::{AccountId, EmailAddress, MailFrom};
use postern_policy::Refusal;
use postern_storage::StoreError;

use super::ask::{Answer, Ask, Delivery, Grant, LoggedIn};
use super::session::SmtpSession;
use crate::net::door::{Door, Link, Sealed};
use crate::net::outlet::Outlet;

impl Door for SmtpSession {
    async fn perform(ask: Ask, link: &mut Link, _: &mut Outlet<'_>) -> Answer {
        match ask {
            Ask::Keys { user } => {
                Answer::Keys(link.actors.scram_keys(&user, link.protocol, &link.session).await)
            }
            Ask::Login { proof } => Answer::Login(log_in(proof, link).await),
            Ask::Sender { account, from } => Answer::Sender(sender(account, from, link).await),
            Ask::Recipient { address, sender } => Answer::Recipient(recipient(&address, sender, link).await),
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
    Ok(Box::new(LoggedIn { account: admitted.account, held: Box::new(admitted.presence) }))
}

/// SPEC I5, Q: the address is the account's own (or null), and the account may send.
async fn sender(account: AccountId, from: MailFrom, link: &Link) -> Result<Grant, Refusal> {
    if let MailFrom::Address(address) = &from
        && !link.actors.owns(account, address).await?
    {
        return Err(Refusal::SenderNotOwned);
    }
    let granted = link.actors.may_send(account, link.session.peer).await.inspect_err(|refusal| {
        tracing::info!(?refusal, "may not send");
    })?;
    Ok(Grant { recipients: granted.recipients, reservation: Some(granted.reservation) })
}

/// A user who writes to many that don't exist has guessed their addresses (SPEC Q4).
async fn recipient(address: &EmailAddress, sender: Option<AccountId>, link: &Link) -> Result<Route, Refusal> {
    let found = link.actors.route(address, sender.is_some()).await;
    if let (Err(Refusal::NoSuchMailbox), Some(sender)) = (&found, sender) {
        link.actors.note_unknown_recipient(sender, link.session.peer).await;
    }
    found
}

async fn authors(account: AccountId, addresses: &[EmailAddress], link: &Link) -> Result<(), Refusal> {
    for address in addresses {
        if !link.actors.owns(account, address).await? {
            return Err(Refusal::AuthorNotOwned);
        }
    }
    Ok(())
}

async fn accept(delivery: Delivery, link: &mut Link) -> Result<Vec<Result<(), Refusal>>, Refusal> {
    let inbound = link.inbound.take().ok_or(Refusal::Unavailable)?;
    let Sealed { body, facts, text, signature } = inbound.seal().await.map_err(|error| match error {
        StoreError::Full => Refusal::StoreFull,
        error => {
            tracing::error!(%error, "a letter could not be spooled");
            Refusal::Unavailable
        }
    })?;
    let Delivery { letter, locals, remotes, terms, digests, sender, reservation, mail_from } = delivery;
    let sent = sender.map(|account| {
        let reservation = reservation.ok_or(Refusal::Unavailable)?;
        Ok(Sent { account, from: link.session.peer, reservation, recipients: digests, body: text })
    });
    let sent = sent.transpose()?;
    let (octets, count) = (body.len(), locals.len() + remotes.len());
    let judged = Judged { peer: sent.is_none().then_some(link.session.peer), ..Judged::default() };
    let acceptance = Acceptance {
        letter,
        body,
        facts,
        signature,
        locals,
        remotes,
        sent,
        mail_from,
        terms,
        judged,
        forwards: Vec::new(),
    };
    let accepted = link.actors.accept(acceptance).await;
    match &accepted {
        Ok(_) => tracing::info!(%letter, octets, recipients = count, "letter accepted"),
        Err(refusal) => tracing::warn!(%letter, octets, ?refusal, "letter not accepted"),
    }
    accepted
}
