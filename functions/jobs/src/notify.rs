//! Notifies the runners of jobs that were just written.

use writ_model::{Job, JobSignal};
use writ_ports::{Clock, JobNotifier};

/// Notifies the runners of one job.
pub(crate) async fn notify_runners(ports: &(impl JobNotifier + Clock), job: &Job) {
    writ_job_control::try_notify(ports, &job.submission, &job.state).await;
}

/// Notifies the runners of jobs that are queued.
pub(crate) async fn notify_runners_of_all(ports: &impl JobNotifier, signals: &[JobSignal]) {
    writ_job_control::try_notify_each(ports, signals).await;
}
