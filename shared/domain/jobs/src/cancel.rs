//! Cancellation of jobs.

use writ_model::{AttemptOutcome, JobState, JobStatus, Submission, Timestamp};

use crate::complete::{close_attempt, finish};
use crate::transition_error::TransitionError;

/// Cancels the job at once. Its runner learns of it by its next heartbeat and stops, and its result
/// is rejected.
///
/// # Errors
/// It is over already.
pub fn cancel(
    submission: &Submission,
    state: &JobState,
    by: &str,
    now: Timestamp,
) -> Result<JobState, TransitionError> {
    if state.job_status.is_final() {
        return Err(TransitionError::Final(state.job_status));
    }
    let state = close_attempt(state, AttemptOutcome::Cancelled, None, now);
    let state = JobState { cancelled_by: Some(by.to_owned()), ..state };
    Ok(finish(submission, state, JobStatus::Cancelled, now))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{at, held, submission};
    use crate::{AttemptEnd, LeaseLost, complete, enqueue, renew_lease};

    #[test]
    fn a_cancelled_job_takes_no_result_and_is_cancelled_once() {
        for state in [enqueue(&submission()), held("a", 0)] {
            let state = cancel(&submission(), &state, "ana", at(5)).unwrap();
            assert_eq!((state.job_status, state.due_at), (JobStatus::Cancelled, None));
            assert_eq!(state.cancelled_by.as_deref(), Some("ana"));
            let ended = AttemptEnd { error: None, execution_id: Some("e"), started_at: None };
            assert_eq!(complete(&submission(), &state, "a", &ended, at(6), 0), Err(LeaseLost));
            assert_eq!(renew_lease(&state, "a", at(6)), Err(LeaseLost));
            let again = cancel(&submission(), &state, "ben", at(7));
            assert_eq!(again, Err(TransitionError::Final(JobStatus::Cancelled)));
        }
    }
}
