//! Processing of job signals.

use std::collections::HashSet;

use writ_job_control::notify;
use writ_jobs::{LeaseRequest, Runner, TransitionError, lease, record_notification};
use writ_model::{Error, Job, JobSignal, JobStatus, SignalKind, Timestamp, Workspace};
use writ_ports::{ChangeJob, Clock, DELAY_MAX, GetJob, Ids, JobNotifier, PeekQueue};

use crate::{Ports, attempt, callback};

/// Jobs at the head of the queue that are tried before the queue is read again: of those that an
/// index still shows, other runners may have leased some.
const HEAD: usize = 8;

/// Jobs at the head of the queue that are tried from the second read on.
const HEAD_NEXT: usize = 64;

/// Reads of the queue for one signal at most.
const READS_MAX: usize = 8;

/// What leasing a job needs.
trait AcquirePorts: GetJob + ChangeJob + PeekQueue + JobNotifier + Clock + Ids {}

impl<P: GetJob + ChangeJob + PeekQueue + JobNotifier + Clock + Ids> AcquirePorts for P {}

/// The result of processing a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignalOutcome {
    /// There was nothing to do.
    Idle,
    /// An attempt was made, and this is the job's status after it.
    AttemptMade(JobStatus),
    /// A callback was sent, whether it arrived or not.
    CallbackSent,
}

/// Processes a signal: leases the first job of the workspace's queue and makes an attempt, or
/// delivers a callback. All results are stored, so the signal may be deleted afterwards.
///
/// # Errors
/// The store's or the queue's: the signal must be delivered again.
pub async fn process_signal<P: Ports>(
    ports: &P,
    runner: &Runner,
    signal: &JobSignal,
) -> Result<SignalOutcome, Error> {
    match signal.kind {
        SignalKind::Callback => {
            return callback::deliver_callback(ports, &signal.workspace, &signal.job_id).await;
        }
        SignalKind::Due if !enqueue_if_ready(ports, signal).await? => {
            return Ok(SignalOutcome::Idle);
        }
        SignalKind::Due | SignalKind::Queue => {}
    }
    let Some((job, fencing_token)) = acquire_job(ports, runner, signal).await? else {
        return Ok(SignalOutcome::Idle);
    };
    let job = attempt::make(ports, job, fencing_token).await?;
    let status = job.state.job_status;
    if status.is_final() {
        if job.state.callback.is_some() {
            callback::deliver_callback(ports, &job.submission.workspace, &job.submission.job_id)
                .await?;
        }
    } else if let Err(error) = notify(ports, &job.submission, &job.state).await {
        let job_id = &job.submission.job_id;
        tracing::warn!(%job_id, %error, "the next attempt was not signalled; the sweep will do it");
    }
    Ok(SignalOutcome::AttemptMade(status))
}

/// Puts a job into its queue once its time has come. Returns whether it has come.
async fn enqueue_if_ready<P: Ports>(ports: &P, signal: &JobSignal) -> Result<bool, Error> {
    let Some(job) = ports.get_job(&signal.workspace, &signal.job_id).await? else {
        return Ok(true);
    };
    let Job { submission, state, .. } = &job;
    let now = ports.now();
    if state.job_status != JobStatus::Queued || state.is_queued {
        return Ok(true);
    }
    if state.ready_at > now {
        // The queue's clock was ahead, or its longest delay was too short.
        resend(ports, signal.clone(), state.ready_at).await?;
        return Ok(false);
    }
    // A write that is lost means that the job is queued or further already.
    ports.change_job(submission, &record_notification(state, now)).await?;
    Ok(true)
}

/// Sends the signal again for the time that it is about, if the queue can delay it for so long.
async fn resend<P: AcquirePorts>(
    ports: &P,
    signal: JobSignal,
    ready_at: Timestamp,
) -> Result<(), Error> {
    match ready_at - ports.now() {
        delay if delay <= DELAY_MAX => ports.notify(&[signal], delay).await,
        _ => Ok(()),
    }
}

/// The result of leasing a job.
enum LeaseOutcome {
    /// The job, and the fencing token of the lease.
    Leased(Box<Job>, String),
    /// By this node's clock the job may not start before that time.
    Early(JobSignal, Timestamp),
    Unavailable,
}

/// Leases the first job that is available: of the queue, else the one that the signal names, which an
/// index may not show yet.
///
/// There is a signal for each job and any signal leases any job, so the runner that has one leases a
/// job or has seen that none is left. Where other runners leased all of the queue while it was tried,
/// one of them may have had the signal of a job that was not in the queue yet when it was read: so it
/// is read again, until it shows no new job.
async fn acquire_job<P: AcquirePorts>(
    ports: &P,
    runner: &Runner,
    signal: &JobSignal,
) -> Result<Option<(Job, String)>, Error> {
    let workspace = &signal.workspace;
    let (mut early, mut tried, mut limit) = (None, HashSet::new(), HEAD);
    for _ in 0..READS_MAX {
        let mut ids = ports.peek_queue(workspace, limit).await?;
        ids.retain(|job_id| tried.insert(job_id.clone()));
        for job_id in &ids {
            match try_lease(ports, runner, workspace, job_id).await? {
                LeaseOutcome::Leased(job, fencing_token) => return Ok(Some((*job, fencing_token))),
                LeaseOutcome::Early(signal, ready_at) => early = early.or(Some((signal, ready_at))),
                LeaseOutcome::Unavailable => {}
            }
        }
        if ids.is_empty() {
            break;
        }
        limit = HEAD_NEXT;
    }
    match try_lease(ports, runner, workspace, &signal.job_id).await? {
        LeaseOutcome::Leased(job, fencing_token) => return Ok(Some((*job, fencing_token))),
        LeaseOutcome::Early(signal, ready_at) => early = early.or(Some((signal, ready_at))),
        LeaseOutcome::Unavailable => {}
    }
    // INVARIANT: one signal leads to one at most, however many jobs are early, or they would multiply.
    if let Some((signal, ready_at)) = early {
        resend(ports, signal, ready_at).await?;
    }
    Ok(None)
}

async fn try_lease<P: AcquirePorts>(
    ports: &P,
    runner: &Runner,
    workspace: &Workspace,
    job_id: &str,
) -> Result<LeaseOutcome, Error> {
    let Some(job) = ports.get_job(workspace, job_id).await? else {
        return Ok(LeaseOutcome::Unavailable);
    };
    let now = ports.now();
    let fencing_token = ports.id(now);
    let lease_request =
        LeaseRequest { fencing_token: fencing_token.clone(), execution_id: ports.id(now) };
    let state = match lease(&job.submission, &job.state, runner, lease_request, now) {
        Ok(state) => state,
        Err(TransitionError::TooEarly) => {
            let signal = JobSignal::new(&job.submission, SignalKind::Due);
            return Ok(LeaseOutcome::Early(signal, job.state.ready_at));
        }
        Err(_) => return Ok(LeaseOutcome::Unavailable),
    };
    if !ports.change_job(&job.submission, &state).await? {
        return Ok(LeaseOutcome::Unavailable);
    }
    Ok(LeaseOutcome::Leased(Box::new(Job { state, output: None, ..job }), fencing_token))
}

#[cfg(test)]
mod tests;
