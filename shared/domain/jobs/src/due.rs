//! Jobs that are due by the clock, independent of lost signals and runners.

use writ_model::{JobState, JobStatus, Submission, Timestamp};

use crate::bounds::{CALLBACK_CLAIM, RENOTIFY};
use crate::enqueue::next_version;
use crate::{expire, has_lapsed};

/// The action that a due job requires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DueAction {
    /// The job requires no action yet.
    Nothing,
    /// Send the signal of this state, and store it.
    Write(Box<JobState>),
}

/// Returns the action that the job requires at `now`.
#[must_use]
pub fn due(submission: &Submission, state: &JobState, now: Timestamp, jitter: u64) -> DueAction {
    if state.due_at.is_none_or(|due_at| due_at > now) {
        return DueAction::Nothing;
    }
    match state.job_status {
        JobStatus::Queued => DueAction::Write(Box::new(record_notification(state, now))),
        status if status.is_final() => {
            DueAction::Write(Box::new(record_callback_notification(state, now)))
        }
        // A lease that was renewed by a clock ahead of this one has not lapsed yet.
        _ if !has_lapsed(state, now) => DueAction::Nothing,
        _ => expire(submission, state, now, jitter)
            .map_or(DueAction::Nothing, |state| DueAction::Write(Box::new(state))),
    }
}

/// Returns the state of a queued job with its signal sent (again). It enters its queue, and is due
/// for another signal after a time that doubles with each one.
#[must_use]
pub fn record_notification(state: &JobState, now: Timestamp) -> JobState {
    if state.ready_at > now {
        return JobState { due_at: Some(state.ready_at), is_queued: false, ..next_version(state) };
    }
    // A job that just enters its queue has had no signal before.
    let announced = if state.is_queued { state.announced + 1 } else { 0 };
    let due_at = Some(now + RENOTIFY.wait(announced.saturating_add(1)));
    JobState { is_queued: true, announced, due_at, ..next_version(state) }
}

/// Records that a signal was sent for a callback. If no runner takes it, the sweep sends another one
/// after the time that a runner has to deliver a callback.
fn record_callback_notification(state: &JobState, now: Timestamp) -> JobState {
    JobState { due_at: Some(now + CALLBACK_CLAIM), ..next_version(state) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{at, held, submission};
    use crate::{cancel, claim_callback, enqueue};

    fn written(due: DueAction) -> JobState {
        let DueAction::Write(state) = due else { panic!("{due:?}") };
        *state
    }

    #[test]
    fn who_waits_for_a_time_comes_into_the_line_then() {
        let submission = Submission { not_before: Some(at(5_000)), ..submission() };
        let state = enqueue(&submission);
        assert_eq!(due(&submission, &state, at(4_999), 0), DueAction::Nothing);
        let state = written(due(&submission, &state, at(5_000), 0));
        assert!(state.is_queued && state.due_at == Some(at(125_000)), "{state:?}");
    }

    #[test]
    fn who_waits_in_line_is_announced_ever_more_seldom_and_always_again() {
        let submission = submission();
        let mut state = enqueue(&submission);
        let mut pauses = Vec::new();
        for _ in 0..8 {
            let now = state.due_at.unwrap();
            state = written(due(&submission, &state, now, 0));
            pauses.push(state.due_at.unwrap().as_ms() - now.as_ms());
        }
        let minutes: Vec<i64> = pauses.iter().map(|ms| ms / 60_000).collect();
        assert_eq!(minutes, [4, 8, 16, 32, 60, 60, 60, 60]);
    }

    #[test]
    fn a_lease_that_is_over_is_due() {
        let state = held("a", 0);
        assert_eq!(due(&submission(), &state, at(29_999), 0), DueAction::Nothing);
        assert_eq!(
            written(due(&submission(), &state, at(30_000), 0)).job_status,
            JobStatus::Queued
        );
    }

    #[test]
    fn an_end_that_has_to_be_told_is_announced_once_a_minute() {
        let submission =
            Submission { callback_url: Some("https://a.example".to_owned()), ..submission() };
        let state = cancel(&submission, &enqueue(&submission), "ana", at(0)).unwrap();
        let told = written(due(&submission, &state, at(0), 0));
        assert_eq!(due(&submission, &told, at(59_999), 0), DueAction::Nothing);
        assert_eq!(written(due(&submission, &told, at(60_000), 0)).due_at, Some(at(120_000)));
        assert!(claim_callback(&told, at(1)).is_some(), "whoever was told may call at once");
    }
}
