//! Invariants that hold at every write of a job.

use writ_jobs::bounds::ATTEMPTS;
use writ_model::{
    AttemptOutcome, CallbackStatus, ErrorKind, Execution, ExecutionStatus, JobState, JobStatus,
    Submission, Timestamp,
};

use crate::counts::Counts;
use crate::store::JobRow;
use crate::world::{Actor, Role, World};

/// One write of a job's state.
pub(crate) struct Transition<'a> {
    pub(crate) before: &'a JobState,
    pub(crate) after: &'a JobState,
    pub(crate) submission: &'a Submission,
    /// The runner that leased the job last.
    pub(crate) holder: Option<Actor>,
    pub(crate) writer: Actor,
    /// The record in the same transaction.
    pub(crate) record: Option<&'a Execution>,
    /// The writer's clock; `None` where a clock may have been set back.
    pub(crate) clock: Option<Timestamp>,
}

type CheckResult = Result<(), &'static str>;

fn ensure(holds: bool, violation: &'static str) -> CheckResult {
    if holds { Ok(()) } else { Err(violation) }
}

/// Checks the first write of a job.
pub(crate) fn check_new(submission: &Submission, state: &JobState) -> CheckResult {
    let is_new = state.version == 1 && state.job_status == JobStatus::Queued;
    ensure(is_new, "a new job is not queued with version 1")?;
    check_state(submission, state)
}

/// Checks what holds for every state, whatever the state before it.
fn check_state(submission: &Submission, state: &JobState) -> CheckResult {
    let status = state.job_status;
    let callback = state.callback.as_ref();
    let is_callback_due = callback.is_some_and(|callback| callback.next_at.is_some());
    let is_due = !status.is_final() || is_callback_due;
    ensure(state.due_at.is_some() == is_due, "the due time does not match the work that is left")?;
    ensure(state.lease.is_some() == status.is_leased(), "the lease does not match the status")?;
    ensure(!state.is_queued || status == JobStatus::Queued, "a job in the queue is not queued")?;
    ensure(state.finished_at.is_some() == status.is_final(), "the finish time is wrong")?;
    if let Some(lease) = &state.lease {
        ensure(lease.expires_at <= lease.ends_by, "a lease expires after its bound")?;
        ensure(state.due_at == Some(lease.expires_at), "a job is not due when its lease expires")?;
    }
    let open = state.attempts.iter().filter(|attempt| attempt.outcome.is_none()).count();
    ensure(open == usize::from(status.is_leased()), "an attempt without a lease is open")?;
    let max = submission.max_attempts.unwrap_or(ATTEMPTS);
    ensure(state.attempts_made <= max, "more attempts than the maximum")?;
    let has_callback = status.is_final() && submission.callback_url.is_some();
    ensure(callback.is_some() == has_callback, "a callback is missing, or was not requested")
}

/// Checks what holds for every transition.
pub(crate) fn check_transition(transition: &Transition<'_>, counts: &mut Counts) -> CheckResult {
    let Transition { before, after, .. } = transition;
    ensure(after.version == before.version + 1, "a version was skipped")?;
    check_state(transition.submission, after)?;
    if before.job_status.is_final() {
        return match before.round == after.round {
            true => check_callback_update(before, after),
            false => check_retry(transition, counts),
        };
    }
    ensure(before.round == after.round, "a round began before the previous one was final")?;
    if transition.record.is_some() {
        ensure(before.job_status.is_leased(), "a record without a lease")?;
    }
    match (before.job_status.is_leased(), after.job_status.is_leased()) {
        (false, false) => check_unleased(transition),
        (false, true) => check_lease(transition),
        (true, true) => check_heartbeat(transition),
        (true, false) => check_attempt_outcome(transition, counts),
    }
}

/// A final state is final: only its callback changes.
fn check_callback_update(before: &JobState, after: &JobState) -> CheckResult {
    let expected = JobState {
        version: after.version,
        callback: after.callback.clone(),
        due_at: after.due_at,
        ..before.clone()
    };
    ensure(expected == *after, "a final state changed")?;
    let (Some(before), Some(after)) = (&before.callback, &after.callback) else {
        return Err("a final state without a callback was written again");
    };
    ensure(before.callback_id == after.callback_id, "a callback changed its id")?;
    ensure(before.tries <= after.tries, "a try of a callback is not counted")?;
    ensure(before.status == CallbackStatus::Pending, "a finished callback changed")
}

fn check_retry(transition: &Transition<'_>, counts: &mut Counts) -> CheckResult {
    let Transition { before, after, writer, .. } = transition;
    counts.add("job retried");
    ensure(writer.role == Role::Client, "a round that no client requested")?;
    ensure(before.job_status != JobStatus::Completed, "a retry discarded a result")?;
    let is_next = after.round == before.round + 1 && after.attempts_made == 0;
    ensure(is_next, "a retry skipped a round or kept the number of attempts")?;
    ensure(after.job_status == JobStatus::Queued, "a retried job is not queued")?;
    ensure(after.attempts == before.attempts, "a retry changed previous attempts")
}

