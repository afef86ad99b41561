//! What waits for the committer, and how it takes it: in groups, since one flush serves all of a group.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::batch::Batch;
use crate::error::StoreError;
use crate::pool::lock;

/// Batches that may wait.
const MAX_WAITING: usize = 8192;
/// Octets that may wait in memory.
const MAX_WAITING_OCTETS: usize = 64 << 20;
/// Batches in one group.
const MAX_GROUP: usize = 1024;
/// Octets in one group, but for its last batch.
const MAX_GROUP_OCTETS: usize = 8 << 20;
/// The committer waits no longer for company.
const MAX_GATHER: Duration = Duration::from_millis(1);
/// About what a batch costs by itself, without the syncs.
const BATCH_WORK: Duration = Duration::from_micros(50);

/// The answer to a batch; it is worked on whether anybody waits or not.
#[must_use = "whether the batch was kept is only known from the answer"]
#[derive(Debug)]
pub struct Commit(Result<oneshot::Receiver<Result<(), StoreError>>, StoreError>);

impl Commit {
    /// Waits on a thread that may block; panics on one that drives an asynchronous runtime.
    pub(crate) fn wait(self) -> Result<(), StoreError> {
        self.0?.blocking_recv().unwrap_or(Err(StoreError::Closed))
    }
}

impl Future for Commit {
    type Output = Result<(), StoreError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            Ok(answer) => Pin::new(answer).poll(cx).map(|a| a.unwrap_or(Err(StoreError::Closed))),
            Err(error) => Poll::Ready(Err(error.clone())),
        }
    }
}

/// What waits for the committer.
pub(crate) struct Queue {
    state: Mutex<Waiting>,
    wake: Condvar,
}

#[derive(Default)]
struct Waiting {
    jobs: VecDeque<Job>,
    octets: usize,
    /// The committer is woken when so many wait.
    awaited: usize,
    closed: bool,
}

/// A batch that waits, and who waits for it.
pub(crate) struct Job {
    pub(crate) batch: Batch,
    weight: usize,
    pub(crate) answer: oneshot::Sender<Result<(), StoreError>>,
}

/// What the committer is to do next.
pub(crate) enum Next {
    Group(Vec<Job>),
    /// Nothing came for as long as was asked.
    Idle,
    Closed,
}

impl Queue {
    pub(crate) fn new() -> Queue {
        Queue { state: Mutex::default(), wake: Condvar::new() }
    }

    /// Queues a batch behind all that was queued before.
    pub(crate) fn push(&self, batch: Batch) -> Commit {
        let weight = batch.weight();
        let (answer, answered) = oneshot::channel();
        let mut state = lock(&self.state);
        if state.closed {
            return Commit(Err(StoreError::Closed));
        }
        let too_heavy = state.octets + weight > MAX_WAITING_OCTETS && !state.jobs.is_empty();
        if state.jobs.len() >= MAX_WAITING || too_heavy {
            return Commit(Err(StoreError::Busy));
        }
        state.octets += weight;
        state.jobs.push_back(Job { batch, weight, answer });
        let wake = state.jobs.len() == 1 || state.jobs.len() == state.awaited;
        drop(state);
        if wake {
            self.wake.notify_one();
        }
        Commit(Ok(answered))
    }

    /// Takes nothing more; what waits is still done.
    pub(crate) fn close(&self) {
        lock(&self.state).closed = true;
        self.wake.notify_all();
    }

    /// Takes nothing more, and tells whoever waits that nothing will be done.
    pub(crate) fn abandon(&self) {
        self.close();
        let left = std::mem::take(&mut lock(&self.state).jobs);
        refuse(left, &StoreError::Closed);
    }

    /// What is to be done next; waits for something to do as long as `patience` says, and then a little for company.
    pub(crate) fn next(&self, patience: Option<Duration>, company: Company) -> Next {
        let until = patience.map(|patience| Instant::now() + patience);
        let mut state = lock(&self.state);
        while state.jobs.is_empty() {
            if state.closed {
                return Next::Closed;
            }
            state = match until.map(|until| until.saturating_duration_since(Instant::now())) {
                None => self.wake.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(Duration::ZERO) => return Next::Idle,
                Some(left) => self.wake.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0,
            };
        }
        state = self.gather(state, company);
        let (mut group, mut octets) = (Vec::new(), 0);
        while group.len() < MAX_GROUP && octets < MAX_GROUP_OCTETS {
            let Some(job) = state.jobs.pop_front() else { break };
            octets += job.weight;
            group.push(job);
        }
        state.octets -= octets;
        Next::Group(group)
    }

