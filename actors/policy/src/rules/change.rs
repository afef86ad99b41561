//! What becomes of a user's rules by a wish of theirs, and what is told of it.

use std::time::Duration;

use postern_model::record::{ForwardState, ForwardTo, Rules, Setting, Vacation};
use postern_model::{Domain, EmailAddress, Timestamp};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How long an address can be confirmed.
const CONFIRMED_WITHIN: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Requests to confirm that an account may send in a day: each is a letter to somebody who did not ask for it.
const ASKED_PER_DAY: usize = 20;

/// Letters that come back on so many days of a week stop forwarding.
const FAILING_DAYS: usize = 5;
const WEEK: u32 = 7;

/// A wish.
#[derive(Clone, Debug)]
pub enum Change {
    /// Letters go on to these and no others.
    Forward(Vec<Wanted>),
    /// Whether a copy stays.
    Keep(bool),
    /// The SHA-256 of the word that an address was sent.
    Confirm([u8; 32]),
    /// A letter to this address came back.
    Failed(EmailAddress),
    /// The vacation reply is switched on or off.
    Vacation(bool),
    /// Its subject; `None`: `Auto: ` and the letter's.
    Subject(Option<String>),
    /// Its text.
    Text(String),
    /// It begins then.
    From(Option<Timestamp>),
    /// It ends then.
    Until(Option<Timestamp>),
    /// Days between two replies to the same correspondent, 1 to 365.
    Days(u16),
    /// More addresses by which letters reach the user.
    Addresses(Vec<EmailAddress>),
    /// Nobody of these writes here.
    Block(Vec<String>),
    /// They may again.
    Unblock(Vec<String>),
    /// Letters to `name+anything` come here.
    Detail(bool),
}

/// An address that letters are to go on to.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The address.
    pub address: EmailAddress,
    /// SHA-256 of the word that will confirm it, if it has to be confirmed.
    pub token: [u8; 32],
}

/// What becomes of the rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// The rules now.
    pub rules: Rules,
    /// What the user's events say of it (SPEC A10), where anything worth telling changed.
    pub event: Option<(Setting, Option<String>)>,
}

/// Why the rules stay as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    /// More than may be.
    #[error("more than {0} can't be set: leave some out")]
    TooMany(usize),
    /// A text is too long.
    #[error("it is longer than {0} octets: say it shorter")]
    TooLong(usize),
    /// The days between two replies are out of range.
    #[error("it is a number of days from 1 to 365")]
    Days,
    /// Nothing to reply with.
    #[error("there is no text to reply with: set vacation-text first")]
    NoText,
    /// Too many were asked to confirm today.
    #[error("more than {ASKED_PER_DAY} addresses were asked to confirm within a day: try again tomorrow")]
    AskedTooOften,
    /// No address waits for this word.
    #[error("no address waits for this word: it may have been confirmed already, or its 7 days are over")]
    NoSuchToken,
    /// It is no address and no domain.
    #[error("write an address, or @ and a domain")]
    Entry,
}

/// What becomes of `rules` by a wish.
///
/// # Errors
/// [`ChangeError`].
pub fn change(rules: &Rules, wish: &Change, now: Timestamp) -> Result<Changed, ChangeError> {
    let mut rules = rules.clone();
    let event = match wish {
        Change::Forward(wanted) => forward(&mut rules, wanted, now)?,
        Change::Keep(keep) => {
            rules.keep = *keep;
            Some((Setting::ForwardKeep, Some(on_or_off(*keep))))
        }
        Change::Confirm(token) => Some((Setting::ForwardConfirmed, Some(confirm(&mut rules, token, now)?))),
        Change::Failed(address) => {
            failed(&mut rules, address, now).map(|to| (Setting::ForwardStopped, Some(to)))
        }
        Change::Block(entries) => block(&mut rules, entries)?,
        Change::Unblock(entries) => {
            let entries = entries.iter().map(|one| entry(one)).collect::<Result<Vec<_>, _>>()?;
            rules.blocked.retain(|blocked| !entries.contains(blocked));
            Some((Setting::Block, None))
        }
        Change::Detail(on) => {
            rules.detail = *on;
            Some((Setting::Detail, Some(on_or_off(*on))))
        }
        wish => {
            set_vacation(&mut rules.vacation, wish)?;
            let text = matches!(wish, Change::Vacation(_)).then(|| on_or_off(rules.vacation.on));
            Some((Setting::Vacation, text))
        }
    };
    Ok(Changed { rules, event })
}

