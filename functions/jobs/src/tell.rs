//! Tells the runners that there is something to look at.

use std::time::Duration;

use writ_job_runner::notify;
use writ_model::{Error, Job, JobSignal};
use writ_ports::{Clock, JobNotifier};

/// Hints at a job that was just written.
///
/// What fails here is not the caller's: the table of jobs knows what is due, and it is announced
/// again.
pub(crate) async fn tell(ports: &(impl JobNotifier + Clock), job: &Job) {
    log(notify(ports, &job.submission, &job.state).await);
}

/// As [`tell`], of jobs that stand in their line.
pub(crate) async fn tell_of_all(ports: &impl JobNotifier, signals: &[JobSignal]) {
    if !signals.is_empty() {
        log(ports.notify(signals, Duration::ZERO).await);
    }
}

fn log(told: Result<(), Error>) {
    if let Err(error) = told {
        let log = error.log.as_deref();
        tracing::warn!(%error, log, "the runners were not told of a job; the sweep will tell them");
    }
}
