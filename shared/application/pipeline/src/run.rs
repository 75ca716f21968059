//! One run of one policy: made ready once, tried until what it keeps is committed.

use std::sync::Arc;

use writ_model::run::{Budget, FailedRun, Outcome};
use writ_model::{
    Cause, ContextSnapshot, Error, ErrorKind, Execution, ExecutionStatus, PolicyUri, RawJson,
};
use writ_ports::{Admission, CommitResult, ContextWrite, Handle, PolicySource, StoredContext};

use crate::load::load;
use crate::mask::masked;
use crate::{Commit, CompiledPolicy, ExecutionRequest, PolicyCache, Ports, errors};

/// Tries of a run whose context other runs change meanwhile: of so many at once, each round lets
/// at least one through.
const TRIES_MAX: u32 = 16;

/// No further try begins after this: a caller waits 25 seconds at most.
const TRYING_US_MAX: u64 = 10_000_000;

/// Whether a run may begin.
#[derive(Clone, Debug)]
pub(crate) enum Verdict {
    /// It may.
    Begin,
    /// It may not, and this is what its record says.
    Refuse(Error),
}

/// A run that is recorded.
#[derive(Clone, Debug)]
pub(crate) struct CommittedRun {
    /// For its caller.
    pub(crate) execution: Execution,
    /// As it was recorded.
    pub(crate) record: Execution,
    /// Whether the policy itself was run.
    pub(crate) has_started: bool,
}

/// A run before it begins.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) prepared: Arc<CompiledPolicy>,
    /// The record so far: failed, until it did not.
    pub(crate) execution: Execution,
    /// What the run reads in place of what is kept: that of an earlier run.
    replay_inputs: Option<StoredContext>,
    budget: Budget,
    mask: Vec<String>,
    /// The monotonic clock at the request.
    ticks: u64,
}

/// What came of one try.
struct AttemptResult {
    execution: Execution,
    /// The context to be committed with the record.
    after: Option<(u64, RawJson)>,
    has_started: bool,
}

impl Run {
    /// Loads the policy that `handle` holds and merges the parameters.
    pub(crate) async fn prepare<P: Ports>(
        source: &impl PolicySource,
        ports: &P,
        policy_cache: &PolicyCache,
        order: ExecutionRequest,
        handle: &Handle,
        ticks: u64,
    ) -> Result<Self, Error> {
        let begun = ports.now();
        let prepared = load(source, handle, policy_cache).await?;
        let parameters = prepared.merge(order.parameters.as_ref())?;
        let overridden = order.parameters.as_ref().map(names).unwrap_or_default();
        let mask = prepared.mask().iter().chain(&order.mask).cloned().collect();
        let keeps = prepared.keeps_state() && order.mgmt_action.is_none();
        let language = prepared.source().language;
        let (policy_time, seed, replay_inputs) = match order.replay_inputs {
            Some(replay_inputs) => {
                (replay_inputs.now, replay_inputs.seed, keeps.then_some(replay_inputs.context))
            }
            None => (begun, ports.seed(), None),
        };
        let execution = Execution {
            execution_id: order.execution_id.unwrap_or_else(|| ports.id(begun)),
            workspace: order.workspace,
            identity: order.identity,
            principal_kind: order.principal_kind,
            on_behalf_of: order.on_behalf_of,
            cause: order.cause,
            parent: order.parent,
            idempotency_key: order.idempotency_key,
            policy_rule_uri: order.policy_rule_uri,
            revision: handle.version,
            digest: handle.digest.clone(),
            source: source.name().to_owned(),
            engine: language,
            engine_version: ports.version(language).to_owned(),
            executor_id: order.executor_id,
            mgmt_action: order.mgmt_action,
            input_data: order.input_data,
            parameters,
            overridden,
            precheck: None,
            context: None,
            started_at: begun,
            policy_time,
            seed,
            status: ExecutionStatus::Failed,
            output: None,
            error: None,
            printed: String::new(),
            masked: Vec::new(),
            duration_us: 0,
            engine_us: 0,
            trace_id: order.trace_id,
        };
        Ok(Self { prepared, execution, replay_inputs, budget: order.budget, mask, ticks })
    }

