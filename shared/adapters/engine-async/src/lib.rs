//! The engine behind its asynchronous port. The engine blocks its caller while a worker runs, so
//! its calls run on a pool of blocking threads.

mod validator;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use writ_engine::{Cancellation, Engine, EngineConfig, EngineError};
use writ_model::run::{Budget, Call, CheckReport, Document, FailedRun, Failure, Outcome, Source};
use writ_model::{Language, Workspace};
use writ_ports::{EngineMetrics, EngineUsage, Evaluate, ValidateDocuments};

pub use validator::AsyncValidator;

/// Must be the first statement of `main` of a program with an [`AsyncValidator`] and no engine: in a
/// process that was started as a worker it runs the worker and never returns.
pub fn init_without_languages() {
    writ_engine::worker::init_without_languages();
}

/// The engine of this process with its workers. Cheap to clone.
#[derive(Clone, Debug)]
pub struct AsyncEngine {
    engine: Arc<Engine>,
    busy_us: Arc<AtomicU64>,
}

impl AsyncEngine {
    /// Creates the port over `engine`.
    #[must_use]
    pub fn new(engine: Arc<Engine>) -> Self {
        Self { engine, busy_us: Arc::new(AtomicU64::new(0)) }
    }

    /// Creates the engine of a process that serves one request at a time and is frozen in between,
    /// like a Lambda function: every language is warmed up, and no spare workers are started after
    /// a response.
    ///
    /// # Errors
    /// Returns an error where the host does not permit the sandbox, or a language does not start.
    pub fn start_warm(allow_weak_sandbox: bool) -> Result<Self, EngineError> {
        let config = EngineConfig { spares: false, allow_weak_sandbox, ..EngineConfig::default() };
        let engine = Engine::start(config)?;
        std::thread::scope(|threads| {
            let engine = &engine;
            let warmups =
                Language::ALL.map(|language| threads.spawn(move || engine.warm(language)));
            warmups
                .into_iter()
                .try_for_each(|thread| thread.join().unwrap_or(Err(EngineError::ShutDown)))
        })?;
        Ok(Self::new(Arc::new(engine)))
    }

    async fn measure<T>(&self, work: impl Future<Output = T>) -> T {
        let started = Instant::now();
        let output = work.await;
        let us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.busy_us.fetch_add(us, Ordering::Relaxed);
        output
    }
}

impl EngineMetrics for AsyncEngine {
    fn engine_use(&self) -> EngineUsage {
        let stats = self.engine.stats();
        EngineUsage {
            waited_us: self.busy_us.load(Ordering::Relaxed),
            hits: stats.reuses,
            misses: stats.starts,
            kills: stats.kills,
        }
    }
}

impl Evaluate for AsyncEngine {
    async fn check(
        &self,
        workspace: &Workspace,
        source: Source,
        documents: Vec<Document>,
    ) -> Result<CheckReport, Failure> {
        let (engine, workspace) = (Arc::clone(&self.engine), workspace.as_str().to_owned());
        let check = run_blocking(move || engine.check(&workspace, &source, &documents));
        self.measure(check).await
    }

    async fn evaluate(
        &self,
        workspace: &str,
        source: Source,
        call: Call,
        budget: Budget,
    ) -> Result<Outcome, FailedRun> {
        let engine = Arc::clone(&self.engine);
        let guard = CancelOnDrop { engine: Arc::clone(&engine), cancellation: Arc::default() };
        let cancellation = Arc::clone(&guard.cancellation);
        let workspace = workspace.to_owned();
        let run = run_blocking(move || {
            engine.run_unless_cancelled(&workspace, &source, &call, &budget, &cancellation)
        });
        self.measure(run).await
    }

    fn version(&self, language: Language) -> &'static str {
        writ_engine::engine_version(language)
    }
}

impl ValidateDocuments for AsyncEngine {
    async fn validate_documents(
        &self,
        workspace: &Workspace,
        source: Source,
        documents: Vec<Document>,
    ) -> Result<(), Failure> {
        let (engine, workspace) = (Arc::clone(&self.engine), workspace.as_str().to_owned());
        let validate = run_blocking(move || engine.validate(&workspace, &source, &documents));
        self.measure(validate).await
    }
}

/// Cancels a run when its future is dropped, which ends the blocking thread as well.
struct CancelOnDrop {
    engine: Arc<Engine>,
    cancellation: Arc<Cancellation>,
}

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.engine.cancel(&self.cancellation);
    }
}

async fn run_blocking<T: Send + 'static, E: From<Failure> + Send + 'static>(
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, E> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| Err(Failure::WorkerLost { reason: error.to_string() }.into()))
}
