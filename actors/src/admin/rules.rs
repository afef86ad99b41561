//! A user's forwarding, vacation reply and block list as settings of their account (SPEC D6).

use std::time::Duration;

use postern_model::record::{Actor as By, ForwardState, MailTerms, Origin, Rules, Vacation};
use postern_model::{AccountId, EmailAddress, MailFrom, Timestamp};
use postern_policy::rules::{Change, Wanted};
use postern_storage::keys;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::{AdminError, access, failed};
use crate::Actors;
use crate::account::Deed;
use crate::auth::app_password;
use crate::order::OwnLetter;
use crate::rules::ForwardRequest;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The settings.
pub(super) const NAMES: [&str; 13] = [
    "forward",
    "forward-keep",
    "forward-confirm",
    "vacation",
    "vacation-subject",
    "vacation-text",
    "vacation-from",
    "vacation-until",
    "vacation-days",
    "vacation-addresses",
    "block",
    "unblock",
    "detail",
];

/// Sets one of [`NAMES`]; `None` where `name` is none of them.
pub(super) async fn set(
    actors: &Actors,
    account: AccountId,
    address: &str,
    name: &str,
    value: &str,
) -> Result<Option<Value>, AdminError> {
    if !NAMES.contains(&name) {
        return Ok(None);
    }
    let mut words = Vec::new();
    let wish = match name {
        "forward" => {
            words = wanted(actors, account, value).await?;
            Change::Forward(words.iter().map(|(wanted, _)| wanted.clone()).collect())
        }
        name => wish(name, value)?,
    };
    let mut answer = access::perform(actors, account, address, By::User, Deed::Rules(wish)).await?;
    let rules = actors.store().get(keys::rules(account)).await.map_err(failed)?.unwrap_or_default();
    ask(actors, account, &rules, &words).await?;
    answer["forwarding"] = forwarding(&rules);
    Ok(Some(answer))
}

/// A wish that is nothing but its value.
fn wish(name: &str, value: &str) -> Result<Change, AdminError> {
    let off = |value: &str| (value != "off").then(|| value.to_owned());
    let list = || value.split(',').map(|one| one.trim().to_owned()).collect::<Vec<_>>();
    Ok(match name {
        "forward-keep" => Change::Keep(on_or_off(name, value)?),
        "forward-confirm" => Change::Confirm(hash(value)),
        "vacation" => Change::Vacation(on_or_off(name, value)?),
        "vacation-subject" => Change::Subject(off(value)),
        "vacation-text" => Change::Text(value.to_owned()),
        "vacation-from" => Change::From(date(name, value, false)?),
        "vacation-until" => Change::Until(date(name, value, true)?),
        "vacation-days" => Change::Days(value.parse().unwrap_or(0)),
        "vacation-addresses" if value == "off" => Change::Addresses(Vec::new()),
        "vacation-addresses" => {
            Change::Addresses(list().iter().map(|one| parse(one)).collect::<Result<_, _>>()?)
        }
        "block" => Change::Block(list()),
        "unblock" => Change::Unblock(list()),
        _ => Change::Detail(on_or_off(name, value)?),
    })
}

/// The addresses to forward to, each with the word that will confirm it.
async fn wanted(
    actors: &Actors,
    account: AccountId,
    value: &str,
) -> Result<Vec<(Wanted, Zeroizing<String>)>, AdminError> {
    let mut found = Vec::new();
    for text in value.split(',').map(str::trim).filter(|_| value != "off") {
        let address = parse(text)?;
        let own = actors.owns(account, &address).await;
        if own.map_err(|_| AdminError("the store could not be read: see the log".to_owned()))? {
            return Err(AdminError(format!("{text} is the account's own address: letters would go round")));
        }
        let word = app_password::generate()
            .ok_or_else(|| AdminError("the system gives no random numbers".to_owned()))?;
        found.push((Wanted { address, token: hash(&word) }, word));
    }
    Ok(found)
}

