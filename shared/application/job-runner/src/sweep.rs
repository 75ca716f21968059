//! The sweep: sends the signals of all jobs that are due, so that no lost signal leaves a job behind.

use writ_job_control::notify;
use writ_jobs::{DueAction, due};
use writ_model::{Error, Job, JobSignal};

use crate::SweepPorts;

/// A sweep begins no page later than this after its start: the rest waits for the next one.
const SWEEP_US_MAX: u64 = 20_000_000;

/// What a sweep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SweepReport {
    /// Signals that were sent, again or for the first time.
    pub signals: u64,
    /// Leases that had expired; their runners count as lost.
    pub expired_leases: u64,
    /// Whether time ran out with jobs left.
    pub more: bool,
}

/// Processes what is due, for twenty seconds and a page at most. Two sweeps at the same time do no
/// harm.
///
/// # Errors
/// The store's or the queue's; the next sweep begins anew.
pub async fn sweep(ports: &impl SweepPorts) -> Result<SweepReport, Error> {
    let start = ports.ticks_us();
    let is_over = || ports.ticks_us().saturating_sub(start) >= SWEEP_US_MAX;
    let mut report = SweepReport::default();
    let (mut next, mut failure) = (None, None);
    loop {
        let page = ports.due_jobs(ports.now(), next.as_deref()).await?;
        for signal in &page.jobs {
            // A job that cannot be read or written must not hide those behind it.
            let Err(error) = sweep_job(ports, signal, &mut report).await else { continue };
            if is_over() {
                return Err(error);
            }
            failure.get_or_insert(error);
        }
        next = page.next;
        if next.is_none() {
            return failure.map_or(Ok(report), Err);
        }
        if is_over() {
            return failure.map_or(Ok(SweepReport { more: true, ..report }), Err);
        }
    }
}

async fn sweep_job(
    ports: &impl SweepPorts,
    signal: &JobSignal,
    report: &mut SweepReport,
) -> Result<(), Error> {
    let Some(job) = ports.get_job(&signal.workspace, &signal.job_id).await? else { return Ok(()) };
    let Job { submission, state, .. } = &job;
    match due(submission, state, ports.now(), ports.seed()) {
        DueAction::Nothing => return Ok(()),
        DueAction::Write(next) if !state.job_status.is_leased() => {
            // The signal first: what the queue does not take stays due.
            notify(ports, submission, &next).await?;
            ports.change_job(submission, &next).await?;
        }
        DueAction::Write(next) => {
            if !ports.change_job(submission, &next).await? {
                return Ok(());
            }
            report.expired_leases += 1;
            let (job_id, node_id) = (&submission.job_id, &state.node_id);
            tracing::warn!(%job_id, ?node_id, "a job's lease expired; its runner counts as lost");
            notify(ports, submission, &next).await?;
        }
    }
    report.signals += 1;
    Ok(())
}

#[cfg(test)]
mod tests;
