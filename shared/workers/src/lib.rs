//! The engines behind their port. The engine blocks its caller while a worker runs: here it gets
//! threads of its own.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use writ_engine::Engine;
use writ_model::Language;
use writ_model::run::{Budget, Call, Checked, Failure, Outcome, Source};
use writ_ports::Evaluate;

/// The engines of this process. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Workers {
    engine: Arc<Engine>,
    spent_us: Arc<AtomicU64>,
}

impl Workers {
    /// The port over these engines.
    #[must_use]
    pub fn new(engine: Arc<Engine>) -> Self {
        Self { engine, spent_us: Arc::new(AtomicU64::new(0)) }
    }

    /// Microseconds that callers have waited for engines so far, for metrics.
    #[must_use]
    pub fn spent_us(&self) -> u64 {
        self.spent_us.load(Ordering::Relaxed)
    }

    async fn timed<T>(&self, work: impl Future<Output = T>) -> T {
        let started = Instant::now();
        let done = work.await;
        let us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.spent_us.fetch_add(us, Ordering::Relaxed);
        done
    }
}

impl Evaluate for Workers {
    async fn check(&self, source: Source) -> Result<Checked, Failure> {
        let engine = Arc::clone(&self.engine);
        self.timed(blocking(move || engine.check(&source))).await
    }

    async fn evaluate(
        &self,
        workspace: &str,
        source: Source,
        call: Call,
        budget: Budget,
    ) -> Result<Outcome, Failure> {
        let engine = Arc::clone(&self.engine);
        let workspace = workspace.to_owned();
        self.timed(blocking(move || engine.run(&workspace, &source, &call, &budget))).await
    }

    fn version(&self, language: Language) -> &'static str {
        writ_engine::engine_version(language)
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| Err(Failure::WorkerLost { reason: error.to_string() }))
}
