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
    PeekQueue, SendCallback, Sleep, ports,
};

ports! {
    /// What a runner needs.
    pub trait Ports = CallbackSecretStore + ChangeJob + Clock + CompleteJob + Execute + GetJob + Ids
        + JobNotifier + PeekQueue + SendCallback + Sleep;
}

ports! {
    /// What a sweep needs.
    pub trait SweepPorts = ChangeJob + Clock + DueJobs + GetJob + Ids + JobNotifier;
}
