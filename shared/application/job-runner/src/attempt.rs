//! One attempt: runs the policy while the lease holds, and writes the job's next state.

use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use writ_jobs::{AttemptEnd, complete, release};
use writ_model::run::{Budget, RunClass};
use writ_model::{Cause, Error, ErrorKind, Job, JobState, Submission};
use writ_pipeline::ExecutionRequest;

use crate::leased_job::LeasedJob;
use crate::{Ports, heartbeat};

/// Makes the attempt that `state` was leased for. Returns the job as it stands after it.
///
/// # Errors
/// The store's: the job is as it was, and its lease will expire.
pub(crate) async fn make<P: Ports>(
    ports: &P,
    job: Job,
    fencing_token: String,
) -> Result<Job, Error> {
    let Job { submission, state, .. } = job;
    let request = request(&submission, &state);
    let leased_job = LeasedJob::new(ports, submission, fencing_token.clone(), state);
    let result = {
        let execution = pin!(ports.execute_for(request, &leased_job));
        let heartbeats = pin!(heartbeat::renew_until_lost(&leased_job, ports.now()));
        match select(execution, heartbeats).await {
            Either::Left((result, _)) => Some(result.map(drop)),
            // Dropping the execution stops the policy.
            Either::Right(((), _)) => None,
        }
    };
    let (submission, state) = leased_job.into_parts();
    let job_id = &submission.job_id;
    match result {
        Some(Err(error)) => write_failure(ports, submission, &fencing_token, &error).await,
        Some(Ok(())) => Ok(Job { submission, state, output: None }),
        None => {
            tracing::info!(%job_id, "the job's lease is lost; its policy was stopped");
            Ok(Job { submission, state, output: None })
        }
    }
}

fn request(submission: &Submission, state: &JobState) -> ExecutionRequest {
    let attempt = state.attempts.last();
    let time = Duration::from_secs(submission.timeout_seconds.into());
    ExecutionRequest {
        execution_id: attempt.map(|attempt| attempt.execution_id.clone()),
        on_behalf_of: submission.on_behalf_of.clone(),
        parameters: submission.policy_rule_parameters.clone(),
        budget: Budget { time, class: RunClass::Job, ..Budget::default() },
        executor_id: submission.executor_id.clone(),
        cause: Cause::Job,
        parent: Some(submission.job_id.clone()),
        idempotency_key: submission.idempotency_key.clone(),
        trace_id: submission.trace_id.clone(),
        mask: submission.mask.clone(),
        ..ExecutionRequest::new(
            submission.workspace.clone(),
            submission.identity.clone(),
            submission.principal_kind,
            submission.policy_rule_uri.clone(),
            submission.inputs.clone(),
        )
    }
}

/// Writes the job's next state after an attempt that left no record: it was refused, or its commit
/// failed and it is unknown what was written.
async fn write_failure<P: Ports>(
    ports: &P,
    submission: Submission,
    fencing_token: &str,
    error: &Error,
) -> Result<Job, Error> {
    let job_id = &submission.job_id;
    let Some(job) = ports.get_job(&submission.workspace, job_id).await? else {
        return Err(Error::internal(format!("job {job_id} is gone")));
    };
    let (now, jitter) = (ports.now(), ports.seed());
    let next = if error.kind == ErrorKind::Limited {
        // A limit that names no time gets one, so that it is not asked again at once.
        let retry_after_s = Some(error.retry_after_s.unwrap_or(1));
        release(&job.state, fencing_token, Some(error), retry_after_s, now)
    } else {
        let end = AttemptEnd { error: Some(error), execution_id: None, started_at: None };
        complete(&submission, &job.state, fencing_token, &end, now, jitter)
    };
    let Ok(next) = next else {
        tracing::info!(%job_id, %error, "the attempt failed, and the job has moved on meanwhile");
        return Ok(job);
    };
    tracing::warn!(%job_id, %error, log = error.log, "the attempt left no record");
    if ports.change_job(&submission, &next).await? {
        return Ok(Job { submission, state: next, output: None });
    }
    Ok(job)
}
