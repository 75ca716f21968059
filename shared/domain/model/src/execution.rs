//! The record that every run leaves: the decision log, and enough to run the same again.

use serde::{Deserialize, Deserializer, Serialize};

use crate::{ContextChange, Digest, Error, Language, PolicyUri, RawJson, Timestamp, Workspace};

/// Why a run happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Somebody asked for it.
    Request,
    /// An earlier record was run again.
    Replay,
    /// Another run was about to begin, and its policy's `precheck_policy_uri` names this one.
    Precheck,
    /// A job came to its turn.
    Job,
    /// A schedule's time had come.
    Schedule,
    /// Another run failed, and its policy's `failure_policy_uri` names this one.
    Failure,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExecutionStatus {
    /// There is an output, and it fits its schema.
    Succeeded,
    /// There is an error.
    Failed,
}

/// What came of the pre-check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Precheck {
    /// Its own record, where it got as far as that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution_id: Option<String>,
    /// Whether the input is another one than was sent; that one is the pre-check's own input.
    pub rewrote: bool,
}

/// A context as one run saw and left it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContextSeen {
    /// Which version of it was read; 0 while nothing was ever kept.
    pub version: u64,
    /// What was read: an object.
    pub read: RawJson,
    /// What the run changed; nothing where it failed.
    pub change: ContextChange,
}

/// One run of one policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Execution {
    /// UUID, version 7: sorts by time.
    pub execution_id: String,
    /// Whose run it is.
    pub workspace: Workspace,
    /// The caller's subject.
    pub identity: String,
    /// What kind of principal called: `token` or `local`.
    pub principal_kind: String,
    /// For whom the caller acted, where it said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_behalf_of: Option<String>,
    /// Why it happened.
    pub cause: Cause,
    /// The execution that this one repeats, checks or follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// The caller's `Idempotency-Key`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
    /// Which policy.
    pub policy_rule_uri: PolicyUri,
    /// Which revision of it, from 1.
    pub revision: u64,
    /// SHA-256 of that revision's stored body.
    pub digest: Digest,
    /// Where the policy came from: `builtin` for this platform's own registry.
    pub source: String,
    /// Which language ran it.
    pub engine: Language,
    /// Which release of that engine.
    pub engine_version: String,
    /// Which executor ran it.
    pub executor_id: String,
    /// The management command, where the run is one: `input_data` is its argument.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mgmt_action: Option<String>,
    /// What the policy got: the input as sent, unless a pre-check rewrote it.
    pub input_data: RawJson,
    /// The stored parameters, shallowly overridden by the caller's.
    pub parameters: RawJson,
    /// Which of them are the caller's, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overridden: Vec<String>,
    /// The run that let this one begin, or refused it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub precheck: Option<Precheck>,
    /// What the policy had kept and what this run changed, where it keeps anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<ContextSeen>,
    /// When it began.
    pub started_at: Timestamp,
    /// The time that the policy saw: that of the first run where it is repeated.
    pub policy_time: Timestamp,
    /// The seed of every random number that the policy drew.
    pub seed: u64,
    /// How it ended.
    pub status: ExecutionStatus,
    /// What the policy returned; `null` is an output.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub output: Option<RawJson>,
    /// Why there is no output.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
    /// What the policy printed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub printed: String,
    /// JSON Pointers into this record whose values were masked, by the policy's `metadata.mask`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub masked: Vec<String>,
    /// Microseconds from the request to the end of the run.
    pub duration_us: u64,
    /// Microseconds of that inside the engine.
    pub engine_us: u64,
    /// W3C trace id of the request, where it carried one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
}

/// A member that is there is a value, `null` included.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<RawJson>, D::Error> {
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
