//! Invariants that hold when all work is done.

use writ_callbacks::ATTEMPTS_MAX;
use writ_model::{Cause, ExecutionStatus, JobStatus};

use crate::engine::{COUNTER, WITH_FAILURE_POLICY};
use crate::store::{JobRow, RoundOutcome};
use crate::world::World;

/// Whether all clients and jobs are done, and no callback is due.
pub(crate) fn is_quiescent(world: &World) -> bool {
    let is_done = |row: &JobRow| row.state.job_status.is_final() && row.state.due_at.is_none();
    world.clients == 0 && world.store.jobs.values().all(is_done)
}

/// Reports each violation of the invariants of the final state.
pub(crate) fn check_final_state(world: &mut World) {
    let mut violations = Vec::new();
    for (job_id, row) in &world.store.jobs {
        let result =
            check_job(world, job_id, row).and_then(|()| check_callbacks(world, job_id, row));
        violations
            .extend(result.err().map(|violation| format!("{job_id}: {violation}\n  {row:?}")));
    }
    violations.extend(check_context(world).err());
    violations.extend(check_failure_policies(world).err());
    for violation in violations {
        world.report_violation(violation);
    }
}

fn check_job(world: &World, job_id: &str, row: &JobRow) -> Result<(), String> {
    let state = &row.state;
    if !state.job_status.is_final() || state.due_at.is_some() || state.is_queued {
        return Err(format!("still queued, leased or due: {}", state.job_status));
    }
    let last = row.outcomes.last().map(|outcome| (outcome.round, outcome.status));
    if last != Some((state.round, state.job_status)) {
        return Err(format!("its state is not its last outcome: {last:?}"));
    }
    for (index, RoundOutcome { round, status }) in row.outcomes.iter().enumerate() {
        if usize::try_from(*round) != Ok(index + 1) {
            return Err(format!("round {round} has two outcomes, or another round none"));
        }
        let results = world.store.records.values().filter(|record| {
            let is_of_round = record.parent.as_deref() == Some(job_id) && record.round == *round;
            is_of_round && record.status == ExecutionStatus::Succeeded
        });
        let (results, expected) = (results.count(), usize::from(*status == JobStatus::Completed));
        if results != expected {
            return Err(format!("{status} round {round} has {results} results"));
        }
    }
    Ok(())
}

/// The callback of each round is delivered, unless its tries were exhausted or a retry came first.
fn check_callbacks(world: &World, job_id: &str, row: &JobRow) -> Result<(), String> {
    for RoundOutcome { round, status } in &row.outcomes {
        let deliveries = world.receiver.deliveries.get(&format!("{job_id}-{round}"));
        let deliveries = deliveries.copied().unwrap_or(0);
        if row.submission.callback_url.is_none() || *round < row.state.round {
            continue;
        }
        let Some(callback) = &row.state.callback else { return Err("no callback".to_owned()) };
        let is_exhausted = callback.tries >= ATTEMPTS_MAX;
        if deliveries == 0 && !is_exhausted {
            return Err(format!("no callback reports that round {round} is {status}"));
        }
        if world.config.is_fault_free() && deliveries != 1 {
            return Err(format!("{deliveries} callbacks report that round {round} is {status}"));
        }
    }
    Ok(())
}

/// Each record that changed the context made one version of it.
fn check_context(world: &World) -> Result<(), String> {
    let versions = world.store.contexts.get(COUNTER).map_or(0, |context| context.version);
    let records = world.store.records.values();
    let changed = records.filter(|record| record.policy == COUNTER && record.has_changed_context);
    let changed = changed.count() as u64;
    if versions == changed {
        Ok(())
    } else {
        Err(format!("{changed} runs made {versions} versions of a context"))
    }
}

/// The failure policy runs at most once for each failed round, and never for others.
fn check_failure_policies(world: &World) -> Result<(), String> {
    let records = &world.store.records;
    for (job_id, row) in &world.store.jobs {
        if row.submission.policy_rule_uri.to_string() != WITH_FAILURE_POLICY {
            continue;
        }
        let of_job = |round| {
            records.iter().filter(move |(_, record)| {
                record.parent.as_deref() == Some(job_id) && record.round == round
            })
        };
        for RoundOutcome { round, status } in &row.outcomes {
            let runs = of_job(*round).flat_map(|(id, _)| {
                records.values().filter(move |record| {
                    record.cause == Cause::Failure && record.parent.as_deref() == Some(id)
                })
            });
            let runs = runs.count();
            let has_failed = matches!(status, JobStatus::Failed | JobStatus::TimedOut);
            let is_certain = world.config.is_fault_free() && world.config.admissions_refused == 0;
            if runs > usize::from(has_failed) || (is_certain && runs != usize::from(has_failed)) {
                return Err(format!("{job_id}, {status}: the failure policy ran {runs} times"));
            }
        }
    }
    Ok(())
}
