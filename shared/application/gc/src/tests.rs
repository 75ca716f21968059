use std::time::Duration;

use writ_model::ErrorKind;
use writ_testing::{MemoryPlatform, START};

use super::*;

type Step = Result<GcReport, Error>;

fn platform(
    uploads: impl IntoIterator<Item = Step>,
    expired: impl IntoIterator<Item = Step>,
) -> MemoryPlatform {
    let ports = MemoryPlatform::default();
    ports.script_uploads(uploads);
    ports.script_expired(expired);
    ports
}

fn removed(removed: u64, more: bool) -> Step {
    Ok(GcReport { removed, more })
}

#[tokio::test]
async fn steps_are_taken_while_they_are_worth_it_and_counted_together() {
    let uploads = [removed(10, true), removed(3, false), removed(99, false)];
    let ports = platform(uploads, [removed(0, false), removed(99, false)]);
    let report = tick(&ports).await.unwrap();
    assert_eq!(report.uploads, GcReport { removed: 13, more: false });
    assert_eq!(report.expired, GcReport { removed: 0, more: false });
    let hour_ago = START - Duration::from_secs(3_600);
    assert_eq!(ports.gc_horizons(), [hour_ago; 3]);
}

#[tokio::test]
async fn a_part_that_fails_stops_no_other_and_is_told_at_the_end() {
    let failure = || Err(Error::new(ErrorKind::Unavailable, "busy"));
    for (uploads, expired) in [
        ([removed(1, true), failure()], [removed(1, true), removed(1, false)]),
        ([removed(1, true), removed(1, false)], [removed(1, true), failure()]),
    ] {
        let ports = platform(uploads, expired);
        let error = tick(&ports).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unavailable);
        assert_eq!(ports.gc_horizons().len(), 4);
    }
}

#[tokio::test]
async fn a_tick_ends_though_there_is_always_more() {
    let endless = || (0..1_000).map(|_| removed(1, true));
    let bounded = platform(endless(), endless());
    let report = tick(&bounded).await.unwrap();
    let most = GcReport { removed: u64::from(STEPS_MAX), more: true };
    assert_eq!(report, Report { uploads: most, expired: most });

    // A slow store: four seconds a step.
    let slow = platform(endless(), endless());
    for step in ["collect_uploads", "remove_expired"] {
        slow.before_each(step, |ports| ports.clock().advance(Duration::from_secs(4)));
    }
    let report = tick(&slow).await.unwrap();
    let most = GcReport { removed: 3, more: true };
    assert_eq!(report, Report { uploads: most, expired: most });
}
