//! What moves a session: reads, writes, waits, and does the steps it asks for, one after the other.
//!
//! Answers are gathered while input remains, so that a pipelining client gets one packet for many commands, and are
//! written before the driver waits for more. An idle connection owns no buffer: reading uses one of the thread's, and
//! what could not be used at once, or was not yet written, is freed when it is done with.

use std::cell::RefCell;
use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use postern_actors::Ticker;
use postern_actors::order::{LastByte, Tell};
use postern_model::{AccountId, LetterId, Timestamp};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};

use super::ahead::Ahead;
use super::alarm::Alarm;
use super::door::{Door, Link};
use super::inbox::Inbox;
use super::outlet::{Cut, Drain, Outlet};
use super::session::{Output, Step};
use super::stream::Stream;
use super::tls::Tls;

/// Octets that are read at a time.
const READ_SIZE: usize = 32 * 1024;
/// Octets of answers that are gathered before they are written although more input is there.
const GATHER: usize = 32 * 1024;
/// How long a client may take no octet of what is written to it.
const WRITE_STALL: Duration = Duration::from_secs(180);
/// How long a client that has been told good-bye may go on sending.
const LINGER: Duration = Duration::from_secs(2);
/// Octets of that which are read.
const LINGER_OCTETS: usize = 256 * 1024;

thread_local! {
    /// Where every connection of this thread reads to; what is read is used before anybody else can run.
    static READ_BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ_SIZE].into_boxed_slice());
}

/// Why a connection has ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum End {
    /// The session closed it.
    #[error("closed")]
    Closed,
    /// The client closed it.
    #[error("closed by the client")]
    ByClient,
    /// The connection broke.
    #[error("broken: {0}")]
    Broken(#[from] io::Error),
    /// The client took nothing for too long.
    #[error("the client stalled")]
    Stalled,
    /// The client and we found no way to speak TLS.
    #[error("handshake failed: {0}")]
    Handshake(io::Error),
    /// The session broke a rule of [`crate::net::session::Session`]; never the client's fault.
    #[error("fault: {0}")]
    Fault(&'static str),
}

/// Octets that a connection has moved.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Traffic {
    /// From the client.
    pub(crate) received: u64,
    /// To the client.
    pub(crate) sent: u64,
}

/// A connection with its session.
pub(crate) struct Driver<S: Door> {
    session: S,
    pipe: Pipe,
    link: Link,
    tls: Option<Tls>,
    handshake_timeout: Duration,
    out: Output<S::Ask>,
    /// Came in, and waits for a step to be done.
    pending: Bytes,
    ahead: Ahead,
}

/// The way to the client.
struct Pipe {
    stream: Stream,
    alarm: Alarm,
    ticker: Ticker,
    activity: Arc<LastByte>,
    inbox: Rc<Inbox>,
    traffic: Traffic,
    /// Why nothing can be written any more, where an answer in the making met it.
    end: Option<End>,
}

impl<S: Door> Driver<S> {
    /// A connection whose session has said nothing yet. `tls` is what [`Step::StartTls`] uses.
    pub(crate) fn new(
        session: S,
        stream: Stream,
        link: Link,
        inbox: Rc<Inbox>,
        tls: Option<Tls>,
        handshake_timeout: Duration,
    ) -> Driver<S> {
        let ticker = link.actors.ticker().clone();
        let pipe = Pipe {
            stream,
            alarm: Alarm::new(ticker.clone()),
            ticker,
            activity: Arc::clone(&link.session.activity),
            inbox,
            traffic: Traffic::default(),
            end: None,
        };
        let (out, pending) = (Output::default(), Bytes::new());
        Driver { session, pipe, link, tls, handshake_timeout, out, pending, ahead: Ahead::default() }
    }

    /// Octets moved so far.
    pub(crate) fn traffic(&self) -> Traffic {
        self.pipe.traffic
    }

    /// Serves the connection until it ends, and says why.
    pub(crate) async fn run(&mut self) -> End {
        match self.converse().await {
            Err(end) => end,
        }
    }

    /// What is left to close once the session is over; the session and its rights end here.
    pub(crate) fn into_stream(self) -> Stream {
        self.pipe.stream
    }

    async fn converse(&mut self) -> Result<Infallible, End> {
        let now = self.now();
        if let Some(info) = self.pipe.stream.tls_info() {
            self.session.secured(now, info, &mut self.out);
        }
        self.session.open(now, &mut self.out);
        loop {
            self.settle().await?;
            if !self.pending.is_empty() {
                self.resume().await?;
                continue;
            }
            self.flush().await?;
            self.wait().await?;
            if self.deadline() <= self.now() {
                self.session.expired(self.now(), &mut self.out);
            }
        }
    }