/// Who is there already stays as they are; of the others it is to be learned whether they want it.
fn forward(
    rules: &mut Rules,
    wanted: &[Wanted],
    now: Timestamp,
) -> Result<Option<(Setting, Option<String>)>, ChangeError> {
    if wanted.len() > Rules::FORWARDS {
        return Err(ChangeError::TooMany(Rules::FORWARDS));
    }
    let old = std::mem::take(&mut rules.forwards);
    rules.asked.retain(|at| now.since(*at) < DAY);
    for Wanted { address, token } in wanted {
        let known = old.iter().find(|to| is_same(&to.address, address) && holds(to, now));
        if rules.forwards.iter().any(|to| is_same(&to.address, address)) {
            continue;
        }
        rules.forwards.push(match known {
            Some(known) => known.clone(),
            None => {
                rules.asked.push(now);
                let state = ForwardState::Pending { token: *token, since: now };
                ForwardTo { address: address.to_string(), state, failed: Vec::new() }
            }
        });
    }
    if rules.asked.len() > ASKED_PER_DAY {
        return Err(ChangeError::AskedTooOften);
    }
    let names: Vec<&str> = rules.forwards.iter().map(|to| to.address.as_str()).collect();
    let text = if names.is_empty() { "off".to_owned() } else { names.join(",") };
    Ok(Some((Setting::Forward, Some(text))))
}

/// Whether who reads there need not be asked anew: they said yes, or have been asked today.
fn holds(to: &ForwardTo, now: Timestamp) -> bool {
    match to.state {
        ForwardState::Confirmed { .. } => true,
        ForwardState::Pending { since, .. } => now.since(since) < DAY,
        ForwardState::Stopped { .. } => false,
    }
}

fn confirm(rules: &mut Rules, word: &[u8; 32], now: Timestamp) -> Result<String, ChangeError> {
    let waits = |to: &&mut ForwardTo| match &to.state {
        ForwardState::Pending { token, since } => token == word && now.since(*since) < CONFIRMED_WITHIN,
        _ => false,
    };
    let to = rules.forwards.iter_mut().find(waits).ok_or(ChangeError::NoSuchToken)?;
    to.state = ForwardState::Confirmed { at: now };
    Ok(to.address.clone())
}

/// Counts the days on which letters to an address came back; returns it where that is enough.
fn failed(rules: &mut Rules, address: &EmailAddress, now: Timestamp) -> Option<String> {
    let today = u32::try_from(now.seconds().div_euclid(86_400)).unwrap_or(0);
    let to = rules.forwards.iter_mut().find(|to| is_same(&to.address, address))?;
    to.failed.retain(|day| *day < today && today - day < WEEK);
    to.failed.push(today);
    let fails = to.failed.len() >= FAILING_DAYS && matches!(to.state, ForwardState::Confirmed { .. });
    if !fails {
        return None;
    }
    to.state = ForwardState::Stopped { at: now };
    to.failed.clear();
    Some(to.address.clone())
}

fn block(rules: &mut Rules, entries: &[String]) -> Result<Option<(Setting, Option<String>)>, ChangeError> {
    for one in entries {
        rules.blocked.push(entry(one)?);
    }
    rules.blocked.sort();
    rules.blocked.dedup();
    match rules.blocked.len() > Rules::BLOCKED {
        true => Err(ChangeError::TooMany(Rules::BLOCKED)),
        false => Ok(Some((Setting::Block, None))),
    }
}

/// An entry of the block list in the spelling that it is found by.
fn entry(text: &str) -> Result<String, ChangeError> {
    match text.strip_prefix('@') {
        Some(domain) => Ok(format!("@{}", Domain::parse(domain).map_err(|_| ChangeError::Entry)?)),
        None => EmailAddress::parse(text).ok().and_then(|one| one.key()).ok_or(ChangeError::Entry),
    }
}

fn set_vacation(vacation: &mut Vacation, wish: &Change) -> Result<(), ChangeError> {
    match wish {
        Change::Vacation(true) if vacation.text.is_empty() => return Err(ChangeError::NoText),
        Change::Vacation(on) => vacation.on = *on,
        Change::Subject(Some(subject)) if subject.len() > Vacation::SUBJECT => {
            return Err(ChangeError::TooLong(Vacation::SUBJECT));
        }
        Change::Subject(subject) => vacation.subject.clone_from(subject),
        Change::Text(text) if text.len() > Vacation::TEXT => {
            return Err(ChangeError::TooLong(Vacation::TEXT));
        }
        Change::Text(text) => vacation.text.clone_from(text),
        Change::From(from) => vacation.from = *from,
        Change::Until(until) => vacation.until = *until,
        Change::Days(days) if !(1..=365).contains(days) => return Err(ChangeError::Days),
        Change::Days(days) => vacation.days = *days,
        Change::Addresses(addresses) if addresses.len() > Vacation::ADDRESSES => {
            return Err(ChangeError::TooMany(Vacation::ADDRESSES));
        }
        Change::Addresses(addresses) => {
            vacation.addresses = addresses.iter().map(ToString::to_string).collect();
        }
        _ => {}
    }
    Ok(())
}

/// Whether two spellings are of one address.
fn is_same(spelling: &str, address: &EmailAddress) -> bool {
    EmailAddress::parse(spelling)
        .is_ok_and(|one| one == *address || (one.key().is_some() && one.key() == address.key()))
}

fn on_or_off(on: bool) -> String {
    if on { "on" } else { "off" }.to_owned()
}
