//! What must hold at every write of a job.

use writ_jobs::bounds::ATTEMPTS;
use writ_model::{
    AttemptOutcome, CallbackStatus, ErrorKind, Execution, ExecutionStatus, JobState, JobStatus,
    Submission, Timestamp,
};

use crate::counts::Counts;
use crate::store::Row;
use crate::world::{Actor, Role, World};

/// One write of a job.
pub(crate) struct Step<'a> {
    pub(crate) before: &'a JobState,
    pub(crate) after: &'a JobState,
    pub(crate) submission: &'a Submission,
    /// Who took the job last.
    pub(crate) holder: Option<Actor>,
    pub(crate) by: Actor,
    /// What is written with it.
    pub(crate) record: Option<&'a Execution>,
    /// The writer's clock, where none is ever set back.
    pub(crate) clock: Option<Timestamp>,
}

type Checked = Result<(), &'static str>;

fn ensure(holds: bool, otherwise: &'static str) -> Checked {
    if holds { Ok(()) } else { Err(otherwise) }
}

/// A job as it is first written.
pub(crate) fn check_new(submission: &Submission, state: &JobState) -> Checked {
    ensure(state.version == 1 && state.job_status == JobStatus::Queued, "a job begins otherwise")?;
    check_sound(submission, state)
}

/// What holds of every state alone.
fn check_sound(submission: &Submission, state: &JobState) -> Checked {
    let status = state.job_status;
    let call = state.callback.as_ref();
    let is_call_due = call.is_some_and(|call| call.next_at.is_some());
    ensure(state.due_at.is_some() == (!status.is_final() || is_call_due), "somebody is forgotten")?;
    ensure(state.lease.is_some() == status.is_leased(), "a lease without a runner, or none")?;
    ensure(!state.is_queued || status == JobStatus::Queued, "who does not wait stands in line")?;
    ensure(state.finished_at.is_some() == status.is_final(), "an end without its time")?;
    if let Some(lease) = &state.lease {
        ensure(lease.expires_at <= lease.ends_by, "a lease beyond its bound")?;
        ensure(state.due_at == Some(lease.expires_at), "nobody looks when the lease ends")?;
    }
    let open = state.attempts.iter().filter(|attempt| attempt.outcome.is_none()).count();
    ensure(open == usize::from(status.is_leased()), "an attempt that nobody makes is open")?;
    let most = submission.max_attempts.unwrap_or(ATTEMPTS);
    ensure(state.attempts_made <= most, "more attempts than there may be")?;
    let is_told = status.is_final() && submission.callback_url.is_some();
    ensure(call.is_some() == is_told, "a call that nobody wants, or none that somebody wants")
}

/// What holds of a step.
pub(crate) fn check_step(step: &Step<'_>, counts: &mut Counts) -> Checked {
    let Step { before, after, .. } = step;
    ensure(after.version == before.version + 1, "a version was left out")?;
    check_sound(step.submission, after)?;
    if before.job_status.is_final() {
        return match before.round == after.round {
            true => check_told(before, after),
            false => check_again(step, counts),
        };
    }
    ensure(before.round == after.round, "a round began before the last one's end")?;
    if step.record.is_some() {
        ensure(before.job_status.is_leased(), "a result of nobody")?;
    }
    match (before.job_status.is_leased(), after.job_status.is_leased()) {
        (false, false) => check_waits(step),
        (false, true) => check_taken(step),
        (true, true) => check_held(step),
        (true, false) => check_ended(step, counts),
    }
}

/// An end is an end: only what is told of it changes.
fn check_told(before: &JobState, after: &JobState) -> Checked {
    let told = JobState {
        version: after.version,
        callback: after.callback.clone(),
        due_at: after.due_at,
        ..before.clone()
    };
    ensure(told == *after, "an end changed")?;
    let (Some(before), Some(after)) = (&before.callback, &after.callback) else {
        return Err("an end that nobody is told of changed");
    };
    ensure(before.callback_id == after.callback_id, "a call changed its id")?;
    ensure(before.tries <= after.tries, "a try was forgotten")?;
    ensure(before.status == CallbackStatus::Pending, "a call that was over goes on")
}

fn check_again(step: &Step<'_>, counts: &mut Counts) -> Checked {
    let Step { before, after, by, .. } = step;
    counts.add("retried");
    ensure(by.role == Role::Client, "nobody asked for another round")?;
    ensure(before.job_status != JobStatus::Completed, "a result was thrown away")?;
    ensure(after.round == before.round + 1 && after.attempts_made == 0, "rounds were left out")?;
    ensure(after.job_status == JobStatus::Queued, "a round begins otherwise")?;
    ensure(after.attempts == before.attempts, "an attempt was forgotten")
}

