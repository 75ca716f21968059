//! A sweep where something fails.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use writ_jobs::enqueue;
use writ_model::{ErrorKind, JobState, SignalKind, Submission, Timestamp, Workspace};
use writ_ports::{ChangeJob, Clock, DueJobs, DuePage, GetJob, Ids, JobNotifier};

use super::*;
use crate::fixture::{at, submission};

/// Jobs that are all due, and a queue.
#[derive(Default)]
struct Table {
    jobs: Mutex<BTreeMap<String, Job>>,
    /// The id of a job that cannot be read.
    broken: Option<&'static str>,
    is_queue_gone: bool,
    signals: Mutex<Vec<String>>,
}

fn unavailable() -> Error {
    Error::new(ErrorKind::Unavailable, "no")
}

impl Table {
    fn of(job_ids: &[&str]) -> Self {
        let table = Self::default();
        for job_id in job_ids {
            let submission = submission(job_id);
            let job = Job { state: enqueue(&submission), submission, output: None };
            table.jobs.lock().unwrap().insert((*job_id).to_owned(), job);
        }
        table
    }

    fn state(&self, job_id: &str) -> JobState {
        self.jobs.lock().unwrap()[job_id].state.clone()
    }
}

impl DueJobs for Table {
    async fn due_jobs(&self, _: Timestamp, _: Option<&str>) -> Result<DuePage, Error> {
        let jobs = self.jobs.lock().unwrap();
        let signal = |job: &Job| JobSignal::new(&job.submission, SignalKind::Queue);
        Ok(DuePage { jobs: jobs.values().map(signal).collect(), next: None })
    }
}

impl GetJob for Table {
    async fn get_job(&self, _: &Workspace, job_id: &str) -> Result<Option<Job>, Error> {
        if self.broken == Some(job_id) {
            return Err(unavailable());
        }
        Ok(self.jobs.lock().unwrap().get(job_id).cloned())
    }
}

impl ChangeJob for Table {
    async fn change_job(&self, submission: &Submission, state: &JobState) -> Result<bool, Error> {
        let mut jobs = self.jobs.lock().unwrap();
        jobs.get_mut(&submission.job_id).unwrap().state = state.clone();
        Ok(true)
    }
}

impl JobNotifier for Table {
    async fn notify(&self, signals: &[JobSignal], _: Duration) -> Result<(), Error> {
        if self.is_queue_gone {
            return Err(unavailable());
        }
        let ids = signals.iter().map(|signal| signal.job_id.clone());
        self.signals.lock().unwrap().extend(ids);
        Ok(())
    }
}

impl Clock for Table {
    /// Everything has been due for three minutes.
    fn now(&self) -> Timestamp {
        at(300_000)
    }
}

impl Ids for Table {
    fn id(&self, _: Timestamp) -> String {
        String::new()
    }

    fn seed(&self) -> u64 {
        0
    }

    fn secret(&self) -> Result<[u8; 32], Error> {
        Ok([0; 32])
    }
}

#[tokio::test]
async fn a_job_that_cannot_be_read_hides_no_other() {
    let table = Table { broken: Some("a"), ..Table::of(&["a", "b", "c"]) };
    assert!(sweep(&table).await.is_err());
    assert_eq!(*table.signals.lock().unwrap(), ["b", "c"]);
}

#[tokio::test]
async fn what_the_queue_does_not_take_stays_due() {
    let table = Table { is_queue_gone: true, ..Table::of(&["a"]) };
    let before = table.state("a");
    assert!(sweep(&table).await.is_err());
    assert_eq!(table.state("a"), before);
}
