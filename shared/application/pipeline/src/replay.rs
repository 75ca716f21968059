//! Running a record again: same bytes, or what differs.

use writ_model::{Cause, Error, ErrorKind, Execution, PolicyUri, Workspace};
use writ_ports::{
    GetBody, GetExecution, Handle, PolicySource, Projection, StoredContext, Surface, ports,
};

use crate::{
    ExecutionReport, ExecutionRequest, PolicyCache, Ports, ReplayInputs, ReplayRequest,
    execute_alone,
};

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

/// Runs the record again on the revision, input, parameters, time and seed of the first run.
///
/// # Errors
/// No such record; a record that cannot be run again, and why; what kept the run from starting.
pub async fn replay<P: ReplayPorts>(
    ports: &P,
    policy_cache: &PolicyCache,
    order: ReplayRequest,
) -> Result<ReplayReport, Error> {
    let first =
        ports.get_execution(&order.workspace, &order.execution_id).await?.ok_or_else(|| {
            Error::not_found(format!("there is no execution `{}`", order.execution_id))
        })?;
    refuse_unrepeatable(&first)?;
    let source = Recorded { ports, first: &first };
    let order = ExecutionRequest {
        mgmt_action: first.mgmt_action.clone(),
        parameters: Some(first.parameters.clone()),
        executor_id: first.executor_id.clone(),
        cause: Cause::Replay,
        parent: Some(first.execution_id.clone()),
        replay_inputs: Some(replay_inputs(&first)),
        ..ExecutionRequest::new(
            order.workspace,
            order.identity,
            order.principal_kind,
            first.policy_rule_uri.clone(),
            first.input_data.clone(),
        )
    };
    let ExecutionReport { execution, record, .. } =
        execute_alone(&source, ports, policy_cache, order).await?;
    Ok(ReplayReport { differences: differences(&first, &record), execution })
}

/// What the first run read beside its input and its parameters.
pub(crate) fn replay_inputs(first: &Execution) -> ReplayInputs {
    let seen = first.context.as_ref();
    let context =
        seen.map(|seen| StoredContext { version: seen.version, value: seen.read.clone() });
    let context = context.unwrap_or_default();
    ReplayInputs { now: first.policy_time, seed: first.seed, context }
}

/// Whether a run that failed like this failed by its policy, its input or its stored values, so
/// that it fails like this again.
pub(crate) fn is_the_policys(kind: ErrorKind) -> bool {
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
    if let Some(error) = first.error.as_ref().filter(|error| !is_the_policys(error.kind)) {
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

/// Whether the platform may have killed it, at a moment that is another one in each run: how much
/// it had printed by then says nothing.
fn was_killed(execution: &Execution) -> bool {
    let kind = execution.error.as_ref().map(|error| error.kind);
    matches!(
        kind,
        Some(ErrorKind::PolicyTimedOut | ErrorKind::PolicyOutOfMemory | ErrorKind::PolicyCrashed)
    )
}

/// Between two records: what the policy masks is masked in both.
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
struct Recorded<'a, P> {
    ports: &'a P,
    first: &'a Execution,
}

impl<P: GetBody> PolicySource for Recorded<'_, P> {
    fn name(&self) -> &'static str {
        "builtin"
    }

    async fn acquire(&self, workspace: &Workspace, uri: &PolicyUri) -> Result<Handle, Error> {
        Ok(Handle {
            workspace: workspace.clone(),
            uri: uri.clone(),
            version: self.first.revision,
            digest: self.first.digest.clone(),
            policy_id: String::new(),
        })
    }

    async fn projection(&self, handle: &Handle, _surface: Surface) -> Result<Projection, Error> {
        let body =
            self.ports.get_body(&handle.workspace, &handle.digest).await?.ok_or_else(|| {
                unrepeatable(&format!("the revision of `{}` that ran is gone", handle.uri))
            })?;
        Ok(Projection { version: handle.version, digest: handle.digest.clone(), body })
    }

    async fn release(&self, _handle: Handle) {}
}