/// Asks those who wait for the words that were made now.
async fn ask(
    actors: &Actors,
    account: AccountId,
    rules: &Rules,
    words: &[(Wanted, Zeroizing<String>)],
) -> Result<(), AdminError> {
    let is_asked = |wanted: &Wanted| {
        rules
            .forwards
            .iter()
            .any(|to| matches!(&to.state, ForwardState::Pending { token, .. } if *token == wanted.token))
    };
    let asked = words.iter().filter(|(wanted, _)| is_asked(wanted));
    let owner = actors.store().get(keys::account(account)).await.map_err(failed)?;
    let Some(owner) = owner else { return Err(failed(postern_storage::StoreError::NotFound)) };
    let from = parse(&owner.address)?;
    for (wanted, word) in asked {
        let sent = send(actors, &from, &owner.language, &wanted.address, word).await;
        sent.map_err(|refusal| {
            let to = &wanted.address;
            AdminError(format!(
                "{to} could not be asked to confirm ({refusal:?}): set forward to off, and then again"
            ))
        })?;
    }
    Ok(())
}

async fn send(
    actors: &Actors,
    from: &EmailAddress,
    language: &str,
    to: &EmailAddress,
    token: &str,
) -> Result<(), postern_policy::Refusal> {
    let (letter, now) = (actors.next_letter_id()?, actors.now());
    let request = ForwardRequest { letter, now, from, language, to, token };
    let octets = actors.ground().settings.composer.forward_request(&request);
    let (mail_from, to, terms) = (MailFrom::Null, to.clone(), MailTerms::default());
    actors.post(OwnLetter { letter, mail_from, to, octets, terms, origin: Origin::Own }).await
}

/// Whoever types the word may leave hyphens out or write capitals.
fn hash(word: &str) -> [u8; 32] {
    let letters = app_password::letters(word).unwrap_or_default();
    Sha256::digest(letters.as_bytes()).into()
}

fn parse(text: &str) -> Result<EmailAddress, AdminError> {
    EmailAddress::parse(text).map_err(|error| AdminError(format!("address {text:?}: {error}")))
}

fn on_or_off(name: &str, value: &str) -> Result<bool, AdminError> {
    match value {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err(AdminError(format!("{name} {value:?}: it is on or off"))),
    }
}

/// A day like 2026-03-01, in UTC, or a time of RFC 3339; a day that something lasts until is its end.
fn date(name: &str, value: &str, end: bool) -> Result<Option<Timestamp>, AdminError> {
    if value == "off" {
        return Ok(None);
    }
    let day = Timestamp::parse_rfc3339(&format!("{value}T00:00:00Z"));
    let day = day.map(|day| if end { day.plus(DAY) } else { day });
    day.or_else(|| Timestamp::parse_rfc3339(value)).map(Some).ok_or_else(|| {
        AdminError(format!(
            "{name} {value:?}: write a day like 2026-03-01, a time like 2026-03-01T10:00:00Z, or off"
        ))
    })
}

/// Where letters go on to, for `account show`.
pub(super) fn forwarding(rules: &Rules) -> Value {
    let one = |to: &postern_model::record::ForwardTo| {
        let (state, since) = match to.state {
            ForwardState::Pending { since, .. } => ("pending", since),
            ForwardState::Confirmed { at } => ("on", at),
            ForwardState::Stopped { at } => ("stopped", at),
        };
        json!({ "address": to.address, "state": state, "since": since.rfc3339() })
    };
    json!({ "to": rules.forwards.iter().map(one).collect::<Vec<_>>(), "keep": rules.keep })
}

/// The vacation reply, for `account show`.
pub(super) fn vacation(vacation: &Vacation) -> Value {
    let time = |at: Option<Timestamp>| at.map(Timestamp::rfc3339);
    json!({
        "on": vacation.on,
        "subject": vacation.subject,
        "text": vacation.text,
        "from": time(vacation.from),
        "until": time(vacation.until),
        "days": vacation.days,
        "addresses": vacation.addresses,
    })
}
