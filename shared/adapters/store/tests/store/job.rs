//! Jobs for tests, and the steps of their lives.

use serde_json::{Value, json};
use writ_jobs::{AttemptEnd, LeaseRequest, Runner, complete, enqueue, lease, start};
use writ_model::{
    Cause, Error, ErrorKind, Execution, ExecutionStatus, Job, JobState, RawJson, Submission,
    Timestamp, Workspace,
};
use writ_ports::{ChangeJob, CommitResult, CompleteJob, GetJob, JobCompletion, PutJob};
use writ_store::Store;
use writ_testing::builders;

use crate::fixture::execution;

pub(crate) const START: i64 = 1_790_000_000_000;

pub(crate) fn at(ms: i64) -> Timestamp {
    Timestamp::from_ms(START + ms)
}

/// A job that is submitted `number` milliseconds after the start.
pub(crate) fn submission(home: &Workspace, number: u64) -> Submission {
    let job_id = format!("01999999-0000-7000-8000-{number:012x}");
    Submission {
        name: format!("check {number}"),
        identity: "ada".to_owned(),
        submitted_at: at(i64::try_from(number).unwrap()),
        ..builders::submission(home, &job_id)
    }
}

pub(crate) async fn put(store: &Store, submission: &Submission) -> JobState {
    let state = enqueue(submission);
    store.put_job(submission, &state).await.unwrap();
    state
}

pub(crate) async fn get(store: &Store, submission: &Submission) -> Job {
    store.get_job(&submission.workspace, &submission.job_id).await.unwrap().unwrap()
}

pub(crate) fn runner() -> Runner {
    Runner { executor_id: writ_model::ExecutorId::BUILTIN, node_id: Some("n1".to_owned()) }
}

/// The request of a runner for a lease; its fencing token is the id of the attempt's record as
/// well.
pub(crate) fn lease_request(execution_id: &str) -> LeaseRequest {
    LeaseRequest { fencing_token: execution_id.to_owned(), execution_id: execution_id.to_owned() }
}

/// Leases the job to a runner and starts it.
pub(crate) async fn run(
    store: &Store,
    submission: &Submission,
    state: &JobState,
    execution_id: &str,
    now: Timestamp,
) -> JobState {
    let state = lease(submission, state, &runner(), lease_request(execution_id), now).unwrap();
    assert!(store.change_job(submission, &state).await.unwrap());
    let state = start(&state, execution_id, now, now).unwrap();
    assert!(store.change_job(submission, &state).await.unwrap());
    state
}

/// The record of an attempt, with an output, or with an error where there is none.
pub(crate) fn record(submission: &Submission, number: u64, output: Option<&Value>) -> Execution {
    let uri = submission.policy_rule_uri.to_string();
    let record = execution(&submission.workspace, number, &uri, START);
    Execution {
        cause: Cause::Job,
        status: match output {
            Some(_) => ExecutionStatus::Succeeded,
            None => ExecutionStatus::Failed,
        },
        error: output.is_none().then(|| Error::new(ErrorKind::PolicyRaised, "it raised X")),
        output: output.map(RawJson::of),
        ..record
    }
}

/// The state of the job after the attempt of this record.
pub(crate) fn after(
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

/// Commits the end of the attempt of this record.
pub(crate) async fn end(
    store: &Store,
    submission: &Submission,
    state: &JobState,
    record: &Execution,
) -> Result<CommitResult, Error> {
    let output = record.output.as_ref();
    store.complete_job(JobCompletion { submission, state, output, record, context: None }).await
}

/// Submits a job and runs it to its end.
pub(crate) async fn over(
    store: &Store,
    submission: &Submission,
    number: u64,
    output: Option<&Value>,
    now: Timestamp,
) -> JobState {
    let state = put(store, submission).await;
    let record = record(submission, number, output);
    let state = run(store, submission, &state, &record.execution_id, now).await;
    let state = after(submission, &state, &record, now);
    assert_eq!(
        end(store, submission, &state, &record).await,
        Ok(CommitResult::Done { is_final: true })
    );
    state
}

/// The numbers of the submissions that these documents belong to.
pub(crate) fn numbers(items: &[String]) -> Vec<u64> {
    let number = |item: &String| {
        let document: Value = serde_json::from_str(item).unwrap();
        let id = document["job_id"].as_str().unwrap();
        u64::from_str_radix(&id[id.len() - 12..], 16).unwrap()
    };
    items.iter().map(number).collect()
}

/// A JSON string of this many bytes.
pub(crate) fn long(bytes: usize) -> Value {
    json!({ "text": "é".repeat(bytes / 2) })
}
