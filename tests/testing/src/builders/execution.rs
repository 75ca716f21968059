//! Records of runs.

use writ_model::{
    Cause, Digest, Execution, ExecutionStatus, ExecutorId, Language, PrincipalKind, RawJson,
    Timestamp, Workspace,
};

/// A UUID of version 7 for the run of this number that began at `started_at`: ids sort by time,
/// then by number.
#[must_use]
pub fn execution_id(number: u64, started_at: Timestamp) -> String {
    let ms = started_at.as_ms();
    format!("{:08x}-{:04x}-7000-8000-{number:012x}", ms >> 16, ms & 0xffff)
}

/// The record of a run of `uri`: even numbers succeeded, odd ones failed. Its JSON holds spellings
/// that a parser of numbers would change.
#[must_use]
pub fn execution(
    workspace: &Workspace,
    number: u64,
    uri: &str,
    started_at: Timestamp,
) -> Execution {
    let is_even = number.is_multiple_of(2);
    Execution {
        execution_id: execution_id(number, started_at),
        workspace: workspace.clone(),
        identity: "ada".to_owned(),
        principal_kind: PrincipalKind::Token,
        on_behalf_of: None,
        cause: Cause::Request,
        parent: None,
        idempotency_key: None,
        policy_rule_uri: uri.parse().unwrap(),
        revision: 1,
        digest: Digest::of(b"body"),
        source: "builtin".to_owned(),
        engine: Language::ALL[0],
        engine_version: "1".to_owned(),
        executor_id: ExecutorId::BUILTIN,
        mgmt_action: None,
        input_data: RawJson::parse(r#"{"b": 1.0,  "a": 1e400}"#).unwrap(),
        parameters: RawJson::empty_object(),
        overridden: Vec::new(),
        precheck: None,
        context: None,
        started_at,
        policy_time: started_at,
        seed: number,
        status: if is_even { ExecutionStatus::Succeeded } else { ExecutionStatus::Failed },
        output: Some(RawJson::parse("12345678901234567890.10").unwrap()),
        error: None,
        printed: String::new(),
        masked: Vec::new(),
        duration_us: 1,
        engine_us: 1,
        trace_id: None,
    }
}
