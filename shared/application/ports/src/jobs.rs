//! Jobs: what was asked for, how it stands, and its end.

use std::future::Future;

use writ_model::{
    Error, Execution, Job, JobSignal, JobState, RawJson, Submission, Timestamp, Workspace,
};

use crate::{CommitResult, ContextWrite, Page, Query};

/// Records new jobs.
pub trait PutJob: Send + Sync {
    /// Writes the job, all or nothing.
    ///
    /// # Errors
    /// [`writ_model::ErrorKind::Conflict`] where there is a job of that id; the store's.
    fn put_job(
        &self,
        submission: &Submission,
        state: &JobState,
    ) -> impl Future<Output = Result<(), Error>> + Send;
}

crate::port!(PutJob);

/// Reads jobs.
pub trait GetJob: Send + Sync {
    /// The job, whole, read consistently; `None` where there is none of that id.
    ///
    /// # Errors
    /// The store's.
    fn get_job(
        &self,
        workspace: &Workspace,
        job_id: &str,
    ) -> impl Future<Output = Result<Option<Job>, Error>> + Send;
}

crate::port!(GetJob);

/// Searches jobs.
pub trait QueryJobs: Send + Sync {
    /// One page of jobs, as `writ_jobs::document` gives them; without a sort, newest first.
    ///
    /// # Errors
    /// As [`crate::QueryPolicies::query_policies`].
    fn query_jobs(
        &self,
        workspace: &Workspace,
        query: &Query,
    ) -> impl Future<Output = Result<Page, Error>> + Send;
}

crate::port!(QueryJobs);

/// Counts who waits.
pub trait CountQueued: Send + Sync {
    /// How many of the workspace's jobs stand in line before this rank, counting to `most` at most.
    /// A job that came or went a moment ago may not be counted right.
    ///
    /// # Errors
    /// The store's.
    fn count_before(
        &self,
        workspace: &Workspace,
        queue_key: &str,
        most: usize,
    ) -> impl Future<Output = Result<usize, Error>> + Send;
}

crate::port!(CountQueued);

/// Moves jobs.
pub trait ChangeJob: Send + Sync {
    /// Writes how the job stands, where it still is at the version before; whether it was.
    ///
    /// # Errors
    /// The store's.
    fn change_job(
        &self,
        submission: &Submission,
        state: &JobState,
    ) -> impl Future<Output = Result<bool, Error>> + Send;
}

crate::port!(ChangeJob);

/// The end of an attempt.
#[derive(Clone, Copy, Debug)]
pub struct JobCompletion<'a> {
    /// What was asked for.
    pub submission: &'a Submission,
    /// How the job stands after it; it must still be at the version before.
    pub state: &'a JobState,
    /// What the policy returned, as it may be shown.
    pub output: Option<&'a RawJson>,
    /// The attempt's record.
    pub record: &'a Execution,
    /// What the policy keeps from now on.
    pub context: Option<ContextWrite<'a>>,
}

/// Commits what attempts leave behind.
pub trait CompleteJob: Send + Sync {
    /// Writes the job, the record and the context, all or nothing.
    ///
    /// # Errors
    /// [`writ_model::ErrorKind::Conflict`] when the execution is recorded already; the store's.
    fn complete_job(
        &self,
        end: JobCompletion<'_>,
    ) -> impl Future<Output = Result<CommitResult, Error>> + Send;
}

crate::port!(CompleteJob);

/// Finds work.
pub trait PeekQueue: Send + Sync {
    /// The ids of the workspace's first jobs in line, the first one first. A job that came or went a
    /// moment ago may be missing or still there.
    ///
    /// # Errors
    /// The store's.
    fn peek_queue(
        &self,
        workspace: &Workspace,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<String>, Error>> + Send;
}

crate::port!(PeekQueue);

/// Some of the jobs that are due.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DuePage {
    /// The jobs, of all workspaces.
    pub jobs: Vec<JobSignal>,
    /// There may be more: ask again with this.
    pub next: Option<String>,
}

/// Finds what the clock makes due, for the upkeep of all workspaces.
pub trait DueJobs: Send + Sync {
    /// Jobs that are due at or before `before`, a page of them.
    ///
    /// # Errors
    /// The store's.
    fn due_jobs(
        &self,
        before: Timestamp,
        next: Option<&str>,
    ) -> impl Future<Output = Result<DuePage, Error>> + Send;
}

crate::port!(DueJobs);
