//! One run of one policy: prepared once, attempted until its context is committed.

use std::sync::Arc;

use writ_model::run::{Budget, FailedRun, Failure, Outcome};
use writ_model::{
    Cause, ContextSnapshot, DerivedId, Error, ErrorKind, Execution, ExecutionStatus, PolicyUri,
    RawJson,
};
use writ_ports::{Admission, CommitResult, ContextWrite, Handle, PolicySource, StoredContext};

use crate::mask::mask_record;
use crate::{Commit, CompiledPolicy, ExecutionRequest, Pipeline, Ports, errors};

/// Attempts of a run while other runs change its context: of so many at the same time, each round
/// lets at least one commit.
const ATTEMPTS_MAX: u32 = 16;

/// No further attempt begins after this: a caller waits 25 seconds at most.
const ATTEMPTING_US_MAX: u64 = 10_000_000;

/// The decision whether a run may begin.
#[derive(Clone, Debug)]
pub(crate) enum Verdict {
    Begin,
    /// The run is recorded as failed with this error, and the policy is not run.
    Refuse(Error),
}

/// A run that is recorded.
#[derive(Clone, Debug)]
pub(crate) struct CommittedRun {
    /// The run as its caller sees it.
    pub(crate) execution: Execution,
    /// The run as it was recorded.
    pub(crate) record: Execution,
    /// Whether the policy itself was run.
    pub(crate) has_started: bool,
    /// Whether no further attempt follows, as the commit says.
    pub(crate) is_final: bool,
}

/// A run before it begins.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) policy: Arc<CompiledPolicy>,
    /// The record so far. Its status is failed until an attempt succeeds.
    pub(crate) execution: Execution,
    /// The context of an earlier run, which this run reads in place of the stored one.
    replay_context: Option<StoredContext>,
    budget: Budget,
    /// JSON Pointers to what the record does not hold.
    pub(crate) mask: Vec<String>,
    /// The id by the idempotency key of the caller's request, which the runs around this one have
    /// theirs from.
    pub(crate) derived_id: Option<DerivedId>,
    /// The monotonic clock at the request, in microseconds.
    ticks: u64,
}

/// The result of one attempt, before it is committed.
struct AttemptResult {
    execution: Execution,
    /// The context to be committed with the record, and the version that it follows.
    new_context: Option<(u64, RawJson)>,
    has_started: bool,
}

impl Run {
    /// Loads the policy that `handle` holds and merges the parameters.
    pub(crate) async fn prepare<S: PolicySource, P: Ports>(
        pipeline: &Pipeline<'_, S, P>,
        request: ExecutionRequest,
        handle: &Handle,
        ticks: u64,
    ) -> Result<Self, Error> {
        let ports = pipeline.ports;
        let started_at = ports.now();
        let policy = pipeline.compile(handle).await?;
        let parameters = policy.merge(request.parameters.as_ref())?;
        let overridden = request.parameters.as_ref().map(names).unwrap_or_default();
        let mut mask = policy.mask().to_vec();
        for pointer in request.mask {
            if !mask.contains(&pointer) {
                mask.push(pointer);
            }
        }
        let has_context = policy.has_context() && request.mgmt_action.is_none();
        let language = policy.source().language;
        let (policy_time, seed, replay_context) = match request.replay_inputs {
            Some(inputs) => (inputs.now, inputs.seed, has_context.then_some(inputs.context)),
            None => (started_at, ports.seed(), None),
        };
        let execution = Execution {
            execution_id: request
                .derived_id
                .as_ref()
                .map(|derived| derived.id.clone())
                .or(request.execution_id)
                .unwrap_or_else(|| ports.id(started_at)),
            workspace: request.workspace,
            identity: request.identity,
            principal_kind: request.principal_kind,
            on_behalf_of: request.on_behalf_of,
            cause: request.cause,
            parent: request.parent,
            idempotency_key: request.idempotency_key,
            policy_rule_uri: request.policy_rule_uri,
            revision: handle.revision,
            digest: handle.digest.clone(),
            source: pipeline.source.name().to_owned(),
            engine: language,
            engine_version: ports.version(language).to_owned(),
            executor_id: request.executor_id,
            mgmt_action: request.mgmt_action,
            input_data: request.input_data,
            parameters,
            overridden,
            precheck: None,
            context: None,
            started_at,
            policy_time,
            seed,
            status: ExecutionStatus::Failed,
            output: None,
            error: None,
            printed: String::new(),
            masked: Vec::new(),
            duration_us: 0,
            engine_us: 0,
            trace_id: request.trace_id,
        };
        let (budget, derived_id) = (request.budget, request.derived_id);
        Ok(Self { policy, execution, replay_context, budget, mask, derived_id, ticks })
    }

