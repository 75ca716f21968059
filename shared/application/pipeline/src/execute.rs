//! Load, validate, admit, check before, run, validate, commit, follow a failure.

use writ_model::{Error, Execution};
use writ_ports::{
    Admit, Clock, ContextStore, Evaluate, Handle, Ids, PolicySource, RecordExecution, ports,
};

use crate::commit::StandaloneCommit;
use crate::run::{CommittedRun, Run, Verdict};
use crate::{Commit, ExecutionRequest, PolicyCache, failure, precheck};

ports! {
    /// What the pipeline needs apart from a source of policies.
    pub trait Ports = Admit + Clock + ContextStore + Evaluate + Ids + RecordExecution;
}

/// What came of an order.
#[derive(Clone, Debug)]
pub struct ExecutionReport {
    /// The run, for its caller: nothing is masked, and `masked` says what the record lacks.
    pub execution: Execution,
    /// The run, as it was recorded.
    pub record: Execution,
    /// What kept the failure policy from following a failed run. What went wrong inside it stands
    /// in its own record.
    pub followup_error: Option<Error>,
}

/// Executes an order and records it, with the pre-check before it and the failure policy after it
/// that the policy's metadata names.
///
/// # Errors
/// What kept the run from starting (no such policy, refused by a limit) or from being recorded.
/// A run that started and failed is a record with an error.
pub async fn execute<P: Ports>(
    source: &impl PolicySource,
    ports: &P,
    policy_cache: &PolicyCache,
    order: ExecutionRequest,
) -> Result<ExecutionReport, Error> {
    execute_for(source, ports, policy_cache, order, &StandaloneCommit(ports)).await
}

/// Executes an order as [`execute`] does, for something that is committed together with the record.
///
/// # Errors
/// As [`execute`]; [`writ_model::ErrorKind::Conflict`] where what the run was made for has moved on,
/// so that nothing was committed.
pub async fn execute_for<P: Ports>(
    source: &impl PolicySource,
    ports: &P,
    policy_cache: &PolicyCache,
    order: ExecutionRequest,
    commit: &impl Commit,
) -> Result<ExecutionReport, Error> {
    let ticks = ports.ticks_us();
    let handle = source.acquire(&order.workspace, &order.policy_rule_uri).await?;
    let whole = async {
        let mut run = Run::prepare(source, ports, policy_cache, order, &handle, ticks).await?;
        let admission = run.admit(ports).await?;
        let verdict = precheck::ask(source, ports, policy_cache, &mut run).await;
        let done = run.run_and_commit(ports, commit, &handle, verdict).await;
        ports.release(admission).await?;
        let done = done?;
        let followup_error = match commit.is_followed() {
            true => failure::follow(source, ports, policy_cache, &run, &done).await.err(),
            false => None,
        };
        Ok(ExecutionReport { followup_error, ..ExecutionReport::from(done) })
    };
    let result = whole.await;
    source.release(handle).await;
    result
}

/// Executes an order and records it: this policy alone, whatever its metadata names.
///
/// # Errors
/// As [`execute`].
pub async fn execute_alone<P: Ports>(
    source: &impl PolicySource,
    ports: &P,
    policy_cache: &PolicyCache,
    order: ExecutionRequest,
) -> Result<ExecutionReport, Error> {
    let ticks = ports.ticks_us();
    let handle = source.acquire(&order.workspace, &order.policy_rule_uri).await?;
    let result = alone(source, ports, policy_cache, order, &handle, ticks).await;
    source.release(handle).await;
    result
}

async fn alone<P: Ports>(
    source: &impl PolicySource,
    ports: &P,
    policy_cache: &PolicyCache,
    order: ExecutionRequest,
    handle: &Handle,
    ticks: u64,
) -> Result<ExecutionReport, Error> {
    let run = Run::prepare(source, ports, policy_cache, order, handle, ticks).await?;
    let admission = run.admit(ports).await?;
    let done = run.run_and_commit(ports, &StandaloneCommit(ports), handle, Verdict::Begin).await;
    ports.release(admission).await?;
    done.map(ExecutionReport::from)
}

impl From<CommittedRun> for ExecutionReport {
    fn from(done: CommittedRun) -> Self {
        Self { execution: done.execution, record: done.record, followup_error: None }
    }
}

#[cfg(test)]
mod tests;
