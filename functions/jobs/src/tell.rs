//! Tells the runners that there is something to look at.

use std::time::Duration;

use writ_model::{Error, Job, JobHint};
use writ_ports::{Announce, Clock};
use writ_job_runner::announce;

/// Hints at a job that was just written.
///
/// What fails here is not the caller's: the table of jobs knows what is due, and it is announced
/// again.
pub(crate) async fn tell(ports: &(impl Announce + Clock), job: &Job) {
    log(announce(ports, &job.submission, &job.state).await);
}

/// As [`tell`], of jobs that stand in their line.
pub(crate) async fn tell_of_all(ports: &impl Announce, hints: &[JobHint]) {
    if !hints.is_empty() {
        log(ports.announce(hints, Duration::ZERO).await);
    }
}

fn log(told: Result<(), Error>) {
    if let Err(error) = told {
        let log = error.log.as_deref();
        tracing::warn!(%error, log, "the runners were not told of a job; the sweep will tell them");
    }
}
