//! Load, validate, admit, run the pre-check, run, validate, commit, run the failure policy.

use writ_model::{Error, Execution};
use writ_ports::{
    Admit, Clock, ContextStore, Evaluate, Handle, Ids, PolicySource, RecordExecution, ports,
};

use crate::commit::StandaloneCommit;
use crate::run::{CommittedRun, Run, Verdict};
use crate::{Commit, ExecutionRequest, Pipeline};

ports! {
    /// What the pipeline needs apart from a source of policies.
    pub trait Ports = Admit + Clock + ContextStore + Evaluate + Ids + RecordExecution;
}

/// The result of an execution request.
#[derive(Clone, Debug)]
pub struct ExecutionReport {
    /// The run, for its caller: nothing is masked, and `masked` says what the record lacks.
    pub execution: Execution,
    /// The run, as it was recorded.
    pub record: Execution,
    /// What kept the failure policy from running after a failed run. What failed inside the failure
    /// policy stands in its own record.
    pub followup_error: Option<Error>,
}

impl<S: PolicySource, P: Ports> Pipeline<'_, S, P> {
    /// Executes a request and records it, with the pre-check before it and the failure policy after
    /// it that the policy's metadata names.
    ///
    /// # Errors
    /// What kept the run from starting (no such policy, refused by a limit) or from being recorded.
    /// A run that started and failed is a record with an error.
    pub async fn execute(&self, request: ExecutionRequest) -> Result<ExecutionReport, Error> {
        self.execute_for(request, &StandaloneCommit(self.ports)).await
    }

    /// Executes a request as [`Pipeline::execute`] does, for something that is committed together
    /// with the record.
    ///
    /// # Errors
    /// As [`Pipeline::execute`]; [`writ_model::ErrorKind::Conflict`] where what the run was made for
    /// has moved on, so that nothing was committed.
    pub async fn execute_for(
        &self,
        request: ExecutionRequest,
        commit: &impl Commit,
    ) -> Result<ExecutionReport, Error> {
        let ticks = self.ports.ticks_us();
        let handle = self.source.acquire(&request.workspace, &request.policy_rule_uri).await?;
        let result = self.run_with_followup(request, commit, &handle, ticks).await;
        self.source.release(handle).await;
        result
    }

    /// Executes a request and records it: this policy alone, whatever its metadata names.
    ///
    /// # Errors
    /// As [`Pipeline::execute`].
    pub async fn execute_alone(&self, request: ExecutionRequest) -> Result<ExecutionReport, Error> {
        let ticks = self.ports.ticks_us();
        let handle = self.source.acquire(&request.workspace, &request.policy_rule_uri).await?;
        let result = self.run_alone(request, &handle, ticks).await;
        self.source.release(handle).await;
        result
    }

    async fn run_with_followup(
        &self,
        request: ExecutionRequest,
        commit: &impl Commit,
        handle: &Handle,
        ticks: u64,
    ) -> Result<ExecutionReport, Error> {
        let mut run = Run::prepare(self, request, handle, ticks).await?;
        let admission = run.admit(self.ports).await?;
        let verdict = self.precheck(&mut run).await;
        let commit = run.run_and_commit(self.ports, commit, handle, verdict).await;
        self.ports.release(admission).await?;
        let committed = commit?;
        let followup_error = match committed.is_final {
            true => self.follow(&run, &committed).await.err(),
            false => None,
        };
        Ok(ExecutionReport { followup_error, ..ExecutionReport::from(committed) })
    }

    async fn run_alone(
        &self,
        request: ExecutionRequest,
        handle: &Handle,
        ticks: u64,
    ) -> Result<ExecutionReport, Error> {
        let run = Run::prepare(self, request, handle, ticks).await?;
        let admission = run.admit(self.ports).await?;
        let commit = StandaloneCommit(self.ports);
        let committed = run.run_and_commit(self.ports, &commit, handle, Verdict::Begin).await;
        self.ports.release(admission).await?;
        committed.map(ExecutionReport::from)
    }
}

impl From<CommittedRun> for ExecutionReport {
    fn from(run: CommittedRun) -> Self {
        Self { execution: run.execution, record: run.record, followup_error: None }
    }
}

#[cfg(test)]
mod tests;
