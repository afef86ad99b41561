//! The words of every "no": a [`Refusal`] becomes one line of POP3 or SMTP, with the code that the protocol has for it
//! (SPEC A4). Nowhere else is a refusal worded, and each line says what, why, until when, and what to do.

use std::time::Duration;

use postern_model::{EnhancedStatusCode, Protocol, ReplyCode};
use postern_policy::Refusal;

use crate::net::limits::Crowd;

/// Addresses that refusals name, from the configuration.
#[derive(Clone, Debug)]
pub struct Places {
    /// Where the user switches access on (`POSTERN_WEB_URL`).
    pub web: String,
    /// Where the user finds help (`POSTERN_SUPPORT_URL`).
    pub support: String,
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
        Refusal::BadCredentials { .. } => "AUTH",
        Refusal::InUse => "IN-USE",
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
        Refusal::SendingLocked { .. }
        | Refusal::TooManyRecipients { .. }
        | Refusal::SenderNotOwned
        | Refusal::AuthorNotOwned
        | Refusal::NoSuchMailbox
        | Refusal::NoRoute => return None,
    })
}

/// The reply that SMTP has for it (RFC 5321, 4954, 3463).
pub fn smtp(refusal: &Refusal, places: &Places) -> SmtpRefusal {
    let (code, subject, detail) = match refusal {
        Refusal::BadCredentials { .. } => (535, 7, 8),
        Refusal::AccessOff { .. }
        | Refusal::AccessBlocked { .. }
        | Refusal::Suspended
        | Refusal::PlaintextRefused => (525, 7, 13),
        Refusal::AccessPending { .. } | Refusal::TooManyFailures { .. } => (454, 7, 0),
        Refusal::TooManySessions { .. } => (421, 7, 0),
        Refusal::SendingLocked { .. } => (550, 7, 1),
        Refusal::TooManyRecipients { .. } => (452, 5, 3),
        Refusal::SenderNotOwned => (553, 7, 1),
        Refusal::AuthorNotOwned | Refusal::NoRoute => (550, 7, 1),
        Refusal::NoSuchMailbox => (550, 1, 1),
        Refusal::StoreFull => (452, 3, 1),
        Refusal::InUse | Refusal::Unavailable => (451, 3, 0),
        Refusal::Stopping => (421, 3, 2),
    };
    SmtpRefusal {
        code: ReplyCode::new(code),
        enhanced: EnhancedStatusCode::new(subject, detail),
        text: text(refusal, places),
    }
}

fn text(refusal: &Refusal, places: &Places) -> String {
    let web = &places.web;
    let because =
        |reason: &Option<String>| reason.as_ref().map_or_else(String::new, |r| format!(" ({})", one_line(r)));
    match refusal {
        Refusal::BadCredentials { bare_name: false } => "Wrong user name or password.".to_owned(),
        Refusal::BadCredentials { bare_name: true } => {
            "Wrong user name or password. The user name is the full e-mail address, name@domain.".to_owned()
        }
        Refusal::TooManyFailures { retry_after } => format!(
            "Too many failed logins from your address. Try again in {}, and check the password stored in your program.",
            span(*retry_after)
        ),
        Refusal::AccessOff { protocol, reason } => format!(
            "{} access for mail programs is switched off{}. Switch it on at {web}",
            shown(*protocol),
            because(reason)
        ),
        Refusal::AccessPending { protocol, opens_at } => format!(
            "{} access for mail programs opens at {opens_at}. Try again then, or see {web}",
            shown(*protocol)
        ),
        Refusal::AccessBlocked { protocol, reason } => format!(
            "{} access for mail programs is blocked{}. Write to {}",
            shown(*protocol),
            because(reason),
            places.support
        ),
        Refusal::Suspended => format!("This account is suspended. Write to {}", places.support),
        Refusal::PlaintextRefused => format!(
            "Your password came without encryption. Turn on SSL/TLS in your program and change your password at {web}"
        ),
        Refusal::TooManySessions { limit } => format!(
            "Your mail programs hold all {limit} connections that an account may have. Close one, or wait a few minutes."
        ),
        Refusal::InUse => {
            "Another program is reading this mailbox over POP3. Try again in a minute.".to_owned()
        }
        Refusal::SendingLocked { reason } => {
            format!("Sending is locked for this account{}. See {web}", because(reason))
        }
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
        Refusal::NoRoute => {
            "This server has no route to that domain: no relay or delivery to others is set.".to_owned()
        }
        Refusal::StoreFull => "The server is out of storage room. Try again later.".to_owned(),
        Refusal::Unavailable => {
            "Something failed on the server; nothing was done. Try again later.".to_owned()
        }
        Refusal::Stopping => "The server is being restarted. Try again in a minute.".to_owned(),
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

/// An operator's free text may hold anything; a reply is one line.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use postern_model::Timestamp;

    fn places() -> Places {
        Places { web: "https://demo.test/".into(), support: "https://demo.test/help".into() }
    }

    #[test]
    fn each_protocol_has_its_own_code_for_one_refusal() {
        let off = Refusal::AccessOff { protocol: Protocol::Pop3, reason: None };
        assert!(pop3(&off, &places()).starts_with("-ERR [SYS/PERM] POP3 access"));
        assert_eq!(smtp(&off, &places()).code, ReplyCode::new(525));
        let pending =
            Refusal::AccessPending { protocol: Protocol::Smtp, opens_at: Timestamp::from_seconds(0) };
        assert!(pop3(&pending, &places()).contains("[SYS/TEMP]"));
        assert!(smtp(&pending, &places()).text.contains("1970-01-01T00:00:00Z"));
    }

    #[test]
    fn a_reason_never_breaks_the_line() {
        let blocked = Refusal::AccessBlocked { protocol: Protocol::Smtp, reason: Some("a\r\n250 b".into()) };
        assert!(!smtp(&blocked, &places()).text.contains(['\r', '\n']));
        assert!(!pop3(&blocked, &places()).contains('\n'));
    }

    #[test]
    fn seconds_are_rounded_up_so_that_nobody_comes_too_early() {
        assert_eq!(span(Duration::from_millis(1500)), "2 seconds");
        assert_eq!(span(Duration::from_secs(121)), "3 minutes");
        assert_eq!(span(Duration::ZERO), "1 second");
    }
}
