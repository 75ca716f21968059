//! The job id of a fire.

use writ_model::{Timestamp, Workspace, derive_id};

/// Returns the id of the job that the fire `at` of a schedule submits: a UUID of version 7 (RFC
/// 9562) with the time of the fire. Its other bits are derived from the workspace, the schedule and
/// the fire. So a repeated fire yields the same id, and a second submission is rejected as a
/// duplicate.
#[must_use]
pub fn run_id(workspace: &Workspace, schedule_id: &str, at: Timestamp) -> String {
    derive_id(at, &[workspace.as_str(), schedule_id])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workspace(name: &str) -> Workspace {
        name.parse().unwrap()
    }

    #[test]
    fn it_is_a_uuid_of_version_7_that_is_the_same_for_ever() {
        let at = Timestamp::from_ms(1_790_000_000_123);
        let id = run_id(&workspace("home"), "s1", at);
        assert_eq!(id, run_id(&workspace("home"), "s1", at));
        assert_eq!(id, "01a0c450-6c7b-70f4-981c-6404d911486c");
    }

    #[test]
    fn another_fire_schedule_or_workspace_has_another_one() {
        let at = Timestamp::from_ms(1_790_000_000_123);
        let ids = [
            run_id(&workspace("home"), "s1", at),
            run_id(&workspace("home"), "s1", Timestamp::from_ms(at.as_ms() + 1)),
            run_id(&workspace("home"), "s2", at),
            run_id(&workspace("homes"), "1", at),
            run_id(&workspace("home-2"), "s1", at),
        ];
        let different: std::collections::BTreeSet<_> = ids.iter().collect();
        assert_eq!(different.len(), ids.len(), "{ids:?}");
    }

    #[test]
    fn they_sort_by_time() {
        let of = |ms| run_id(&workspace("home"), "s1", Timestamp::from_ms(ms));
        let ids: Vec<_> = [0, 1, 999, 65_536, 1_790_000_000_000].map(of).into();
        assert!(ids.is_sorted(), "{ids:?}");
    }
}
