//! `metadata.failure_policy_uri`: another policy that runs once after a failed run.
//!
//! It gets `{"policy_rule_uri", "input", "error", "execution_id"}` as the failed run's record has
//! them: what is masked there is masked here. Its own record is the failed run's child, and nothing
//! follows it. It does not run after a request that never reached the policy (a wrong input, a
//! refusal).

use serde_json::json;
use writ_model::{Cause, Error, ExecutionStatus, RawJson};
use writ_ports::PolicySource;

use crate::run::{CommittedRun, Run};
use crate::{Pipeline, Ports};

impl<S: PolicySource, P: Ports> Pipeline<'_, S, P> {
    /// Runs the failure policy, if there is one and the run has failed.
    ///
    /// # Errors
    /// What kept it from being run or recorded.
    pub(crate) async fn follow(&self, run: &Run, committed: &CommittedRun) -> Result<(), Error> {
        let Some(uri) = run.policy.failure_policy() else { return Ok(()) };
        let record = &committed.record;
        if !committed.has_started || record.status != ExecutionStatus::Failed {
            return Ok(());
        }
        let input = json!({
            "policy_rule_uri": record.policy_rule_uri,
            "input": record.input_data.value(),
            "error": record.error,
            "execution_id": record.execution_id,
        });
        let request = run.request(uri, Cause::Failure, "failure", RawJson::of(&input));
        self.execute_alone(request).await.map(drop)
    }
}
