//! Load, validate, admit, run, validate, record.

use std::sync::Arc;

use writ_model::run::{Budget, Call, Method, Outcome};
use writ_model::{Digest, Error, Execution, ExecutionStatus, PolicyRule, RawJson, Timestamp};
use writ_ports::{Admit, Clock, Evaluate, Handle, Ids, PolicySource, RecordExecution, Surface};

use crate::mask::masked;
use crate::{Order, Prepared, Shelf, failure};

/// What the pipeline needs apart from a source of policies.
pub trait Ports: Evaluate + Admit + RecordExecution + Clock + Ids {}

impl<P: Evaluate + Admit + RecordExecution + Clock + Ids> Ports for P {}

/// What came of an order.
#[derive(Clone, Debug)]
pub struct Executed {
    /// The run, for its caller: nothing is masked, and `masked` says what the record lacks.
    pub execution: Execution,
    /// The run, as it was recorded.
    pub record: Execution,
}

/// Executes an order and records it.
///
/// # Errors
/// What kept the run from starting (no such policy, refused by a limit) or from being recorded.
/// A run that started and failed is a record with an error.
pub async fn execute<P: Ports>(
    source: &impl PolicySource,
    ports: &P,
    shelf: &Shelf,
    order: Order,
) -> Result<Executed, Error> {
    let (begun, ticks) = (ports.now(), ports.ticks_us());
    let handle = source.acquire(&order.workspace, &order.policy_rule_uri).await?;
    let run = async {
        let prepared = load(source, &handle, shelf).await?;
        let parameters = prepared.merge(order.parameters.as_ref())?;
        let fixed = order.fixed.unwrap_or_else(|| crate::Fixed { now: begun, seed: ports.seed() });
        let mut execution = Execution {
            execution_id: ports.id(begun),
            started_at: begun,
            policy_time: fixed.now,
            seed: fixed.seed,
            source: source.name().to_owned(),
            engine: prepared.source().language,
            engine_version: ports.version(prepared.source().language).to_owned(),
            parameters,
            ..blank(&order, &handle)
        };
        let admission = ports
            .admit(
                &order.workspace,
                &order.identity,
                &order.policy_rule_uri,
                &execution.execution_id,
            )
            .await?;
        let outcome = run(ports, &prepared, &execution).await;
        conclude(&mut execution, outcome);
        execution.duration_us = ports.ticks_us().saturating_sub(ticks);
        let record = masked(&execution, prepared.mask());
        execution.masked.clone_from(&record.masked);
        let recorded = ports.record_execution(&record).await;
        ports.release(admission).await?;
        recorded.map(|()| Executed { execution, record })
    };
    let result = run.await;
    source.release(handle).await;
    result
}

/// The prepared policy behind a handle, its digest checked when it comes from the source.
pub(crate) async fn load(
    source: &impl PolicySource,
    handle: &Handle,
    shelf: &Shelf,
) -> Result<Arc<Prepared>, Error> {
    if let Some(prepared) = shelf.get(&handle.digest) {
        return Ok(prepared);
    }
    let projection = source.projection(handle, Surface::Whole).await?;
    let digest = Digest::of(projection.body.as_bytes());
    if digest != handle.digest {
        return Err(Error::internal(format!(
            "the body of `{}` has digest {digest}, not {}",
            handle.uri, handle.digest
        )));
    }
    let policy = PolicyRule::from_json(&projection.body).map_err(|error| {
        Error::internal(format!("the stored body of `{}` is malformed: {error}", handle.uri))
    })?;
    let prepared = Arc::new(Prepared::new(policy)?);
    shelf.put(digest, Arc::clone(&prepared));
    Ok(prepared)
}

/// Validates, runs, validates.
async fn run<P: Ports>(
    ports: &P,
    prepared: &Prepared,
    execution: &Execution,
) -> Result<Outcome, Error> {
    prepared.check_call(&execution.input_data, &execution.parameters)?;
    let call = Call {
        rule_id: execution.policy_rule_uri.to_string(),
        settings: prepared.policy().policy_settings.clone(),
        parameters: execution.parameters.clone(),
        method: Method::Eval { input_data: execution.input_data.clone() },
        now_ms: execution.policy_time.as_ms(),
        seed: execution.seed,
        context: None,
        coverage: false,
    };
    let outcome = ports
        .evaluate(execution.workspace.as_str(), prepared.source().clone(), call, Budget::default())
        .await
        .map_err(failure::to_error)?;
    prepared.check_output(&outcome.output)?;
    Ok(outcome)
}

fn conclude(execution: &mut Execution, outcome: Result<Outcome, Error>) {
    match outcome {
        Ok(outcome) => {
            execution.status = ExecutionStatus::Succeeded;
            execution.engine_us = outcome.engine_us;
            execution.printed = outcome.printed;
            execution.output = Some(outcome.output);
        }
        Err(error) => execution.error = Some(error),
    }
}

/// The record before anything ran: failed, until it did not.
fn blank(order: &Order, handle: &Handle) -> Execution {
    Execution {
        execution_id: String::new(),
        workspace: order.workspace.clone(),
        identity: order.identity.clone(),
        principal_kind: order.principal_kind.clone(),
        on_behalf_of: order.on_behalf_of.clone(),
        cause: order.cause,
        parent: order.parent.clone(),
        idempotency_key: order.idempotency_key.clone(),
        policy_rule_uri: order.policy_rule_uri.clone(),
        revision: handle.version,
        digest: handle.digest.clone(),
        source: String::new(),
        engine: writ_model::Language::Python,
        engine_version: String::new(),
        executor_id: order.executor_id.clone(),
        input_data: order.input_data.clone(),
        parameters: RawJson::null(),
        started_at: Timestamp::default(),
        policy_time: Timestamp::default(),
        seed: 0,
        status: ExecutionStatus::Failed,
        output: None,
        error: None,
        printed: String::new(),
        masked: Vec::new(),
        duration_us: 0,
        engine_us: 0,
        trace_id: order.trace_id.clone(),
    }
}

#[cfg(test)]
mod tests;
