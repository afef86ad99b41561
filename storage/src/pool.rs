//! A few threads for disk work that must not block an arbiter, behind a bounded queue.

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use crate::error::StoreError;

type Job = Box<dyn FnOnce() + Send>;

/// Threads that run jobs in the order in which they came.
pub(crate) struct Pool {
    queue: Arc<Queue>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

struct Queue {
    state: Mutex<State>,
    wake: Condvar,
    limit: usize,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    closed: bool,
}

impl Pool {
    /// Starts `threads` threads; at most `limit` jobs wait.
    pub(crate) fn start(name: &str, threads: usize, limit: usize) -> io::Result<Pool> {
        let queue = Arc::new(Queue { state: Mutex::default(), wake: Condvar::new(), limit });
        let pool = Pool { queue, threads: Mutex::default() };
        for n in 0..threads.max(1) {
            let queue = pool.queue.clone();
            let thread =
                std::thread::Builder::new().name(format!("{name}-{n}")).spawn(move || queue.work())?;
            lock(&pool.threads).push(thread);
        }
        Ok(pool)
    }

    /// Queues a job.
    pub(crate) fn submit(&self, job: Job) -> Result<(), StoreError> {
        let mut state = lock(&self.queue.state);
        if state.closed {
            return Err(StoreError::Closed);
        }
        if state.jobs.len() >= self.queue.limit {
            return Err(StoreError::Busy);
        }
        state.jobs.push_back(job);
        drop(state);
        self.queue.wake.notify_one();
        Ok(())
    }

    /// Queues `work` for one of the threads, now; where the answer is dropped before its turn, it is not done at all.
    pub(crate) fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
    ) -> Queued<T> {
        let (answer, answered) = oneshot::channel();
        let job = Box::new(move || {
            if !answer.is_closed() {
                // Nobody may be listening any more, and then nobody misses it.
                let _ = answer.send(work());
            }
        });
        Queued(self.submit(job).map(|()| answered))
    }

    /// Lets the threads finish what is queued and ends them.
    pub(crate) fn close(&self) {
        lock(&self.queue.state).closed = true;
        self.queue.wake.notify_all();
        for thread in std::mem::take(&mut *lock(&self.threads)) {
            join(thread);
        }
    }
}

/// The answer to work that was queued.
#[derive(Debug)]
pub(crate) struct Queued<T>(Result<oneshot::Receiver<Result<T, StoreError>>, StoreError>);

impl<T> Future for Queued<T> {
    type Output = Result<T, StoreError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            Ok(answer) => Pin::new(answer).poll(cx).map(|done| done.unwrap_or_else(|_| Err(panicked()))),
            Err(error) => Poll::Ready(Err(error.clone())),
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.close();
    }
}

impl Queue {
    fn work(&self) {
        while let Some(job) = self.next() {
            if catch_unwind(AssertUnwindSafe(job)).is_err() {
                tracing::error!("a job of the store panicked");
            }
        }
    }

    fn next(&self) -> Option<Job> {
        let mut state = lock(&self.state);
        loop {
            if let Some(job) = state.jobs.pop_front() {
                return Some(job);
            }
            if state.closed {
                return None;
            }
            state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Waits for a thread to end, unless it is the one that asks: a job may hold the last handle of the store.
pub(crate) fn join(thread: JoinHandle<()>) {
    if !is_current(&thread) && thread.join().is_err() {
        tracing::error!("a thread of the store panicked");
    }
}

/// Whether it is `thread` that runs this.
pub(crate) fn is_current<T>(thread: &JoinHandle<T>) -> bool {
    thread.thread().id() == std::thread::current().id()
}

/// Locks, whatever a panic left behind: the store's locks guard values that are whole at every step.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn panicked() -> StoreError {
    StoreError::io("finish a job", io::Error::other("it panicked"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().build().expect("a runtime")
    }

    #[test]
    fn a_panic_ends_the_job_alone() {
        let pool = Pool::start("test", 1, 4).expect("a pool");
        let failed = runtime().block_on(pool.run::<()>(|| panic!("on purpose")));
        assert!(matches!(failed, Err(StoreError::Io { .. })));
        assert_eq!(runtime().block_on(pool.run(|| Ok(5))).expect("the thread lives on"), 5);
    }

    #[test]
    fn what_exceeds_the_queue_is_refused_and_what_waits_is_done_before_the_end() {
        let pool = Pool::start("test", 1, 2).expect("a pool");
        let (release, released) = std::sync::mpsc::channel::<()>();
        let (started, has_started) = std::sync::mpsc::channel();
        let (done, is_done) = std::sync::mpsc::channel();
        let block = move || {
            let _ = started.send(());
            let _ = released.recv();
        };
        pool.submit(Box::new(block)).expect("the first");
        has_started.recv().expect("the thread has taken the first");
        for n in 0..2 {
            let done = done.clone();
            pool.submit(Box::new(move || done.send(n).expect("the test listens"))).expect("room for two");
        }
        assert!(matches!(pool.submit(Box::new(|| ())), Err(StoreError::Busy)));
        drop(release);
        pool.close();
        assert_eq!(is_done.try_iter().collect::<Vec<i32>>(), [0, 1]);
        assert!(matches!(pool.submit(Box::new(|| ())), Err(StoreError::Closed)));
    }
}
