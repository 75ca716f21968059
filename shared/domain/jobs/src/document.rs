//! The JSON document of a job, as the API returns it.

use serde::Serialize;
use serde_json::json;
use writ_model::{
    Attempt, Callback, Cause, Error, ExecutorId, Job, JobStatus, PolicyUri, PrincipalKind, RawJson,
    Timestamp, Workspace,
};

/// The position of a job in its queue, as far as it was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueuePosition {
    /// The position, from 1 for the next job.
    pub position: usize,
    /// Whether counting stopped at this position, so that the true one may be larger.
    pub is_at_least: bool,
}

/// The document: every field of the job, including the field names of the registry's API.
#[derive(Serialize)]
struct Document<'a> {
    job_id: &'a str,
    name: &'a str,
    job_status: JobStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    position_is_at_least: Option<bool>,
    job_output_data: RawJson,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a Error>,
    node_id: Option<&'a str>,
    executor_id: &'a ExecutorId,
    policy_rule_uri: &'a PolicyUri,
    job_policy_rule_uri: &'a PolicyUri,
    policy_rule_parameters: Option<RawJson>,
    node_selector: Option<&'a RawJson>,
    inputs: RawJson,
    timeout_seconds: u32,
    max_attempts: Option<u32>,
    not_before: Option<Timestamp>,
    priority: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    callback_url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    callback: Option<&'a Callback>,
    execution_id: Option<&'a str>,
    attempts_made: u32,
    attempts: &'a [Attempt],
    round: u32,
    submitted_at: Timestamp,
    ready_at: Timestamp,
    admitted_at: Option<Timestamp>,
    started_at: Option<Timestamp>,
    finished_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lease_expires_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cancelled_by: Option<&'a str>,
    workspace: &'a Workspace,
    identity: &'a str,
    principal_kind: PrincipalKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    on_behalf_of: Option<&'a str>,
    cause: Cause,
    #[serde(skip_serializing_if = "Option::is_none")]
    schedule: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<&'a str>,
}

/// Serialises the job to JSON. Values that were sent keep their bytes, except those that the policy
/// masks.
///
/// # Errors
/// Never fails in practice; the signature of the serialiser is fallible.
pub fn document(job: &Job, position: Option<QueuePosition>) -> Result<String, Error> {
    let Job { submission, state, .. } = job;
    let document = Document {
        job_id: &submission.job_id,
        name: &submission.name,
        job_status: state.job_status,
        position: position.map(|position| position.position),
        position_is_at_least: position.map(|position| position.is_at_least),
        job_output_data: output(job),
        error: state.error.as_ref(),
        node_id: state.node_id.as_deref(),
        executor_id: &submission.executor_id,
        policy_rule_uri: &submission.policy_rule_uri,
        job_policy_rule_uri: &submission.policy_rule_uri,
        policy_rule_parameters: submission
            .policy_rule_parameters
            .as_ref()
            .map(|parameters| masked(parameters, &submission.mask, "/parameters")),
        node_selector: submission.node_selector.as_ref(),
        inputs: masked(&submission.inputs, &submission.mask, "/input_data"),
        timeout_seconds: submission.timeout_seconds,
        max_attempts: submission.max_attempts,
        not_before: submission.not_before,
        priority: submission.priority,
        callback_url: submission.callback_url.as_deref(),
        callback: state.callback.as_ref(),
        execution_id: state.execution_id.as_deref(),
        attempts_made: state.attempts_made,
        attempts: &state.attempts,
        round: state.round,
        submitted_at: submission.submitted_at,
        ready_at: state.ready_at,
        admitted_at: state.admitted_at,
        started_at: state.started_at,
        finished_at: state.finished_at,
        lease_expires_at: state.lease.as_ref().map(|lease| lease.expires_at),
        cancelled_by: state.cancelled_by.as_deref(),
        workspace: &submission.workspace,
        identity: &submission.identity,
        principal_kind: submission.principal_kind,
        on_behalf_of: submission.on_behalf_of.as_deref(),
        cause: submission.cause,
        schedule: submission.schedule.as_deref(),
        trace_id: submission.trace_id.as_deref(),
    };
    serde_json::to_string(&document).map_err(Error::internal)
}

/// Returns the output of a job. That of a failed one is `{"message": ...}`, as in the registry's
/// API.
fn output(job: &Job) -> RawJson {
    match (&job.output, &job.state.error) {
        (Some(output), _) => output.clone(),
        (None, Some(error)) if job.state.job_status.is_final() => {
            RawJson::of(&json!({"message": error.message}))
        }
        _ => RawJson::null(),
    }
}

fn masked(value: &RawJson, mask: &[String], root: &str) -> RawJson {
    let mut value = value.clone();
    value.mask(mask.iter().filter_map(|pointer| pointer.strip_prefix(root)));
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{at, held, submission};
    use crate::{AttemptEnd, complete};
    use writ_model::{ErrorKind, Submission};

    #[test]
    fn what_was_sent_keeps_its_bytes_and_what_is_masked_is_not_shown() {
        let submission = Submission {
            inputs: RawJson::parse(r#"{"ip": 1.0,  "b":2}"#).unwrap(),
            policy_rule_parameters: Some(RawJson::parse(r#"{"key":"secret"}"#).unwrap()),
            mask: vec!["/parameters/key".to_owned(), "/output/x".to_owned()],
            ..submission()
        };
        let job = Job { state: held("f", 0), submission, output: None };
        let text = document(&job, Some(QueuePosition { position: 3, is_at_least: false })).unwrap();
        assert!(text.contains(r#""inputs":{"ip": 1.0,  "b":2}"#), "{text}");
        assert!(text.contains(r#""position":3,"position_is_at_least":false"#), "{text}");
        assert!(!text.contains("secret") && !text.contains("\"f\""), "{text}");
    }

    #[test]
    fn a_failed_job_says_why_where_its_output_would_be() {
        let error = Error::new(ErrorKind::PolicyRaised, "the policy raised X");
        let ended = AttemptEnd { error: Some(&error), execution_id: Some("e"), started_at: None };
        let state = complete(&submission(), &held("f", 0), "f", &ended, at(1), 0).unwrap();
        let job = Job { submission: submission(), state, output: None };
        let text = document(&job, None).unwrap();
        assert!(text.contains(r#""job_output_data":{"message":"the policy raised X"}"#), "{text}");
    }
}
