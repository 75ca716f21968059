//! Notifies the runners of jobs that were just written.

use std::time::Duration;

use writ_job_runner::notify;
use writ_model::{Error, Job, JobSignal};
use writ_ports::{Clock, JobNotifier};

/// Notifies the runners of a job.
///
/// A failure is not the caller's: the table of jobs knows what is due, and the sweep notifies the
/// runners again.
pub(crate) async fn notify_runners(ports: &(impl JobNotifier + Clock), job: &Job) {
    log(notify(ports, &job.submission, &job.state).await);
}

/// As [`notify_runners`], of jobs that are queued.
pub(crate) async fn notify_runners_of_all(ports: &impl JobNotifier, signals: &[JobSignal]) {
    if !signals.is_empty() {
        log(ports.notify(signals, Duration::ZERO).await);
    }
}

fn log(result: Result<(), Error>) {
    if let Err(error) = result {
        let log = error.log.as_deref();
        tracing::warn!(%error, log, "the runners were not notified of a job; the sweep will notify them");
    }
}
