//! Load, validate, admit, run the pre-check, run, validate, commit, run the failure policy.

use writ_model::{DerivedId, Error, ErrorKind, Execution, Workspace};
use writ_ports::{
    Admit, Clock, ContextStore, Evaluate, GetExecution, Handle, Ids, PolicySource, RecordExecution,
    ports,
};

use crate::commit::StandaloneCommit;
use crate::run::{CommittedRun, Run, Verdict};
use crate::{Commit, ExecutionRequest, Pipeline};

ports! {
    /// What the pipeline needs apart from a source of policies.
    pub trait Ports = Admit + Clock + ContextStore + Evaluate + GetExecution + Ids + RecordExecution;
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
    /// Whether an earlier request with the same idempotency key made the run, and `execution` is its
    /// record, without what is masked there.
    pub is_stored: bool,
}

impl<S: PolicySource, P: Ports> Pipeline<'_, S, P> {
    /// Executes a request and records it, with the pre-check before it and the failure policy after
    /// it that the policy's metadata names.
    ///
    /// # Errors
    /// What kept the run from starting (no such policy, refused by a limit) or from being recorded.
    /// A run that started and failed is a record with an error.
    pub async fn execute(&self, request: ExecutionRequest) -> Result<ExecutionReport, Error> {
        let identity = RunIdentity::of(&request);
        if let Some(report) = self.find_earlier_run(identity.as_ref()).await? {
            return Ok(report);
        }
        let result = self.execute_for(request, &StandaloneCommit(self.ports)).await;
        self.resolve_conflict(identity.as_ref(), result).await
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
        let identity = RunIdentity::of(&request);
        if let Some(report) = self.find_earlier_run(identity.as_ref()).await? {
            return Ok(report);
        }
        let ticks = self.ports.ticks_us();
        let handle = self.source.acquire(&request.workspace, &request.policy_rule_uri).await?;
        let result = self.run_alone(request, &handle, ticks).await;
        self.source.release(handle).await;
        self.resolve_conflict(identity.as_ref(), result).await
    }

    /// The run that an earlier request with the same idempotency key made, as it is recorded. It is
    /// looked for first, since the policy may be another one by now, or gone.
    async fn find_earlier_run(
        &self,
        identity: Option<&RunIdentity>,
    ) -> Result<Option<ExecutionReport>, Error> {
        match identity.filter(|identity| identity.derived_id.is_retry) {
            Some(identity) => self.find_recorded(identity).await,
            None => Ok(None),
        }
    }

    /// The result of a run, or the recorded run of another request with the same idempotency key that
    /// was committed first: then this one has had no effect.
    async fn resolve_conflict(
        &self,
        identity: Option<&RunIdentity>,
        result: Result<ExecutionReport, Error>,
    ) -> Result<ExecutionReport, Error> {
        match (identity, result) {
            (Some(identity), Err(error)) if error.kind == ErrorKind::Conflict => {
                self.find_recorded(identity).await?.ok_or(error)
            }
            (_, result) => result,
        }
    }

    async fn find_recorded(
        &self,
        identity: &RunIdentity,
    ) -> Result<Option<ExecutionReport>, Error> {
        let id = &identity.derived_id.id;
        let record = self.ports.get_execution(&identity.workspace, id).await?;
        Ok(record.map(|record| ExecutionReport {
            execution: record.clone(),
            record,
            followup_error: None,
            is_stored: true,
        }))
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
        let CommittedRun { execution, record, .. } = run;
        Self { execution, record, followup_error: None, is_stored: false }
    }
}

/// What all requests with an idempotency key have in common.
struct RunIdentity {
    workspace: Workspace,
    derived_id: DerivedId,
}

impl RunIdentity {
    fn of(request: &ExecutionRequest) -> Option<Self> {
        let derived_id = request.derived_id.clone()?;
        Some(Self { workspace: request.workspace.clone(), derived_id })
    }
}

#[cfg(test)]
mod tests;