    /// Admits the run, or refuses it by a limit.
    pub(crate) async fn admit(&self, ports: &impl Ports) -> Result<Admission, Error> {
        let execution = &self.execution;
        let (workspace, policy) = (&execution.workspace, &execution.policy_rule_uri);
        ports.admit(workspace, &execution.identity, policy, &execution.execution_id).await
    }

    /// A request for another policy on behalf of this run. `purpose` tells it from the others: each
    /// has one at most.
    pub(crate) fn request(
        &self,
        policy: &PolicyUri,
        cause: Cause,
        purpose: &str,
        input_data: RawJson,
    ) -> ExecutionRequest {
        let own = &self.execution;
        ExecutionRequest {
            derived_id: self.derived_id.as_ref().map(|derived| derived.child(purpose)),
            on_behalf_of: own.on_behalf_of.clone(),
            executor_id: own.executor_id.clone(),
            cause,
            parent: Some(own.execution_id.clone()),
            trace_id: own.trace_id.clone(),
            ..ExecutionRequest::new(
                own.workspace.clone(),
                own.identity.clone(),
                own.principal_kind,
                policy.clone(),
                input_data,
            )
        }
    }

    /// Runs and commits. Where another run has changed the context at the same time, this one has had
    /// no effect yet, and runs again on the context as it is then.
    pub(crate) async fn run_and_commit<P: Ports>(
        &self,
        ports: &P,
        commit: &impl Commit,
        handle: &Handle,
        verdict: Verdict,
    ) -> Result<CommittedRun, Error> {
        if let Verdict::Refuse(error) = verdict {
            return self.finish(ports, commit, self.not_started(error)).await;
        }
        let mut printed = String::new();
        for _ in 0..ATTEMPTS_MAX {
            let context = self.context(ports, handle).await?;
            let attempt = self.attempt(ports, context).await;
            let Some((version, value)) = &attempt.new_context else {
                return self.finish(ports, commit, attempt).await;
            };
            let run = self.mask(ports, &attempt);
            let write = ContextWrite {
                policy_id: &handle.policy_id,
                uri: &handle.uri,
                version: *version,
                value,
            };
            match commit.commit(&run.record, Some(write)).await? {
                CommitResult::Done { is_final } => return Ok(CommittedRun { is_final, ..run }),
                CommitResult::LeaseLost => return Err(lease_lost()),
                CommitResult::PolicyDeleted => {
                    let error = policy_deleted(handle);
                    let attempt = self.discard(error, attempt.execution.printed);
                    return self.finish(ports, commit, attempt).await;
                }
                CommitResult::ContextConflict => printed = attempt.execution.printed,
            }
            if self.elapsed_us(ports) > ATTEMPTING_US_MAX {
                break;
            }
        }
        self.finish(ports, commit, self.discard(context_contended(), printed)).await
    }

    /// Records an attempt that changes no context.
    async fn finish(
        &self,
        ports: &impl Ports,
        commit: &impl Commit,
        attempt: AttemptResult,
    ) -> Result<CommittedRun, Error> {
        let run = self.mask(ports, &attempt);
        match commit.commit(&run.record, None).await? {
            CommitResult::Done { is_final } => Ok(CommittedRun { is_final, ..run }),
            // INVARIANT: without a context, only what the run was made for can have moved.
            CommitResult::LeaseLost
            | CommitResult::ContextConflict
            | CommitResult::PolicyDeleted => Err(lease_lost()),
        }
    }

    /// The run as it will be recorded, until the commit says more.
    fn mask(&self, ports: &impl Ports, attempt: &AttemptResult) -> CommittedRun {
        let mut execution = attempt.execution.clone();
        execution.duration_us = self.elapsed_us(ports);
        let record = mask_record(&execution, &self.mask);
        execution.masked.clone_from(&record.masked);
        CommittedRun { execution, record, has_started: attempt.has_started, is_final: false }
    }

    fn elapsed_us(&self, ports: &impl Ports) -> u64 {
        ports.ticks_us().saturating_sub(self.ticks)
    }

