//! One attempt: runs the policy while the lease holds, and leaves the job where it belongs.

use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use writ_jobs::{AttemptEnd, complete, release};
use writ_model::run::{Budget, RunClass};
use writ_model::{Cause, Error, ErrorKind, Job, JobState, Submission};
use writ_pipeline::ExecutionRequest;

use crate::leased_job::LeasedJob;
use crate::{Ports, heartbeat};

/// Makes the attempt that `state` was leased for; the job as it stands after it.
///
/// # Errors
/// The store's: the job is as it was, and its lease will end.
pub(crate) async fn make<P: Ports>(
    ports: &P,
    job: Job,
    fencing_token: String,
) -> Result<Job, Error> {
    let Job { submission, state, .. } = job;
    let order = order(&submission, &state);
    let leased_job = LeasedJob::new(ports, submission, fencing_token.clone(), state);
    let outcome = {
        let attempt = pin!(ports.attempt(order, &leased_job));
        let heartbeats = pin!(heartbeat::keep(&leased_job, ports.now()));
        match select(attempt, heartbeats).await {
            Either::Left((outcome, _)) => Some(outcome.map(drop)),
            // Dropping the attempt stops the policy.
            Either::Right(((), _)) => None,
        }
    };
    let (submission, state) = leased_job.into_state();
    let job_id = &submission.job_id;
    match outcome {
        Some(Err(error)) => settle(ports, submission, &fencing_token, &error).await,
        Some(Ok(())) => Ok(Job { submission, state, output: None }),
        None => {
            tracing::info!(%job_id, "the job is no longer this runner's; its policy was stopped");
            Ok(Job { submission, state, output: None })
        }
    }
}

fn order(submission: &Submission, state: &JobState) -> ExecutionRequest {
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
        ..ExecutionRequest::new(
            submission.workspace.clone(),
            submission.identity.clone(),
            submission.principal_kind.clone(),
            submission.policy_rule_uri.clone(),
            submission.inputs.clone(),
        )
    }
}

/// After an attempt that left no record: it was refused, or it is not known what was written.
async fn settle<P: Ports>(
    ports: &P,
    submission: Submission,
    fencing_token: &str,
    error: &Error,
) -> Result<Job, Error> {
    let job_id = &submission.job_id;
    let found = ports.get_job(&submission.workspace, job_id).await?;
    let Some(job) = found else {
        return Err(Error::internal(format!("job {job_id} is gone")));
    };
    let (now, rng) = (ports.now(), ports.seed());
    let next = if error.kind == ErrorKind::Limited {
        // A limit without a time gives one: nobody asks it again and again.
        let after = Some(error.retry_after_s.unwrap_or(1));
        release(&job.state, fencing_token, Some(error), after, now)
    } else {
        let ended = AttemptEnd { error: Some(error), execution_id: None, started_at: None };
        complete(&submission, &job.state, fencing_token, &ended, now, rng)
    };
    let Ok(next) = next else {
        tracing::info!(%job_id, %error, "the attempt came to nothing; the job has moved on");
        return Ok(job);
    };
    tracing::warn!(%job_id, %error, log = error.log, "the attempt left no record");
    if ports.change_job(&submission, &next).await? {
        return Ok(Job { submission, state: next, output: None });
    }
    Ok(job)
}
