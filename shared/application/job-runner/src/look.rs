//! What a hint leads to.

use std::collections::HashSet;

use writ_jobs::{Grant, Refusal, Runner, announced, leased};
use writ_model::{Error, HintAbout, Job, JobHint, JobStatus, Timestamp, Workspace};
use writ_ports::{Announce, ChangeJob, Clock, DELAY_MAX, GetJob, Ids, NextJobs};

use crate::{Ports, attempt, call, sweep};

/// Jobs at the head of the line that are tried before the line is read again: of those that an
/// index still shows, others may have taken some.
const HEAD: usize = 8;

/// The second time more of them.
const FURTHER: usize = 64;

/// Reads of the line that one hint is worth.
const READS_MAX: usize = 8;

/// What it takes to take a job.
trait TakePorts: GetJob + ChangeJob + NextJobs + Announce + Clock + Ids {}

impl<P: GetJob + ChangeJob + NextJobs + Announce + Clock + Ids> TakePorts for P {}

/// What came of looking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Looked {
    /// There was nothing to do.
    Idle,
    /// An attempt was made; the job is there now.
    Ran(JobStatus),
    /// Somebody was told of an end.
    Called,
}

/// Looks: takes the first job of the workspace's line and makes an attempt, or tells of an end.
/// Everything that it knows afterwards is stored, so the hint may be forgotten.
///
/// # Errors
/// The store's or the queue's: the hint is worth keeping.
pub async fn look<P: Ports>(ports: &P, runner: &Runner, hint: &JobHint) -> Result<Looked, Error> {
    match hint.about {
        HintAbout::End => return call::tell(ports, &hint.workspace, &hint.job_id).await,
        HintAbout::Time if !line_up(ports, hint).await? => return Ok(Looked::Idle),
        HintAbout::Time | HintAbout::Line => {}
    }
    let Some((job, fence)) = take(ports, runner, hint).await? else { return Ok(Looked::Idle) };
    let job = attempt::make(ports, job, fence).await?;
    let status = job.state.job_status;
    if status.is_final() {
        if job.state.callback.is_some() {
            call::tell(ports, &job.submission.workspace, &job.submission.job_id).await?;
        }
    } else if let Err(error) = sweep::announce(ports, &job.submission, &job.state).await {
        let job_id = &job.submission.job_id;
        tracing::warn!(%job_id, %error, "another attempt was not announced; the sweep will");
    }
    Ok(Looked::Ran(status))
}

/// A job that waited for its time goes into its line. Whether its time has come.
async fn line_up<P: Ports>(ports: &P, hint: &JobHint) -> Result<bool, Error> {
    let Some(job) = ports.get_job(&hint.workspace, &hint.job_id).await? else { return Ok(true) };
    let Job { submission, state, .. } = &job;
    let now = ports.now();
    if state.job_status != JobStatus::Queued || state.in_line {
        return Ok(true);
    }
    if state.ready_at > now {
        // The queue's clock or its longest delay.
        once_more(ports, hint.clone(), state.ready_at).await?;
        return Ok(false);
    }
    // Where somebody else has written meanwhile, it is in line or further already.
    ports.change_job(submission, &announced(state, now)).await?;
    Ok(true)
}

/// The hint again, when the time has come that it is about, if that is soon.
async fn once_more<P: TakePorts>(
    ports: &P,
    hint: JobHint,
    ready_at: Timestamp,
) -> Result<(), Error> {
    match sweep::until(ready_at, ports.now()) {
        wait if wait <= DELAY_MAX => ports.announce(&[hint], wait).await,
        _ => Ok(()),
    }
}

/// What came of taking a job.
enum Taken {
    Ours(Box<Job>, String),
    /// By this node's clock it may not start before.
    Early(JobHint, Timestamp),
    No,
}

/// Leases the first job that can be had: of the line, else the one that the hint names, which an
/// index may not show yet.
///
/// There is a hint for each job and any hint takes any job, so whoever holds one takes a job or has
/// seen that nobody waits. Where others took all of the line while it was tried, one of them may
/// have come for a job that was not in line yet when it was read: so it is read again, until it
/// shows nobody new.
async fn take<P: TakePorts>(
    ports: &P,
    runner: &Runner,
    hint: &JobHint,
) -> Result<Option<(Job, String)>, Error> {
    let workspace = &hint.workspace;
    let (mut early, mut tried, mut limit) = (None, HashSet::new(), HEAD);
    for _ in 0..READS_MAX {
        let mut ids = ports.next_jobs(workspace, limit).await?;
        ids.retain(|job_id| tried.insert(job_id.clone()));
        for job_id in &ids {
            match lease(ports, runner, workspace, job_id).await? {
                Taken::Ours(job, fence) => return Ok(Some((*job, fence))),
                Taken::Early(hint, ready_at) => early = early.or(Some((hint, ready_at))),
                Taken::No => {}
            }
        }
        if ids.is_empty() {
            break;
        }
        limit = FURTHER;
    }
    match lease(ports, runner, workspace, &hint.job_id).await? {
        Taken::Ours(job, fence) => return Ok(Some((*job, fence))),
        Taken::Early(hint, ready_at) => early = early.or(Some((hint, ready_at))),
        Taken::No => {}
    }
    // INVARIANT: one hint leads to one at most, however many are early, or they would multiply.
    if let Some((hint, ready_at)) = early {
        once_more(ports, hint, ready_at).await?;
    }
    Ok(None)
}

async fn lease<P: TakePorts>(
    ports: &P,
    runner: &Runner,
    workspace: &Workspace,
    job_id: &str,
) -> Result<Taken, Error> {
    let Some(job) = ports.get_job(workspace, job_id).await? else { return Ok(Taken::No) };
    let now = ports.now();
    let fence = ports.id(now);
    let grant = Grant { fence: fence.clone(), execution_id: ports.id(now) };
    let state = match leased(&job.submission, &job.state, runner, grant, now) {
        Ok(state) => state,
        Err(Refusal::TooEarly) => {
            let hint = JobHint::new(&job.submission, HintAbout::Time);
            return Ok(Taken::Early(hint, job.state.ready_at));
        }
        Err(_) => return Ok(Taken::No),
    };
    if !ports.change_job(&job.submission, &state).await? {
        return Ok(Taken::No);
    }
    Ok(Taken::Ours(Box::new(Job { state, output: None, ..job }), fence))
}

#[cfg(test)]
mod tests;