    fn gather<'a>(&self, mut state: MutexGuard<'a, Waiting>, company: Company) -> MutexGuard<'a, Waiting> {
        let until = Instant::now() + company.patience;
        state.awaited = company.expected;
        while state.jobs.len() < company.expected && !state.closed {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            state = self.wake.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        state.awaited = 0;
        state
    }

    pub(crate) fn len(&self) -> usize {
        lock(&self.state).jobs.len()
    }
}

/// How many batches are likely to come at once, and how long it is worth waiting for them. Whoever was just answered
/// often has more; without a pause they would find the next group gone, and half of them would wait for the other half
/// for ever.
#[derive(Clone, Copy, Default)]
pub(crate) struct Company {
    expected: usize,
    patience: Duration,
}

impl Company {
    /// After a group that took `took`, with so many about to be answered and so many that came meanwhile.
    pub(crate) fn after(answered: usize, waiting: usize, took: Duration) -> Company {
        // Waiting shares what a group costs whatever its size, the syncs; where the work counts for more, it is idling.
        let work = BATCH_WORK * u32::try_from(answered).unwrap_or(u32::MAX);
        let patience = if took < 2 * work { Duration::ZERO } else { (took / 4).min(MAX_GATHER) };
        Company { expected: (answered + waiting).min(MAX_GROUP), patience }
    }
}

/// Tells everybody the same.
pub(crate) fn refuse(jobs: impl IntoIterator<Item = Job>, error: &StoreError) {
    for job in jobs {
        let _ = job.answer.send(Err(error.clone()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blob::SegmentId;

    #[test]
    fn company_is_waited_for_where_the_syncs_count_for_more_than_the_work() {
        let company = |answered, waiting, micros| {
            let company = Company::after(answered, waiting, Duration::from_micros(micros));
            (company.expected, company.patience.as_micros())
        };
        assert_eq!(company(1, 0, 400), (1, 100), "one writer alone is there at once");
        assert_eq!(company(8, 8, 900), (16, 225));
        assert_eq!(company(32, 32, 1_800), (64, 0), "the work of 32 is most of it");
        assert_eq!(company(32, 32, 12_000), (64, 1_000));
    }

    #[test]
    fn who_waits_for_company_goes_when_it_has_come() {
        let queue = Queue::new();
        let company = Company { expected: 3, patience: Duration::from_secs(3600) };
        std::thread::scope(|scope| {
            let taken = scope.spawn(|| queue.next(None, company));
            let commits: Vec<Commit> = (0..3).map(|_| queue.push(Batch::new())).collect();
            let Next::Group(group) = taken.join().expect("no panic") else { panic!("three batches wait") };
            assert_eq!(group.len(), 3);
            refuse(group, &StoreError::Busy);
            for commit in commits {
                assert!(matches!(commit.wait(), Err(StoreError::Busy)));
            }
        });
    }

    #[test]
    fn a_queue_takes_so_much_and_no_more() {
        let queue = Queue::new();
        let heavy = || {
            let mut batch = Batch::new();
            batch.moves.push(crate::batch::Move {
                segment: SegmentId(1),
                offset: 0,
                frame: vec![0; MAX_WAITING_OCTETS / 4],
            });
            batch
        };
        let kept: Vec<Commit> = (0..5).map(|_| queue.push(heavy())).collect();
        assert_eq!(kept.iter().filter(|commit| commit.0.is_ok()).count(), 4, "the octets are bounded");
        let kept: Vec<Commit> = (0..MAX_WAITING).map(|_| queue.push(Batch::new())).collect();
        let taken = kept.iter().filter(|commit| commit.0.is_ok()).count();
        assert_eq!(taken, MAX_WAITING - 4, "the number is bounded");
    }
}
