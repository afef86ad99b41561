//! The words of every "no": a [`Refusal`] becomes one line of POP3 or SMTP, with the code that the protocol has for it
//! (SPEC A4). Nowhere else is a refusal worded, and each line says what, why, until when, and what to do.

use std::time::Duration;

use jiff::tz::TimeZone;
use postern_model::record::Reason;
use postern_model::{EnhancedStatusCode, Protocol, ReplyCode, Timestamp};
use postern_policy::{Refusal, Unwanted};

use crate::net::limits::Crowd;

/// What refusals name, from the configuration.
#[derive(Clone, Debug)]
pub struct Places {
    /// Where the user switches access on (`POSTERN_WEB_URL`).
    pub web: String,
    /// Where the user finds help (`POSTERN_SUPPORT_URL`).
    pub support: String,
    /// In which times are shown (`POSTERN_TIMEZONE`); it decides nothing.
    pub zone: TimeZone,
}

impl Places {
    /// A time in the operator's zone: `2026-03-01 12:15:00 EET`.
    fn time(&self, at: Timestamp) -> String {
        match jiff::Timestamp::from_microsecond(at.0) {
            // Rounded up: who comes back at the time that is named must not come too early.
            Ok(_) => {
                let at = jiff::Timestamp::from_second(at.plus(Duration::from_micros(999_999)).seconds());
                let at = at.unwrap_or(jiff::Timestamp::MAX).to_zoned(self.zone.clone());
                at.strftime("%Y-%m-%d %H:%M:%S %Z").to_string()
            }
            Err(_) => at.rfc3339(),
        }
    }
}

/// A refusal in SMTP's terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SmtpRefusal {
    /// Its reply code.
    pub code: ReplyCode,
    /// Subject and detail of its enhanced code.
    pub enhanced: EnhancedStatusCode,
    /// One line without codes.
    pub text: String,
}

/// `-ERR` and its text (RFC 1939), with the response code of RFC 2449, 3206 where there is one.
pub fn pop3(refusal: &Refusal, places: &Places) -> String {
    let text = text(refusal, places);
    match pop3_code(refusal) {
        Some(code) => format!("-ERR [{code}] {text}"),
        None => format!("-ERR {text}"),
    }
}

fn pop3_code(refusal: &Refusal) -> Option<&'static str> {
    Some(match refusal {
        // Programs drop the saved password on AUTH, so it stands for bad credentials alone (SPEC A4).
        Refusal::BadCredentials { .. } | Refusal::ClientPasswordNeeded => "AUTH",
        Refusal::InUse => "IN-USE",
        Refusal::TooSoon { .. } => "LOGIN-DELAY",
        Refusal::AccessOff { .. }
        | Refusal::AccessBlocked { .. }
        | Refusal::Suspended
        | Refusal::PlaintextRefused => "SYS/PERM",
        Refusal::AccessPending { .. }
        | Refusal::TooManyFailures { .. }
        | Refusal::TooManySessions { .. }
        | Refusal::StoreFull
        | Refusal::Unavailable
        | Refusal::Stopping => "SYS/TEMP",
        Refusal::NoSuchFolder
        | Refusal::FolderExists
        | Refusal::BadFolderName(_)
        | Refusal::FolderInItself
        | Refusal::InboxStays
        | Refusal::HasChildren
        | Refusal::TooManyFolders { .. }
        | Refusal::UseTaken
        | Refusal::OverQuota { .. }
        | Refusal::FolderFull
        | Refusal::TooManyAnnotations { .. }
        | Refusal::AnnotationTooLong { .. }
        | Refusal::SendingLocked { .. }
        | Refusal::SendLimit { .. }
        | Refusal::InactiveMailbox
        | Refusal::TooManyRecipients { .. }
        | Refusal::SenderNotOwned
        | Refusal::AuthorNotOwned
        | Refusal::MailboxFull { .. }
        | Refusal::QueueFull
        | Refusal::Unwanted { .. }
        | Refusal::NoSuchMailbox
        | Refusal::NoRoute => return None,
    })
}

