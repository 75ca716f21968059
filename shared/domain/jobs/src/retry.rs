//! Retries by a caller.

use writ_model::{JobState, JobStatus, Timestamp};

use crate::enqueue::{next_version, wait};
use crate::transition_error::TransitionError;

/// Queues the job again, as if it had just been submitted, in a new round. The attempts of earlier
/// rounds are kept.
///
/// # Errors
/// Returns an error where the job has completed, or has not ended.
pub fn retry(state: &JobState, now: Timestamp) -> Result<JobState, TransitionError> {
    match state.job_status {
        JobStatus::Completed => return Err(TransitionError::Completed),
        status if !status.is_final() => return Err(TransitionError::NotFinal(status)),
        _ => {}
    }
    let state = JobState {
        round: state.round + 1,
        attempts_made: 0,
        ready_at: now,
        admitted_at: None,
        started_at: None,
        finished_at: None,
        execution_id: None,
        error: None,
        cancelled_by: None,
        callback: None,
        ..next_version(state)
    };
    Ok(wait(state, now))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{at, held, submission};
    use crate::{AttemptEnd, cancel, complete, enqueue};

    #[test]
    fn only_what_ended_without_a_result_is_tried_again() {
        let submission = submission();
        let state = held("a", 0);
        assert_eq!(retry(&state, at(1)), Err(TransitionError::NotFinal(JobStatus::Admitted)));
        let ended = AttemptEnd { error: None, execution_id: Some("e"), started_at: None };
        let completed = complete(&submission, &state, "a", &ended, at(1), 0).unwrap();
        assert_eq!(retry(&completed, at(2)), Err(TransitionError::Completed));
        let stopped = cancel(&submission, &enqueue(&submission), "ana", at(1)).unwrap();
        let again = retry(&stopped, at(2)).unwrap();
        assert_eq!((again.job_status, again.round, again.is_queued), (JobStatus::Queued, 2, true));
        assert_eq!((again.cancelled_by, again.ready_at), (None, at(2)));
    }
}
