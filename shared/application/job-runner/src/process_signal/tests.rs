//! Two runners that process signals of one queue at the same time.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use writ_jobs::enqueue;
use writ_model::{ExecutorId, JobState, Submission, Timestamp};

use super::*;
use crate::fixture::{at, submission};

/// A queue, and what another runner does between this one's steps.
#[derive(Default)]
struct Queue {
    jobs: Mutex<BTreeMap<String, Job>>,
    /// Before the job of the first id is leased, another runner leases it, and a job of the second
    /// id is queued.
    rivals: Mutex<BTreeMap<String, String>>,
}

fn runner() -> Runner {
    Runner { executor_id: ExecutorId::BUILTIN, node_id: None }
}

impl Queue {
    fn put(&self, job_id: &str) -> JobSignal {
        let submission = submission(job_id);
        let signal = JobSignal::new(&submission, SignalKind::Queue);
        let job = Job { state: enqueue(&submission), submission, output: None };
        self.jobs.lock().unwrap().insert(job_id.to_owned(), job);
        signal
    }

    fn rival(&self, taken: &str, comes: &str) {
        self.rivals.lock().unwrap().insert(taken.to_owned(), comes.to_owned());
    }

    async fn take(&self, signal: &JobSignal) -> Option<String> {
        let taken = acquire_job(self, &runner(), signal).await.unwrap();
        taken.map(|(job, _)| job.submission.job_id)
    }
}

impl PeekQueue for Queue {
    async fn peek_queue(&self, _: &Workspace, limit: usize) -> Result<Vec<String>, Error> {
        let jobs = self.jobs.lock().unwrap();
        let waiting = jobs.iter().filter(|(_, job)| job.state.is_queued);
        Ok(waiting.map(|(job_id, _)| job_id.clone()).take(limit).collect())
    }
}

impl GetJob for Queue {
    async fn get_job(&self, _: &Workspace, job_id: &str) -> Result<Option<Job>, Error> {
        Ok(self.jobs.lock().unwrap().get(job_id).cloned())
    }
}

impl ChangeJob for Queue {
    async fn change_job(&self, submission: &Submission, state: &JobState) -> Result<bool, Error> {
        let rival = self.rivals.lock().unwrap().remove(&submission.job_id);
        if let Some(comes) = rival {
            self.put(&comes);
            let lease_request =
                LeaseRequest { fencing_token: "other".to_owned(), execution_id: "e".to_owned() };
            let mut jobs = self.jobs.lock().unwrap();
            let job = jobs.get_mut(&submission.job_id).unwrap();
            job.state = lease(submission, &job.state, &runner(), lease_request, at(0)).unwrap();
        }
        let mut jobs = self.jobs.lock().unwrap();
        let stored = &mut jobs.get_mut(&submission.job_id).unwrap().state;
        let is_next = stored.version + 1 == state.version;
        if is_next {
            *stored = state.clone();
        }
        Ok(is_next)
    }
}

impl JobNotifier for Queue {
    async fn notify(&self, _: &[JobSignal], _: Duration) -> Result<(), Error> {
        Ok(())
    }
}

impl Clock for Queue {
    fn now(&self) -> Timestamp {
        at(0)
    }
}

impl Ids for Queue {
    fn id(&self, _: Timestamp) -> String {
        "own".to_owned()
    }

    fn seed(&self) -> u64 {
        0
    }

    fn secret(&self) -> Result<[u8; 32], Error> {
        Ok([0; 32])
    }
}

#[tokio::test]
async fn a_signal_whose_job_another_runner_leased_leases_the_job_that_the_other_was_signalled() {
    let queue = Queue::default();
    let signal = queue.put("a");
    // The other runner had the signal of `b` and found `a` first in the queue.
    queue.rival("a", "b");
    assert_eq!(queue.take(&signal).await.as_deref(), Some("b"));
}

#[tokio::test]
async fn a_lost_race_is_repeated_as_long_as_new_jobs_are_queued_and_no_longer() {
    let queue = Queue::default();
    let signal = queue.put("a");
    for (taken, comes) in [("a", "b"), ("b", "c"), ("c", "d")] {
        queue.rival(taken, comes);
    }
    assert_eq!(queue.take(&signal).await.as_deref(), Some("d"));
    assert_eq!(queue.take(&signal).await, None);
}

#[tokio::test]
async fn what_an_index_shows_behind_others_jobs_is_found() {
    let queue = Queue::default();
    let signal = queue.put("a00");
    for number in 1..=HEAD {
        queue.put(&format!("a{number:02}"));
    }
    for number in 0..HEAD {
        queue.rival(&format!("a{number:02}"), &format!("z{number:02}"));
    }
    assert_eq!(queue.take(&signal).await, Some(format!("a{HEAD:02}")));
}
