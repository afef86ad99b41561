//! A session's asks, put to the actors.

use std::borrow::Cow;

use postern_actors::order::{Acceptance, Judged, LocalRcpt, Login, Proof, Route, Sent};
use postern_model::record::BodyKind;
use postern_model::{AccountId, EmailAddress, MailFrom};
use postern_policy::{Refusal, Unwanted};
use postern_storage::{SealedBody, StoreError};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::ask::{Answer, Ask, Delivery, Grant, LoggedIn};
use super::session::SmtpSession;
use crate::courier;
use crate::inbound::{Gatekeeper, Visit};
use crate::net::door::{Door, Inbound, Link, Sealed};
use crate::net::outlet::Outlet;

impl Door for SmtpSession {
    async fn perform(ask: Ask, link: &mut Link, _: &mut Outlet<'_>) -> Answer {
        match ask {
            Ask::Keys { user } => {
                Answer::Keys(link.actors.scram_keys(&user, link.protocol, &link.session).await)
            }
            Ask::Login { proof } => Answer::Login(log_in(proof, link).await),
            Ask::Sender { account, from } => Answer::Sender(sender(account, from, link).await),
            Ask::Enter { gatekeeper } => {
                Answer::Enter(gatekeeper.at_the_door(link.session.peer, link.actors.now()).await)
            }
            Ask::Recipient { address, sender, mail_from, size, gatekeeper } => {
                let wish = Wish { address, sender, from: mail_from, size };
                Answer::Recipient(recipient(&wish, gatekeeper.as_deref(), link).await)
            }
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

/// A recipient that is asked for.
struct Wish {
    address: EmailAddress,
    sender: Option<AccountId>,
    from: MailFrom,
    size: Option<u64>,
}

/// Where the recipient's mail goes, and whether it may: there is room (SPEC D8), and nobody objects to where it comes from
/// (D4). A user who writes to many that don't exist has guessed their addresses (SPEC Q4).
async fn recipient(wish: &Wish, gatekeeper: Option<&Gatekeeper>, link: &Link) -> Result<Route, Refusal> {
    let Wish { address, sender, from, size } = wish;
    let found = link.actors.route(address, sender.is_some()).await;
    if let (Err(Refusal::NoSuchMailbox), Some(sender)) = (&found, sender) {
        link.actors.note_unknown_recipient(*sender, link.session.peer).await;
    }
    let route = found?;
    if let Route::Here(account) = route {
        link.actors.takes_from(account, from).await?; // SPEC D6
        link.actors.has_room(account, size.unwrap_or_default()).await?;
    }
    if let (Some(gatekeeper), None) = (gatekeeper, sender) {
        gatekeeper.at_the_envelope(link.session.peer, from, address, link.actors.now()).await?;
    }
    Ok(route)
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
    let sealed = inbound.seal().await.map_err(|error| not_spooled(&error))?;
    let Delivery { letter, locals, remotes, mut terms, digests, sender, .. } = delivery;
    let Delivery { reservation, mail_from, visit, each_answered, .. } = delivery;
    let text = sealed.text;
    let (sealed, judged) = match visit {
        Some(visit) => match examined(sealed, &visit.0, &visit.1, link).await? {
            Some(examined) => examined,
            // Taken, and nobody gets it.
            None => return Ok(vec![Ok(()); locals.len()]),
        },
        None => (sealed, Judged::default()),
    };
    let judged = Judged { peer: sender.is_none().then_some(link.session.peer), ..judged };
    let sealed = match terms.body {
        BodyKind::Binary if !locals.is_empty() => {
            terms.body = BodyKind::EightBit;
            in_lines(sealed, link).await?
        }
        _ => sealed,
    };
    let sent = sender.map(|account| {
        let reservation = reservation.ok_or(Refusal::Unavailable)?;
        Ok(Sent { account, from: link.session.peer, reservation, recipients: digests, body: text })
    });
    let sent = sent.transpose()?;
    let Sealed { body, facts, signature, .. } = sealed;
    let (octets, count) = (body.len(), locals.len() + remotes.len());
    let (locals, rooms) = match each_answered {
        true => with_room(locals, octets, link).await,
        false => (locals, Vec::new()),
    };
    if locals.is_empty() && remotes.is_empty() {
        return Ok(rooms);
    }
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
        expanded: Vec::new(),
    };
    let accepted = link.actors.accept(acceptance).await;
    match &accepted {
        Ok(_) => tracing::info!(%letter, octets, recipients = count, "letter accepted"),
        Err(refusal) => tracing::warn!(%letter, octets, ?refusal, "letter not accepted"),
    }
    accepted.map(|accepted| in_their_order(rooms, accepted))
}

/// Those whose mailbox has room for the letter (SPEC D8), and of each whether it has.
async fn with_room(
    locals: Vec<LocalRcpt>,
    octets: u64,
    link: &Link,
) -> (Vec<LocalRcpt>, Vec<Result<(), Refusal>>) {
    let (mut found, mut rooms) = (Vec::new(), Vec::new());
    for local in locals {
        let room = link.actors.has_room(local.account, octets).await;
        if room.is_ok() {
            found.push(local);
        }
        rooms.push(room);
    }
    (found, rooms)
}

/// One verdict for each recipient: what became of the letter for those who had room for it.
fn in_their_order(
    rooms: Vec<Result<(), Refusal>>,
    accepted: Vec<Result<(), Refusal>>,
) -> Vec<Result<(), Refusal>> {
    if rooms.is_empty() {
        return accepted;
    }
    let mut accepted = accepted.into_iter();
    rooms.into_iter().map(|room| room.and_then(|()| accepted.next().unwrap_or(Ok(())))).collect()
}

fn not_spooled(error: &StoreError) -> Refusal {
    if matches!(error, StoreError::Full) {
        return Refusal::StoreFull;
    }
    tracing::error!(%error, "a letter could not be spooled");
    Refusal::Unavailable
}

/// MiB of letters that are in memory at once to be examined; a larger one has its turn alone.
const EXAMINED: u32 = 256;
static IN_MEMORY: Semaphore = Semaphore::const_new(EXAMINED as usize);

/// A whole letter, and the leave to have it in memory.
async fn in_memory(body: SealedBody) -> Result<(Vec<u8>, SemaphorePermit<'static>), Refusal> {
    let size = u32::try_from(body.len() >> 20).unwrap_or(EXAMINED).saturating_add(1).min(EXAMINED);
    let turn = IN_MEMORY.acquire_many(size).await.map_err(|_| Refusal::Stopping)?;
    let read = move || body.read_blocking().map(Cow::into_owned);
    let octets = tokio::task::spawn_blocking(read).await.map_err(|_| Refusal::Stopping)?;
    Ok((octets.map_err(|error| not_spooled(&error))?, turn))
}

/// What the gatekeeper makes of a letter (SPEC D4, D5); `None`: it is to vanish.
async fn examined(
    sealed: Sealed,
    gatekeeper: &Gatekeeper,
    visit: &Visit,
    link: &Link,
) -> Result<Option<(Sealed, Judged)>, Refusal> {
    let Sealed { body, facts, text, signature } = sealed;
    let (octets, _turn) = in_memory(body).await?;
    let found = gatekeeper.examine(visit, &octets).await.inspect_err(|refusal| {
        tracing::info!(letter = %visit.letter, ?refusal, "letter refused");
    })?;
    if found.discard {
        tracing::info!(letter = %visit.letter, "letter discarded: a filter wants it so");
        return Ok(None);
    }
    let judged = found.judged(Some(visit.peer));
    if found.edits.is_empty() {
        return Ok(Some((Sealed { body: SealedBody::from_vec(octets), facts, text, signature }, judged)));
    }
    let sealed = spooled_anew(&found.edits.apply(&octets), link).await?;
    Ok(Some((Sealed { text, ..sealed }, judged)))
}

/// A letter of any octets as its readers here can have it: in lines (RFC 3030 §3).
async fn in_lines(sealed: Sealed, link: &Link) -> Result<Sealed, Refusal> {
    let text = sealed.text;
    let (octets, _turn) = in_memory(sealed.body).await?;
    let converted = courier::in_lines(&octets).map_err(|why| {
        let text = Some(format!("it can't be stored in lines: {why}"));
        Refusal::Unwanted { why: Unwanted::Binary, permanent: true, text }
    })?;
    let sealed = spooled_anew(&converted, link).await?;
    Ok(Sealed { text, ..sealed })
}

async fn spooled_anew(octets: &[u8], link: &Link) -> Result<Sealed, Refusal> {
    let mut inbound = Inbound::of(link.actors.store().spool());
    inbound.write(octets).await;
    inbound.seal().await.map_err(|error| not_spooled(&error))
}
