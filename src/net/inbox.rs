//! What actors have told a connection and its driver has not heard yet.

use std::cell::{Cell, RefCell};
use std::task::{Context, Poll, Waker};

use postern_actors::order::Tell;

/// What is kept. News is kept once, and each other tell ends the session in one way or another, so whatever comes behind
/// these changes nothing.
const KEPT: usize = 8;

/// A short queue between a connection's actor and its driver, which live on one thread.
#[derive(Default)]
pub(crate) struct Inbox {
    tells: RefCell<Vec<Tell>>,
    waker: Cell<Option<Waker>>,
}

impl Inbox {
    /// Puts one in and wakes the driver.
    pub(crate) fn put(&self, tell: Tell) {
        let mut tells = self.tells.borrow_mut();
        // However often there is news: it is one thing to look at, and takes no room from what ends the session.
        let is_new = tell != Tell::News || !tells.contains(&Tell::News);
        if is_new && tells.len() < KEPT {
            tells.push(tell);
        }
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    /// Whether one of them ends the session.
    pub(crate) fn ends(&self) -> bool {
        self.tells.borrow().iter().any(|tell| *tell != Tell::News)
    }

    /// Takes the first one out.
    pub(crate) fn take(&self) -> Option<Tell> {
        let mut tells = self.tells.borrow_mut();
        if tells.is_empty() { None } else { Some(tells.remove(0)) }
    }

    /// Ready while there is one.
    pub(crate) fn poll(&self, cx: &Context<'_>) -> Poll<()> {
        if self.tells.borrow().is_empty() {
            self.waker.set(Some(cx.waker().clone()));
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    }
}
