//! How long a server may take for what (RFC 5321 §4.5.3.2), by the machine's clock.

use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

/// The longest waits of a client.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For a connection to one address.
    pub connect: Duration,
    /// For the greeting.
    pub greeting: Duration,
    /// For a TLS handshake.
    pub handshake: Duration,
    /// For the answer to EHLO, MAIL, RCPT and all that is not named here.
    pub command: Duration,
    /// For the answer to DATA.
    pub data: Duration,
    /// For the server to take some 64 KiB.
    pub block: Duration,
    /// For the answer to the letter's end.
    pub end: Duration,
    /// For the answer to QUIT, and for what a server may say that broke a letter off.
    pub leave: Duration,
    /// For one letter with all that it takes, whatever the number of servers tried.
    pub letter: Duration,
}

impl Patience {
    /// RFC 5321 §4.5.3.2's minima.
    pub const STANDARD: Patience = Patience {
        connect: SECOND.saturating_mul(30),
        greeting: MINUTE.saturating_mul(5),
        handshake: MINUTE,
        command: MINUTE.saturating_mul(5),
        data: MINUTE.saturating_mul(2),
        block: MINUTE.saturating_mul(3),
        end: MINUTE.saturating_mul(10),
        leave: SECOND.saturating_mul(5),
        letter: MINUTE.saturating_mul(60),
    };
}
