//! Jobs, their queue and what the clock makes due.

use writ_jobs::{document, queue_key};
use writ_model::{
    Error, ErrorKind, Job, JobSignal, JobState, JobStatus, SignalKind, Submission, Timestamp,
    Workspace,
};
use writ_ports::{
    ChangeJob, CommitResult, CompleteJob, CountQueued, DueJobs, DuePage, GetJob, JobCompletion,
    Page, PeekQueue, PutJob, Query, QueryJobs,
};

use super::query::{Entry, Listing};
use super::{MemoryPlatform, Tables, key};

/// Jobs or schedules of a page of what is due: few, so that tests meet several pages.
pub(super) const DUE_PAGE: usize = 3;

impl MemoryPlatform {
    /// Stores a job as it is, over one of the same id.
    pub fn put(&self, job: Job) {
        let key = key(&job.submission.workspace, &job.submission.job_id);
        self.tables().jobs.insert(key, job);
    }

    /// The job of this id.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn job(&self, workspace: &Workspace, job_id: &str) -> Job {
        let job = self.tables().jobs.get(&key(workspace, job_id)).cloned();
        job.unwrap_or_else(|| panic!("there is no job `{job_id}` in `{workspace}`"))
    }

    /// The jobs of every workspace, by workspace and id.
    #[must_use]
    pub fn jobs(&self) -> Vec<Job> {
        self.tables().jobs.values().cloned().collect()
    }

    /// Changes a job as another writer would: `change` returns its next state.
    pub fn change(
        &self,
        workspace: &Workspace,
        job_id: &str,
        change: impl FnOnce(&Submission, &JobState) -> JobState,
    ) {
        let Job { submission, state, output } = self.job(workspace, job_id);
        let state = change(&submission, &state);
        self.put(Job { submission, state, output });
    }
}

impl Tables {
    fn is_next(&self, submission: &Submission, state: &JobState) -> bool {
        let stored = self.jobs.get(&key(&submission.workspace, &submission.job_id));
        stored.is_some_and(|stored| stored.state.version + 1 == state.version)
    }

    /// The queue keys and ids of the workspace's jobs that wait, the first one first.
    fn queue(&self, workspace: &Workspace) -> Vec<(String, String)> {
        let own = self.jobs.values().filter(|job| job.submission.workspace == *workspace);
        let waiting = own.filter(|job| job.state.is_queued);
        let place =
            |job: &Job| (queue_key(&job.submission, &job.state), job.submission.job_id.clone());
        let mut queue: Vec<_> = waiting.map(place).collect();
        queue.sort();
        queue
    }
}

/// Only a completed job has an output.
fn keeps_output(state: &JobState) -> bool {
    state.job_status == JobStatus::Completed
}

impl PutJob for MemoryPlatform {
    async fn put_job(&self, submission: &Submission, state: &JobState) -> Result<(), Error> {
        let Submission { workspace, job_id, .. } = submission;
        let mut tables = self.enter("put_job", job_id).await?;
        let key = key(workspace, job_id);
        if tables.jobs.contains_key(&key) {
            let message = format!("there is a job `{job_id}` already");
            return Err(Error::new(ErrorKind::Conflict, message));
        }
        let job = Job { submission: submission.clone(), state: state.clone(), output: None };
        tables.jobs.insert(key, job);
        Ok(())
    }
}

impl GetJob for MemoryPlatform {
    async fn get_job(&self, workspace: &Workspace, job_id: &str) -> Result<Option<Job>, Error> {
        Ok(self.enter("get_job", job_id).await?.jobs.get(&key(workspace, job_id)).cloned())
    }
}

impl ChangeJob for MemoryPlatform {
    async fn change_job(&self, submission: &Submission, state: &JobState) -> Result<bool, Error> {
        let mut tables = self.enter("change_job", &submission.job_id).await?;
        if !tables.is_next(submission, state) {
            return Ok(false);
        }
        let key = key(&submission.workspace, &submission.job_id);
        let stored = tables.jobs.get_mut(&key).unwrap();
        stored.state = state.clone();
        stored.output = stored.output.take().filter(|_| keeps_output(state));
        Ok(true)
    }
}

