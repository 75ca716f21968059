//! Nobody is forgotten: what the clock makes due is announced, whatever became of its hint.

use std::time::Duration;

use writ_jobs::{DueAction, due};
use writ_model::{Error, JobSignal, JobState, JobStatus, SignalKind, Submission, Timestamp};
use writ_ports::{Clock, DELAY_MAX, DueJobs, JobNotifier};

use crate::SweepPorts;

/// A sweep begins no page later than this after its start: the rest waits for the next one.
const SWEEP_US_MAX: u64 = 20_000_000;

/// Hints that are handed over at once.
const HINTS: usize = 100;

/// What a sweep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SweepReport {
    /// Jobs that were announced, again or for the first time.
    pub announced: u64,
    /// Runners that were taken for lost.
    pub lost: u64,
    /// Time ran out with jobs left.
    pub more: bool,
}

/// Does what is due, for twenty seconds and a page at most. Two sweeps at once do no harm.
///
/// # Errors
/// The store's or the queue's; the next sweep begins anew.
pub async fn sweep(ports: &impl SweepPorts) -> Result<SweepReport, Error> {
    let begun = ports.ticks_us();
    let is_over = || ports.ticks_us().saturating_sub(begun) >= SWEEP_US_MAX;
    let mut swept = SweepReport::default();
    let (mut next, mut failed) = (None, None);
    loop {
        let page = ports.due_jobs(ports.now(), next.as_deref()).await?;
        for signal in &page.jobs {
            // A job that nobody can read or write must not hide those behind it.
            let Err(error) = one(ports, signal, &mut swept).await else { continue };
            if is_over() {
                return Err(error);
            }
            failed.get_or_insert(error);
        }
        next = page.next;
        if next.is_none() {
            return failed.map_or(Ok(swept), Err);
        }
        if is_over() {
            return failed.map_or(Ok(SweepReport { more: true, ..swept }), Err);
        }
    }
}

async fn one(
    ports: &impl SweepPorts,
    signal: &JobSignal,
    swept: &mut SweepReport,
) -> Result<(), Error> {
    let Some(job) = ports.get_job(&signal.workspace, &signal.job_id).await? else { return Ok(()) };
    let writ_model::Job { submission, state, .. } = &job;
    match due(submission, state, ports.now(), ports.seed()) {
        DueAction::Nothing => return Ok(()),
        DueAction::Write(next) if !state.job_status.is_leased() => {
            // Announced first: what the queue does not take stays due.
            notify(ports, submission, &next).await?;
            ports.change_job(submission, &next).await?;
        }
        DueAction::Write(next) => {
            if !ports.change_job(submission, &next).await? {
                return Ok(());
            }
            swept.lost += 1;
            let (job_id, node_id) = (&submission.job_id, &state.node_id);
            tracing::warn!(%job_id, ?node_id, "a job's runner is taken for lost");
            notify(ports, submission, &next).await?;
        }
    }
    swept.announced += 1;
    Ok(())
}

/// Tells the runners of a job that waits for one: in its line, for a time that a queue can wait
/// for, or for somebody to be told of its end.
///
/// # Errors
/// The queue's. Whoever goes on without it leaves the job to the sweep.
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
        JobStatus::Queued => match until(state.ready_at, ports.now()) {
            wait if wait <= DELAY_MAX => ports.notify(&signal(SignalKind::Due), wait).await,
            _ => Ok(()),
        },
        status if status.is_final() && state.due_at.is_some() => {
            ports.notify(&signal(SignalKind::Callback), Duration::ZERO).await
        }
        _ => Ok(()),
    }
}

/// Announces every job that is not over: for a queue that begins empty.
///
/// # Errors
/// The store's or the queue's.
pub async fn notify_all(ports: &(impl DueJobs + JobNotifier)) -> Result<u64, Error> {
    let (mut next, mut announced) = (None, 0);
    loop {
        let page = ports.due_jobs(Timestamp::from_ms(FOR_EVER), next.as_deref()).await?;
        for signals in page.jobs.chunks(HINTS) {
            ports.notify(signals, Duration::ZERO).await?;
            announced += signals.len() as u64;
        }
        next = page.next;
        if next.is_none() {
            return Ok(announced);
        }
    }
}

/// The year 9999.
const FOR_EVER: i64 = 253_402_300_000_000;

/// How long until then.
pub(crate) fn until(time: Timestamp, now: Timestamp) -> Duration {
    let ms = time.as_ms().saturating_sub(now.as_ms());
    Duration::from_millis(u64::try_from(ms).unwrap_or(0))
}

#[cfg(test)]
mod tests;
