//! Initial states and queueing of jobs.

use writ_model::{JobState, JobStatus, Submission, Timestamp};

use crate::bounds::RENOTIFY;

/// Returns the initial state of a job: in its queue, or waiting for its start time.
#[must_use]
pub fn enqueue(submission: &Submission) -> JobState {
    let submitted = submission.submitted_at;
    let ready_at = submission.not_before.filter(|time| *time > submitted).unwrap_or(submitted);
    let state = JobState {
        version: 1,
        job_status: JobStatus::Queued,
        round: 1,
        round_ids: Vec::new(),
        attempts_made: 0,
        attempts: Vec::new(),
        lease: None,
        ready_at,
        is_queued: false,
        announced: 0,
        due_at: None,
        admitted_at: None,
        started_at: None,
        finished_at: None,
        execution_id: None,
        node_id: None,
        error: None,
        cancelled_by: None,
        callback: None,
    };
    wait(state, submitted)
}

/// Queues the job at `now`: in its queue if its start time has come, or due at that time.
pub(crate) fn wait(state: JobState, now: Timestamp) -> JobState {
    let is_queued = state.ready_at <= now;
    // The writer of a queued job sends its signal too; the due time covers a signal that was not sent.
    let due_at = if is_queued { now + RENOTIFY.first } else { state.ready_at };
    JobState {
        job_status: JobStatus::Queued,
        lease: None,
        is_queued,
        announced: 0,
        due_at: Some(due_at),
        ..state
    }
}

/// Returns the same state under the next version number.
pub(crate) fn next_version(state: &JobState) -> JobState {
    JobState { version: state.version + 1, ..state.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{at, submission};

    #[test]
    fn a_job_stands_in_its_line_unless_its_time_is_to_come() {
        let mut submission = submission();
        let state = enqueue(&submission);
        assert!(state.is_queued && state.due_at == Some(at(0) + RENOTIFY.first), "{state:?}");
        submission.not_before = Some(at(-5));
        assert_eq!(enqueue(&submission), state);
        submission.not_before = Some(at(5_000));
        let state = enqueue(&submission);
        assert!(!state.is_queued && state.due_at == Some(at(5_000)), "{state:?}");
    }
}
