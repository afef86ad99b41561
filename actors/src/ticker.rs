//! Waiting by Postern's clock: a real timer, or the next turn of a manual clock.

use std::sync::Arc;

use postern_model::{Clock, Timestamp};
use tokio::sync::watch;

/// The clock, and a way to wait for a time it will show.
#[derive(Clone, Debug)]
pub struct Ticker {
    clock: Arc<dyn Clock>,
    /// Turns of a manual clock.
    turns: Option<watch::Receiver<Timestamp>>,
}

impl Ticker {
    /// A ticker that goes by `clock`.
    pub fn new(clock: Arc<dyn Clock>) -> Ticker {
        let turns = clock.manual().map(|manual| {
            let (sender, turns) = watch::channel(clock.now());
            manual.on_advance(move |now| {
                sender.send_replace(now);
            });
            turns
        });
        Ticker { clock, turns }
    }

    /// The time now.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The clock itself.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// Returns once the clock shows `at` or later; never for [`Timestamp::NEVER`].
    pub async fn sleep_until(&self, at: Timestamp) {
        if at == Timestamp::NEVER {
            return std::future::pending().await;
        }
        match &self.turns {
            Some(turns) => {
                // The manual clock lives as long as the process; its end would be no reason to go on.
                if turns.clone().wait_for(|now| *now >= at).await.is_err() {
                    std::future::pending().await
                }
            }
            None => {
                while self.now() < at {
                    tokio::time::sleep(at.since(self.now())).await;
                }
            }
        }
    }
}
