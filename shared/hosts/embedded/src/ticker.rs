//! Work that is repeated while the platform serves.

use std::future::Future;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Instant, Interval, MissedTickBehavior};

/// Decides when the work of a ticker runs.
pub(crate) trait Trigger: Send + 'static {
    /// Completes when the work is due.
    fn due(&mut self) -> impl Future<Output = ()> + Send;
}

impl Trigger for Interval {
    async fn due(&mut self) {
        self.tick().await;
    }
}

/// An interval that is first due after `first`, then every `period`. Ticks that are missed while
/// the work runs are skipped.
pub(crate) fn interval(first: Duration, period: Duration) -> Interval {
    let mut interval = tokio::time::interval_at(Instant::now() + first, period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

/// A task that runs its work each time that its trigger fires, one run after the other.
#[derive(Debug)]
pub(crate) struct Ticker {
    task: JoinHandle<()>,
}

impl Ticker {
    /// Starts the task. [`Ticker::stop`] may cancel the work at any of its awaits.
    pub(crate) fn start<F>(
        mut trigger: impl Trigger,
        mut work: impl FnMut() -> F + Send + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send,
    {
        let task = tokio::spawn(async move {
            loop {
                trigger.due().await;
                work().await;
            }
        });
        Self { task }
    }

    /// Cancels the task, even while its work runs; nothing of it runs once this returns.
    pub(crate) async fn stop(mut self) {
        self.task.abort();
        if let Err(error) = (&mut self.task).await
            && error.is_panic()
        {
            tracing::error!("the ticker's work panicked; it has not run since");
        }
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::sync::{Notify, Semaphore, mpsc};

    use super::*;

    impl Trigger for mpsc::UnboundedReceiver<()> {
        async fn due(&mut self) {
            if self.recv().await.is_none() {
                std::future::pending().await
            }
        }
    }

    #[tokio::test]
    async fn the_work_runs_once_for_each_tick_and_never_concurrently() {
        let (due, trigger) = mpsc::unbounded_channel();
        let (running, most) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
        let (started, resume) = (Arc::new(Semaphore::new(0)), Arc::new(Notify::new()));
        let work = {
            let (running, most) = (Arc::clone(&running), Arc::clone(&most));
            let (started, resume) = (Arc::clone(&started), Arc::clone(&resume));
            move || {
                let (running, most) = (Arc::clone(&running), Arc::clone(&most));
                let (started, resume) = (Arc::clone(&started), Arc::clone(&resume));
                async move {
                    most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    started.add_permits(1);
                    resume.notified().await;
                    running.fetch_sub(1, Ordering::SeqCst);
                }
            }
        };
        let ticker = Ticker::start(trigger, work);
        assert_eq!(started.available_permits(), 0);
        for _ in 0..3 {
            due.send(()).unwrap();
        }
        for _ in 0..3 {
            started.acquire().await.unwrap().forget();
            resume.notify_one();
        }
        due.send(()).unwrap();
        started.acquire().await.unwrap().forget();
        // The fourth run has not ended.
        ticker.stop().await;
        assert_eq!(most.load(Ordering::SeqCst), 1);
        assert!(due.is_closed(), "the task is gone, and its trigger with it");
    }
}
