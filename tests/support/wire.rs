//! What a player of transcripts needs of a connection, whatever it is made of.

use std::time::Duration;

use super::script::DoorKind;

/// How long an answer may take before a test is given up. No test waits for it to pass.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A client's end of a connection.
pub(crate) trait Wire {
    /// Sends octets in one piece.
    async fn send(&mut self, bytes: &[u8]);

    /// The next octets; `None` once the server has closed. A gone connection may say so by an error: that is closed.
    async fn receive(&mut self) -> Option<Vec<u8>>;

    /// The client's side of a handshake for TLS, in the middle of the connection.
    async fn start_tls(&mut self);

    /// Sends nothing more; the server gets to know.
    async fn hang_up(&mut self);
}

/// Where connections come from.
pub(crate) trait House {
    type Wire: Wire;

    /// Connects to `door`, or to the one that this house is for.
    async fn connect(&mut self, door: Option<DoorKind>) -> Self::Wire;
}

/// A connection, read line by line.
pub(crate) struct Lines<W> {
    pub(crate) wire: W,
    unread: Vec<u8>,
}

impl<W: Wire> Lines<W> {
    pub(crate) fn new(wire: W) -> Lines<W> {
        Lines { wire, unread: Vec::new() }
    }

    /// The next line without its CRLF.
    ///
    /// # Errors
    /// There is none: the server has closed, or says nothing.
    pub(crate) async fn line(&mut self) -> Result<String, String> {
        loop {
            if let Some(end) = self.unread.windows(2).position(|w| w == b"\r\n") {
                let line = String::from_utf8_lossy(&self.unread[..end]).into_owned();
                self.unread.drain(..end + 2);
                return Ok(line);
            }
            match self.more().await? {
                Some(bytes) => self.unread.extend_from_slice(&bytes),
                None if self.unread.is_empty() => return Err("the server has closed".to_owned()),
                None => return Err(format!("the server has closed behind {:?}", self.rest())),
            }
        }
    }

    /// Waits until the server has closed.
    ///
    /// # Errors
    /// It says something more, or nothing happens.
    pub(crate) async fn closed(&mut self) -> Result<(), String> {
        while self.unread.is_empty() {
            match self.more().await? {
                Some(bytes) => self.unread.extend_from_slice(&bytes),
                None => return Ok(()),
            }
        }
        Err(format!("the server says {:?}", self.rest()))
    }

    /// What has come and was not read.
    pub(crate) fn rest(&self) -> String {
        String::from_utf8_lossy(&self.unread).into_owned()
    }

    async fn more(&mut self) -> Result<Option<Vec<u8>>, String> {
        tokio::time::timeout(PATIENCE, self.wire.receive())
            .await
            .map_err(|_| format!("the server says nothing more behind {:?}", self.rest()))
    }
}