impl CompleteJob for MemoryPlatform {
    async fn complete_job(&self, end: JobCompletion<'_>) -> Result<CommitResult, Error> {
        let JobCompletion { submission, state, output, record, context } = end;
        let Submission { workspace, job_id, .. } = submission;
        let mut tables = self.enter("complete_job", job_id).await?;
        tables.check_new_record(record)?;
        if !tables.is_next(submission, state) {
            return Ok(CommitResult::LeaseLost);
        }
        if let Some(refusal) = context.and_then(|write| tables.refuse_context(workspace, write)) {
            return Ok(refusal);
        }
        if let Some(write) = context {
            tables.write_context(workspace, write);
        }
        tables.write_record(record);
        let stored = tables.jobs.get_mut(&key(workspace, job_id)).unwrap();
        stored.state = state.clone();
        let before = stored.output.take().filter(|_| keeps_output(state));
        stored.output = output.cloned().or(before);
        Ok(CommitResult::Done { is_final: state.job_status.is_final() })
    }
}

impl QueryJobs for MemoryPlatform {
    async fn query_jobs(&self, workspace: &Workspace, query: &Query) -> Result<Page, Error> {
        let tables = self.enter("query_jobs", workspace.as_str()).await?;
        let own = tables.jobs.values().filter(|job| job.submission.workspace == *workspace);
        let entry = |job: &Job| {
            let Submission { submitted_at, job_id, .. } = &job.submission;
            Ok(Entry::new(&submitted_at.to_string(), job_id, document(job, None)?))
        };
        let entries = own.map(entry).collect::<Result<_, Error>>()?;
        Listing { name: "jobs", workspace, is_descending: true }.page(query, entries)
    }
}

impl CountQueued for MemoryPlatform {
    async fn count_before(
        &self,
        workspace: &Workspace,
        queue_key: &str,
        most: usize,
    ) -> Result<usize, Error> {
        let tables = self.enter("count_before", workspace.as_str()).await?;
        let queue = tables.queue(workspace);
        Ok(queue.iter().filter(|(key, _)| key.as_str() < queue_key).count().min(most))
    }
}

impl PeekQueue for MemoryPlatform {
    async fn peek_queue(&self, workspace: &Workspace, limit: usize) -> Result<Vec<String>, Error> {
        let tables = self.enter("peek_queue", workspace.as_str()).await?;
        Ok(tables.queue(workspace).into_iter().map(|(_, job_id)| job_id).take(limit).collect())
    }
}

impl DueJobs for MemoryPlatform {
    async fn due_jobs(&self, before: Timestamp, next: Option<&str>) -> Result<DuePage, Error> {
        let tables = self.enter("due_jobs", "").await?;
        let due = tables.jobs.values().filter_map(|job| {
            let signal = JobSignal::new(&job.submission, SignalKind::Queue);
            let id = format!("{}#{}", signal.workspace, signal.job_id);
            Some((job.state.due_at.filter(|due_at| *due_at <= before)?, id, signal))
        });
        let (jobs, next) = due_page(due, next);
        Ok(DuePage { jobs, next })
    }
}

/// A page of what is due, in the order of time and id, and where the next one begins.
pub(super) fn due_page<T>(
    due: impl Iterator<Item = (Timestamp, String, T)>,
    next: Option<&str>,
) -> (Vec<T>, Option<String>) {
    let keyed = due.map(|(due_at, id, thing)| (format!("{:016}#{id}", due_at.as_ms()), thing));
    let mut rest: Vec<_> =
        keyed.filter(|(key, _)| next.is_none_or(|next| key.as_str() > next)).collect();
    rest.sort_by(|(one, _), (other, _)| one.cmp(other));
    let has_more = rest.len() > DUE_PAGE;
    rest.truncate(DUE_PAGE);
    let next = rest.last().filter(|_| has_more).map(|(key, _)| key.clone());
    (rest.into_iter().map(|(_, thing)| thing).collect(), next)
}