/// The reply that SMTP has for it (RFC 5321, 4954, 3463).
pub fn smtp(refusal: &Refusal, places: &Places) -> SmtpRefusal {
    let (code, subject, detail) = match refusal {
        Refusal::BadCredentials { .. } | Refusal::ClientPasswordNeeded => (535, 7, 8),
        Refusal::AccessOff { .. }
        | Refusal::AccessBlocked { .. }
        | Refusal::Suspended
        | Refusal::PlaintextRefused => (525, 7, 13),
        Refusal::AccessPending { .. } | Refusal::TooManyFailures { .. } | Refusal::TooSoon { .. } => {
            (454, 7, 0)
        }
        Refusal::TooManySessions { .. } => (421, 7, 0),
        Refusal::SendingLocked { .. } => (550, 7, 1),
        Refusal::SendLimit { .. } => (451, 7, 0),
        Refusal::TooManyRecipients { .. } => (452, 5, 3),
        Refusal::SenderNotOwned => (553, 7, 1),
        Refusal::AuthorNotOwned | Refusal::NoRoute => (550, 7, 1),
        Refusal::NoSuchMailbox => (550, 1, 1),
        Refusal::InactiveMailbox => (550, 2, 1),
        Refusal::MailboxFull { ever: true } => (552, 2, 2),
        Refusal::MailboxFull { ever: false } => (452, 2, 2),
        Refusal::QueueFull => (452, 3, 1),
        Refusal::Unwanted { permanent, .. } => (if *permanent { 550 } else { 451 }, 7, 1),
        // Folders are IMAP's affair; what SMTP would say of a full mailbox is the store's "no room".
        Refusal::NoSuchFolder
        | Refusal::FolderExists
        | Refusal::BadFolderName(_)
        | Refusal::FolderInItself
        | Refusal::InboxStays
        | Refusal::HasChildren
        | Refusal::TooManyFolders { .. }
        | Refusal::UseTaken
        | Refusal::OverQuota { .. }
        | Refusal::FolderFull
        | Refusal::TooManyAnnotations { .. }
        | Refusal::AnnotationTooLong { .. }
        | Refusal::StoreFull => (452, 3, 1),
        Refusal::InUse | Refusal::Unavailable => (451, 3, 0),
        Refusal::Stopping => (421, 3, 2),
    };
    SmtpRefusal {
        code: ReplyCode::new(code),
        enhanced: EnhancedStatusCode::new(subject, detail),
        text: text(refusal, places),
    }
}

/// The response code that IMAP has for it (RFC 9051 §7.1, RFC 5530), and its text; the door says `NO` in front.
pub fn imap(refusal: &Refusal, places: &Places) -> (Option<String>, String) {
    (imap_code(refusal), text(refusal, places))
}

fn imap_code(refusal: &Refusal) -> Option<String> {
    let code = match refusal {
        Refusal::BadCredentials { .. } | Refusal::ClientPasswordNeeded => "AUTHENTICATIONFAILED",
        Refusal::AccessOff { .. } => "NOPERM",
        Refusal::AccessBlocked { .. } | Refusal::Suspended => "CONTACTADMIN",
        Refusal::PlaintextRefused => "PRIVACYREQUIRED",
        Refusal::TooManySessions { .. } => "LIMIT",
        Refusal::AccessPending { .. }
        | Refusal::TooManyFailures { .. }
        | Refusal::TooSoon { .. }
        | Refusal::StoreFull
        | Refusal::Unavailable
        | Refusal::Stopping => "UNAVAILABLE",
        Refusal::InUse => "INUSE",
        Refusal::NoSuchFolder => "NONEXISTENT",
        Refusal::FolderExists => "ALREADYEXISTS",
        Refusal::InboxStays | Refusal::BadFolderName(_) | Refusal::FolderInItself => "CANNOT",
        Refusal::HasChildren => "HASCHILDREN",
        Refusal::TooManyFolders { .. } | Refusal::FolderFull => "LIMIT",
        Refusal::UseTaken => "USEATTR",
        Refusal::OverQuota { .. } => "OVERQUOTA",
        Refusal::TooManyAnnotations { .. } => "METADATA TOOMANY",
        Refusal::AnnotationTooLong { limit } => return Some(format!("METADATA MAXSIZE {limit}")),
        Refusal::SendingLocked { .. }
        | Refusal::SendLimit { .. }
        | Refusal::InactiveMailbox
        | Refusal::TooManyRecipients { .. }
        | Refusal::SenderNotOwned
        | Refusal::AuthorNotOwned
        | Refusal::MailboxFull { .. }
        | Refusal::QueueFull
        | Refusal::Unwanted { .. }
        | Refusal::NoSuchMailbox
        | Refusal::NoRoute => return None,
    };
    Some(code.to_owned())
}

