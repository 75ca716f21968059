//! What must hold when nothing happens any more.

use writ_callbacks::ATTEMPTS_MAX;
use writ_model::{Cause, ExecutionStatus, JobStatus};

use crate::engine::{COUNTER, WATCHED};
use crate::store::{End, Row};
use crate::world::World;

/// Whether everybody is done.
pub(crate) fn is_at_rest(world: &World) -> bool {
    let is_over = |row: &Row| row.state.job_status.is_final() && row.state.due_at.is_none();
    world.clients == 0 && world.store.jobs.values().all(is_over)
}

/// Holds the world against what must be so in the end.
pub(crate) fn check_rest(world: &mut World) {
    let mut wrong = Vec::new();
    for (job_id, row) in &world.store.jobs {
        let found = check_job(world, job_id, row).and_then(|()| check_calls(world, job_id, row));
        wrong.extend(found.err().map(|what| format!("{job_id}: {what}\n  {row:?}")));
    }
    wrong.extend(check_context(world).err());
    wrong.extend(check_followed(world).err());
    for what in wrong {
        world.violated(what);
    }
}

fn check_job(world: &World, job_id: &str, row: &Row) -> Result<(), String> {
    let state = &row.state;
    if !state.job_status.is_final() || state.due_at.is_some() || state.is_queued {
        return Err(format!("not over, and nobody comes for it: {}", state.job_status));
    }
    let last = row.ends.last().map(|end| (end.round, end.status));
    if last != Some((state.round, state.job_status)) {
        return Err(format!("its end is not its last one: {last:?}"));
    }
    for (index, End { round, status }) in row.ends.iter().enumerate() {
        if usize::try_from(*round) != Ok(index + 1) {
            return Err(format!("round {round} ended twice, or another one never"));
        }
        let results = world.store.records.values().filter(|record| {
            let is_its = record.parent.as_deref() == Some(job_id) && record.round == *round;
            is_its && record.status == ExecutionStatus::Succeeded
        });
        let (results, expected) = (results.count(), usize::from(*status == JobStatus::Completed));
        if results != expected {
            return Err(format!("{status} round {round} has {results} results"));
        }
    }
    Ok(())
}

/// Every end is told of, unless it was given up or the job was sent round again before.
fn check_calls(world: &World, job_id: &str, row: &Row) -> Result<(), String> {
    for End { round, status } in &row.ends {
        let calls = world.receiver.deliveries.get(&format!("{job_id}-{round}"));
        let calls = calls.copied().unwrap_or(0);
        if row.submission.callback_url.is_none() || *round < row.state.round {
            continue;
        }
        let Some(callback) = &row.state.callback else { return Err("no call".to_owned()) };
        let is_given_up = callback.tries >= ATTEMPTS_MAX;
        if calls == 0 && !is_given_up {
            return Err(format!("nobody was told that round {round} is {status}"));
        }
        if world.plan.is_calm() && calls != 1 {
            return Err(format!("told {calls} times that round {round} is {status}"));
        }
    }
    Ok(())
}

/// Each change is one record's, and each record's is there.
fn check_context(world: &World) -> Result<(), String> {
    let kept = world.store.contexts.get(COUNTER).map_or(0, |kept| kept.version);
    let records = world.store.records.values();
    let changed = records.filter(|record| record.policy == COUNTER && record.has_changed_context);
    let changed = changed.count() as u64;
    if kept == changed { Ok(()) } else { Err(format!("{changed} runs changed {kept} contexts")) }
}

/// A failure policy follows an end, and that once.
fn check_followed(world: &World) -> Result<(), String> {
    let records = &world.store.records;
    for (job_id, row) in &world.store.jobs {
        if row.submission.policy_rule_uri.to_string() != WATCHED {
            continue;
        }
        let of_job = |round| {
            records.iter().filter(move |(_, record)| {
                record.parent.as_deref() == Some(job_id) && record.round == round
            })
        };
        for End { round, status } in &row.ends {
            let followed = of_job(*round).flat_map(|(id, _)| {
                records.values().filter(move |record| {
                    record.cause == Cause::Failure && record.parent.as_deref() == Some(id)
                })
            });
            let followed = followed.count();
            let has_failed = matches!(status, JobStatus::Failed | JobStatus::TimedOut);
            let is_certain = world.plan.is_calm() && world.plan.limited == 0;
            if followed > usize::from(has_failed)
                || (is_certain && followed != usize::from(has_failed))
            {
                return Err(format!("{job_id}, {status}, was followed {followed} times"));
            }
        }
    }
    Ok(())
}
