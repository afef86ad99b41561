//! A milter, asked in Sendmail's milter protocol, version 6 (2 to 5 are understood, too).
//!
//! The whole dialogue is held when the letter is whole, on a connection of its own: negotiation, the client, the envelope,
//! the header field by field, the body in chunks, the end. Whatever stage refuses, refuses the letter; so does the refusal of
//! one recipient, since there is one answer for all of them by then, and a letter that silently misses a recipient is a
//! letter lost: its sender is told instead. A milter that accepts at some stage sees the rest no more.
//!
//! Fields may be added, inserted, changed and deleted, the body replaced, the letter quarantined, which is Junk here.
//! Recipients and the reverse path stay what they are: these actions are not offered, and a milter that insists on them
//! counts as failed.

mod dialogue;
mod macros;
mod packet;
mod reply;
mod terms;

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::{Instant, timeout_at};

use super::chain::LONGEST;
use super::draft::Draft;
use super::failure::Failure;
use super::place::Socket;
use crate::inbound::Visit;
use crate::inbound::filter::Action;
use dialogue::Dialogue;
use macros::Macros;
use packet::Wire;

/// A way to a milter.
#[derive(Debug)]
pub(super) struct Milter {
    socket: Socket,
    hostname: String,
    timeout: Duration,
    /// Octets that a new body may have.
    body_most: usize,
}

/// A connection, of whatever kind.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

impl Milter {
    pub(super) fn new(socket: Socket, hostname: &str, timeout: Duration, body_most: usize) -> Milter {
        Milter { socket, hostname: hostname.to_owned(), timeout, body_most }
    }

    /// Asks for a verdict, and changes the letter as is wished.
    pub(super) async fn judge(&self, visit: &Visit, draft: &mut Draft<'_>) -> Result<Action, Failure> {
        let now = Instant::now();
        let deadline = now + self.timeout;
        let stream = timeout_at(deadline, self.connect()).await.map_err(|_| Failure::Slow)??;
        let wire = Wire::new(stream, deadline, self.timeout, now + self.timeout.max(LONGEST));
        let macros = Macros::of(visit, &self.hostname);
        Dialogue::begin(wire, macros, self.body_most).await?.judge(visit, draft).await
    }

    async fn connect(&self) -> io::Result<Box<dyn Stream>> {
        Ok(match &self.socket {
            Socket::Inet(place) => {
                let stream = TcpStream::connect(place).await?;
                stream.set_nodelay(true)?;
                Box::new(stream)
            }
            Socket::Unix(path) => Box::new(UnixStream::connect(path).await?),
        })
    }
}
