//! A job for tests.

use writ_model::{Cause, ExecutorId, PrincipalKind, RawJson, Submission, Timestamp, Workspace};

pub(crate) fn at(ms: i64) -> Timestamp {
    Timestamp::from_ms(1_790_000_000_000 + ms)
}

pub(crate) fn submission(job_id: &str) -> Submission {
    Submission {
        job_id: job_id.to_owned(),
        workspace: Workspace::default(),
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
