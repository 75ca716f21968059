//! The end of an attempt, after which the job ends or is queued again.

use std::time::Duration;

use writ_model::{AttemptOutcome, Error, ErrorKind, JobState, JobStatus, Submission, Timestamp};

use crate::backoff::backoff;
use crate::bounds::ATTEMPTS;
use crate::callback;
use crate::enqueue::{next_version, wait};
use crate::lease::has_lapsed;
use crate::transition_error::{LeaseLost, check_token};
use crate::truncate_error;

/// The result of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptEnd<'a> {
    /// The error; `None` where there is an output.
    pub error: Option<&'a Error>,
    /// The id of the execution record that is written with it; `None` without one.
    pub execution_id: Option<&'a str>,
    /// The time at which the policy started; `None` where it did not.
    pub started_at: Option<Timestamp>,
}

/// Ends the attempt: the job ends, or is queued for another attempt.
///
/// # Errors
/// The job is another's, or over: whatever the attempt did must not be committed.
pub fn complete(
    submission: &Submission,
    state: &JobState,
    fencing_token: &str,
    ended: &AttemptEnd<'_>,
    now: Timestamp,
    jitter: u64,
) -> Result<JobState, LeaseLost> {
    check_token(state, fencing_token)?;
    let outcome = match ended.error {
        None => AttemptOutcome::Completed,
        Some(error) if error.kind == ErrorKind::PolicyTimedOut => AttemptOutcome::TimedOut,
        Some(_) => AttemptOutcome::Failed,
    };
    let state = JobState {
        started_at: state.started_at.or(ended.started_at),
        execution_id: ended.execution_id.map(str::to_owned),
        ..close_attempt(state, outcome, ended.error, now)
    };
    Ok(match ended.error {
        Some(error) if may_repeat(submission, &state, error.kind) => repeat(state, now, jitter),
        _ => finish(submission, state, status(outcome), now),
    })
}

/// Releases a job for which no attempt could start: it is queued as if it had not been leased, for
/// `retry_after_s` seconds or at once. The attempt does not count.
///
/// # Errors
/// The job is another's, or over.
pub fn release(
    state: &JobState,
    fencing_token: &str,
    error: Option<&Error>,
    retry_after_s: Option<u32>,
    now: Timestamp,
) -> Result<JobState, LeaseLost> {
    check_token(state, fencing_token)?;
    let mut state = close_attempt(state, AttemptOutcome::GivenBack, error, now);
    state.attempts_made = state.attempts_made.saturating_sub(1);
    if let Some(seconds) = retry_after_s {
        state.ready_at = now + Duration::from_secs(seconds.into());
    }
    Ok(wait(state, now))
}

/// Ends the attempt of a runner with an expired lease: the job is queued for another attempt, or
/// fails. Returns `None` where the lease has not expired.
#[must_use]
pub fn expire(
    submission: &Submission,
    state: &JobState,
    now: Timestamp,
    jitter: u64,
) -> Option<JobState> {
    if !has_lapsed(state, now) {
        return None;
    }
    let error = lost(state);
    let state = close_attempt(state, AttemptOutcome::Lost, Some(&error), now);
    Some(if may_repeat(submission, &state, error.kind) {
        repeat(state, now, jitter)
    } else {
        finish(submission, state, JobStatus::Failed, now)
    })
}

fn lost(state: &JobState) -> Error {
    let node = state.node_id.as_deref().map(|node| format!(" on `{node}`")).unwrap_or_default();
    let message = format!(
        "the runner{node} was not heard of any more in attempt {}; its result, should it come, is \
         not taken",
        state.attempts.last().map_or(0, |attempt| attempt.attempt)
    );
    Error::new(ErrorKind::ExecutorFault, message)
}

/// Whether another attempt follows: while attempts are left, after a failure of the platform. A
/// policy's own failure is its result, unless the submitter set `max_attempts`.
fn may_repeat(submission: &Submission, state: &JobState, kind: ErrorKind) -> bool {
    let is_the_platforms = matches!(
        kind,
        ErrorKind::ExecutorFault
            | ErrorKind::Unavailable
            | ErrorKind::TimedOut
            | ErrorKind::Limited
            | ErrorKind::Internal
    );
    match submission.max_attempts {
        Some(most) => state.attempts_made < most,
        None => is_the_platforms && state.attempts_made < ATTEMPTS,
    }
}

fn repeat(state: JobState, now: Timestamp, jitter: u64) -> JobState {
    let ready_at = now + backoff(state.attempts_made, jitter);
    wait(JobState { ready_at, ..state }, now)
}

fn status(outcome: AttemptOutcome) -> JobStatus {
    match outcome {
        AttemptOutcome::Completed => JobStatus::Completed,
        AttemptOutcome::TimedOut => JobStatus::TimedOut,
        AttemptOutcome::Cancelled => JobStatus::Cancelled,
        AttemptOutcome::Failed | AttemptOutcome::Lost | AttemptOutcome::GivenBack => {
            JobStatus::Failed
        }
    }
}

