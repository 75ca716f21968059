//! Load, validate, admit, check before, run, validate, commit, follow a failure.

use writ_model::{Error, Execution};
use writ_ports::{Admit, Clock, Evaluate, Handle, Ids, KeepContext, PolicySource, RecordExecution};

use crate::commit::Alone;
use crate::run::{Done, Run, Verdict};
use crate::{Commit, Order, Shelf, failure, precheck};

/// What the pipeline needs apart from a source of policies.
pub trait Ports: Evaluate + Admit + RecordExecution + KeepContext + Clock + Ids {}

impl<P: Evaluate + Admit + RecordExecution + KeepContext + Clock + Ids> Ports for P {}

/// What came of an order.
#[derive(Clone, Debug)]
pub struct Executed {
    /// The run, for its caller: nothing is masked, and `masked` says what the record lacks.
    pub execution: Execution,
    /// The run, as it was recorded.
    pub record: Execution,
    /// What kept the failure policy from following a failed run. What went wrong inside it stands
    /// in its own record.
    pub unfollowed: Option<Error>,
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
    shelf: &Shelf,
    order: Order,
) -> Result<Executed, Error> {
    execute_for(source, ports, shelf, order, &Alone(ports)).await
}

/// Executes an order as [`execute`] does, for something that is committed together with the record.
///
/// # Errors
/// As [`execute`]; [`writ_model::ErrorKind::Conflict`] where what the run was made for has moved on,
/// so that nothing was committed.
pub async fn execute_for<P: Ports>(
    source: &impl PolicySource,
    ports: &P,
    shelf: &Shelf,
    order: Order,
    commit: &impl Commit,
) -> Result<Executed, Error> {
    let ticks = ports.ticks_us();
    let handle = source.acquire(&order.workspace, &order.policy_rule_uri).await?;
    let whole = async {
        let mut run = Run::prepare(source, ports, shelf, order, &handle, ticks).await?;
        let admission = run.admit(ports).await?;
        let verdict = precheck::ask(source, ports, shelf, &mut run).await;
        let done = run.conduct(ports, commit, &handle, verdict).await;
        ports.release(admission).await?;
        let done = done?;
        let unfollowed = match commit.is_followed() {
            true => failure::follow(source, ports, shelf, &run, &done).await.err(),
            false => None,
        };
        Ok(Executed { unfollowed, ..Executed::from(done) })
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
    shelf: &Shelf,
    order: Order,
) -> Result<Executed, Error> {
    let ticks = ports.ticks_us();
    let handle = source.acquire(&order.workspace, &order.policy_rule_uri).await?;
    let result = alone(source, ports, shelf, order, &handle, ticks).await;
    source.release(handle).await;
    result
}

async fn alone<P: Ports>(
    source: &impl PolicySource,
    ports: &P,
    shelf: &Shelf,
    order: Order,
    handle: &Handle,
    ticks: u64,
) -> Result<Executed, Error> {
    let run = Run::prepare(source, ports, shelf, order, handle, ticks).await?;
    let admission = run.admit(ports).await?;
    let done = run.conduct(ports, &Alone(ports), handle, Verdict::Begin).await;
    ports.release(admission).await?;
    done.map(Executed::from)
}

impl From<Done> for Executed {
    fn from(done: Done) -> Self {
        Self { execution: done.execution, record: done.record, unfollowed: None }
    }
}

#[cfg(test)]
mod tests;
