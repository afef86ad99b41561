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

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::{Arc, Mutex};

    use rustix::process::{Signal as Number, getpid, kill_process};

    use super::*;

    #[test]
    fn signals_are_told_apart() {
        run(async {
            let mut signals = Signals::catch().expect("the system lets us");
            for (number, meaning) in [
                (Number::HUP, Signal::Reload),
                (Number::TERM, Signal::Stop),
                (Number::INT, Signal::Stop),
                (Number::HUP, Signal::Reload),
            ] {
                kill_process(getpid(), number).expect("sent");
                assert_eq!(signals.next().await, meaning);
            }
        });
    }

    #[test]
    fn a_panic_is_logged_without_its_message() {
        let paper = Arc::new(Mutex::new(Vec::new()));
        let subscriber = tracing_subscriber::fmt().with_writer(Paper(paper.clone())).finish();
        let here = std::thread::current().id();
        let before: Arc<dyn Fn(&PanicHookInfo<'_>) + Send + Sync> = std::panic::take_hook().into();
        let others = before.clone();
        std::panic::set_hook(Box::new(move |panic| {
            // Other tests that fail meanwhile are to say why.
            if std::thread::current().id() == here { log_panic(panic) } else { others(panic) }
        }));
        tracing::subscriber::with_default(subscriber, || {
            std::panic::catch_unwind(|| panic!("the password is hunter2")).expect_err("it panics")
        });
        std::panic::set_hook(Box::new(move |panic| before(panic)));
        let log = String::from_utf8(paper.lock().expect("unpoisoned").clone()).expect("text");
        assert!(log.contains("ERROR") && log.contains("src/runtime.rs") && !log.contains("hunter2"), "{log}");
    }

    #[derive(Clone)]
    struct Paper(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("unpoisoned").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl tracing_subscriber::fmt::MakeWriter<'_> for Paper {
        type Writer = Paper;

        fn make_writer(&self) -> Paper {
            self.clone()
        }
    }

    #[test]
    fn workers_are_threads_of_their_own_and_end() {
        run(async {
            let workers = Workers::start(3).expect("threads");
            let seen = Arc::new(Mutex::new(HashSet::from([std::thread::current().id()])));
            for handle in workers.handles() {
                let (seen, (done, said)) = (seen.clone(), tokio::sync::oneshot::channel());
                handle.spawn_fn(move || {
                    seen.lock().expect("unpoisoned").insert(std::thread::current().id());
                    done.send(()).expect("somebody waits");
                });
                said.await.expect("said");
            }
            assert_eq!(seen.lock().expect("unpoisoned").len(), 4);
            let handles = workers.handles();
            workers.stop();
            assert!(!handles.iter().any(ArbiterHandle::alive));
        });
    }
}