/// Moves the job to a final state and requests its callback, if it has one.
pub(crate) fn finish(
    submission: &Submission,
    state: JobState,
    job_status: JobStatus,
    now: Timestamp,
) -> JobState {
    let callback = callback::of(submission, &state, now);
    let due_at = callback.as_ref().and_then(|callback| callback.next_at);
    JobState {
        job_status,
        lease: None,
        is_queued: false,
        due_at,
        finished_at: Some(now),
        callback,
        ..state
    }
}

/// The attempt that is going on, if any, is over.
pub(crate) fn close_attempt(
    state: &JobState,
    outcome: AttemptOutcome,
    error: Option<&Error>,
    now: Timestamp,
) -> JobState {
    let mut state = next_version(state);
    if let Some(attempt) = state.attempts.last_mut().filter(|attempt| attempt.outcome.is_none()) {
        attempt.ended_at = Some(now);
        attempt.outcome = Some(outcome);
        attempt.error = error.map(truncate_error::for_attempt);
    }
    state.error = error.map(truncate_error::for_job);
    state.lease = None;
    state
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{at, held, submission};

    fn failing(kind: ErrorKind) -> Error {
        Error::new(kind, "no")
    }

    fn complete_with(
        submission: &Submission,
        state: &JobState,
        kind: Option<ErrorKind>,
    ) -> JobState {
        let error = kind.map(failing);
        let ended = AttemptEnd { error: error.as_ref(), execution_id: Some("e"), started_at: None };
        complete(submission, state, "a", &ended, at(10), 0).unwrap()
    }

    #[test]
    fn an_output_or_a_policys_own_failure_is_the_end() {
        for (kind, status) in [
            (None, JobStatus::Completed),
            (Some(ErrorKind::PolicyRaised), JobStatus::Failed),
            (Some(ErrorKind::SchemaViolation), JobStatus::Failed),
            (Some(ErrorKind::PolicyTimedOut), JobStatus::TimedOut),
        ] {
            let state = complete_with(&submission(), &held("a", 0), kind);
            assert_eq!((state.job_status, state.due_at), (status, None), "{kind:?}");
            assert_eq!(state.error, kind.map(failing));
        }
    }

    #[test]
    fn what_the_platform_spoiled_is_tried_again_and_so_is_what_was_asked_for() {
        let once = submission();
        let twice = Submission { max_attempts: Some(2), ..submission() };
        for (submission, kind) in
            [(&once, ErrorKind::Unavailable), (&twice, ErrorKind::PolicyRaised)]
        {
            let state = complete_with(submission, &held("a", 0), Some(kind));
            assert_eq!(state.job_status, JobStatus::Queued, "{kind:?}");
            assert!(state.ready_at > at(10) && !state.is_queued && state.lease.is_none());
            assert_eq!(state.due_at, Some(state.ready_at));
        }
    }

    #[test]
    fn attempts_come_to_an_end() {
        for (most, kind, made) in [
            (None, ErrorKind::Unavailable, ATTEMPTS),
            (Some(1), ErrorKind::Unavailable, 1),
            (Some(7), ErrorKind::PolicyRaised, 7),
        ] {
            let submission = Submission { max_attempts: most, ..submission() };
            let state = JobState { attempts_made: made, ..held("a", 0) };
            assert_eq!(
                complete_with(&submission, &state, Some(kind)).job_status,
                JobStatus::Failed
            );
            let state = JobState { attempts_made: made, ..held("a", 0) };
            let lapsed = expire(&submission, &state, at(1_000_000), 0).unwrap();
            assert_eq!(lapsed.job_status, JobStatus::Failed, "{kind:?}");
        }
    }

    #[test]
    fn a_lost_runners_result_is_not_taken() {
        let state = held("a", 0);
        assert_eq!(expire(&submission(), &state, at(29_999), 0), None);
        let state = expire(&submission(), &state, at(30_000), 0).unwrap();
        assert_eq!(state.attempts[0].outcome, Some(AttemptOutcome::Lost));
        let ended = AttemptEnd { error: None, execution_id: Some("e"), started_at: None };
        assert_eq!(complete(&submission(), &state, "a", &ended, at(30_001), 0), Err(LeaseLost));
        assert_eq!(release(&state, "a", None, None, at(30_001)), Err(LeaseLost));
    }

    #[test]
    fn what_could_not_begin_does_not_count() {
        let error = failing(ErrorKind::Limited);
        let state = release(&held("a", 0), "a", Some(&error), Some(7), at(10)).unwrap();
        assert_eq!((state.attempts_made, state.ready_at), (0, at(7_010)));
        assert_eq!(state.job_status, JobStatus::Queued);
    }
}
