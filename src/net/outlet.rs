//! Where a long answer goes while it is being made.
//!
//! Most answers are short and are written when the session has nothing more to do. What may be as long as a mailbox is
//! written piece by piece by whoever makes it ([`crate::net::door::Door::perform`]): [`Outlet::relieve`] waits for the
//! client once much has gathered, so that nobody's slowness fills the memory.

use std::future::Future;
use std::pin::Pin;

/// Octets that gather before the client is waited for.
const GATHER: usize = 32 * 1024;

/// The connection is over, or its session has been told to go: whatever is being made is not wanted any more. The
/// driver knows why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut;

/// What takes the octets away.
pub trait Drain {
    /// Writes `bytes` and leaves them empty.
    fn drain<'a>(&'a mut self, bytes: &'a mut Vec<u8>)
    -> Pin<Box<dyn Future<Output = Result<(), Cut>> + 'a>>;
}

/// Answers on their way to the client.
pub struct Outlet<'a> {
    /// What has gathered; put more behind it.
    pub bytes: &'a mut Vec<u8>,
    drain: &'a mut dyn Drain,
}

impl<'a> Outlet<'a> {
    /// What is put into `bytes` goes to `drain`.
    pub fn new(bytes: &'a mut Vec<u8>, drain: &'a mut dyn Drain) -> Outlet<'a> {
        Outlet { bytes, drain }
    }

    /// Waits for the client where much has gathered; call it after each piece of an answer.
    ///
    /// # Errors
    /// [`Cut`].
    pub async fn relieve(&mut self) -> Result<(), Cut> {
        if self.bytes.len() >= GATHER { self.drain.drain(self.bytes).await } else { Ok(()) }
    }

    /// Writes whatever has gathered: the client is to see it before what comes takes long.
    ///
    /// # Errors
    /// [`Cut`].
    pub async fn flush(&mut self) -> Result<(), Cut> {
        if self.bytes.is_empty() { Ok(()) } else { self.drain.drain(self.bytes).await }
    }
}

/// Keeps everything: for answers that are short, and for tests.
#[derive(Debug, Default)]
pub struct Hold;

impl Drain for Hold {
    fn drain<'a>(&'a mut self, _: &'a mut Vec<u8>) -> Pin<Box<dyn Future<Output = Result<(), Cut>> + 'a>> {
        Box::pin(std::future::ready(Ok(())))
    }
}
