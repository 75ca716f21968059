//! The queue of jobs that wait for a runner.

use writ_jobs::{enqueue, queue_key};
use writ_model::Submission;
use writ_ports::{ChangeJob, CountQueued, PeekQueue, PutJob};

use crate::at;
use crate::builders::{start_attempt, submission, workspace};

/// The highest priority goes first, then the job that was ready first, then the lower id.
pub async fn jobs_wait_by_priority_and_then_by_time<P>(ports: &P)
where
    P: CountQueued + PeekQueue + PutJob,
{
    let own = workspace("own");
    let mut keys = Vec::new();
    for (job_id, priority, ms) in
        [("e", 0, 0), ("c", 5, 20), ("b", 5, 10), ("d", 5, 20), ("a", 9, 30)]
    {
        let submitted_at = at(ms);
        let asked = Submission { priority, submitted_at, ..submission(&own, job_id) };
        let state = enqueue(&asked);
        ports.put_job(&asked, &state).await.unwrap();
        keys.push((job_id, queue_key(&asked, &state)));
    }
    let other = submission(&workspace("other"), "z");
    ports.put_job(&other, &enqueue(&other)).await.unwrap();
    for (limit, ids) in [(9, "a b c d e"), (3, "a b c"), (1, "a")] {
        assert_eq!(ports.peek_queue(&own, limit).await.unwrap().join(" "), ids, "{limit}");
    }
    assert_eq!(ports.peek_queue(&workspace("none"), 9).await, Ok(Vec::new()));
    for (job_id, key) in keys {
        let before = usize::from(job_id.as_bytes()[0] - b'a');
        for (most, count) in [(9, before), (2, before.min(2))] {
            let counted = ports.count_before(&own, &key, most).await;
            assert_eq!(counted, Ok(count), "{job_id} {most}");
        }
    }
}

/// A leased job leaves the queue; a job with a time to come is not in it yet.
pub async fn a_job_that_runs_or_is_for_later_does_not_wait<P>(ports: &P)
where
    P: ChangeJob + PeekQueue + PutJob,
{
    let own = workspace("own");
    let (runs, waits) = (submission(&own, "a"), submission(&own, "b"));
    let later = Submission { not_before: Some(at(60_000)), ..submission(&own, "c") };
    for asked in [&runs, &waits, &later] {
        ports.put_job(asked, &enqueue(asked)).await.unwrap();
    }
    assert_eq!(ports.peek_queue(&own, 9).await.unwrap(), ["a", "b"]);
    let [leased, _] = start_attempt(&runs, &enqueue(&runs), "e1", at(1));
    assert_eq!(ports.change_job(&runs, &leased).await, Ok(true));
    assert_eq!(ports.peek_queue(&own, 9).await.unwrap(), ["b"]);
}
