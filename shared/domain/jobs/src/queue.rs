//! The order of a workspace's queue.

use writ_model::{JobState, Submission};

use crate::bounds::PRIORITY_MAX;

/// Returns the sort key of a queued job in its workspace's queue; the least key is next. The queue
/// is ordered by priority, and within a priority by time.
///
/// The key compares as text: a digit for the priority, the time in RFC 3339, the id.
#[must_use]
pub fn queue_key(submission: &Submission, state: &JobState) -> String {
    let line = PRIORITY_MAX.saturating_sub(submission.priority);
    format!("{line}#{}#{}", state.ready_at, submission.job_id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::enqueue;
    use crate::fixture::{at, submission};

    #[test]
    fn the_highest_priority_goes_first_and_then_who_is_ready_first() {
        let ranked = |priority, ready, id: &str| {
            let mut submission = submission();
            (submission.priority, submission.job_id) = (priority, id.to_owned());
            let mut state = enqueue(&submission);
            state.ready_at = at(ready);
            queue_key(&submission, &state)
        };
        let in_order = [
            ranked(9, 5, "z"),
            ranked(5, 1, "y"),
            ranked(5, 2, "a"),
            ranked(5, 2, "b"),
            ranked(0, 0, "a"),
        ];
        let mut sorted = in_order.clone();
        sorted.sort();
        assert_eq!(sorted, in_order);
    }
}
