//! Running a record again: same bytes, or what differs.

use writ_model::{
    Cause, DerivedId, Error, ErrorKind, Execution, PolicyUri, PrincipalKind, Workspace,
};
use writ_ports::{GetBody, GetExecution, Handle, PolicySource, Projection, StoredContext, ports};

use crate::{ExecutionReport, ExecutionRequest, Pipeline, Ports, ReplayInputs};

/// A request to run a record again.
#[derive(Clone, Debug)]
pub struct ReplayRequest {
    /// The workspace that the record belongs to.
    pub workspace: Workspace,
    /// The id of the record to run again.
    pub execution_id: String,
    /// The subject of the caller that asks for it.
    pub identity: String,
    /// How that caller was authenticated.
    pub principal_kind: PrincipalKind,
    /// The id of the second run's record by the idempotency key of the caller's request; `None` for
    /// a new one.
    pub derived_id: Option<DerivedId>,
}

/// How a second run compares with the first.
#[derive(Clone, Debug)]
pub struct ReplayReport {
    /// The second run's record.
    pub execution: Execution,
    /// What differs: nothing where the runs are the same, byte for byte.
    pub differences: Vec<String>,
}

ports! {
    /// What the pipeline needs to run a record again.
    pub trait ReplayPorts = GetBody + GetExecution + Ports;
}

impl<S, P: ReplayPorts> Pipeline<'_, S, P> {
    /// Runs the record again on the revision, input, parameters, time and seed of the first run,
    /// whatever the pipeline's source has under its URI now.
    ///
    /// # Errors
    /// No such record; a record that cannot be run again, and why; what kept the run from starting.
    pub async fn replay(&self, request: ReplayRequest) -> Result<ReplayReport, Error> {
        let ReplayRequest { workspace, execution_id, identity, principal_kind, derived_id } =
            request;
        let first = self.ports.get_execution(&workspace, &execution_id).await?;
        let first = first
            .ok_or_else(|| Error::not_found(format!("there is no execution `{execution_id}`")))?;
        refuse_unrepeatable(&first)?;
        let request = ExecutionRequest {
            mgmt_action: first.mgmt_action.clone(),
            parameters: Some(first.parameters.clone()),
            executor_id: first.executor_id.clone(),
            cause: Cause::Replay,
            parent: Some(first.execution_id.clone()),
            replay_inputs: Some(replay_inputs(&first)),
            derived_id,
            // What the first record does not hold, by whatever mask, the second does not either.
            mask: first.masked.clone(),
            ..ExecutionRequest::new(
                workspace,
                identity,
                principal_kind,
                first.policy_rule_uri.clone(),
                first.input_data.clone(),
            )
        };
        let source = RecordedRevision { ports: self.ports, execution: &first };
        let pipeline = Pipeline::new(source, self.ports, self.cache);
        let ExecutionReport { execution, record, .. } = pipeline.execute_alone(request).await?;
        Ok(ReplayReport { differences: differences(&first, &record), execution })
    }
}

/// What the first run read beside its input and its parameters.
pub(crate) fn replay_inputs(first: &Execution) -> ReplayInputs {
    let seen = first.context.as_ref();
    let context =
        seen.map(|seen| StoredContext { version: seen.version, value: seen.read.clone() });
    let context = context.unwrap_or_default();
    ReplayInputs { now: first.policy_time, seed: first.seed, context }
}

/// Whether an error of this kind comes from the policy, its input or its stored values, so that the
/// same run fails with it again.
pub(crate) fn is_repeatable(kind: ErrorKind) -> bool {
    !matches!(
        kind,
        ErrorKind::PrecheckRefused
            | ErrorKind::PrecheckFailed
            | ErrorKind::Limited
            | ErrorKind::ExecutorFault
            | ErrorKind::Unavailable
            | ErrorKind::TimedOut
            | ErrorKind::Internal
    )
}

pub(crate) fn refuse_unrepeatable(first: &Execution) -> Result<(), Error> {
    if let Some(error) = first.error.as_ref().filter(|error| !is_repeatable(error.kind)) {
        return Err(unrepeatable(&format!(
            "it was not the policy that ended it, but {}",
            error.kind.name()
        )));
    }
    let inputs: Vec<_> = first.masked.iter().filter(|path| !path.starts_with("/output")).collect();
    if inputs.is_empty() {
        return Ok(());
    }
    Err(unrepeatable(&format!(
        "its record was written without {inputs:?}, as the policy's `metadata.mask` says"
    )))
}

fn unrepeatable(why: &str) -> Error {
    let message = format!("this execution cannot be run again: {why}");
    Error::new(ErrorKind::NotRepeatable, message)
}

/// Whether the platform may have killed the run, at a moment that differs from run to run: how much
/// it had printed by then says nothing.
fn was_killed(execution: &Execution) -> bool {
    let kind = execution.error.as_ref().map(|error| error.kind);
    matches!(
        kind,
        Some(ErrorKind::PolicyTimedOut | ErrorKind::PolicyOutOfMemory | ErrorKind::PolicyCrashed)
    )
}

/// The differences between two records. What the policy masks is masked in both.
pub(crate) fn differences(first: &Execution, second: &Execution) -> Vec<String> {
    let mut differences = Vec::new();
    let mut compare = |what: &str, first: String, second: String| {
        if first != second {
            differences.push(format!("{what}: was {first}, is {second}"));
        }
    };
    compare("engine", first.engine_version.clone(), second.engine_version.clone());
    let output = |execution: &Execution| {
        execution
            .output
            .as_ref()
            .map_or_else(|| "nothing".to_owned(), |raw| raw.as_str().to_owned())
    };
    compare("output", output(first), output(second));
    let error = |execution: &Execution| {
        execution
            .error
            .as_ref()
            .map_or_else(|| "none".to_owned(), |e| format!("{}: {}", e.kind.name(), e.message))
    };
    compare("error", error(first), error(second));
    if ![first, second].into_iter().any(was_killed) {
        compare("printed", first.printed.clone(), second.printed.clone());
    }
    let change = |execution: &Execution| {
        let change = execution.context.as_ref().map(|context| &context.change);
        // INVARIANT: keys and JSON texts always serialise.
        serde_json::to_string(&change).unwrap_or_default()
    };
    compare("context", change(first), change(second));
    differences
}

/// The revision that an execution ran, whatever its URI stands for now.
struct RecordedRevision<'a, P> {
    ports: &'a P,
    execution: &'a Execution,
}

impl<P: GetBody> PolicySource for RecordedRevision<'_, P> {
    fn name(&self) -> &'static str {
        "builtin"
    }

    async fn acquire(&self, workspace: &Workspace, uri: &PolicyUri) -> Result<Handle, Error> {
        Ok(Handle {
            workspace: workspace.clone(),
            uri: uri.clone(),
            revision: self.execution.revision,
            digest: self.execution.digest.clone(),
            policy_id: String::new(),
        })
    }

    async fn projection(&self, handle: &Handle) -> Result<Projection, Error> {
        let body =
            self.ports.get_body(&handle.workspace, &handle.digest).await?.ok_or_else(|| {
                unrepeatable(&format!("the revision of `{}` that ran is gone", handle.uri))
            })?;
        Ok(Projection { body })
    }

    async fn release(&self, _handle: Handle) {}
}