    /// Asks the limits.
    pub(crate) async fn admit(&self, ports: &impl Ports) -> Result<Admission, Error> {
        let execution = &self.execution;
        let (workspace, policy) = (&execution.workspace, &execution.policy_rule_uri);
        ports.admit(workspace, &execution.identity, policy, &execution.execution_id).await
    }

    /// An order for another policy on behalf of this run.
    pub(crate) fn order(
        &self,
        policy: &PolicyUri,
        cause: Cause,
        input_data: RawJson,
    ) -> ExecutionRequest {
        let own = &self.execution;
        ExecutionRequest {
            on_behalf_of: own.on_behalf_of.clone(),
            executor_id: own.executor_id.clone(),
            cause,
            parent: Some(own.execution_id.clone()),
            trace_id: own.trace_id.clone(),
            ..ExecutionRequest::new(
                own.workspace.clone(),
                own.identity.clone(),
                own.principal_kind.clone(),
                policy.clone(),
                input_data,
            )
        }
    }

    /// Runs and commits. Where another run has changed the context meanwhile, nothing of this one
    /// has happened yet: it runs again on what is there now.
    pub(crate) async fn run_and_commit<P: Ports>(
        &self,
        ports: &P,
        commit: &impl Commit,
        handle: &Handle,
        verdict: Verdict,
    ) -> Result<CommittedRun, Error> {
        if let Verdict::Refuse(error) = verdict {
            return self.finish(ports, commit, self.failed(error)).await;
        }
        let mut printed = String::new();
        for _ in 0..TRIES_MAX {
            let kept = self.kept(ports, handle).await?;
            let attempt_result = self.attempt(ports, kept).await;
            let Some((version, value)) = &attempt_result.after else {
                return self.finish(ports, commit, attempt_result).await;
            };
            let done = self.masked(ports, &attempt_result);
            let write = ContextWrite {
                policy_id: &handle.policy_id,
                uri: &handle.uri,
                version: *version,
                value,
            };
            match commit.commit(&done.record, Some(write)).await? {
                CommitResult::Done => return Ok(done),
                CommitResult::LeaseLost => return Err(lease_lost()),
                CommitResult::PolicyDeleted => {
                    let printed = attempt_result.execution.printed;
                    return self.finish(ports, commit, self.unkept(gone(handle), printed)).await;
                }
                CommitResult::ContextConflict => printed = attempt_result.execution.printed,
            }
            if self.spent_us(ports) > TRYING_US_MAX {
                break;
            }
        }
        self.finish(ports, commit, self.unkept(outrun(), printed)).await
    }

    /// Records what leaves no context behind.
    async fn finish(
        &self,
        ports: &impl Ports,
        commit: &impl Commit,
        attempt_result: AttemptResult,
    ) -> Result<CommittedRun, Error> {
        let done = self.masked(ports, &attempt_result);
        match commit.commit(&done.record, None).await? {
            CommitResult::Done => Ok(done),
            // INVARIANT: without a context, only what the run was made for can have moved.
            CommitResult::LeaseLost
            | CommitResult::ContextConflict
            | CommitResult::PolicyDeleted => Err(lease_lost()),
        }
    }

    fn masked(&self, ports: &impl Ports, attempt_result: &AttemptResult) -> CommittedRun {
        let mut execution = attempt_result.execution.clone();
        execution.duration_us = self.spent_us(ports);
        let record = masked(&execution, &self.mask);
        execution.masked.clone_from(&record.masked);
        CommittedRun { execution, record, has_started: attempt_result.has_started }
    }

    fn spent_us(&self, ports: &impl Ports) -> u64 {
        ports.ticks_us().saturating_sub(self.ticks)
    }

    /// It has not run.
    fn failed(&self, error: Error) -> AttemptResult {
        let execution = Execution { error: Some(error), ..self.execution.clone() };
        AttemptResult { execution, after: None, has_started: false }
    }

    /// It has run, and nothing of it is kept but what it printed.
    fn unkept(&self, error: Error, printed: String) -> AttemptResult {
        let execution = Execution { error: Some(error), printed, ..self.execution.clone() };
        AttemptResult { execution, after: None, has_started: true }
    }

