use std::collections::VecDeque;
use std::sync::Mutex;

use writ_model::ErrorKind;

use writ_model::Timestamp;

use super::*;

const NOW: Timestamp = Timestamp::from_ms(1_790_000_000_000);

type Steps = VecDeque<Result<GcReport, Error>>;

/// Ports that do what they were told to, while a clock runs.
#[derive(Default)]
struct Ports {
    uploads: Mutex<Steps>,
    expired: Mutex<Steps>,
    asked: Mutex<Vec<Timestamp>>,
    ticks_us: Mutex<u64>,
    /// How long a step takes.
    step_us: u64,
}

impl Ports {
    fn new(uploads: Steps, expired: Steps) -> Self {
        Self { uploads: Mutex::new(uploads), expired: Mutex::new(expired), ..Self::default() }
    }

    fn step(&self, steps: &Mutex<Steps>, before: Timestamp) -> Result<GcReport, Error> {
        self.asked.lock().unwrap().push(before);
        *self.ticks_us.lock().unwrap() += self.step_us;
        steps.lock().unwrap().pop_front().unwrap_or_else(|| Ok(GcReport::default()))
    }
}

impl Clock for Ports {
    fn now(&self) -> Timestamp {
        NOW
    }

    fn ticks_us(&self) -> u64 {
        *self.ticks_us.lock().unwrap()
    }
}

impl CollectUploads for Ports {
    async fn collect_uploads(&self, before: Timestamp) -> Result<GcReport, Error> {
        self.step(&self.uploads, before)
    }
}

impl RemoveExpired for Ports {
    async fn remove_expired(&self, before: Timestamp) -> Result<GcReport, Error> {
        self.step(&self.expired, before)
    }
}

fn removed(removed: u64, more: bool) -> Result<GcReport, Error> {
    Ok(GcReport { removed, more })
}

#[tokio::test]
async fn steps_are_taken_while_they_are_worth_it_and_counted_together() {
    let uploads = [removed(10, true), removed(3, false), removed(99, false)];
    let ports = Ports::new(uploads.into(), [removed(0, false), removed(99, false)].into());
    let report = tick(&ports).await.unwrap();
    assert_eq!(report.uploads, GcReport { removed: 13, more: false });
    assert_eq!(report.expired, GcReport { removed: 0, more: false });
    let hour_ago = NOW - Duration::from_secs(3_600);
    assert_eq!(*ports.asked.lock().unwrap(), [hour_ago; 3]);
}

#[tokio::test]
async fn a_part_that_fails_stops_no_other_and_is_told_at_the_end() {
    let failure = || Err(Error::new(ErrorKind::Unavailable, "busy"));
    for (uploads, expired) in [
        ([removed(1, true), failure()], [removed(1, true), removed(1, false)]),
        ([removed(1, true), removed(1, false)], [removed(1, true), failure()]),
    ] {
        let ports = Ports::new(uploads.into(), expired.into());
        let error = tick(&ports).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unavailable);
        assert_eq!(ports.asked.lock().unwrap().len(), 4);
    }
}

#[tokio::test]
async fn a_tick_ends_though_there_is_always_more() {
    let endless = || (0..1_000).map(|_| removed(1, true)).collect::<Steps>();
    let bounded = Ports::new(endless(), endless());
    let report = tick(&bounded).await.unwrap();
    let most = GcReport { removed: u64::from(STEPS_MAX), more: true };
    assert_eq!(report, Report { uploads: most, expired: most });

    // A slow store: four seconds a step.
    let slow = Ports { step_us: 4_000_000, ..Ports::new(endless(), endless()) };
    let report = tick(&slow).await.unwrap();
    let most = GcReport { removed: 3, more: true };
    assert_eq!(report, Report { uploads: most, expired: most });
}
