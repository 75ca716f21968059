//! Engines: they compile policies and run them.

use std::future::Future;

use writ_model::run::{Budget, Call, CheckReport, Document, FailedRun, Failure, Outcome, Source};
use writ_model::{Language, Workspace};

/// Compiles and runs policies of every language.
pub trait Evaluate: Send + Sync {
    /// Compiles the schemas, applies them to `documents` and compiles the code. It runs nothing.
    ///
    /// # Errors
    /// [`Failure::Schema`], [`Failure::InvalidInput`] with the violations, [`Failure::Compile`] with
    /// every finding, or why no compiler was available.
    fn check(
        &self,
        workspace: &Workspace,
        source: Source,
        documents: Vec<Document>,
    ) -> impl Future<Output = Result<CheckReport, Failure>> + Send;

    /// Runs once, in a process of this workspace and this source alone.
    ///
    /// Dropping the future stops the run, whether it waits for a worker, compiles or computes:
    /// its process is killed, and its slot is free for another run.
    ///
    /// # Errors
    /// The failure, and the text that was printed before it.
    fn evaluate(
        &self,
        workspace: &str,
        source: Source,
        call: Call,
        budget: Budget,
    ) -> impl Future<Output = Result<Outcome, FailedRun>> + Send;

    /// The release of the engine that runs `language`, for the record.
    fn version(&self, language: Language) -> &'static str;
}

crate::port!(Evaluate, local);

/// Applies the schemas of policies to values without a run.
pub trait ValidateDocuments: Send + Sync {
    /// Compiles the schemas of `source` and applies them to `documents`. It compiles no code.
    ///
    /// # Errors
    /// [`Failure::InvalidInput`] with the violations, [`Failure::Schema`], or why no worker was
    /// available.
    fn validate_documents(
        &self,
        workspace: &Workspace,
        source: Source,
        documents: Vec<Document>,
    ) -> impl Future<Output = Result<(), Failure>> + Send;
}

crate::port!(ValidateDocuments, local);

/// Counters of all engines together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EngineUsage {
    /// Microseconds that callers have waited for a worker.
    pub waited_us: u64,
    /// Runs that found their code compiled, in a warm worker.
    pub hits: u64,
    /// Times that code had to be compiled, in a new worker.
    pub misses: u64,
    /// Workers that were killed: by a budget, by a crash, or because their run was cancelled.
    pub kills: u64,
}

impl EngineUsage {
    /// The difference to an earlier reading.
    #[must_use]
    pub fn since(self, before: Self) -> Self {
        Self {
            waited_us: self.waited_us.saturating_sub(before.waited_us),
            hits: self.hits.saturating_sub(before.hits),
            misses: self.misses.saturating_sub(before.misses),
            kills: self.kills.saturating_sub(before.kills),
        }
    }
}

/// Reads the counters of the engines, for metrics.
pub trait EngineMetrics: Send + Sync {
    /// The counters since the process began.
    fn engine_use(&self) -> EngineUsage;
}

crate::port!(EngineMetrics, local);