    fn now(&self) -> Timestamp {
        self.link.actors.now()
    }

    fn deadline(&self) -> Timestamp {
        self.session.deadline(self.link.session.activity.at())
    }

    /// Does what the session asked for, and tells it what it was told, until it asks for nothing more.
    async fn settle(&mut self) -> Result<(), End> {
        loop {
            if !self.out.body.is_empty() {
                self.save_body().await;
            }
            if self.out.bytes.len() >= GATHER {
                self.flush().await?;
            }
            match self.out.step.take() {
                Some(step) => self.step(step).await?,
                None => match self.pipe.inbox.take() {
                    Some(tell) => self.tell(tell),
                    None => return Ok(()),
                },
            }
        }
    }

    async fn step(&mut self, step: Step<S::Ask>) -> Result<(), End> {
        // Boxed, since their states would otherwise lie in every idle connection's.
        match step {
            Step::Ask(ask) => {
                let mut outlet = Outlet::new(&mut self.out.bytes, &mut self.pipe);
                let answer = Box::pin(S::perform(ask, &mut self.link, &mut outlet)).await;
                if let Some(end) = self.pipe.end.take() {
                    return Err(end);
                }
                self.session.answer(self.link.actors.now(), answer, &mut self.out);
                Ok(())
            }
            Step::Send { account, letter, next } => Box::pin(self.send(account, letter, next)).await,
            Step::StartTls => Box::pin(self.start_tls()).await,
            Step::Compress => {
                self.flush().await?;
                self.pipe.stream.compress();
                // What came in behind the command is compressed already.
                let pending = std::mem::take(&mut self.pending);
                self.pipe.stream.unread(pending);
                Ok(())
            }
            Step::Close => {
                self.flush().await?;
                Err(End::Closed)
            }
        }
    }

    fn tell(&mut self, tell: Tell) {
        self.session.told(self.link.actors.now(), tell, &mut self.out);
    }

    async fn save_body(&mut self) {
        let mut body = std::mem::take(&mut self.out.body);
        Box::pin(self.link.inbound().write(&body)).await;
        body.clear();
        self.out.body = body;
    }

    /// Streams a letter. The next piece is read when most of the last one is written.
    async fn send(
        &mut self,
        account: AccountId,
        letter: LetterId,
        next: Option<LetterId>,
    ) -> Result<(), End> {
        let mut whole = false;
        match self.ahead.open(&self.link.actors, account, letter, next).await {
            Ok(mut body) => loop {
                match body.chunk().await {
                    Ok(Some(bytes)) => {
                        let more = self.session.chunk(&bytes, &mut self.out);
                        if self.out.bytes.len() >= GATHER {
                            self.flush().await?;
                        }
                        while let Some(tell) = self.pipe.inbox.take() {
                            self.tell(tell);
                        }
                        if self.out.step.is_some() {
                            // Told that its time is over, the session does not go on with the letter.
                            return Ok(());
                        }
                        if !more {
                            whole = true;
                            break;
                        }
                    }
                    Ok(None) => {
                        whole = true;
                        break;
                    }
                    Err(error) => {
                        tracing::error!(%account, %letter, %error, "a letter's body could not be read");
                        break;
                    }
                }
            },
            Err(error) => tracing::error!(%account, %letter, %error, "a letter's body could not be opened"),
        }
        self.session.sent(self.now(), whole, &mut self.out);
        Ok(())
    }

    async fn start_tls(&mut self) -> Result<(), End> {
        self.flush().await?;
        // What came in the clear behind the command must not count as said under TLS (RFC 3207 §4.2; CVE-2011-0411).
        self.pending = Bytes::new();
        let tls = self.tls.clone().ok_or(End::Fault("STARTTLS without certificates"))?;
        let socket =
            self.pipe.stream.take_plain().ok_or(End::Fault("STARTTLS on an encrypted connection"))?;
        let deadline = self.now().plus(self.handshake_timeout);
        let shaken = self.pipe.alarm.limit(deadline, tls.accept(socket)).await;
        let stream = shaken.ok_or(End::Stalled)?.map_err(End::Handshake)?;
        self.pipe.stream = Stream::Tls(stream);
        self.link.tls = true;
        let now = self.now();
        self.link.session.activity.touch(now);
        if let Some(info) = self.pipe.stream.tls_info() {
            self.session.secured(now, info, &mut self.out);
        }
        Ok(())
    }

