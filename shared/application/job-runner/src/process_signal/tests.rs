//! Two runners that process signals of one queue at the same time.

use writ_testing::MemoryPlatform;
use writ_testing::builders::{job, lease_request, runner, submission};

use super::*;

fn own() -> Workspace {
    Workspace::default()
}

/// Queues a job and returns its signal.
fn put(ports: &MemoryPlatform, job_id: &str) -> JobSignal {
    let submission = submission(&own(), job_id);
    let signal = JobSignal::new(&submission, SignalKind::Queue);
    ports.put(job(submission));
    signal
}

/// Right before a runner leases the job `taken`, another one does, and the job `comes` is queued.
fn rival(ports: &MemoryPlatform, taken: &str, comes: &str) {
    let (taken_id, comes) = (taken.to_owned(), comes.to_owned());
    ports.before_for("change_job", taken, move |ports| {
        put(ports, &comes);
        let now = ports.now();
        ports.change(&own(), &taken_id, |submission, state| {
            lease(submission, state, &runner(), lease_request("other"), now).unwrap()
        });
    });
}

/// The id of the job that a runner takes for this signal.
async fn take_one(ports: &MemoryPlatform, signal: &JobSignal) -> Option<String> {
    let taken = acquire_job(ports, &runner(), signal).await.unwrap();
    taken.map(|(job, _)| job.submission.job_id)
}

#[tokio::test]
async fn a_signal_whose_job_another_runner_leased_leases_the_job_that_the_other_was_signalled() {
    let ports = MemoryPlatform::default();
    let signal = put(&ports, "a");
    // The other runner had the signal of `b` and found `a` first in the queue.
    rival(&ports, "a", "b");
    assert_eq!(take_one(&ports, &signal).await.as_deref(), Some("b"));
}

#[tokio::test]
async fn a_lost_race_is_repeated_as_long_as_new_jobs_are_queued_and_no_longer() {
    let ports = MemoryPlatform::default();
    let signal = put(&ports, "a");
    for (taken, comes) in [("a", "b"), ("b", "c"), ("c", "d")] {
        rival(&ports, taken, comes);
    }
    assert_eq!(take_one(&ports, &signal).await.as_deref(), Some("d"));
    assert_eq!(take_one(&ports, &signal).await, None);
}

#[tokio::test]
async fn what_an_index_shows_behind_others_jobs_is_found() {
    let ports = MemoryPlatform::default();
    let signal = put(&ports, "a00");
    for number in 1..=HEAD {
        put(&ports, &format!("a{number:02}"));
    }
    for number in 0..HEAD {
        rival(&ports, &format!("a{number:02}"), &format!("z{number:02}"));
    }
    assert_eq!(take_one(&ports, &signal).await, Some(format!("a{HEAD:02}")));
}