/// Octets that a text may have, so that the line has 512 with its codes and its end (RFC 2449 §4, RFC 5321 §4.5.3.1.5).
const LONGEST_TEXT: usize = 480;
/// Octets that an operator's free text may have.
const LONGEST_WORD: usize = 200;

fn text(refusal: &Refusal, places: &Places) -> String {
    let Places { web, support, .. } = places;
    match refusal {
        Refusal::BadCredentials { bare_name: false } => "Wrong user name or password.".to_owned(),
        Refusal::BadCredentials { bare_name: true } => {
            "Wrong user name or password. The user name is the full e-mail address, name@domain.".to_owned()
        }
        Refusal::TooManyFailures { retry_after } => format!(
            "Too many failed logins from your address. Try again in {}, and check the password stored in your program.",
            span(*retry_after)
        ),
        Refusal::AccessOff { protocol, reason, text } => {
            let (why, cure) = off(*reason, places);
            let off = format!("{} access for mail programs is switched off{why}", shown(*protocol));
            with_word(&off, text.as_deref(), &format!(". {cure}"))
        }
        Refusal::AccessPending { protocol, opens_at } => format!(
            "{} access for mail programs opens at {}. Try again then. If you did not switch it on, cancel it at {web}",
            shown(*protocol),
            places.time(*opens_at)
        ),
        Refusal::AccessBlocked { protocol, reason, text } => {
            let blocked =
                format!("{} access for mail programs is blocked{}", shown(*protocol), because(*reason));
            with_word(&blocked, text.as_deref(), &format!(". Ask for help at {support}"))
        }
        Refusal::Suspended => format!("This account is suspended. Ask for help at {support}"),
        Refusal::PlaintextRefused => format!(
            "Your password came without encryption. Turn on SSL/TLS in your program and change your password at {web}"
        ),
        Refusal::TooManySessions { limit } => format!(
            "Your mail programs hold all {limit} connections that an account may have. Close one, or wait a few minutes."
        ),
        Refusal::ClientPasswordNeeded => format!(
            "This is the account's own password, but mail programs need one made for them. Get it at {web} by switching access on, and store it in your program."
        ),
        Refusal::InUse => {
            "Another program is reading this mailbox over POP3. Try again in a minute.".to_owned()
        }
        Refusal::TooSoon { interval, retry_after } => format!(
            "Mail may be checked once in {}. Check again in {}, and let your program check less often.",
            span(*interval),
            seconds(*retry_after)
        ),
        Refusal::SendingLocked { reason, text, until } => {
            let until = until.map_or_else(String::new, |until| format!(" until {}", places.time(until)));
            let locked = format!("Sending is locked for this account{until}{}", because(Some(*reason)));
            let cure = match reason {
                // Two addresses of 200 octets each would not fit a line.
                Reason::Theft => format!("Change your password at {web}"),
                Reason::Pushing if !until.is_empty() => format!("Wait until then. See {web}"),
                _ => format!("Ask for help at {support}"),
            };
            with_word(&locked, text.as_deref(), &format!(". {cure}"))
        }
        Refusal::SendLimit { limit, window, retry_after } => format!(
            "At most {limit} {} may be sent in any {}. The next may go in {}.",
            if *limit == 1 { "letter" } else { "letters" },
            window_name(*window),
            seconds(*retry_after)
        ),
        Refusal::TooManyRecipients { limit } => {
            format!("A letter may have {limit} recipients. Send it again to the others.")
        }
        Refusal::SenderNotOwned => {
            "The sender is not an address of your account. Correct the address in your program's settings."
                .to_owned()
        }
        Refusal::AuthorNotOwned => {
            "The From: address is not an address of your account. Correct it in your program's settings."
                .to_owned()
        }
        Refusal::NoSuchMailbox => "No such mailbox here.".to_owned(),
        Refusal::InactiveMailbox => {
            "This mailbox was not used for long and takes no mail until its owner logs in.".to_owned()
        }
        Refusal::NoRoute => {
            "This server has no route to that domain: no relay or delivery to others is set.".to_owned()
        }
        Refusal::NoSuchFolder => "There is no such folder (any more).".to_owned(),
        Refusal::FolderExists => "There is a folder of this name already. Choose another name.".to_owned(),
        Refusal::BadFolderName(why) => format!("This can't be a folder's name: {why}."),
        Refusal::FolderInItself => "A folder can't be moved into itself.".to_owned(),
        Refusal::InboxStays => "The INBOX can't be removed.".to_owned(),
        Refusal::HasChildren => {
            "This name only holds other folders. Remove or rename those first.".to_owned()
        }
        Refusal::TooManyFolders { limit } => {
            format!("An account may have {limit} folders and as many subscriptions. Remove some first.")
        }
        Refusal::UseTaken => "Another folder serves this use, or this server has none for it.".to_owned(),
        Refusal::OverQuota { limit } => format!(
            "The account may store {} MiB, and this would be more. Remove some letters first, or get more room at {web}",
            limit >> 20
        ),
        Refusal::FolderFull => {
            "This folder's numbers are used up. Put the letters into a new one.".to_owned()
        }
        Refusal::TooManyAnnotations { limit } => {
            format!("A folder may have {limit} notes. Remove some first.")
        }
        Refusal::AnnotationTooLong { limit } => format!("A note may have {limit} octets. Make it shorter."),
        Refusal::MailboxFull { ever: true } => {
            "The letter is larger than the recipient's whole mailbox may be.".to_owned()
        }
        Refusal::MailboxFull { ever: false } => {
            "The recipient's mailbox is full. Its owner has been told; try again later.".to_owned()
        }
        Refusal::QueueFull => "As many letters wait here as may. Try again later.".to_owned(),
        Refusal::Unwanted { why, permanent, text } => {
            let again = if *permanent { "" } else { " Try again later." };
            with_word(unwanted(*why), text.as_deref(), &format!(".{again}"))
        }
        Refusal::StoreFull => "The server is out of storage room. Try again later.".to_owned(),
        Refusal::Unavailable => {
            "Something failed on the server; nothing was done. Try again later.".to_owned()
        }
        Refusal::Stopping => "The server is being restarted. Try again in a minute.".to_owned(),
    }
}

