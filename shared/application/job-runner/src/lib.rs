//! Makes the attempts of jobs: from a job signal to a committed result, and the sweep that sends lost
//! signals again.
//!
//! A runner may end at any point, and several may process signals of one job: every step that counts
//! is written under the version of the job that the runner read, and the result under the lease's
//! fencing token.

mod attempt;
mod callback;
mod heartbeat;
mod leased_job;
mod process_signal;
mod sweep;

pub use process_signal::{SignalOutcome, process_signal};
pub use sweep::{SweepReport, sweep};

use writ_pipeline::Execute;
use writ_ports::{
    CallbackSecretStore, ChangeJob, Clock, CompleteJob, DueJobs, GetJob, Ids, JobNotifier,
    PeekQueue, SendCallback, Sleep, port, ports,
};

/// What a runner needs.
pub trait Ports:
    Execute
    + GetJob
    + ChangeJob
    + CompleteJob
    + PeekQueue
    + JobNotifier
    + SendCallback
    + CallbackSecretStore
    + Clock
    + Ids
    + Sleep
{
}

impl<P> Ports for P where
    P: Execute
        + GetJob
        + ChangeJob
        + CompleteJob
        + PeekQueue
        + JobNotifier
        + SendCallback
        + CallbackSecretStore
        + Clock
        + Ids
        + Sleep
{
}

#[cfg(test)]
mod fixture;
