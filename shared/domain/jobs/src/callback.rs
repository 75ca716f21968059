//! Callbacks, which report the end of a job at least once, always under the same id.

use writ_model::{Callback, CallbackStatus, JobState, Submission, Timestamp};

use crate::bounds::CALLBACK_CLAIM;
use crate::enqueue::next_version;

/// The outcome of one delivery attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// The receiver accepted the callback.
    Delivered,
    /// The attempt failed; the next one follows at a later time.
    Again {
        /// The error of the attempt, for the job's state.
        reason: String,
        /// The time of the next attempt.
        at: Timestamp,
    },
    /// The attempt failed, and none follows.
    GivenUp {
        /// The error of the attempt, for the job's state.
        reason: String,
    },
}

/// Returns the callback of a job that ends; `None` for a job without a callback URL.
pub(crate) fn of(submission: &Submission, state: &JobState, now: Timestamp) -> Option<Callback> {
    submission.callback_url.as_ref()?;
    Some(Callback {
        callback_id: format!("{}-{}", submission.job_id, state.round),
        status: CallbackStatus::Pending,
        tries: 0,
        next_at: Some(now),
        last_failure: None,
    })
}

/// Claims a callback that is due, exclusively for [`CALLBACK_CLAIM`]. Returns `None` where none
/// is due.
#[must_use]
pub fn claim_callback(state: &JobState, now: Timestamp) -> Option<JobState> {
    let callback = state.callback.as_ref().filter(|_| state.job_status.is_final())?;
    callback.next_at.filter(|next_at| *next_at <= now)?;
    let next_at = Some(now + CALLBACK_CLAIM);
    let callback = Callback { tries: callback.tries + 1, next_at, ..callback.clone() };
    Some(JobState { callback: Some(callback), due_at: next_at, ..next_version(state) })
}

/// Returns the state after a delivery attempt; `None` for a job without a callback.
#[must_use]
pub fn record_delivery(state: &JobState, delivery: Delivery) -> Option<JobState> {
    let callback = state.callback.clone()?;
    let (status, next_at, last_failure) = match delivery {
        Delivery::Delivered => (CallbackStatus::Delivered, None, callback.last_failure),
        Delivery::Again { reason, at } => (CallbackStatus::Pending, Some(at), Some(reason)),
        Delivery::GivenUp { reason } => (CallbackStatus::GivenUp, None, Some(reason)),
    };
    let callback = Callback { status, next_at, last_failure, ..callback };
    Some(JobState { callback: Some(callback), due_at: next_at, ..next_version(state) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{at, submission};
    use crate::{cancel, enqueue, retry};

    fn ended() -> JobState {
        let submission =
            Submission { callback_url: Some("https://a.example".to_owned()), ..submission() };
        cancel(&submission, &enqueue(&submission), "ana", at(0)).unwrap()
    }

    #[test]
    fn a_call_is_one_callers_for_a_minute_and_then_anybodys() {
        let claimed = claim_callback(&ended(), at(0)).unwrap();
        assert_eq!(claim_callback(&claimed, at(59_999)), None);
        assert!(claim_callback(&claimed, at(60_000)).is_some());
        assert_eq!(claimed.due_at, Some(at(60_000)));
    }

    #[test]
    fn a_call_that_arrived_or_was_given_up_is_not_due() {
        let claimed = claim_callback(&ended(), at(0)).unwrap();
        let reason = || "no".to_owned();
        for (delivery, due_at) in [
            (Delivery::Delivered, None),
            (Delivery::GivenUp { reason: reason() }, None),
            (Delivery::Again { reason: reason(), at: at(9) }, Some(at(9))),
        ] {
            let state = record_delivery(&claimed, delivery).unwrap();
            assert_eq!(state.due_at, due_at);
            let callback = state.callback.unwrap();
            assert_eq!((callback.next_at, callback.tries), (due_at, 1));
        }
    }

    #[test]
    fn each_round_has_its_own_call_and_each_try_the_same_id() {
        let first = ended();
        let id = |state: &JobState| state.callback.as_ref().unwrap().callback_id.clone();
        assert_eq!(id(&first), id(&claim_callback(&first, at(0)).unwrap()));
        assert_eq!(retry(&first, at(1)).unwrap().callback, None);
    }
}
