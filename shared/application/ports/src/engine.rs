//! Compiling and running code.

use std::future::Future;

use writ_model::Language;
use writ_model::run::{Budget, Call, CheckReport, FailedRun, Failure, Outcome, Source};

/// The engines.
pub trait Evaluate: Send + Sync {
    /// Compiles without running.
    ///
    /// # Errors
    /// [`Failure::Compile`] with every finding, or why no compiler could be had.
    fn check(&self, source: Source) -> impl Future<Output = Result<CheckReport, Failure>> + Send;

    /// Runs once, in a process of this workspace and this source alone.
    ///
    /// Dropping the future stops the run, whether it waits for a worker, compiles or computes:
    /// its process is killed, and its place is free for another run.
    ///
    /// # Errors
    /// Why there is no output, and what was printed.
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

/// What engines have done so far, all together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EngineUsage {
    /// Microseconds that callers have waited for them.
    pub waited_us: u64,
    /// Runs whose code was compiled already, in a warm worker.
    pub hits: u64,
    /// Times that code had to be compiled, in a new worker.
    pub misses: u64,
    /// Workers that went beyond a budget, or died, or ran what nobody wanted any more.
    pub kills: u64,
}

impl EngineUsage {
    /// What was done since `before`.
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

/// What engines have done so far, for metrics.
pub trait EngineMetrics: Send + Sync {
    /// All of it since the process began.
    fn engine_use(&self) -> EngineUsage;
}

crate::port!(EngineMetrics, local);
