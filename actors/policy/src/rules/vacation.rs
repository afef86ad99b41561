//! Who gets a vacation reply (RFC 3834), and who does not: a reply to a machine, to a list or twice in a week does harm.

use std::time::Duration;

use postern_model::record::{Replies, Vacation};
use postern_model::{EmailAddress, MailFrom, Timestamp};

use super::Letter;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Why nothing is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Silence {
    /// It is switched off, has no text, or the time is not within its dates.
    Off,
    /// The letter is junk.
    Junk,
    /// Nobody is to be answered: the reverse path is null (RFC 3834 §2).
    Null,
    /// The reverse path is a machine's.
    Machine,
    /// The header says that a machine wrote it, or that it went to many.
    Automatic(&'static str),
    /// It is from the user.
    Own,
    /// No field names the user, so they may have it by a list or a blind copy (RFC 3834 §2).
    NotNamed,
}

/// Who gets a reply, unless they had one lately ([`note`]). `is_own` tells the account's own addresses.
///
/// # Errors
/// Why nobody gets one.
pub fn vacation<'a>(
    vacation: &Vacation,
    letter: &Letter<'a>,
    is_own: &dyn Fn(&EmailAddress) -> bool,
    now: Timestamp,
) -> Result<&'a EmailAddress, Silence> {
    let within = vacation.from.is_none_or(|from| from <= now) && vacation.until.is_none_or(|end| now < end);
    if !vacation.on || !within || vacation.text.is_empty() {
        return Err(Silence::Off);
    }
    if letter.junk {
        return Err(Silence::Junk);
    }
    let MailFrom::Address(to) = letter.mail_from else { return Err(Silence::Null) };
    if is_machine(to) || letter.header.from.iter().any(is_machine) {
        return Err(Silence::Machine);
    }
    if let Some(why) = letter.header.automatic {
        return Err(Silence::Automatic(why));
    }
    if is_own(to) {
        return Err(Silence::Own);
    }
    let is_theirs = |address: &EmailAddress| {
        let key = address.key();
        let spelled = |one: &String| EmailAddress::parse(one).ok().and_then(|one| one.key()) == key;
        vacation.addresses.iter().any(spelled) || is_own(address)
    };
    if !letter.header.addressed.iter().any(is_theirs) {
        return Err(Silence::NotNamed);
    }
    Ok(to)
}

/// Whether an address is one that nobody reads (RFC 3834 §2).
fn is_machine(address: &EmailAddress) -> bool {
    let local = address.local().as_str().to_lowercase();
    let names =
        ["mailer-daemon", "listserv", "majordomo", "noreply", "no-reply", "donotreply", "do-not-reply"];
    let begins =
        ["owner-", "noreply-", "no-reply-", "noreply+", "no-reply+", "bounce-", "bounces-", "bounce+"];
    let ends = ["-request", "-owner", "-bounces", "-noreply", "-no-reply", "-return", "-relay"];
    names.contains(&&local[..])
        || begins.iter().any(|begin| local.starts_with(begin))
        || ends.iter().any(|end| local.ends_with(end))
}

/// Notes that a correspondent gets a reply now; `None` where they had one within so many days. What is older than that is
/// forgotten, and of too many the earliest.
pub fn note(replies: &Replies, digest: u64, days: u16, now: Timestamp) -> Option<Replies> {
    let within = DAY * u32::from(days);
    let mut sent = replies.sent.clone();
    sent.retain(|(_, at)| now.since(*at) < within);
    if sent.iter().any(|(one, _)| *one == digest) {
        return None;
    }
    let too_many = (sent.len() + 1).saturating_sub(Replies::MOST);
    sent.drain(..too_many);
    sent.push((digest, now));
    Some(Replies { sent })
}
