//! `metadata.failure_policy_uri`: another policy that runs once after a failed run.
//!
//! It gets `{"policy_rule_uri", "input", "error", "execution_id"}` as the failed run's record has
//! them: what is masked there is masked here. Its own record is the failed run's child, and nothing
//! follows it. A run that never reached the policy (a wrong input, a refusal) is nothing to follow.

use serde_json::json;
use writ_model::{Cause, Error, ExecutionStatus, RawJson};
use writ_ports::PolicySource;

use crate::run::{CommittedRun, Run};
use crate::{PolicyCache, Ports, execute_alone};

/// Runs the failure policy, if there is one and the run has failed.
///
/// # Errors
/// What kept it from being run or recorded.
pub(crate) async fn follow<P: Ports>(
    source: &impl PolicySource,
    ports: &P,
    policy_cache: &PolicyCache,
    run: &Run,
    done: &CommittedRun,
) -> Result<(), Error> {
    let Some(uri) = run.prepared.failure_policy() else { return Ok(()) };
    if !done.has_started || done.record.status != ExecutionStatus::Failed {
        return Ok(());
    }
    let input = json!({
        "policy_rule_uri": done.record.policy_rule_uri,
        "input": done.record.input_data.value(),
        "error": done.record.error,
        "execution_id": done.record.execution_id,
    });
    let order = run.order(uri, Cause::Failure, RawJson::of(&input));
    execute_alone(source, ports, policy_cache, order).await.map(drop)
}