/// Who does not want a letter.
fn unwanted(why: Unwanted) -> &'static str {
    match why {
        Unwanted::Greeting => "Your server did not keep to the greeting's rules",
        Unwanted::Listed => "Your server's address is on a list of senders of unwanted mail",
        Unwanted::Greylisted => "Your server is not known here yet",
        Unwanted::TooOften => "Your server connects or sends too often",
        Unwanted::Spf => "The sender's domain does not let your server send for it (SPF)",
        Unwanted::Dmarc => "The author's domain wants unverified letters refused (DMARC)",
        Unwanted::Filter => "The letter was judged to be unwanted",
        Unwanted::Binary => "The letter has parts that its readers here can not have",
        Unwanted::Blocked => "The recipient does not take letters from this sender",
    }
}

/// Why a protocol is off, and what its user can do (SPEC A4, A8).
fn off(reason: Option<Reason>, places: &Places) -> (&'static str, String) {
    let web = &places.web;
    let cure = match reason {
        None => format!("Switch it on at {web}"),
        Some(Reason::Theft) => format!("Change your password at {web} and then switch it on again there"),
        Some(Reason::TooManyConnections) => {
            format!("Let your program check less often, and switch it on again at {web}")
        }
        Some(Reason::Pushing) => format!("Switch it on again at {web} when sending is unlocked"),
        Some(Reason::Terms) => format!("Ask for help at {}", places.support),
        Some(Reason::Idle | Reason::Inactive | Reason::Operator) => format!("Switch it on again at {web}"),
    };
    (because(reason), cure)
}

