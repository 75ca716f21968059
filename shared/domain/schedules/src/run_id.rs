//! The job id of a fire.

use sha2::{Digest as _, Sha256};
use writ_model::{Timestamp, Workspace};

/// Returns the id of the job that the fire `at` of a schedule submits: a UUID of version 7 (RFC
/// 9562) with the time of the fire. Its other bits are derived from the workspace, the schedule and
/// the fire. So a repeated fire yields the same id, and a second submission is rejected as a
/// duplicate.
#[must_use]
pub fn run_id(workspace: &Workspace, schedule_id: &str, at: Timestamp) -> String {
    let digest = Sha256::new()
        .chain_update(at.as_ms().to_be_bytes())
        .chain_update(workspace.as_str().as_bytes())
        // A separator that occurs in no workspace and no id.
        .chain_update([0])
        .chain_update(schedule_id.as_bytes())
        .finalize();
    let (word, _) = digest.split_first_chunk::<10>().unwrap_or((&[0; 10], &[]));
    let [a, b, c, d, e, f, g, h, i, j] = *word;
    let ms = u64::try_from(at.as_ms()).unwrap_or(0) & 0xffff_ffff_ffff;
    let (version, variant) = (0x70 | (a & 0x0f), 0x80 | (c & 0x3f));
    let node = format!("{e:02x}{f:02x}{g:02x}{h:02x}{i:02x}{j:02x}");
    format!("{:08x}-{:04x}-{version:02x}{b:02x}-{variant:02x}{d:02x}-{node}", ms >> 16, ms & 0xffff)
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
        assert_eq!((id.len(), &id[..15]), (36, "01a0c450-6c7b-7"));
        assert!(matches!(&id[19..20], "8" | "9" | "a" | "b"), "{id}");
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
