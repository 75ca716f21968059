//! Compiling and running code.

use std::future::Future;

use writ_model::Language;
use writ_model::run::{Budget, Call, Checked, Failure, Outcome, Source};

/// The engines.
pub trait Evaluate: Send + Sync {
    /// Compiles without running.
    ///
    /// # Errors
    /// [`Failure::Compile`] with every finding, or why no compiler could be had.
    fn check(&self, source: Source) -> impl Future<Output = Result<Checked, Failure>> + Send;

    /// Runs once, in a process of this workspace and this source alone.
    ///
    /// # Errors
    /// Why there is no output.
    fn evaluate(
        &self,
        workspace: &str,
        source: Source,
        call: Call,
        budget: Budget,
    ) -> impl Future<Output = Result<Outcome, Failure>> + Send;

    /// The release of the engine that runs `language`, for the record.
    fn version(&self, language: Language) -> &'static str;
}

/// What engines have cost so far, for metrics.
pub trait Metered: Send + Sync {
    /// Microseconds that callers have waited for engines, all together.
    fn engine_us(&self) -> u64;
}
