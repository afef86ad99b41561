//! Load in rounds: several connections on one thread do one thing after the other until the round is over.

use std::future::Future;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::Outcome;

/// How many rounds there are and how long each is.
#[derive(Clone, Copy)]
pub(crate) struct Rounds {
    /// Rounds whose median is taken.
    pub(crate) count: usize,
    /// Length of a round.
    pub(crate) length: Duration,
}

/// What a round did.
pub(crate) struct Done {
    /// The time that each thing took, in milliseconds.
    pub(crate) times: Vec<f64>,
    /// From the first beginning to the last end, in seconds.
    pub(crate) seconds: f64,
}

impl Done {
    /// Things done.
    pub(crate) fn count(&self) -> f64 {
        self.times.len() as f64
    }

    /// Things done a second.
    pub(crate) fn rate(&self) -> f64 {
        self.count() / self.seconds
    }
}

/// Runs `work` for each of `workers`, all at once, and puts together what they answer: the time of each thing done, in
/// milliseconds.
pub(crate) async fn all<W, F>(workers: Vec<W>, work: impl Fn(W) -> F) -> Outcome<Done>
where
    F: Future<Output = Outcome<Vec<f64>>> + Send + 'static,
{
    let begun = Instant::now();
    let mut tasks = JoinSet::new();
    for worker in workers {
        tasks.spawn(work(worker));
    }
    let mut times = Vec::new();
    while let Some(done) = tasks.join_next().await {
        times.extend(done??);
    }
    Ok(Done { times, seconds: begun.elapsed().as_secs_f64() })
}

/// Milliseconds since `begun`.
pub(crate) fn millis(begun: Instant) -> f64 {
    begun.elapsed().as_secs_f64() * 1e3
}
