//! Leases: a runner acquires a job, and renews its lease.

use std::time::Duration;

use writ_model::{Attempt, ExecutorId, JobState, JobStatus, Lease, Submission, Timestamp};

use crate::bounds::{ATTEMPTS_KEPT, LEASE, LEASE_GRACE};
use crate::enqueue::next_version;
use crate::transition_error::{LeaseLost, TransitionError, check_token};

/// The runner that acquires a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Runner {
    /// The executor that the runner belongs to.
    pub executor_id: ExecutorId,
    /// The machine or process, where it has a name.
    pub node_id: Option<String>,
}

/// The values of a new lease. Both are unique to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseRequest {
    /// The fencing token, unguessable.
    pub fencing_token: String,
    /// The id of the attempt's future execution record.
    pub execution_id: String,
}

/// Grants the runner a lease on the job, and starts an attempt.
///
/// # Errors
/// It is not queued, or its time has not come.
pub fn lease(
    submission: &Submission,
    state: &JobState,
    runner: &Runner,
    lease_request: LeaseRequest,
    now: Timestamp,
) -> Result<JobState, TransitionError> {
    if state.job_status != JobStatus::Queued {
        return Err(TransitionError::NotQueued(state.job_status));
    }
    if state.ready_at > now {
        return Err(TransitionError::TooEarly);
    }
    let timeout = Duration::from_secs(submission.timeout_seconds.into());
    let ends_by = now + timeout + LEASE_GRACE;
    let expires_at = (now + LEASE).min(ends_by);
    let mut attempts = state.attempts.clone();
    let attempt = attempts.last().map_or(0, |last| last.attempt) + 1;
    attempts.push(Attempt {
        attempt,
        execution_id: lease_request.execution_id,
        executor_id: runner.executor_id.clone(),
        node_id: runner.node_id.clone(),
        admitted_at: now,
        ended_at: None,
        outcome: None,
        error: None,
    });
    let forgotten = attempts.len().saturating_sub(ATTEMPTS_KEPT);
    attempts.drain(..forgotten);
    Ok(JobState {
        job_status: JobStatus::Admitted,
        attempts_made: state.attempts_made + 1,
        attempts,
        lease: Some(Lease { fencing_token: lease_request.fencing_token, expires_at, ends_by }),
        is_queued: false,
        due_at: Some(expires_at),
        admitted_at: state.admitted_at.or(Some(now)),
        node_id: runner.node_id.clone(),
        ..next_version(state)
    })
}

/// Records that the policy runs since `started_at`, and renews the lease.
///
/// # Errors
/// The job is another's, or over.
pub fn start(
    state: &JobState,
    fencing_token: &str,
    started_at: Timestamp,
    now: Timestamp,
) -> Result<JobState, LeaseLost> {
    let state = renew_lease(state, fencing_token, now)?;
    Ok(JobState {
        job_status: JobStatus::Running,
        started_at: state.started_at.or(Some(started_at)),
        ..state
    })
}

/// Renews the lease of a runner, up to the lease's bound.
///
/// # Errors
/// Returns [`LeaseLost`] where another runner holds the job, it has ended, or the lease has reached
/// its bound.
pub fn renew_lease(
    state: &JobState,
    fencing_token: &str,
    now: Timestamp,
) -> Result<JobState, LeaseLost> {
    check_token(state, fencing_token)?;
    let lease = state.lease.clone().ok_or(LeaseLost)?;
    if now >= lease.ends_by {
        return Err(LeaseLost);
    }
    // A clock that was set back must not shorten what was granted.
    let expires_at = (now + LEASE).min(lease.ends_by).max(lease.expires_at);
    Ok(JobState {
        lease: Some(Lease { expires_at, ..lease }),
        due_at: Some(expires_at),
        ..next_version(state)
    })
}

/// Whether the lease of the job has expired.
#[must_use]
pub fn has_lapsed(state: &JobState, now: Timestamp) -> bool {
    let lease = state.lease.as_ref().filter(|_| state.job_status.is_leased());
    lease.is_some_and(|lease| lease.expires_at <= now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::enqueue;
    use crate::fixture::{at, held, lease_request, runner, submission};

    #[test]
    fn a_job_is_one_runners_at_a_time() {
        let submission = submission();
        let state = enqueue(&submission);
        let early = lease(&submission, &state, &runner(), lease_request("a"), at(-1));
        assert_eq!(early, Err(TransitionError::TooEarly));
        let state = lease(&submission, &state, &runner(), lease_request("a"), at(0)).unwrap();
        let again = lease(&submission, &state, &runner(), lease_request("b"), at(1));
        assert_eq!(again, Err(TransitionError::NotQueued(JobStatus::Admitted)));
        assert_eq!(renew_lease(&state, "b", at(1)), Err(LeaseLost));
    }

    #[test]
    fn a_lease_is_renewed_up_to_its_bound_and_never_shortened() {
        let state = held("a", 0);
        let bound = i64::from(submission().timeout_seconds + 60) * 1_000;
        let mut now = 0;
        let mut state = start(&state, "a", at(0), at(0)).unwrap();
        while now < bound {
            state = renew_lease(&state, "a", at(now)).unwrap();
            let set_back = renew_lease(&state, "a", at(now - 20_000)).unwrap();
            assert_eq!(
                set_back.lease.unwrap().expires_at,
                state.lease.as_ref().unwrap().expires_at
            );
            assert!(state.lease.as_ref().unwrap().expires_at <= at(bound));
            assert!(!has_lapsed(&state, at(now)));
            now += 5_000;
        }
        assert_eq!(renew_lease(&state, "a", at(bound)), Err(LeaseLost));
        assert!(has_lapsed(&state, at(bound)));
    }

    #[test]
    fn only_the_newest_attempts_are_remembered_and_each_has_its_number() {
        let submission = submission();
        let mut state = enqueue(&submission);
        for number in 0..50_i64 {
            state = lease(&submission, &state, &runner(), lease_request("a"), at(number)).unwrap();
            state = crate::release(&state, "a", None, None, at(number)).unwrap();
        }
        let numbers: Vec<u32> = state.attempts.iter().map(|attempt| attempt.attempt).collect();
        assert_eq!(numbers, (31..=50).collect::<Vec<u32>>());
    }
}