    /// The result of a run that did not start its policy.
    fn not_started(&self, error: Error) -> AttemptResult {
        let execution = Execution { error: Some(error), ..self.execution.clone() };
        AttemptResult { execution, new_context: None, has_started: false }
    }

    /// The result of a run of which only the printed text is recorded.
    fn discard(&self, error: Error, printed: String) -> AttemptResult {
        let execution = Execution { error: Some(error), printed, ..self.execution.clone() };
        AttemptResult { execution, new_context: None, has_started: true }
    }

    /// The context that the policy reads; `None` where it has none.
    async fn context(
        &self,
        ports: &impl Ports,
        handle: &Handle,
    ) -> Result<Option<StoredContext>, Error> {
        if self.replay_context.is_some() {
            return Ok(self.replay_context.clone());
        }
        if !self.policy.has_context() || self.execution.mgmt_action.is_some() {
            return Ok(None);
        }
        ports.get_context(&self.execution.workspace, &handle.policy_id).await.map(Some)
    }

    /// Validates the input, runs the policy and validates its output, in one call of the engine.
    async fn attempt<P: Ports>(&self, ports: &P, context: Option<StoredContext>) -> AttemptResult {
        let mut execution = self.execution.clone();
        if let Err(error) = self.policy.refuse_unknown_command(&execution) {
            return self.not_started(error);
        }
        let read = context.as_ref().map(|context| context.value.clone());
        let evaluation = ports
            .evaluate(
                execution.workspace.as_str(),
                self.policy.source().clone(),
                self.policy.call(&execution, read),
                self.budget,
            )
            .await;
        if let Err(FailedRun { failure, .. }) = &evaluation
            && has_not_started(failure)
        {
            return self.not_started(errors::to_error(failure.clone()));
        }
        execution.context = context.map(|context| ContextSnapshot {
            version: context.version,
            read: context.value,
            change: writ_model::ContextChange::default(),
        });
        // Whether the run succeeds or not: the printed text explains a failure.
        let result = match evaluation {
            Ok(mut outcome) => {
                execution.printed = std::mem::take(&mut outcome.printed);
                bound_context(outcome, &execution)
            }
            Err(FailedRun { failure, printed }) => {
                execution.printed = printed;
                Err(errors::to_error(failure))
            }
        };
        match result {
            Ok((outcome, new_context)) => {
                execution.status = ExecutionStatus::Succeeded;
                execution.engine_us = outcome.engine_us;
                execution.output = Some(outcome.output);
                if let (Some(seen), Some(change)) = (&mut execution.context, outcome.context) {
                    seen.change = change;
                }
                let new_context = new_context.filter(|_| self.replay_context.is_none());
                AttemptResult { execution, new_context, has_started: true }
            }
            Err(error) => {
                let has_started = error.kind != ErrorKind::Unavailable;
                execution.error = Some(error);
                AttemptResult { execution, new_context: None, has_started }
            }
        }
    }
}

/// Whether a run failed before its policy was called: nothing that it reads was used.
fn has_not_started(failure: &Failure) -> bool {
    matches!(failure, Failure::InvalidInput(_) | Failure::Schema { .. })
}

/// Validates an outcome against its context's bound. With it come the context after the run and the
/// version that it follows, where the context has changed.
fn bound_context(
    outcome: Outcome,
    execution: &Execution,
) -> Result<(Outcome, Option<(u64, RawJson)>), Error> {
    let change = outcome.context.as_ref().filter(|change| !change.is_empty());
    let (Some(seen), Some(change)) = (&execution.context, change) else {
        return Ok((outcome, None));
    };
    let new_context = change.apply(&seen.read).map_err(|bytes| {
        let message = format!(
            "the policy would keep {bytes} bytes in its context, which holds {} at most; \
             delete keys that are not needed",
            writ_model::CONTEXT_BYTES_MAX
        );
        Error::new(ErrorKind::PolicyContextTooLarge, message)
    })?;
    let version = seen.version;
    Ok((outcome, Some((version, new_context))))
}

fn policy_deleted(handle: &Handle) -> Error {
    let message = format!(
        "`{}` was removed or renamed while it ran, so nothing was kept; send the run again under \
         its present name",
        handle.uri
    );
    Error::new(ErrorKind::Conflict, message)
}

fn lease_lost() -> Error {
    let message = "another runner has taken over what this run was made for, or it is over; \
                   nothing of the run is kept";
    Error::new(ErrorKind::Conflict, message)
}

fn context_contended() -> Error {
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