fn check_unleased(transition: &Transition<'_>) -> CheckResult {
    let Transition { before, after, writer, .. } = transition;
    let is_cancelled = after.job_status == JobStatus::Cancelled && writer.role == Role::Client;
    let is_allowed = after.job_status == JobStatus::Queued || is_cancelled;
    ensure(is_allowed, "a final state without an attempt")?;
    ensure(after.attempts == before.attempts, "a finished attempt changed")?;
    ensure(after.attempts_made == before.attempts_made, "the number of attempts changed")
}

fn check_lease(transition: &Transition<'_>) -> CheckResult {
    let Transition { before, after, writer, clock, .. } = transition;
    ensure(writer.role == Role::Runner, "a lease without a runner")?;
    let is_ready = clock.is_none_or(|clock| before.ready_at <= clock);
    ensure(is_ready, "a job was leased before it was ready")?;
    ensure(after.attempts_made == before.attempts_made + 1, "an attempt is not counted")?;
    let number = |state: &JobState| state.attempts.last().map_or(0, |last| last.attempt);
    ensure(number(after) == number(before) + 1, "a number of an attempt was skipped")?;
    let is_unique = before
        .attempts
        .iter()
        .all(|old| after.attempts.last().is_some_and(|new| new.execution_id != old.execution_id));
    ensure(is_unique, "two attempts have one execution id")
}

fn check_heartbeat(transition: &Transition<'_>) -> CheckResult {
    let Transition { before, after, writer, holder, .. } = transition;
    let (Some(old), Some(new)) = (&before.lease, &after.lease) else { return Err("no lease") };
    ensure(old.fencing_token == new.fencing_token, "a heartbeat changed the fencing token")?;
    ensure(*holder == Some(*writer), "a heartbeat of another process")?;
    ensure(old.ends_by == new.ends_by, "a lease changed its bound")?;
    ensure(old.expires_at <= new.expires_at, "a heartbeat shortened the lease")?;
    ensure(before.attempts == after.attempts, "a heartbeat changed an attempt")
}

fn check_attempt_outcome(transition: &Transition<'_>, counts: &mut Counts) -> CheckResult {
    let Transition { before, after, writer, holder, record, clock, .. } = transition;
    let (Some(lease), Some(attempt)) = (&before.lease, after.attempts.last()) else {
        return Err("a lease ended without an attempt");
    };
    let is_holder = *holder == Some(*writer);
    let is_final = after.job_status.is_final();
    let outcome = attempt.outcome.ok_or("an attempt ended without an outcome")?;
    match outcome {
        AttemptOutcome::Cancelled => {
            counts.add("attempt cancelled");
            ensure(writer.role == Role::Client, "a cancellation that no client requested")?;
            ensure(after.job_status == JobStatus::Cancelled, "a cancelled job goes on")?;
        }
        AttemptOutcome::Lost => {
            counts.add("attempt lost");
            ensure(writer.role == Role::Sweeper, "an attempt was declared lost without a sweep")?;
            let has_expired = clock.is_none_or(|clock| lease.expires_at <= clock);
            ensure(has_expired, "an attempt was declared lost before its lease expired")?;
            let has_no_result = !is_final || after.job_status == JobStatus::Failed;
            ensure(has_no_result, "a lost attempt has a result")?;
        }
        AttemptOutcome::GivenBack => {
            counts.add("attempt given back");
            ensure(is_holder, "another process gave the job back")?;
            ensure(after.attempts_made + 1 == before.attempts_made, "given back, but counted")?;
            ensure(!is_final, "given back, but final")?;
        }
        AttemptOutcome::Completed => {
            counts.add("attempt completed");
            ensure(is_holder, "a result under an old lease")?;
            ensure(after.job_status == JobStatus::Completed, "a result was discarded")?;
            ensure(record.is_some(), "a result without a record")?;
        }
        AttemptOutcome::Failed | AttemptOutcome::TimedOut => {
            let timed_out = outcome == AttemptOutcome::TimedOut;
            counts.add(if timed_out { "attempt timed out" } else { "attempt failed" });
            ensure(is_holder, "a failure under an old lease")?;
            ensure(after.job_status != JobStatus::Completed, "a failed attempt completed a job")?;
            // The simulation removes no object, so a lost race never fails an attempt.
            let kind = after.error.as_ref().map(|error| error.kind);
            ensure(kind != Some(ErrorKind::Conflict), "a lost race failed an attempt")?;
        }
    }
    let Some(record) = record else { return Ok(()) };
    let is_result = record.status == ExecutionStatus::Succeeded;
    ensure(is_result == (outcome == AttemptOutcome::Completed), "record and outcome differ")?;
    ensure(record.execution_id == attempt.execution_id, "the record is of another attempt")?;
    let is_named = after.execution_id.as_ref() == Some(&record.execution_id);
    ensure(is_named, "the job does not name its record")
}

/// A leased job is the first of those that were in the queue before this instant.
pub(crate) fn check_queue_order(world: &World, leased: &JobRow) -> CheckResult {
    let was_queued = |row: &JobRow| row.queued_since().is_some_and(|since| since < world.now);
    let mut others = world.store.jobs.values().filter(|row| was_queued(row));
    let is_second = others.any(|other| other.queue_position() < leased.queue_position());
    ensure(!is_second || !was_queued(leased), "another job was first in the queue")
}