    /// Offers what is pending again.
    async fn resume(&mut self) -> Result<(), End> {
        let now = self.now();
        let used = self.session.input(now, &self.pending, &mut self.out);
        self.pending.advance(used.min(self.pending.len()));
        if self.pending.is_empty() {
            self.pending = Bytes::new();
        } else if self.out.step.is_none() {
            // The session stopped in the middle to have its answers written first.
            if used == 0 && self.out.bytes.is_empty() && self.out.body.is_empty() {
                return Err(End::Fault("the session takes no input and asks for nothing"));
            }
            self.flush().await?;
        }
        Ok(())
    }

    /// Waits for input, something told, or the deadline.
    async fn wait(&mut self) -> Result<(), End> {
        poll_fn(|cx| {
            if self.pipe.inbox.poll(cx).is_ready() {
                return Poll::Ready(Ok(()));
            }
            if let Poll::Ready(read) = self.poll_input(cx) {
                return Poll::Ready(read);
            }
            // Nothing to do: nothing to hold either.
            self.out.bytes = Vec::new();
            self.out.body = Vec::new();
            self.pipe.stream.rest();
            self.ahead.expire(self.now());
            let deadline = self.deadline().min(self.ahead.until());
            self.pipe.alarm.poll(deadline, cx).map(Ok)
        })
        .await
    }

    fn poll_input(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), End>> {
        READ_BUFFER.with_borrow_mut(|buffer| {
            let mut buffer = ReadBuf::new(buffer);
            ready!(Pin::new(&mut self.pipe.stream).poll_read(cx, &mut buffer))?;
            let bytes = buffer.filled();
            if bytes.is_empty() {
                return Poll::Ready(Err(End::ByClient));
            }
            self.pipe.traffic.received += bytes.len() as u64;
            let now = self.now();
            self.link.session.activity.touch(now);
            let used = self.session.input(now, bytes, &mut self.out);
            self.pending = Bytes::copy_from_slice(bytes.get(used..).unwrap_or_default());
            Poll::Ready(Ok(()))
        })
    }

    /// Writes all answers, as fast as the client takes them.
    async fn flush(&mut self) -> Result<(), End> {
        self.pipe.write(&mut self.out.bytes).await
    }
}

impl Pipe {
    /// Writes everything, as fast as the client takes it.
    async fn write(&mut self, bytes: &mut Vec<u8>) -> Result<(), End> {
        if bytes.is_empty() {
            return Ok(());
        }
        let mut written = 0;
        let mut progress = self.ticker.now();
        let done = poll_fn(|cx| {
            if let Poll::Ready(done) = self.poll_flush(cx, bytes, &mut written, &mut progress) {
                return Poll::Ready(done);
            }
            self.alarm.poll(progress.plus(WRITE_STALL), cx).map(|()| Err(End::Stalled))
        })
        .await;
        bytes.clear();
        done
    }

    fn poll_flush(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &[u8],
        written: &mut usize,
        progress: &mut Timestamp,
    ) -> Poll<Result<(), End>> {
        while *written < bytes.len() {
            // Before the octets are out: a client that has read them may already have a later time.
            let now = self.ticker.now();
            let moved = ready!(Pin::new(&mut self.stream).poll_write(cx, &bytes[*written..]))?;
            if moved == 0 {
                return Poll::Ready(Err(End::ByClient));
            }
            *written += moved;
            self.traffic.sent += moved as u64;
            *progress = now;
            self.activity.touch(now);
        }
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        Poll::Ready(Ok(()))
    }
}

impl Drain for Pipe {
    fn drain<'a>(
        &'a mut self,
        bytes: &'a mut Vec<u8>,
    ) -> Pin<Box<dyn Future<Output = Result<(), Cut>> + 'a>> {
        Box::pin(async move {
            if let Err(end) = self.write(bytes).await {
                self.end = Some(end);
                return Err(Cut);
            }
            // A session whose time is over does not go on with a long answer.
            if self.inbox.ends() { Err(Cut) } else { Ok(()) }
        })
    }
}

/// Says good-bye (close_notify under TLS, then FIN) and lets the client finish what it is sending for a moment: a
/// socket that is closed with unread octets resets the connection, and the client may lose the last answer.
pub(crate) async fn close(mut stream: Stream) {
    let farewell = async {
        stream.shutdown().await?;
        let mut rest = LINGER_OCTETS;
        let mut piece = [0; 1024];
        while rest > 0 {
            match stream.read(&mut piece).await? {
                0 => break,
                octets => rest = rest.saturating_sub(octets),
            }
        }
        io::Result::Ok(())
    };
    // The connection is over; how its last moment went is of no interest.
    let _ = tokio::time::timeout(LINGER, Box::pin(farewell)).await;
}
