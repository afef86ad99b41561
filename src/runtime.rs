//! What the process runs on: the actix System, one arbiter per worker, signals, and what a panic leaves behind.
//!
//! Panics unwind: one ends the session it happened in and nothing else; the hook logs where it was.

use std::future::Future;
use std::io;
use std::panic::PanicHookInfo;

use actix_rt::{Arbiter, ArbiterHandle, System};
use tokio::signal::unix::{Signal as Stream, SignalKind, signal};

/// Runs `main` in an actix System on this thread, until it returns.
pub fn run<T>(main: impl Future<Output = T>) -> T {
    System::new().block_on(main)
}

/// The arbiters that serve connections and actors; each has a thread of its own.
#[derive(Debug)]
pub struct Workers(Vec<Arbiter>);

impl Workers {
    /// Starts `count` of them. Call it within [`run`].
    ///
    /// # Errors
    /// The system gives no more threads.
    pub fn start(count: usize) -> io::Result<Workers> {
        (0..count.max(1)).map(|_| Arbiter::try_new()).collect::<io::Result<_>>().map(Workers)
    }

    /// A handle of each.
    pub fn handles(&self) -> Vec<ArbiterHandle> {
        self.0.iter().map(Arbiter::handle).collect()
    }

    /// Ends them; what they are in the middle of is dropped. Blocks until their threads have ended.
    pub fn stop(self) {
        for arbiter in &self.0 {
            arbiter.stop();
        }
        for arbiter in self.0 {
            if arbiter.join().is_err() {
                tracing::error!("a worker's thread has panicked");
            }
        }
    }
}

/// What the operator wants by a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM or SIGINT: end, in good order.
    Stop,
    /// SIGHUP: read the certificates again.
    Reload,
}

/// The signals that come to the process.
#[derive(Debug)]
pub struct Signals {
    terminate: Stream,
    interrupt: Stream,
    hangup: Stream,
}

impl Signals {
    /// Begins to catch them. Call it within [`run`].
    ///
    /// # Errors
    /// The system refuses.
    pub fn catch() -> io::Result<Signals> {
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// The next one.
    pub async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.terminate.recv() => Signal::Stop,
            _ = self.interrupt.recv() => Signal::Stop,
            _ = self.hangup.recv() => Signal::Reload,
        }
    }
}

/// From now on panics are logged by thread and place. Their message is not: it may hold what a client sent.
pub fn log_panics() {
    std::panic::set_hook(Box::new(log_panic));
}

fn log_panic(panic: &PanicHookInfo<'_>) {
    let thread = std::thread::current();
    let thread = thread.name().unwrap_or("unnamed");
    match panic.location() {
        Some(place) => {
            tracing::error!(thread, file = place.file(), line = place.line(), "panic");
        }
        None => tracing::error!(thread, "panic"),
    }
}
