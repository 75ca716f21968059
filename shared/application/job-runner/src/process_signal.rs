//! What a hint leads to.

use std::collections::HashSet;

use writ_jobs::{LeaseRequest, Runner, TransitionError, lease, record_notification};
use writ_model::{Error, Job, JobSignal, JobStatus, SignalKind, Timestamp, Workspace};
use writ_ports::{ChangeJob, Clock, DELAY_MAX, GetJob, Ids, JobNotifier, PeekQueue, ports};

use crate::{Ports, attempt, callback, sweep};

/// Jobs at the head of the line that are tried before the line is read again: of those that an
/// index still shows, others may have taken some.
const HEAD: usize = 8;

/// The second time more of them.
const FURTHER: usize = 64;

/// Reads of the line that one hint is worth.
const READS_MAX: usize = 8;

ports! {
    /// What it takes to take a job.
    trait AcquirePorts = ChangeJob + Clock + GetJob + Ids + JobNotifier + PeekQueue;
}

/// What came of looking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignalOutcome {
    /// There was nothing to do.
    Idle,
    /// An attempt was made; the job is there now.
    AttemptMade(JobStatus),
    /// Somebody was told of an end.
    CallbackSent,
}

/// Looks: takes the first job of the workspace's line and makes an attempt, or tells of an end.
/// Everything that it knows afterwards is stored, so the hint may be forgotten.
///
/// # Errors
/// The store's or the queue's: the hint is worth keeping.
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
    } else if let Err(error) = sweep::notify(ports, &job.submission, &job.state).await {
        let job_id = &job.submission.job_id;
        tracing::warn!(%job_id, %error, "another attempt was not announced; the sweep will");
    }
    Ok(SignalOutcome::AttemptMade(status))
}

/// A job that waited for its time goes into its line. Whether its time has come.
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
        // The queue's clock or its longest delay.
        once_more(ports, signal.clone(), state.ready_at).await?;
        return Ok(false);
    }
    // Where somebody else has written meanwhile, it is in line or further already.
    ports.change_job(submission, &record_notification(state, now)).await?;
    Ok(true)
}

/// The hint again, when the time has come that it is about, if that is soon.
async fn once_more<P: AcquirePorts>(
    ports: &P,
    signal: JobSignal,
    ready_at: Timestamp,
) -> Result<(), Error> {
    match sweep::until(ready_at, ports.now()) {
        wait if wait <= DELAY_MAX => ports.notify(&[signal], wait).await,
        _ => Ok(()),
    }
}

/// What came of taking a job.
enum Acquired {
    Leased(Box<Job>, String),
    /// By this node's clock it may not start before.
    Early(JobSignal, Timestamp),
    Unavailable,
}

/// Leases the first job that can be had: of the line, else the one that the hint names, which an
/// index may not show yet.
///
/// There is a hint for each job and any hint takes any job, so whoever holds one takes a job or has
/// seen that nobody waits. Where others took all of the line while it was tried, one of them may
/// have come for a job that was not in line yet when it was read: so it is read again, until it
/// shows nobody new.
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
                Acquired::Leased(job, fencing_token) => return Ok(Some((*job, fencing_token))),
                Acquired::Early(signal, ready_at) => early = early.or(Some((signal, ready_at))),
                Acquired::Unavailable => {}
            }
        }
        if ids.is_empty() {
            break;
        }
        limit = FURTHER;
    }
    match try_lease(ports, runner, workspace, &signal.job_id).await? {
        Acquired::Leased(job, fencing_token) => return Ok(Some((*job, fencing_token))),
        Acquired::Early(signal, ready_at) => early = early.or(Some((signal, ready_at))),
        Acquired::Unavailable => {}
    }
    // INVARIANT: one hint leads to one at most, however many are early, or they would multiply.
    if let Some((signal, ready_at)) = early {
        once_more(ports, signal, ready_at).await?;
    }
    Ok(None)
}

async fn try_lease<P: AcquirePorts>(
    ports: &P,
    runner: &Runner,
    workspace: &Workspace,
    job_id: &str,
) -> Result<Acquired, Error> {
    let Some(job) = ports.get_job(workspace, job_id).await? else {
        return Ok(Acquired::Unavailable);
    };
    let now = ports.now();
    let fencing_token = ports.id(now);
    let lease_request =
        LeaseRequest { fencing_token: fencing_token.clone(), execution_id: ports.id(now) };
    let state = match lease(&job.submission, &job.state, runner, lease_request, now) {
        Ok(state) => state,
        Err(TransitionError::TooEarly) => {
            let signal = JobSignal::new(&job.submission, SignalKind::Due);
            return Ok(Acquired::Early(signal, job.state.ready_at));
        }
        Err(_) => return Ok(Acquired::Unavailable),
    };
    if !ports.change_job(&job.submission, &state).await? {
        return Ok(Acquired::Unavailable);
    }
    Ok(Acquired::Leased(Box::new(Job { state, output: None, ..job }), fencing_token))
}

#[cfg(test)]
mod tests;
