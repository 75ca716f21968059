//! Retries by a caller.

use writ_model::{JobState, JobStatus, Timestamp};

use crate::bounds::ROUND_IDS_MAX;
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

/// As [`retry`], once for all requests with one idempotency key: `round_id` is the id by that key.
/// Returns `None` where an earlier one of them started a round, the present one or one before it.
///
/// # Errors
/// As [`retry`].
pub fn retry_once(
    state: &JobState,
    round_id: Option<&str>,
    now: Timestamp,
) -> Result<Option<JobState>, TransitionError> {
    let Some(round_id) = round_id else { return retry(state, now).map(Some) };
    if state.round_ids.iter().any(|known| known == round_id) {
        return Ok(None);
    }
    let mut state = retry(state, now)?;
    state.round_ids.push(round_id.to_owned());
    let forgotten = state.round_ids.len().saturating_sub(ROUND_IDS_MAX);
    state.round_ids.drain(..forgotten);
    Ok(Some(state))
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

    #[test]
    fn one_key_starts_one_round_and_another_key_another_one() {
        let submission = submission();
        let stop = |state: &JobState| cancel(&submission, state, "ana", at(1)).unwrap();
        let stopped = stop(&enqueue(&submission));
        let again = retry_once(&stopped, Some("k"), at(2)).unwrap().unwrap();
        assert_eq!(retry_once(&again, Some("k"), at(3)), Ok(None));
        let stopped = stop(&again);
        assert_eq!(retry_once(&stopped, Some("k"), at(4)), Ok(None));
        for other in [Some("l"), None] {
            let next = retry_once(&stopped, other, at(4)).unwrap().unwrap();
            assert_eq!(next.round, 3);
            // The first key is known for longer than its own round.
            assert_eq!(retry_once(&stop(&next), Some("k"), at(5)), Ok(None), "{other:?}");
        }
    }

    #[test]
    fn a_job_knows_a_bounded_number_of_keys() {
        let submission = submission();
        let mut state = cancel(&submission, &enqueue(&submission), "ana", at(1)).unwrap();
        for round in 0..=ROUND_IDS_MAX {
            let next = retry_once(&state, Some(&round.to_string()), at(2)).unwrap().unwrap();
            state = cancel(&submission, &next, "ana", at(3)).unwrap();
        }
        assert_eq!(state.round_ids.len(), ROUND_IDS_MAX);
        assert!(!state.round_ids.contains(&"0".to_owned()));
    }
}
