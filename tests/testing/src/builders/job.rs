//! Jobs and the steps of their lives.

use writ_jobs::{AttemptEnd, LeaseRequest, Runner, cancel, complete, enqueue, lease, start};
use writ_model::{
    Cause, Error, ErrorKind, Execution, ExecutionStatus, ExecutorId, Job, JobState, JobStatus,
    PrincipalKind, RawJson, Submission, Timestamp, Workspace,
};

use super::execution;
use crate::START;

/// The submission of a job of the policy `a:1-x`, made at [`START`] by `ana` with a token.
#[must_use]
pub fn submission(workspace: &Workspace, job_id: &str) -> Submission {
    Submission {
        job_id: job_id.to_owned(),
        workspace: workspace.clone(),
        name: "check".to_owned(),
        executor_id: ExecutorId::BUILTIN,
        policy_rule_uri: "a:1-x".parse().unwrap(),
        policy_rule_parameters: None,
        node_selector: None,
        inputs: RawJson::parse(r#"{"ip": "10.0.0.1",  "n": 1.0}"#).unwrap(),
        timeout_seconds: 60,
        max_attempts: None,
        not_before: None,
        priority: 5,
        callback_url: None,
        identity: "ana".to_owned(),
        principal_kind: PrincipalKind::Token,
        on_behalf_of: None,
        cause: Cause::Request,
        schedule: None,
        mask: Vec::new(),
        idempotency_key: None,
        trace_id: None,
        submitted_at: START,
    }
}

/// The job of a submission, as it is once it was submitted.
#[must_use]
pub fn job(submission: Submission) -> Job {
    Job { state: enqueue(&submission), submission, output: None }
}

/// The runner of the builtin executor on the node `n1`.
#[must_use]
pub fn runner() -> Runner {
    Runner { executor_id: ExecutorId::BUILTIN, node_id: Some("n1".to_owned()) }
}

/// A request for a lease; the fencing token is the id of the record of the attempt.
#[must_use]
pub fn lease_request(execution_id: &str) -> LeaseRequest {
    LeaseRequest { fencing_token: execution_id.to_owned(), execution_id: execution_id.to_owned() }
}

/// The states of a job that a runner leases and then runs, one version each.
#[must_use]
pub fn start_attempt(
    submission: &Submission,
    state: &JobState,
    execution_id: &str,
    now: Timestamp,
) -> [JobState; 2] {
    let leased = lease(submission, state, &runner(), lease_request(execution_id), now).unwrap();
    let running = start(&leased, execution_id, now, now).unwrap();
    [leased, running]
}

/// An attempt: its record, and its output where it has one.
#[derive(Clone, Debug)]
pub struct Attempted {
    /// The record; its id is the attempt's fencing token too.
    pub record: Execution,
    /// The output of the job; `None` for an attempt that failed because its policy raised.
    pub output: Option<RawJson>,
}

impl Attempted {
    /// The attempt of this number of a job.
    #[must_use]
    pub fn new(submission: &Submission, number: u64, output: Option<RawJson>) -> Self {
        let uri = submission.policy_rule_uri.to_string();
        let is_done = output.is_some();
        let status = if is_done { ExecutionStatus::Succeeded } else { ExecutionStatus::Failed };
        let error = (!is_done).then(|| Error::new(ErrorKind::PolicyRaised, "it raised X"));
        let record = execution(&submission.workspace, number, &uri, START);
        let record =
            Execution { cause: Cause::Job, status, error, output: output.clone(), ..record };
        Self { record, output }
    }
}

/// The state of a job once this attempt, which its runner holds, is over.
#[must_use]
pub fn complete_attempt(
    submission: &Submission,
    state: &JobState,
    record: &Execution,
    now: Timestamp,
) -> JobState {
    let id = record.execution_id.as_str();
    let ended =
        AttemptEnd { error: record.error.as_ref(), execution_id: Some(id), started_at: Some(now) };
    complete(submission, state, id, &ended, now, 0).unwrap()
}

/// A job of one attempt that ended with this status. `error` is why it failed; a job that failed
/// with [`ErrorKind::ExecutorFault`] was lost by the platform.
///
/// # Panics
/// When a job cannot end so.
#[must_use]
pub fn finished_job(submission: Submission, status: JobStatus, error: Option<ErrorKind>) -> Job {
    let submission = Submission { max_attempts: Some(1), ..submission };
    let now = submission.submitted_at;
    let state = enqueue(&submission);
    let state = lease(&submission, &state, &runner(), lease_request("e1"), now).unwrap();
    let error = error.map(|kind| Error::new(kind, "no"));
    let ended = AttemptEnd { error: error.as_ref(), execution_id: None, started_at: None };
    let state = match status {
        JobStatus::Cancelled => cancel(&submission, &state, "ben", now).unwrap(),
        _ => complete(&submission, &state, "e1", &ended, now, 0).unwrap(),
    };
    assert_eq!(state.job_status, status);
    Job { submission, state, output: None }
}
