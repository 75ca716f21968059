//! Hints: somebody should look at a job.

use std::future::Future;
use std::time::Duration;

use writ_model::{Error, JobSignal};

/// The longest delay that a queue keeps to: SQS's.
pub const DELAY_MAX: Duration = Duration::from_secs(900);

/// Tells runners that there is something to look at.
///
/// A hint may arrive late, twice, or never: the table of jobs knows everything that a hint says,
/// and what is due there is announced again.
pub trait JobNotifier: Send + Sync {
    /// Hands the hints to the runners, not before `delay` (at most [`DELAY_MAX`]) has gone by.
    ///
    /// # Errors
    /// The queue's; some of the hints may have been taken.
    fn notify(
        &self,
        signals: &[JobSignal],
        delay: Duration,
    ) -> impl Future<Output = Result<(), Error>> + Send;
}

crate::port!(JobNotifier);

/// What was done with hints that nobody could work on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RedriveReport {
    /// Hints that were put back.
    pub signals: u64,
    /// Another step now is worth its while.
    pub more: bool,
}

/// Puts back what ended among the dead letters.
pub trait Redrive: Send + Sync {
    /// One bounded step.
    ///
    /// # Errors
    /// The queue's; what was put back is.
    fn redrive(&self) -> impl Future<Output = Result<RedriveReport, Error>> + Send;
}

crate::port!(Redrive);

/// Hints that are on their way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Those that wait for a runner, or for their time.
    pub waiting: usize,
    /// Those that nobody could work on.
    pub dead: usize,
}

/// What a queue holds, for metrics.
pub trait CountSignals: Send + Sync {
    /// What it holds now.
    fn backlog(&self) -> Backlog;
}

crate::port!(CountSignals, local);