/// A reason in words for the person that it concerns (SPEC A7).
fn because(reason: Option<Reason>) -> &'static str {
    match reason {
        None => "",
        Some(Reason::Pushing) => ", because letters were pushed against the sending limits again and again",
        Some(Reason::Theft) => ", because somebody else seems to have your password (suspected theft)",
        Some(Reason::Inactive) => ", because the account became inactive",
        Some(Reason::Idle) => ", because it was not used for a long time",
        Some(Reason::TooManyConnections) => ", because programs logged in too often (too many connections)",
        Some(Reason::Terms) => ", because of a violation of the terms of use",
        Some(Reason::Operator) => " by the provider",
    }
}

/// `head`, an operator's free text in brackets, `tail`: the text gives way where the line would grow too long.
fn with_word(head: &str, word: Option<&str>, tail: &str) -> String {
    let room = LONGEST_TEXT.saturating_sub(head.len() + tail.len() + " ()".len());
    match word.map(|word| one_line(word, room.min(LONGEST_WORD))) {
        Some(word) if !word.is_empty() => format!("{head} ({word}){tail}"),
        _ => format!("{head}{tail}"),
    }
}

/// The line for a connection that is turned away before its session begins, line end included: POP3's greeting
/// (RFC 1939 §3, 3206), IMAP's BYE (RFC 9051 §7.1.5) or SMTP's 421 (RFC 5321 §3.1).
pub fn turned_away(protocol: Protocol, crowd: Crowd) -> String {
    let text = match crowd {
        Crowd::Total | Crowd::Flood => {
            "The server has as many connections as it can serve. Try again in a minute.".to_owned()
        }
        Crowd::Address { limit } => format!(
            "There are {limit} connections from your address already, as many as it may have. Close one, or wait a minute."
        ),
    };
    match protocol {
        Protocol::Pop3 => format!("-ERR [SYS/TEMP] {text}\r\n"),
        Protocol::Imap => format!("* BYE [UNAVAILABLE] {text}\r\n"),
        Protocol::Smtp => format!("421 4.7.0 {text}\r\n"),
    }
}

fn shown(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Pop3 => "POP3",
        Protocol::Imap => "IMAP",
        Protocol::Smtp => "SMTP",
    }
}

/// Seconds up to two minutes, whole minutes (rounded up) beyond.
fn span(time: Duration) -> String {
    let seconds = time.as_micros().div_ceil(1_000_000);
    match seconds {
        0 | 1 => "1 second".to_owned(),
        2..=120 => format!("{seconds} seconds"),
        _ => format!("{} minutes", seconds.div_ceil(60)),
    }
}

/// Whole seconds, rounded up; beyond two minutes with the minutes beside them (SPEC C3, Q3).
fn seconds(time: Duration) -> String {
    match time.as_micros().div_ceil(1_000_000) {
        0..=120 => span(time),
        more => format!("{more} seconds ({})", span(time)),
    }
}

/// The stretch of a limit, as SPEC Q1 has it.
fn window_name(window: Duration) -> String {
    match window.as_secs() {
        3600 => "60 minutes".to_owned(),
        86_400 => "24 hours".to_owned(),
        _ => span(window),
    }
}

/// An operator's free text may hold anything; a reply is one line, and this has `room` octets of it.
fn one_line(text: &str, room: usize) -> String {
    const MORE: &str = "...";
    let line: String = text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if line.len() <= room {
        return line;
    }
    let Some(end) = (0..=room.saturating_sub(MORE.len())).rev().find(|&at| line.is_char_boundary(at)) else {
        return String::new();
    };
    if end == 0 { String::new() } else { format!("{}{MORE}", &line[..end]) }
}

#[cfg(test)]
mod tests;
