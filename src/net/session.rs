//! What a protocol is to a connection: bytes in, bytes and one next step out, no socket and no clock.
//!
//! The driver (a connection, or a test) feeds input until it is consumed or a [`Step`] is asked for; a step is done
//! before more input is looked at. So a session never sees an answer out of order, and pipelining is free.

use postern_actors::order::Tell;
use postern_model::{AccountId, LetterId, Timestamp};

/// A protocol's state machine for one connection.
pub trait Session: Sized + 'static {
    /// What it may ask of the actors.
    type Ask: 'static;
    /// What they answer.
    type Answer: 'static;

    /// The connection is there: say the greeting.
    fn open(&mut self, now: Timestamp, out: &mut Output<Self::Ask>);

    /// Bytes came in. Returns how many were consumed: all, or fewer where `out.step` was set; what is left is offered
    /// again after the step, with more behind it. An incomplete line is consumed and kept by the session.
    ///
    /// Fewer may be consumed also where `out.bytes` has grown long (64 KiB, say): the driver then writes them before
    /// it offers the rest, so that a client which pipelines short questions with long answers can't fill the memory.
    fn input(&mut self, now: Timestamp, bytes: &[u8], out: &mut Output<Self::Ask>) -> usize;

    /// The answer to a [`Step::Ask`].
    fn answer(&mut self, now: Timestamp, answer: Self::Answer, out: &mut Output<Self::Ask>);

    /// A piece of the body that a [`Step::Send`] asked for. Returns whether more of it is wanted.
    fn chunk(&mut self, bytes: &[u8], out: &mut Output<Self::Ask>) -> bool;

    /// The body of a [`Step::Send`] has ended; `false` where it could not be read whole.
    fn sent(&mut self, now: Timestamp, whole: bool, out: &mut Output<Self::Ask>);

    /// TLS is there: at the connection's start (before [`Session::open`]), or after [`Step::StartTls`]. Whatever plaintext had come in behind the
    /// command has been thrown away by the driver (RFC 3207 §4.2; CVE-2011-0411), and so must be the session's own.
    fn secured(&mut self, now: Timestamp, tls: TlsInfo, out: &mut Output<Self::Ask>);

    /// An actor told something. May come between any two other calls, also between the pieces of a body that is being
    /// sent: a step set there ends the sending. While the actors are asked it waits until they have answered.
    fn told(&mut self, now: Timestamp, tell: Tell, out: &mut Output<Self::Ask>);

    /// The time [`Session::deadline`] named has come.
    fn expired(&mut self, now: Timestamp, out: &mut Output<Self::Ask>);

    /// When to call [`Session::expired`]; [`Timestamp::NEVER`] for never. The driver counts silence itself:
    /// `last_byte` is when a byte last moved either way.
    fn deadline(&self, last_byte: Timestamp) -> Timestamp;
}

/// What a session wants after a call.
#[derive(Debug)]
pub struct Output<A> {
    /// Bytes for the client, in order.
    pub bytes: Vec<u8>,
    /// Decoded bytes of a letter that comes in, for the spool; written there before `step` is done.
    pub body: Vec<u8>,
    /// What is to be done before more input is looked at.
    pub step: Option<Step<A>>,
}

impl<A> Default for Output<A> {
    fn default() -> Self {
        Output { bytes: Vec::new(), body: Vec::new(), step: None }
    }
}

/// One thing that a session can't do by itself.
#[derive(Debug)]
pub enum Step<A> {
    /// Ask the actors; the answer comes by [`Session::answer`].
    Ask(A),
    /// Stream a letter's bytes through [`Session::chunk`].
    Send {
        /// Whose.
        account: AccountId,
        /// Which.
        letter: LetterId,
        /// The one that a client which takes letter after letter asks for next; small enough to be kept for it.
        next: Option<LetterId>,
    },
    /// Write `bytes`, then shake hands for TLS; [`Session::secured`] follows.
    StartTls,
    /// Write `bytes`, then compress both ways by DEFLATE from now on (RFC 4978); there is no way back.
    Compress,
    /// Write `bytes`, then end the connection.
    Close,
}

/// What is known of an encrypted connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsInfo {
    /// `TLSv1.3` or `TLSv1.2`.
    pub version: &'static str,
    /// IANA name of the cipher suite.
    pub cipher: &'static str,
    /// 32 octets of `tls-exporter` channel binding (RFC 9266); `None` where TLS 1.2 ran without extended master secret.
    pub exporter: Option<[u8; 32]>,
    /// The name the client asked for (SNI).
    pub server_name: Option<Box<str>>,
}
