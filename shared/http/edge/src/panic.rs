//! A panic ends its request and nothing else.

use std::any::Any;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

/// Runs a future to its end, or to its panic's text.
///
/// The future is never polled again after a panic, so nothing half-changed inside it is seen.
/// What it shares with other requests are ports; their states are consistent between awaits.
pub(crate) async fn catch_panic<T>(future: impl Future<Output = T>) -> Result<T, String> {
    let mut future = pin!(future);
    poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(value)) => Poll::Ready(Ok(value)),
        Err(payload) => Poll::Ready(Err(text_of(payload.as_ref()))),
    })
    .await
}

fn text_of(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no text")
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_becomes_its_text_even_after_a_pause() {
        let text = catch_panic(async {
            tokio::task::yield_now().await;
            panic!("boom {}", 1)
        });
        assert_eq!(text.await.map(|()| 0), Err("boom 1".to_owned()));
        assert_eq!(catch_panic(async { 5 }).await, Ok(5));
    }
}
