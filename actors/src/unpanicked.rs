//! What a panic may end: one request or one session, never the actor that others depend on.

use std::any::Any;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::Poll;

/// Runs `work` to its end or its panic. The panic hook has said where; what `work` was in the middle of is dropped, so
/// only what keeps its state whole at every step may be run so.
///
/// # Errors
/// What it panicked with.
pub async fn unpanicked<T>(work: impl Future<Output = T>) -> Result<T, Box<dyn Any + Send>> {
    let mut work = std::pin::pin!(work);
    poll_fn(|cx| {
        let mut work: Pin<&mut _> = work.as_mut();
        match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(cx))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(done)) => Poll::Ready(Ok(done)),
            Err(panic) => Poll::Ready(Err(panic)),
        }
    })
    .await
}