fn check_waits(step: &Step<'_>) -> Checked {
    let Step { before, after, by, .. } = step;
    let is_cancelled = after.job_status == JobStatus::Cancelled && by.role == Role::Client;
    ensure(after.job_status == JobStatus::Queued || is_cancelled, "an end without an attempt")?;
    ensure(after.attempts == before.attempts, "an attempt changed that was over")?;
    ensure(after.attempts_made == before.attempts_made, "attempts were counted again")
}

fn check_taken(step: &Step<'_>) -> Checked {
    let Step { before, after, by, clock, .. } = step;
    ensure(by.role == Role::Runner, "taken by no runner")?;
    let taken = clock.is_none_or(|clock| before.ready_at <= clock);
    ensure(taken, "taken before its time")?;
    ensure(after.attempts_made == before.attempts_made + 1, "an attempt does not count")?;
    let number = |state: &JobState| state.attempts.last().map_or(0, |last| last.attempt);
    ensure(number(after) == number(before) + 1, "attempts were left out")?;
    let known = before
        .attempts
        .iter()
        .all(|old| after.attempts.last().is_some_and(|new| new.execution_id != old.execution_id));
    ensure(known, "two attempts have one record")
}

fn check_held(step: &Step<'_>) -> Checked {
    let Step { before, after, by, holder, .. } = step;
    let (Some(old), Some(new)) = (&before.lease, &after.lease) else { return Err("no lease") };
    ensure(old.fencing_token == new.fencing_token, "a lease changed hands")?;
    ensure(*holder == Some(*by), "renewed by somebody else")?;
    ensure(old.ends_by == new.ends_by, "a lease changed its bound")?;
    ensure(old.expires_at <= new.expires_at, "a lease was shortened")?;
    ensure(before.attempts == after.attempts, "an attempt changed while it was made")
}

fn check_ended(step: &Step<'_>, counts: &mut Counts) -> Checked {
    let Step { before, after, by, holder, record, clock, .. } = step;
    let (Some(lease), Some(attempt)) = (&before.lease, after.attempts.last()) else {
        return Err("an attempt ended that nobody made");
    };
    let is_holder = *holder == Some(*by);
    let is_over = after.job_status.is_final();
    let outcome = attempt.outcome.ok_or("an attempt ended without saying how")?;
    match outcome {
        AttemptOutcome::Cancelled => {
            counts.add("attempt cancelled");
            ensure(by.role == Role::Client, "nobody asked for a cancellation")?;
            ensure(after.job_status == JobStatus::Cancelled, "a cancelled job goes on")?;
        }
        AttemptOutcome::Lost => {
            counts.add("attempt lost");
            ensure(by.role == Role::Sweeper, "taken for lost by no sweep")?;
            let has_lapsed = clock.is_none_or(|clock| lease.expires_at <= clock);
            ensure(has_lapsed, "taken for lost while its lease held")?;
            ensure(!is_over || after.job_status == JobStatus::Failed, "lost, and yet a result")?;
        }
        AttemptOutcome::GivenBack => {
            counts.add("attempt given back");
            ensure(is_holder, "given back by somebody else")?;
            ensure(after.attempts_made + 1 == before.attempts_made, "given back, and counted")?;
            ensure(!is_over, "given back, and over")?;
        }
        AttemptOutcome::Completed => {
            counts.add("attempt completed");
            ensure(is_holder, "a result of an old lease")?;
            ensure(after.job_status == JobStatus::Completed, "a result was thrown away")?;
            ensure(record.is_some(), "a result without a record")?;
        }
        AttemptOutcome::Failed | AttemptOutcome::TimedOut => {
            let timed_out = outcome == AttemptOutcome::TimedOut;
            counts.add(if timed_out { "attempt timed out" } else { "attempt failed" });
            ensure(is_holder, "a failure of an old lease")?;
            ensure(after.job_status != JobStatus::Completed, "a failure is a result")?;
            // Nothing in these worlds is removed, so whoever loses a race has nothing to tell.
            let kind = after.error.as_ref().map(|error| error.kind);
            ensure(kind != Some(ErrorKind::Conflict), "a lost race is a failure")?;
        }
    }
    let Some(record) = record else { return Ok(()) };
    let is_result = record.status == ExecutionStatus::Succeeded;
    ensure(is_result == (outcome == AttemptOutcome::Completed), "the record says otherwise")?;
    ensure(record.execution_id == attempt.execution_id, "another attempt's record")?;
    ensure(after.execution_id.as_ref() == Some(&record.execution_id), "a record is not named")
}

/// Whoever is taken is the first of those that stood in line before this moment.
pub(crate) fn check_order(world: &World, taken: &Row) -> Checked {
    let stood = |row: &Row| row.in_line_since().is_some_and(|since| since < world.now);
    let mut others = world.store.jobs.values().filter(|row| stood(row));
    let is_second = others.any(|other| other.place() < taken.place());
    ensure(!is_second || !stood(taken), "somebody else was first in line")
}
