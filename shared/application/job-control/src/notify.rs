//! Job signals: the messages that wake runners up. Only the table of jobs is trusted, so a signal
//! that is lost is sent again by the sweep.

use std::time::Duration;

use writ_model::{Error, JobSignal, JobState, JobStatus, SignalKind, Submission, Timestamp};
use writ_ports::{Clock, DELAY_MAX, DueJobs, JobNotifier};

/// Signals that are sent with one call.
const BATCH: usize = 100;

/// The year 9999: all jobs that are not over are due before.
const END_OF_TIME: Timestamp = Timestamp::from_ms(253_402_300_000_000);

/// Sends the signal that the state of a job calls for: a runner's for a queued job, a delayed one for a
/// job that becomes ready within the longest delay of a queue, that of its callback for a job that is
/// over.
///
/// # Errors
/// The queue's. A caller that goes on without it leaves the job to the sweep.
pub async fn notify(
    ports: &(impl JobNotifier + Clock),
    submission: &Submission,
    state: &JobState,
) -> Result<(), Error> {
    let signal = |kind| [JobSignal::new(submission, kind)];
    match state.job_status {
        JobStatus::Queued if state.is_queued => {
            ports.notify(&signal(SignalKind::Queue), Duration::ZERO).await
        }
        JobStatus::Queued => match state.ready_at - ports.now() {
            delay if delay <= DELAY_MAX => ports.notify(&signal(SignalKind::Due), delay).await,
            _ => Ok(()),
        },
        status if status.is_final() && state.due_at.is_some() => {
            ports.notify(&signal(SignalKind::Callback), Duration::ZERO).await
        }
        _ => Ok(()),
    }
}

/// Sends the signal of a job that was just written, and logs a failure. The caller need not know of it:
/// the job is due in its table, and the sweep sends the signal again.
pub async fn try_notify(
    ports: &(impl JobNotifier + Clock),
    submission: &Submission,
    state: &JobState,
) {
    log(notify(ports, submission, state).await);
}

/// As [`try_notify`], with the signals of jobs that are queued.
pub async fn try_notify_each(ports: &impl JobNotifier, signals: &[JobSignal]) {
    if !signals.is_empty() {
        log(ports.notify(signals, Duration::ZERO).await);
    }
}

fn log(result: Result<(), Error>) {
    if let Err(error) = result {
        let log = error.log.as_deref();
        tracing::warn!(%error, log, "the runners were not notified of a job; the sweep will do it");
    }
}

/// Sends a signal for every job that is not over: for a queue that begins empty. Returns the number
/// of signals.
///
/// # Errors
/// The store's or the queue's.
pub async fn notify_all(ports: &(impl DueJobs + JobNotifier)) -> Result<u64, Error> {
    let (mut next, mut count) = (None, 0);
    loop {
        let page = ports.due_jobs(END_OF_TIME, next.as_deref()).await?;
        for signals in page.jobs.chunks(BATCH) {
            ports.notify(signals, Duration::ZERO).await?;
            count += signals.len() as u64;
        }
        next = page.next;
        if next.is_none() {
            return Ok(count);
        }
    }
}
