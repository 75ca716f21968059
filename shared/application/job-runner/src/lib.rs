//! Who does the jobs: from a hint to a committed result, and the sweep that forgets nobody.
//!
//! A runner may end at any point, and several may look at one job: every step that counts is
//! written under the version of the job that it saw, and the result under the lease's fence.

mod attempt;
mod callback;
mod heartbeat;
mod leased_job;
mod process_signal;
mod sweep;

pub use process_signal::{SignalOutcome, process_signal};
pub use sweep::{SweepReport, notify, notify_all, sweep};

use std::future::Future;

use writ_model::{Error, Execution};
use writ_pipeline::{Commit, Execute, ExecutionRequest};
use writ_ports::{
    CallbackSecretStore, ChangeJob, Clock, CompleteJob, DueJobs, GetJob, Ids, JobNotifier,
    PeekQueue, SendCallback, Sleep, port, ports,
};

/// Runs one attempt through the pipeline.
pub trait Attempt: Send + Sync {
    /// Runs the order and commits it by `commit`. Dropping the future stops the policy.
    ///
    /// # Errors
    /// As [`writ_pipeline::execute_for`].
    fn attempt(
        &self,
        order: ExecutionRequest,
        commit: &impl Commit,
    ) -> impl Future<Output = Result<Execution, Error>> + Send;
}

port!(Attempt = Execute);

ports! {
    /// What a runner needs.
    pub trait Ports = Attempt + CallbackSecretStore + ChangeJob + Clock + CompleteJob + GetJob + Ids
        + JobNotifier + PeekQueue + SendCallback + Sleep;
}

ports! {
    /// What a sweep needs.
    pub trait SweepPorts = ChangeJob + Clock + DueJobs + GetJob + Ids + JobNotifier;
}

#[cfg(test)]
mod fixture;
