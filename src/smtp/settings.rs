//! What an SMTP door goes by; the configuration makes it, once for all connections of a listener.

use std::sync::Arc;
use std::time::Duration;

use postern_model::EmailAddress;

use crate::inbound::Gatekeeper;
use crate::wording::Places;

/// What a listener is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Port 465: TLS from the first byte, AUTH before anything else (SPEC P3, I5; RFC 8314).
    Submissions,
    /// Port 587: STARTTLS, then AUTH (SPEC P4, I5; RFC 6409).
    Submission,
    /// Port 25: other servers bring letters for local domains (SPEC P6).
    Mx,
    /// LMTP (RFC 2033): a server in front, which is trusted, brings letters for local domains (SPEC P7).
    Lmtp,
}

impl Role {
    /// Whether letters are taken only from users who have logged in.
    pub(super) fn needs_login(self) -> bool {
        matches!(self, Role::Submissions | Role::Submission)
    }
}

/// Figures and names of an SMTP door.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Our name in the greeting and in Received (`POSTERN_HOSTNAME`).
    pub hostname: String,
    /// Addresses that refusals name.
    pub places: Places,
    /// Whose letters to `<Postmaster>` are that name no domain (RFC 5321 §4.5.1); `None`: such a recipient is unknown.
    pub postmaster: Option<EmailAddress>,
    /// Octets of a letter (`POSTERN_MESSAGE_SIZE`; SIZE, RFC 1870).
    pub message_size: u64,
    /// Octets of a letter's header.
    pub header_size: usize,
    /// Recipients of a letter that are announced (RCPTMAX, RFC 9422), and the limit where no plan has one.
    pub recipients: u32,
    /// Letters on one connection (MAILMAX, RFC 9422).
    pub letters: u32,
    /// Received fields beyond which a letter is taken to go in circles (RFC 5321 §6.3).
    pub hops: usize,
    /// AUTH is allowed without TLS; AccountActor refuses whoever has not allowed it for themselves (SPEC P5).
    pub legacy_plaintext: bool,
    /// SCRAM keys are kept (`POSTERN_SCRAM`).
    pub scram: bool,
    /// Commands that were none, or came at the wrong time, before the connection is ended.
    pub errors: u32,
    /// Recipients that don't exist here, likewise.
    pub unknown_recipients: u32,
    /// Logins that failed, likewise.
    pub failed_logins: u32,
    /// Silence before a command (RFC 5321 §4.5.3.2.7: at least 5 minutes).
    pub command_timeout: Duration,
    /// Silence within a letter (RFC 5321 §4.5.3.2.5: at least 3 minutes).
    pub data_timeout: Duration,
    /// From the connection to the login, where one is needed.
    pub login_within: Duration,
    /// Who examines letters; without one they are taken as they come.
    pub gatekeeper: Option<Arc<Gatekeeper>>,
}

impl Settings {
    /// The defaults under a host name.
    pub fn new(hostname: String, places: Places) -> Settings {
        Settings {
            postmaster: EmailAddress::parse(&format!("postmaster@{hostname}")).ok(),
            hostname,
            places,
            message_size: 35 * 1024 * 1024,
            header_size: 256 * 1024,
            recipients: 100,
            letters: 10_000,
            hops: 50,
            legacy_plaintext: false,
            scram: true,
            errors: 10,
            unknown_recipients: 25,
            failed_logins: 3,
            command_timeout: Duration::from_secs(5 * 60),
            data_timeout: Duration::from_secs(3 * 60),
            login_within: Duration::from_secs(60),
            gatekeeper: None,
        }
    }
}
