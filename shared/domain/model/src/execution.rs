//! Execution records: the decision log, with all data that a replay needs.

use serde::{Deserialize, Deserializer, Serialize};

use crate::{
    ContextChange, Digest, Error, ExecutorId, Language, PolicyUri, PrincipalKind, RawJson,
    Timestamp, Workspace,
};

/// The trigger of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// A request started the run.
    Request,
    /// A replay of an earlier execution.
    Replay,
    /// The pre-check of another run: that run's policy names this one in `precheck_policy_uri`.
    Precheck,
    /// A runner executed a job.
    Job,
    /// A schedule fired and started the run.
    Schedule,
    /// The failure handler of another run: that run's policy names this one in
    /// `failure_policy_uri`.
    Failure,
}

/// The final status of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExecutionStatus {
    /// The policy returned an output that conforms to its schema.
    Succeeded,
    /// The run ended with an error.
    Failed,
}

/// The result of a pre-check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Precheck {
    /// The id of the pre-check's own execution record; `None` where none was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution_id: Option<String>,
    /// Whether the pre-check replaced the input. The original input is in the pre-check's own
    /// record.
    pub rewrote: bool,
}

/// The context that one run read, and the change that it made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContextSnapshot {
    /// The version that the run read; 0 where no context has been stored yet.
    pub version: u64,
    /// The context that the run read: a JSON object.
    pub read: RawJson,
    /// The change that the run made; empty where the run failed.
    pub change: ContextChange,
}

/// The record of one run of one policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Execution {
    /// The id of the execution: a UUID of version 7, which sorts by time.
    pub execution_id: String,
    /// The workspace that the execution belongs to.
    pub workspace: Workspace,
    /// The subject of the caller.
    pub identity: String,
    /// What kind of principal called: `token` or `local`.
    pub principal_kind: PrincipalKind,
    /// The subject that the caller acted on behalf of; `None` where it named none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_behalf_of: Option<String>,
    /// The trigger of the run.
    pub cause: Cause,
    /// The id of the execution that this one replays, pre-checks or handles the failure of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// The `Idempotency-Key` header of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
    /// The URI of the policy.
    pub policy_rule_uri: PolicyUri,
    /// The revision of the policy, from 1.
    pub revision: u64,
    /// SHA-256 of that revision's stored body.
    pub digest: Digest,
    /// The registry that the policy came from: `builtin` for this platform's own.
    pub source: String,
    /// The language of the policy, and so the engine.
    pub engine: Language,
    /// The release of that engine.
    pub engine_version: String,
    /// Which executor ran it.
    pub executor_id: ExecutorId,
    /// The management command, where the run is one: `input_data` is its argument.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mgmt_action: Option<String>,
    /// The input of the policy: as sent, unless a pre-check replaced it.
    pub input_data: RawJson,
    /// The stored parameters, overridden member by member (not recursively) by the caller's.
    pub parameters: RawJson,
    /// The names of the parameters that the caller overrode.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overridden: Vec<String>,
    /// The result of the policy's pre-check; `None` for a policy without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub precheck: Option<Precheck>,
    /// The context that the run read and changed; `None` for a stateless policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<ContextSnapshot>,
    /// The time at which the run started.
    pub started_at: Timestamp,
    /// The current time as the policy saw it. A replay uses that of the original run.
    pub policy_time: Timestamp,
    /// The seed of the policy's random numbers.
    pub seed: u64,
    /// The final status of the run.
    pub status: ExecutionStatus,
    /// The output of the policy; `null` is an output. `None` where the run failed.
    #[serde(
        default,
        deserialize_with = "deserialize_present",
        skip_serializing_if = "Option::is_none"
    )]
    pub output: Option<RawJson>,
    /// The error; `None` where the run succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
    /// The text that the policy printed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub printed: String,
    /// JSON Pointers into this record to the values that were masked by the policy's
    /// `metadata.mask`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub masked: Vec<String>,
    /// Microseconds from the request to the end of the run.
    pub duration_us: u64,
    /// Microseconds of that inside the engine.
    pub engine_us: u64,
    /// The W3C trace id of the request; `None` where it carried none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
}

/// Keeps a member that is present as a value, `null` included: `Option` alone would read `null` as
/// `None`.
fn deserialize_present<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<RawJson>, D::Error> {
    RawJson::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_of_null_is_still_an_output_when_the_record_is_read() {
        let record = serde_json::json!({
            "execution_id": "1", "workspace": "default", "identity": "a", "principal_kind": "local",
            "cause": "request", "policy_rule_uri": "a:1-x", "revision": 1, "digest": "d",
            "source": "builtin", "engine": "rego", "engine_version": "v", "executor_id": "builtin",
            "input_data": {}, "parameters": {}, "started_at": "2026-01-31T09:30:00Z", "policy_time": "2026-01-31T09:30:00Z", "seed": 1,
            "status": "succeeded", "output": null, "duration_us": 1, "engine_us": 1,
        });
        let execution: Execution = serde_json::from_str(&record.to_string()).unwrap();
        assert_eq!(execution.output, Some(RawJson::null()));
        let text = serde_json::to_string(&execution).unwrap();
        assert_eq!(serde_json::from_str::<Execution>(&text).unwrap(), execution);
    }
}
