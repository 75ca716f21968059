//! A job for the tests of this crate.

use writ_model::{Cause, ExecutorId, JobState, PrincipalKind, RawJson, Submission, Timestamp};

use crate::{LeaseRequest, Runner, enqueue, lease};

pub(crate) fn at(ms: i64) -> Timestamp {
    Timestamp::from_ms(1_790_000_000_000 + ms)
}

pub(crate) fn submission() -> Submission {
    Submission {
        job_id: "j1".to_owned(),
        workspace: "default".parse().unwrap(),
        name: "check".to_owned(),
        executor_id: ExecutorId::BUILTIN,
        policy_rule_uri: "a:1-x".parse().unwrap(),
        policy_rule_parameters: None,
        node_selector: None,
        inputs: RawJson::empty_object(),
        timeout_seconds: 60,
        max_attempts: None,
        not_before: None,
        priority: 5,
        callback_url: None,
        identity: "ana".to_owned(),
        principal_kind: PrincipalKind::Local,
        on_behalf_of: None,
        cause: Cause::Request,
        schedule: None,
        mask: Vec::new(),
        idempotency_key: None,
        trace_id: None,
        submitted_at: at(0),
    }
}

pub(crate) fn runner() -> Runner {
    Runner { executor_id: ExecutorId::BUILTIN, node_id: Some("n1".to_owned()) }
}

pub(crate) fn lease_request(fencing_token: &str) -> LeaseRequest {
    LeaseRequest { fencing_token: fencing_token.to_owned(), execution_id: "e1".to_owned() }
}

/// A job with a lease since `since`.
pub(crate) fn held(fencing_token: &str, since: i64) -> JobState {
    lease(
        &submission(),
        &enqueue(&submission()),
        &runner(),
        lease_request(fencing_token),
        at(since),
    )
    .unwrap()
}
