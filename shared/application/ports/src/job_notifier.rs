//! Job signals: messages that wake runners up.

use std::future::Future;
use std::time::Duration;

use writ_model::{Error, JobSignal, Workspace};

/// The longest delay of a signal: SQS's bound.
pub const DELAY_MAX: Duration = Duration::from_secs(900);

/// Sends job signals to the runners.
///
/// A signal may arrive late, twice, or never: the table of jobs holds everything that a signal says,
/// and the sweep sends the signals of due jobs again.
pub trait JobNotifier: Send + Sync {
    /// Sends signals, which arrive after `delay` (at most [`DELAY_MAX`]).
    ///
    /// # Errors
    /// The queue's; some of the signals may have been sent.
    fn notify(
        &self,
        signals: &[JobSignal],
        delay: Duration,
    ) -> impl Future<Output = Result<(), Error>> + Send;
}

crate::port!(JobNotifier);

/// The result of a step of moving dead letters back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RedriveReport {
    /// Signals that were put back into the queue.
    pub signals: u64,
    /// Whether another step would find more.
    pub more: bool,
}

/// Moves dead letters back to the queue.
pub trait Redrive: Send + Sync {
    /// Moves a bounded number of them, of this workspace alone.
    ///
    /// # Errors
    /// The queue's; what was moved before stays moved.
    fn redrive(
        &self,
        workspace: &Workspace,
    ) -> impl Future<Output = Result<RedriveReport, Error>> + Send;
}

crate::port!(Redrive);

/// The number of signals in a queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Signals that wait for a runner, or for the end of their delay.
    pub waiting: usize,
    /// Dead letters: signals that no runner could process.
    pub dead: usize,
}

/// Counts the signals in a queue, for metrics.
pub trait CountSignals: Send + Sync {
    /// The numbers of signals at present.
    fn backlog(&self) -> Backlog;
}

crate::port!(CountSignals, local);