    /// What the policy has kept, where it keeps anything.
    async fn kept(
        &self,
        ports: &impl Ports,
        handle: &Handle,
    ) -> Result<Option<StoredContext>, Error> {
        if self.replay_inputs.is_some() {
            return Ok(self.replay_inputs.clone());
        }
        if !self.prepared.keeps_state() || self.execution.mgmt_action.is_some() {
            return Ok(None);
        }
        ports.get_context(&self.execution.workspace, &handle.policy_id).await.map(Some)
    }

    /// Validates, runs, validates.
    async fn attempt<P: Ports>(&self, ports: &P, kept: Option<StoredContext>) -> AttemptResult {
        let mut execution = self.execution.clone();
        if let Err(error) = self.prepared.check_call(&execution) {
            return self.failed(error);
        }
        let read = kept.as_ref().map(|kept| kept.value.clone());
        let ran = ports
            .evaluate(
                execution.workspace.as_str(),
                self.prepared.source().clone(),
                self.prepared.call(&execution, read),
                self.budget,
            )
            .await;
        execution.context = kept.map(|kept| ContextSnapshot {
            version: kept.version,
            read: kept.value,
            change: writ_model::ContextChange::default(),
        });
        // Whatever becomes of it: somebody who asks why it failed reads what it printed.
        let judged = match ran {
            Ok(mut outcome) => {
                execution.printed = std::mem::take(&mut outcome.printed);
                self.judge(outcome, &execution)
            }
            Err(FailedRun { failure, printed }) => {
                execution.printed = printed;
                Err(errors::to_error(failure))
            }
        };
        match judged {
            Ok((outcome, after)) => {
                execution.status = ExecutionStatus::Succeeded;
                execution.engine_us = outcome.engine_us;
                execution.output = Some(outcome.output);
                if let (Some(seen), Some(change)) = (&mut execution.context, outcome.context) {
                    seen.change = change;
                }
                let after = after.filter(|_| self.replay_inputs.is_none());
                AttemptResult { execution, after, has_started: true }
            }
            Err(error) => {
                let has_started = error.kind != ErrorKind::Unavailable;
                execution.error = Some(error);
                AttemptResult { execution, after: None, has_started }
            }
        }
    }

    /// Holds an outcome against its schema and its context's bound; with it, the context after
    /// the run and the version that it follows, where it has changed.
    fn judge(
        &self,
        outcome: Outcome,
        execution: &Execution,
    ) -> Result<(Outcome, Option<(u64, RawJson)>), Error> {
        if execution.mgmt_action.is_none() {
            self.prepared.check_output(&outcome.output)?;
        }
        let change = outcome.context.as_ref().filter(|change| !change.is_empty());
        let (Some(seen), Some(change)) = (&execution.context, change) else {
            return Ok((outcome, None));
        };
        let after = change.apply(&seen.read).map_err(|bytes| {
            let message = format!(
                "the policy would keep {bytes} bytes in its context, which holds {} at most; \
                 delete keys that are not needed",
                writ_model::CONTEXT_BYTES_MAX
            );
            Error::new(ErrorKind::PolicyContextTooLarge, message)
        })?;
        let version = seen.version;
        Ok((outcome, Some((version, after))))
    }
}

fn gone(handle: &Handle) -> Error {
    let message = format!(
        "`{}` was removed or renamed while it ran, so nothing was kept; send the run again under \
         its present name",
        handle.uri
    );
    Error::new(ErrorKind::Conflict, message)
}

fn lease_lost() -> Error {
    let message = "what this run was made for is somebody else's by now, or over; nothing of the \
                   run is kept";
    Error::new(ErrorKind::Conflict, message)
}

fn outrun() -> Error {
    let message = "other runs of the policy changed its context again and again while this one \
                   ran; nothing was kept, and the run may be sent again";
    Error::new(ErrorKind::Unavailable, message).retry_after(1)
}

/// The names of an object's members.
fn names(object: &RawJson) -> Vec<String> {
    match object.value() {
        serde_json::Value::Object(members) => members.keys().cloned().collect(),
        _ => Vec::new(),
    }
}
