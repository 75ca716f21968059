//! A sweep where something fails.

use writ_model::Workspace;
use writ_testing::MemoryPlatform;
use writ_testing::builders::{job, submission};

use super::*;

/// Jobs that are all due, and a queue.
fn platform(job_ids: &[&str]) -> MemoryPlatform {
    let ports = MemoryPlatform::default();
    for job_id in job_ids {
        ports.put(job(submission(&Workspace::default(), job_id)));
    }
    // The jobs have been due for three minutes.
    ports.clock().advance_s(300);
    ports
}

fn announced(ports: &MemoryPlatform) -> Vec<String> {
    ports.signals().into_iter().map(|(job_id, ..)| job_id).collect()
}

#[tokio::test]
async fn a_job_that_cannot_be_read_hides_no_other() {
    let ports = platform(&["a", "b", "c"]);
    ports.fail_calls_for("get_job", "a");
    assert!(sweep(&ports).await.is_err());
    assert_eq!(announced(&ports), ["b", "c"]);
}

#[tokio::test]
async fn what_the_queue_does_not_take_stays_due() {
    let ports = platform(&["a"]);
    ports.fail_calls("notify");
    let before = ports.job(&Workspace::default(), "a").state;
    assert!(sweep(&ports).await.is_err());
    assert_eq!(ports.job(&Workspace::default(), "a").state, before);
}
