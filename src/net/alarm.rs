//! One timer per connection, however often its deadline moves.
//!
//! A deadline that counts from the last byte moves with every byte. The timer is not moved along: it rings at the
//! earlier time, finds that the deadline lies further on, and is set again.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use postern_actors::ticker::Ticker;
use postern_model::Timestamp;

type Sleep = Pin<Box<dyn Future<Output = ()>>>;

/// A timer on Postern's clock.
pub(crate) struct Alarm {
    ticker: Ticker,
    /// What the timer is set to, and the timer.
    set: Option<(Timestamp, Sleep)>,
}

impl Alarm {
    /// A timer that is not set.
    pub(crate) fn new(ticker: Ticker) -> Alarm {
        Alarm { ticker, set: None }
    }

    /// Ready once the clock shows `deadline`. Asked with another deadline, it goes by that one.
    pub(crate) fn poll(&mut self, deadline: Timestamp, cx: &mut Context<'_>) -> Poll<()> {
        if deadline == Timestamp::NEVER {
            self.set = None;
            return Poll::Pending;
        }
        loop {
            if self.ticker.now() >= deadline {
                return Poll::Ready(());
            }
            match &mut self.set {
                Some((at, sleep)) if *at <= deadline => {
                    if sleep.as_mut().poll(cx).is_pending() {
                        return Poll::Pending;
                    }
                    self.set = None;
                }
                _ => {
                    let ticker = self.ticker.clone();
                    let sleep = Box::pin(async move { ticker.sleep_until(deadline).await });
                    self.set = Some((deadline, sleep));
                }
            }
        }
    }

    /// Runs `work`, but not beyond `deadline`; `None` where it was not done by then.
    pub(crate) async fn limit<T>(&mut self, deadline: Timestamp, work: impl Future<Output = T>) -> Option<T> {
        let mut work = std::pin::pin!(work);
        std::future::poll_fn(|cx| match work.as_mut().poll(cx) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending => self.poll(deadline, cx).map(|()| None),
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::task::Waker;
    use std::time::Duration;

    use postern_model::{Clock, ManualClock};

    use super::*;

    #[test]
    fn a_deadline_that_moved_on_is_kept_too() {
        let clock = Arc::new(ManualClock::new(Timestamp::from_seconds(0)));
        let mut alarm = Alarm::new(Ticker::new(clock.clone()));
        let mut cx = Context::from_waker(Waker::noop());
        let mut rings = |seconds| alarm.poll(Timestamp::from_seconds(seconds), &mut cx).is_ready();
        assert!(!rings(10));
        clock.advance(Duration::from_secs(9));
        assert!(!rings(19), "a byte came: later");
        clock.advance(Duration::from_secs(9));
        assert!(!rings(19), "the timer has rung at 10, the deadline is 19");
        clock.advance(Duration::from_secs(1));
        assert!(rings(19));
        assert!(!rings(30));
        assert!(!rings(25), "a deadline may come nearer as well");
        clock.advance(Duration::from_secs(6));
        assert!(rings(25));
        assert_eq!(clock.now(), Timestamp::from_seconds(25));
        let mut never = Alarm::new(Ticker::new(clock));
        assert!(never.poll(Timestamp::NEVER, &mut cx).is_pending());
    }
}
