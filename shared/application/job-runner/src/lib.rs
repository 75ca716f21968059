//! Who does the jobs: from a hint to a committed result, and the sweep that forgets nobody.
//!
//! A runner may end at any point, and several may look at one job: every step that counts is
//! written under the version of the job that it saw, and the result under the lease's fence.

mod attempt;
mod beat;
mod call;
mod hold;
mod look;
mod sweep;

pub use look::{Looked, look};
pub use sweep::{Sweep, announce, announce_all, sweep};

use std::future::Future;

use writ_model::{Error, Execution};
use writ_pipeline::{Commit, Order};
use writ_ports::{
    Announce, CallBack, ChangeJob, Clock, DueJobs, EndJob, GetJob, Ids, KeepCallbackSecrets,
    NextJobs, Sleep,
};

/// Runs one attempt through the pipeline.
pub trait Attempt: Send + Sync {
    /// Runs the order and commits it by `commit`. Dropping the future stops the policy.
    ///
    /// # Errors
    /// As [`writ_pipeline::execute_for`].
    fn attempt(
        &self,
        order: Order,
        commit: &impl Commit,
    ) -> impl Future<Output = Result<Execution, Error>> + Send;
}

/// What a runner needs.
pub trait Ports:
    Attempt
    + GetJob
    + ChangeJob
    + EndJob
    + NextJobs
    + Announce
    + CallBack
    + KeepCallbackSecrets
    + Clock
    + Ids
    + Sleep
{
}

impl<P> Ports for P where
    P: Attempt
        + GetJob
        + ChangeJob
        + EndJob
        + NextJobs
        + Announce
        + CallBack
        + KeepCallbackSecrets
        + Clock
        + Ids
        + Sleep
{
}

/// What a sweep needs.
pub trait SweepPorts: DueJobs + GetJob + ChangeJob + Announce + Clock + Ids {}

impl<P: DueJobs + GetJob + ChangeJob + Announce + Clock + Ids> SweepPorts for P {}

#[cfg(test)]
mod fixture;
